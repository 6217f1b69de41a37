/**
 * A process that launches what its first argument says, in JSON, and lives until it is killed; for tests that kill it.
 */
import { openTmux } from "../../src/executors/tmux/open_tmux.ts";
import { systemClock } from "../../src/system/clock.ts";
import { digestOf } from "../../src/system/digest.ts";
import { systemFiles } from "../../src/system/files.ts";
import { systemProcess } from "../../src/system/process.ts";

const { options, launches } = JSON.parse(Deno.args[0]);
const quiet = () => {};
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
const fixture = {
  files: systemFiles,
  process: systemProcess,
  clock: systemClock,
  log,
  newId: () => crypto.randomUUID(),
  digestOf,
};
const { executor } = await openTmux({ ...fixture, ...options });
await executor.recover([]);
for (const launch of launches) await executor.launch(launch);
console.log(Deno.pid);
