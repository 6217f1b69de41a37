import { assertEquals } from "../support/assert.ts";
import { assertClean } from "../support/audit.ts";
import { ExecutionLog } from "../support/execution_log.ts";
import { Barrier } from "../support/barrier.ts";
import { until } from "../support/until.ts";
import { RunnerFixture } from "../support/runner_fixture.ts";

/** Gives one process a wall clock of its own; from the package `libfaketime`. */
const LIBRARY = ["x86_64", "aarch64"].map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketimeMT.so.1`)
  .find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });

for (const [name, jump] of [["forwards", "+1h"], ["backwards", "-1h"]]) {
  Deno.test({
    name: `35 the host's clock jumps an hour ${name}: no host is given up, nothing times out` +
      (LIBRARY ? "" : " (cannot run: no libfaketime here)"),
    ignore: !LIBRARY,
    fn: async () => {
      await using fixture = await RunnerFixture.create();
      const log = new ExecutionLog(fixture.dir);
      const barrier = new Barrier(fixture.dir);
      const clock = `${fixture.dir}/clock`;
      await Deno.writeTextFile(clock, "+0\n");
      const fake = [
        "env",
        `LD_PRELOAD=${LIBRARY}`,
        `FAKETIME_TIMESTAMP_FILE=${clock}`,
        "FAKETIME_NO_CACHE=1",
        "DONT_FAKE_MONOTONIC=1",
        "FAKETIME_DONT_FAKE_MONOTONIC=1",
      ];
      const args = ["--heartbeat", "200ms", "--lease", "1s", "--lost-policy", "fail"];
      const start = (letter: string) =>
        fixture.runner({
          spool: `${fixture.dir}/${letter}`,
          args,
          prefix: fake,
          env: { RUNNER_TMUX_SOCKET: `${fixture.socket}-${letter}` },
        });
      const runners = [await start("a"), await start("b")];
      const ids: string[] = [];
      for (let i = 0; i < 4; i++) {
        ids.push(await fixture.push({ payload: `${log.line}; ${barrier.wait}; echo kept`, timeout: "60" }));
      }
      await until("all run", async () => (await log.executions()).size === 4);
      const delayed = await fixture.run(["submit", "--in", "30m", "true"]);
      await Deno.writeTextFile(clock, `${jump}\n`);
      const limited = await fixture.push({ payload: `${log.line}; sleep 60`, timeout: "1" });
      assertEquals((await fixture.ended(limited)).error.slice(0, 9), "timed out"); // all limits were checked meanwhile
      for (const id of ids) assertEquals((await fixture.job(id)).status, "started");
      await barrier.open();
      for (const id of ids) assertEquals((await fixture.ended(id)).result, "kept\n");
      assertEquals(runners.map((runner) => runner.code), [null, null]);
      assertEquals((await fixture.job(delayed.stdout.trim())).status, "dispatched");
      await fixture.run(["cancel", delayed.stdout.trim()]);
      ids.push(limited, await fixture.push({ payload: log.line }));
      await assertClean(fixture, {
        ids,
        log,
        instances: ["a", "b"].map((letter) => fixture.instance(`${fixture.dir}/${letter}`)),
      });
    },
  });
}
