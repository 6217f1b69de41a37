import { assert, assertEquals } from "../support/assert.ts";
import type { Files } from "../../src/ports/files.ts";
import { KeptOutputs, MAX_KEPT } from "../../src/executors/tmux/output/kept_outputs.ts";
import type { TmuxOptions } from "../../src/executors/tmux/options.ts";
import { SpoolFiles } from "../../src/executors/tmux/spool.ts";
import { systemClock } from "../../src/system/clock.ts";

/** Outputs on a disk in memory: path, size and age. */
function fakeOutputs() {
  const disk = new Map<string, { size: number; ageMs: number }>();
  const seen: string[] = [];
  const files: Pick<Files, "list" | "stat" | "remove"> = {
    list: (path) => {
      const inside = [...disk.keys()].filter((name) => name.startsWith(`${path}/`));
      return Promise.resolve(inside.map((name) => ({ name: name.slice(path.length + 1), isFolder: false })));
    },
    stat: (path) => {
      seen.push(path);
      return Promise.resolve(disk.get(path) ?? null);
    },
    remove: (path) => Promise.resolve(disk.delete(path)),
  };
  const clock = { ...systemClock, sleep: () => Promise.resolve() };
  const options = { files, clock, spool: "/s", digestOf: String } as unknown as TmuxOptions;
  const kept = new KeptOutputs(options, { spool: new SpoolFiles(options.spool, options.files), runs: new Map() });
  const prune = (seconds: number, signal?: AbortSignal, forgotten: string[] = []) =>
    kept.prune({ seconds, forgotten, hasRecord: () => true, signal });
  return { disk, seen, prune };
}

Deno.test("KeptOutputs keeps the newest outputs, no more than a number of them, and reads each once", async () => {
  const { disk, seen, prune } = fakeOutputs();
  for (let i = 0; i < MAX_KEPT + 10; i++) disk.set(`/s/kept/${i}`, { size: 1, ageMs: 1000 * i });
  await prune(0);
  assertEquals(disk.size, MAX_KEPT);
  assert(disk.has("/s/kept/0") && !disk.has(`/s/kept/${MAX_KEPT}`));
  const reads = seen.length;
  disk.set("/s/kept/new", { size: 1, ageMs: 0 });
  await prune(0);
  assertEquals([disk.size, seen.length], [MAX_KEPT, reads + 1]);
});

Deno.test("KeptOutputs bounds the bytes of all outputs, but keeps the newest", async () => {
  const { disk, prune } = fakeOutputs();
  const size = 6 * 2 ** 30;
  for (let i = 0; i < 3; i++) disk.set(`/s/kept/${i}`, { size, ageMs: 1000 * i });
  await prune(0);
  assertEquals([...disk.keys()], ["/s/kept/0"]);
  disk.set("/s/kept/0", { size: 3 * size, ageMs: 0 });
  await prune(0);
  assertEquals([...disk.keys()], ["/s/kept/0"]);
});

Deno.test("KeptOutputs ends a round early when the signal aborts", async () => {
  const { disk, prune } = fakeOutputs();
  const runs = Array.from({ length: 1000 }, (_, i) => String(i));
  for (const run of runs) disk.set(`/s/out/${run}`, { size: 1, ageMs: 0 });
  await prune(0, AbortSignal.abort(), runs);
  assertEquals(disk.size, 1000);
  await prune(0, undefined, runs);
  assertEquals(disk.size, 0);
});
