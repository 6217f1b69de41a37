import { assert, assertEquals } from "../support/assert.ts";
import { assertClean } from "../support/audit.ts";
import { ExecutionLog } from "../support/execution_log.ts";
import { Barrier } from "../support/barrier.ts";
import { until } from "../support/until.ts";
import { RunnerFixture } from "../support/runner_fixture.ts";

const FAST = ["--heartbeat", "200ms", "--lease", "3s", "--kill-grace", "1s"];

/** Freezes the tmux server of a fixture, until it is disposed at the latest. */
async function freeze(fixture: RunnerFixture): Promise<{ pid: number; thaw: () => void } & Disposable> {
  const pid = Number((await fixture.tmux("display-message", "-p", "#{pid}")).trim());
  assert(pid > 1);
  Deno.kill(pid, "SIGSTOP");
  const thaw = () => Deno.kill(pid, "SIGCONT");
  return { pid, thaw, [Symbol.dispose]: thaw };
}

for (const killed of [false, true]) {
  const what = killed ? ", also when the runner is killed meanwhile" : "";
  Deno.test(`60 a cancel that is given while tmux is frozen is kept${what}`, async () => {
    await using fixture = await RunnerFixture.create();
    const log = new ExecutionLog(fixture.dir);
    const barrier = new Barrier(fixture.dir);
    let runner = await fixture.runner({ args: FAST });
    const ids = [await fixture.push({ payload: `${log.line}; ${barrier.wait}` })];
    await until("it runs", () => log.ran(ids[0]));
    {
      using server = await freeze(fixture);
      // the connection breaks, and what is sent to tmux next does not come through
      const clients = await new Deno.Command("pgrep", { args: ["-f", `^tmux .*-L ${fixture.socket} `] }).output();
      for (const pid of new TextDecoder().decode(clients.stdout).split("\n").map(Number)) {
        if (pid > 1 && pid !== server.pid) Deno.kill(pid, "SIGKILL");
      }
      assertEquals((await fixture.run(["cancel", ids[0]])).code, 0);
      await runner.says("cancel requested");
      if (killed) await runner.kill9();
    }
    if (killed) runner = await fixture.runner({ args: FAST });
    assertEquals((await fixture.ended(ids[0])).error, "cancelled", runner.log);
    await barrier.open();
    await assertClean(fixture, { ids, log });
  });
}

Deno.test("61 a timeout holds when its runner is killed as soon as the job runs", async () => {
  await using fixture = await RunnerFixture.create();
  const log = new ExecutionLog(fixture.dir);
  const barrier = new Barrier(fixture.dir);
  const runner = await fixture.runner({ args: FAST });
  const ids = [
    await fixture.push({ payload: `echo $$ >'${fixture.dir}/pid'; ${log.line}; ${barrier.wait}`, timeout: "2" }),
  ];
  await until("it runs", () => log.ran(ids[0]));
  await runner.kill9();
  const pid = Number(await Deno.readTextFile(`${fixture.dir}/pid`));
  await until("it has been ended", () => Deno.stat(`/proc/${pid}`).then(() => false, () => true));
  await fixture.runner({ args: FAST });
  const job = await fixture.ended(ids[0]);
  assert(job.error.startsWith("timed out"), JSON.stringify(job));
  await barrier.open();
  await assertClean(fixture, { ids, log });
});
