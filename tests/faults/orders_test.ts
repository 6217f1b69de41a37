import { assert, assertEquals } from "../support/assert.ts";
import { assertClean } from "../support/audit.ts";
import { ExecutionLog } from "../support/execution_log.ts";
import { Gate } from "../support/gate.ts";
import { until } from "../support/until.ts";
import { World } from "../support/world.ts";

const FAST = ["--beat", "200ms", "--lease", "3s", "--kill-grace", "1s"];

/** Freezes the tmux server of a world, until it is disposed at the latest. */
async function freeze(world: World): Promise<{ pid: number; thaw: () => void } & Disposable> {
  const pid = Number((await world.tmux("display-message", "-p", "#{pid}")).trim());
  assert(pid > 1);
  Deno.kill(pid, "SIGSTOP");
  const thaw = () => Deno.kill(pid, "SIGCONT");
  return { pid, thaw, [Symbol.dispose]: thaw };
}

for (const killed of [false, true]) {
  const what = killed ? ", also when the runner is killed meanwhile" : "";
  Deno.test(`60 a cancel that is given while tmux is frozen is kept${what}`, async () => {
    await using world = await World.create();
    const log = new ExecutionLog(world.dir);
    const gate = new Gate(world.dir);
    let runner = await world.runner({ args: FAST });
    const ids = [await world.push({ payload: `${log.line}; ${gate.wait}` })];
    await until("it runs", () => log.ran(ids[0]));
    {
      using server = await freeze(world);
      // the connection breaks, and what is told to tmux next does not come through
      const clients = await new Deno.Command("pgrep", { args: ["-f", `^tmux .*-L ${world.socket} `] }).output();
      for (const pid of new TextDecoder().decode(clients.stdout).split("\n").map(Number)) {
        if (pid > 1 && pid !== server.pid) Deno.kill(pid, "SIGKILL");
      }
      assertEquals((await world.run(["cancel", ids[0]])).code, 0);
      await runner.says("cancel requested");
      if (killed) await runner.kill9();
    }
    if (killed) runner = await world.runner({ args: FAST });
    assertEquals((await world.ended(ids[0])).error, "cancelled", runner.log);
    await gate.open();
    await assertClean(world, { ids, log });
  });
}

Deno.test("61 a timeout holds when its runner is killed as soon as the job runs", async () => {
  await using world = await World.create();
  const log = new ExecutionLog(world.dir);
  const gate = new Gate(world.dir);
  const runner = await world.runner({ args: FAST });
  const ids = [await world.push({ payload: `echo $$ >'${world.dir}/pid'; ${log.line}; ${gate.wait}`, timeout: "2" })];
  await until("it runs", () => log.ran(ids[0]));
  await runner.kill9();
  const pid = Number(await Deno.readTextFile(`${world.dir}/pid`));
  await until("it has been ended", () => Deno.stat(`/proc/${pid}`).then(() => false, () => true));
  await world.runner({ args: FAST });
  const job = await world.ended(ids[0]);
  assert(job.error.startsWith("timed out"), JSON.stringify(job));
  await gate.open();
  await assertClean(world, { ids, log });
});
