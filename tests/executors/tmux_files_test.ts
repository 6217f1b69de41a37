import { systemFiles } from "../../src/system/files.ts";
import { assertEquals } from "../support/assert.ts";
import { isolatedTest, type TmuxWorld } from "../support/tmux.ts";
import { until } from "../support/until.ts";
import { Desk, launchOf, patient, textOf, up } from "./desk.ts";

const target = "tmux.main.work";
const laneOf = (world: TmuxWorld) => `${world.dir}/spool/lanes/1`;
const paneOf = (world: TmuxWorld) => world.tmux("list-panes -t main:work -F '#{pane_id}'");

/** The disk does not give a lane's log back. */
const noLog = {
  ...systemFiles,
  open: (path: string, how: "read" | "new") =>
    path.endsWith("/log") ? Promise.reject(new Error("input/output error")) : systemFiles.open(path, how),
};

const damages: [what: string, act: string, files: typeof systemFiles, end: [string, number | null]][] = [
  ["log is removed", "rm log", systemFiles, ["exited", 7]],
  ["log cannot be read", "true", noLog, ["exited", 7]],
  ["log and journal are removed", "rm log journal", systemFiles, ["lost", null]],
];

for (const [what, act, files, expected] of damages) {
  isolatedTest(
    `a run that has ended is not launched again when its terminal is gone and its ${what}`,
    async (world) => {
      const first = await Desk.open(world.executor());
      const launch = launchOf("echo out; exit 7", { target });
      assertEquals((await first.run(launch)).code, 7);
      await first.executor.close();
      await world.tmux("kill-pane -t main:work");
      await world.sh(`cd '${laneOf(world)}' && ${act}; rm -f '${world.dir}'/spool/out/*`);
      const second = await Desk.open(world.executor({ files }));
      assertEquals([...(await second.executor.recover([launch])).values()], ["ended"]);
      const end = await second.end(launch.run);
      assertEquals([end.kind, end.code, end.output.truncated], [...expected, true]);
    },
  );
}

isolatedTest("the folder of a lane that was never made to the end is removed", async (world) => {
  const first = await Desk.open(world.executor());
  await first.executor.close();
  await Deno.mkdir(laneOf(world));
  const second = await Desk.open(world.executor());
  const launch = launchOf("true");
  assertEquals([...(await second.executor.recover([launch])).values()], ["unlaunched"]);
  assertEquals(await systemFiles.stat(laneOf(world)), null);
});

isolatedTest("a run goes on under the next runner when the log of its living terminal is removed", async (world) => {
  const first = await Desk.open(world.executor());
  const launch = patient(world.dir, { target }, "exit 7");
  await first.executor.launch(launch);
  await up(first, launch.run);
  await first.executor.close();
  const pane = await paneOf(world);
  await Deno.remove(`${laneOf(world)}/log`);
  const second = await Desk.open(world.executor());
  assertEquals([...(await second.executor.recover([launch])).values()], ["adopted"]);
  await Deno.writeTextFile(`${world.dir}/go`, "");
  const end = await second.end(launch.run);
  assertEquals([end.kind, end.code, end.output.truncated], ["exited", 7, true]);
  assertEquals(await second.output("echo next", { target }), "next\n");
  assertEquals(await paneOf(world), pane);
});

isolatedTest("an output is cut when the log's writer ended between two runners", async (world) => {
  const first = await Desk.open(world.executor());
  const launch = launchOf(`echo up; until [ -e '${world.dir}/go' ]; do echo more; sleep 0.02; done`, { target });
  await first.executor.launch(launch);
  await up(first, launch.run);
  await first.executor.close();
  await world.sh(`pkill -x cat -P $(cat '${laneOf(world)}/writer')`);
  await until(
    "it has no writer",
    async () => (await world.tmux("list-panes -t main:work -F '#{pane_pipe}'"))[0] === "0",
  );
  const second = await Desk.open(world.executor());
  await second.executor.recover([launch]);
  await Deno.writeTextFile(`${world.dir}/go`, "");
  const end = await second.end(launch.run);
  assertEquals([end.kind, end.code, end.output.truncated], ["exited", 0, true]);
});

isolatedTest("a run ends whole when the pipe of its lane is removed, and its terminal is replaced", async (world) => {
  let ahead = 0;
  const { clock } = world.options();
  const first = await Desk.open(world.executor());
  const launch = patient(world.dir, { target }, "exit 7");
  await first.executor.launch(launch);
  await up(first, launch.run);
  await first.executor.close();
  const pane = await paneOf(world);
  await Deno.remove(`${laneOf(world)}/in`);
  const second = await Desk.open(world.executor({ clock: { ...clock, now: () => clock.now() + ahead } }));
  assertEquals([...(await second.executor.recover([launch])).values()], ["adopted"]);
  await Deno.writeTextFile(`${world.dir}/go`, "");
  const end = await second.end(launch.run);
  assertEquals([end.kind, end.code, textOf(end.output), end.output.truncated], ["exited", 7, "up\n", false]);
  const next = launchOf("echo next", { target });
  await second.executor.launch(next);
  ahead = 20_000;
  assertEquals(textOf((await second.end(next.run)).output), "next\n");
  assertEquals((await paneOf(world)).join() === pane.join(), false);
});

isolatedTest(
  "lanes and their folders stay when the end of the runner waits for a hook beside a new terminal",
  async (world) => {
    await world.sh(`mkdir '${world.dir}/bin'`);
    const slow = `[ ! -e '${world.dir}/slow' ] || sleep 3`;
    await Deno.writeTextFile(`${world.dir}/bin/sh`, `#!/bin/sh\n${slow}\nexec /bin/sh "$@"\n`, { mode: 0o755 });
    const env = { ...world.env, PATH: `${world.dir}/bin:${world.env.PATH}` };
    const first = await Desk.open(world.executor({ env }));
    await first.executor.recover([]);
    const launch = launchOf("true", { target });
    assertEquals((await first.run(launch)).code, 0);
    await first.executor.forget(launch.run);
    const pane = await paneOf(world);
    await Deno.writeTextFile(`${world.dir}/slow`, "");
    const lost = launchOf("true", { target: "tmux.main.other" });
    const launching = first.executor.launch(lost).then(() => "launched", () => "not launched");
    await until("its terminal is made", async () => (await world.tmux("list-windows -t main")).length === 2);
    const going = first.executor.hook({ run: "1.x", command: "true", env: {}, limitMs: 5000 });
    await first.executor.close();
    await going;
    assertEquals(await launching, "not launched");
    await Deno.remove(`${world.dir}/slow`);
    assertEquals((await systemFiles.list(`${world.dir}/spool/lanes`)).some(({ name }) => name === "1"), true);
    const second = await Desk.open(world.executor());
    assertEquals([...(await second.executor.recover([lost])).values()], ["unlaunched"]);
    assertEquals(await second.output("echo next", { target }), "next\n");
    assertEquals(await paneOf(world), pane);
  },
);
