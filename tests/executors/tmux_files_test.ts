import { systemFiles } from "../../src/system/files.ts";
import { assertEquals } from "../support/assert.ts";
import { isolatedTest, type TmuxHost } from "../support/tmux_host.ts";
import { until } from "../support/until.ts";
import { ExecutorFixture, launchOf, patient, textOf, up } from "./executor_fixture.ts";

const target = "tmux.main.work";
const laneOf = (host: TmuxHost) => `${host.dir}/spool/lanes/1`;
const paneOf = (host: TmuxHost) => host.tmux("list-panes -t main:work -F '#{pane_id}'");

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
    async (host) => {
      const first = await ExecutorFixture.open(host.executor());
      const launch = launchOf("echo out; exit 7", { target });
      assertEquals((await first.run(launch)).code, 7);
      await first.executor.close();
      await host.tmux("kill-pane -t main:work");
      await host.sh(`cd '${laneOf(host)}' && ${act}; rm -f '${host.dir}'/spool/out/*`);
      const second = await ExecutorFixture.open(host.executor({ files }));
      assertEquals([...(await second.executor.recover([launch])).values()], ["ended"]);
      const end = await second.end(launch.name);
      assertEquals([end.kind, end.code, end.output.truncated], [...expected, true]);
    },
  );
}

isolatedTest("the folder of a lane that was never made to the end is removed", async (host) => {
  const first = await ExecutorFixture.open(host.executor());
  await first.executor.close();
  await Deno.mkdir(laneOf(host));
  const second = await ExecutorFixture.open(host.executor());
  const launch = launchOf("true");
  assertEquals([...(await second.executor.recover([launch])).values()], ["unlaunched"]);
  assertEquals(await systemFiles.stat(laneOf(host)), null);
});

isolatedTest("a run goes on under the next runner when the log of its living terminal is removed", async (host) => {
  const first = await ExecutorFixture.open(host.executor());
  const launch = patient(host.dir, { target }, "exit 7");
  await first.executor.launch(launch);
  await up(first, launch.name);
  await first.executor.close();
  const pane = await paneOf(host);
  await Deno.remove(`${laneOf(host)}/log`);
  const second = await ExecutorFixture.open(host.executor());
  assertEquals([...(await second.executor.recover([launch])).values()], ["adopted"]);
  await Deno.writeTextFile(`${host.dir}/go`, "");
  const end = await second.end(launch.name);
  assertEquals([end.kind, end.code, end.output.truncated], ["exited", 7, true]);
  assertEquals(await second.output("echo next", { target }), "next\n");
  assertEquals(await paneOf(host), pane);
});

isolatedTest("an output is cut when the log's writer ended between two runners", async (host) => {
  const first = await ExecutorFixture.open(host.executor());
  const launch = launchOf(`echo up; until [ -e '${host.dir}/go' ]; do echo more; sleep 0.02; done`, { target });
  await first.executor.launch(launch);
  await up(first, launch.name);
  await first.executor.close();
  await host.sh(`kill $(${host.writer})`);
  await until(
    "it has no writer",
    async () => (await host.tmux("list-panes -t main:work -F '#{pane_pipe}'"))[0] === "0",
  );
  const second = await ExecutorFixture.open(host.executor());
  await second.executor.recover([launch]);
  await Deno.writeTextFile(`${host.dir}/go`, "");
  const end = await second.end(launch.name);
  assertEquals([end.kind, end.code, end.output.truncated], ["exited", 0, true]);
});

isolatedTest("a run ends whole when the pipe of its lane is removed, and its terminal is replaced", async (host) => {
  let ahead = 0;
  const { clock } = host.options();
  const first = await ExecutorFixture.open(host.executor());
  const launch = patient(host.dir, { target }, "exit 7");
  await first.executor.launch(launch);
  await up(first, launch.name);
  await first.executor.close();
  const pane = await paneOf(host);
  await Deno.remove(`${laneOf(host)}/in`);
  const second = await ExecutorFixture.open(host.executor({ clock: { ...clock, now: () => clock.now() + ahead } }));
  assertEquals([...(await second.executor.recover([launch])).values()], ["adopted"]);
  await Deno.writeTextFile(`${host.dir}/go`, "");
  const end = await second.end(launch.name);
  assertEquals([end.kind, end.code, textOf(end.output), end.output.truncated], ["exited", 7, "up\n", false]);
  const next = launchOf("echo next", { target });
  await second.executor.launch(next);
  ahead = 20_000;
  assertEquals(textOf((await second.end(next.name)).output), "next\n");
  assertEquals((await paneOf(host)).join() === pane.join(), false);
});

isolatedTest(
  "lanes and their folders stay when the end of the runner waits for a hook beside a new terminal",
  async (host) => {
    await host.sh(`mkdir '${host.dir}/bin'`);
    const slow = `[ ! -e '${host.dir}/slow' ] || sleep 3`;
    await Deno.writeTextFile(`${host.dir}/bin/sh`, `#!/bin/sh\n${slow}\nexec /bin/sh "$@"\n`, { mode: 0o755 });
    const env = { ...host.env, PATH: `${host.dir}/bin:${host.env.PATH}` };
    const first = await ExecutorFixture.open(host.executor({ env }));
    await first.executor.recover([]);
    const launch = launchOf("true", { target });
    assertEquals((await first.run(launch)).code, 0);
    await first.executor.forget(launch.name);
    const pane = await paneOf(host);
    await Deno.writeTextFile(`${host.dir}/slow`, "");
    const lost = launchOf("true", { target: "tmux.main.other" });
    const launching = first.executor.launch(lost).then(() => "launched", () => "not launched");
    await until("its terminal is made", async () => (await host.tmux("list-windows -t main")).length === 2);
    const going = first.executor.hook({ name: "1.x", command: "true", env: {}, limitMs: 5000 });
    await first.executor.close();
    await going;
    assertEquals(await launching, "not launched");
    await Deno.remove(`${host.dir}/slow`);
    assertEquals((await systemFiles.list(`${host.dir}/spool/lanes`)).some(({ name }) => name === "1"), true);
    const second = await ExecutorFixture.open(host.executor());
    assertEquals([...(await second.executor.recover([lost])).values()], ["unlaunched"]);
    assertEquals(await second.output("echo next", { target }), "next\n");
    assertEquals(await paneOf(host), pane);
  },
);
