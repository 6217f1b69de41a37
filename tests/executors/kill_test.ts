import { assert, assertEquals } from "../support/assert.ts";
import { isolatedTest, type TmuxHost } from "../support/tmux_host.ts";
import { until } from "../support/until.ts";
import { ExecutorFixture, launchOf, textOf } from "./executor_fixture.ts";

/**
 * Starts every kind of process that has been seen to escape. Each one writes its heartbeat into DIR/NAME, so that those
 * whose environment and name are gone can be recognized as well.
 */
const TREE = String.raw`
heartbeat() { echo "while :; do date +%s%N >'$DIR/$1'; sleep 0.05; done"; }
sh -c "$(heartbeat child)" &
nohup sh -c "$(heartbeat nohup)" >/dev/null 2>&1 &
sh -c "trap '' HUP; $(heartbeat hup)" &
setsid sh -c "$(heartbeat setsid)" &
setsid sh -c "trap '' HUP TERM INT; $(heartbeat setsid-term)" >/dev/null 2>&1 </dev/null &
env -i PATH="$PATH" setsid sh -c "$(heartbeat setsid-env)" &
( set -m; sh -c "$(heartbeat group)" & )
sh -c "$(heartbeat disown)" & disown 2>/dev/null
sh -c "trap '' TERM; $(heartbeat term)" &
env -i PATH="$PATH" setsid sh -c "setsid sh -c \"trap '' TERM; $(heartbeat forked)\" &" &
setsid sh -c "while :; do (exec sh -c \"$(heartbeat respawn)\"); done" </dev/null >/dev/null 2>&1 &
bash -c "exec -a '[kworker/0:1]' sh -c \"$(heartbeat renamed)\"" &
echo up
sh -c "$(heartbeat foreground)"
echo unreachable
`;
const KINDS = [
  "child",
  "nohup",
  "hup",
  "setsid",
  "setsid-term",
  "setsid-env",
  "group",
  "disown",
  "term",
  "forked",
  "respawn",
  "renamed",
  "foreground",
];

async function heartbeats(host: TmuxHost): Promise<string[]> {
  return await Promise.all(KINDS.map((kind) => Deno.readTextFile(`${host.dir}/${kind}`).catch(() => "")));
}

/** Waits until no heartbeat changes for longer than every heartbeat's pause; fails when one goes on. */
async function assertSilence(host: TmuxHost): Promise<void> {
  const before = await heartbeats(host);
  // measured in heartbeats of a bystander, not by this process' clock
  await host.sh("sleep 0.5");
  const after = await heartbeats(host);
  assertEquals(KINDS.filter((_, i) => before[i] !== after[i]), []);
}

for (const graceMs of [0, 600]) {
  isolatedTest(`stop() with ${graceMs} ms of grace ends every kind of process, and nothing else`, async (host) => {
    const fixture = await ExecutorFixture.open(host.executor());
    const bystander = launchOf(`trap '' HUP; until [ -e '${host.dir}/go' ]; do sleep 0.05; done; echo fine`, {
      target: "tmux.other.by",
    });
    await fixture.executor.launch(bystander);
    const tree = launchOf(TREE, { env: { DIR: host.dir }, target: "tmux.main.tree" });
    await fixture.executor.launch(tree);
    await until("all heartbeat", async () => (await heartbeats(host)).every((heartbeat) => heartbeat !== ""));

    await fixture.executor.stop(tree.name, "cancelled", graceMs);
    const end = await fixture.end(tree.name);
    assertEquals(end.kind, "cancelled");
    assert(end.code !== null, "its lane lives and has told the end");
    assert(!textOf(end.output).includes("unreachable"), textOf(end.output));
    await until("the kill script has ended", async () => await host.sh("pgrep -f '[b]in/kill-' || true") === "");
    await assertSilence(host);

    assertEquals(await fixture.output("echo next", { target: "tmux.main.tree" }), "next\n");
    await Deno.writeTextFile(`${host.dir}/go`, "");
    assertEquals(textOf((await fixture.end(bystander.name)).output), "fine\n");
  });
}

isolatedTest("a pane that is closed ends its run's survivors as well", async (host) => {
  const fixture = await ExecutorFixture.open(host.executor());
  const launch = launchOf(TREE, { env: { DIR: host.dir }, target: "tmux.main.tree" });
  await fixture.executor.launch(launch);
  await until("all heartbeat", async () => (await heartbeats(host)).every((heartbeat) => heartbeat !== ""));
  await host.tmux("kill-pane -t main:tree");
  const end = await fixture.end(launch.name);
  assertEquals([end.kind, end.code, textOf(end.output)], ["lost", null, "up\n"]);
  assert(end.output.truncated);
  await until("the kill script has ended", async () => await host.sh("pgrep -f '[b]in/kill-' || true") === "");
  // what has neither terminal nor environment left cannot be distinguished from one of another user
  const before = await heartbeats(host);
  await host.sh("sleep 0.5");
  const after = await heartbeats(host);
  const alive = KINDS.filter((_, i) => before[i] !== after[i]);
  assertEquals(alive.filter((kind) => kind !== "setsid-env" && kind !== "forked"), []);
});

isolatedTest("the kill script refuses arguments that would match processes of others", async (host) => {
  const fixture = await ExecutorFixture.open(host.executor());
  const launch = launchOf(`echo up; sleep 30`, { target: "tmux.main.work" });
  await fixture.executor.launch(launch);
  await until("it is up", async () => (await fixture.executor.read(launch.name, 0, 9)).bytes.length > 0);
  const pid = (await host.tmux("list-panes -t main:work -F '#{pane_pid}'"))[0];
  const script = await host.sh(`ls '${host.dir}/spool/bin/'kill-*`);
  const spool = `${host.dir}/spool`;
  const good = [spool, "1", pid, launch.name, "cancelled", "0"];
  const wrong: [index: number, value: string][] = [
    ...["", "1 2", "x"].map((value) => [1, value] as [number, string]),
    ...["", "0", "1", "-1", "x"].map((value) => [2, value] as [number, string]),
    ...["", ".*", "a b", "$(id)"].map((value) => [3, value] as [number, string]),
    ...["", "unknown"].map((value) => [4, value] as [number, string]),
    ...["-1", "x"].map((value) => [5, value] as [number, string]),
    [0, `${host.dir}/none`],
  ];
  const call = (args: string[]) => host.sh(`sh '${script}' ${args.map((arg) => `'${arg}'`).join(" ")}; echo $?`);
  for (const [index, value] of wrong) assertEquals(await call(good.with(index, value)), "2", `${index} ${value}`);
  // right in form, and about a run or a lane that is not there: nothing happens
  for (const [index, value] of [[3, "00.1.ff"], [1, "77"], [2, "99999"]] as const) {
    assertEquals(await call(good.with(index, value)), "0", `${index} ${value}`);
  }
  assertEquals(fixture.ends, []);
  assertEquals(await call(good), "0");
  assertEquals((await fixture.end(launch.name)).code, 143);
});

isolatedTest("a run that begins while the one before it is being stopped is left alone", async (host) => {
  const fixture = await ExecutorFixture.open(host.executor());
  const target = "tmux.main.work";
  const first = launchOf(`echo up; until [ -e '${host.dir}/go' ]; do sleep 0.02; done`, { target });
  const second = launchOf("sleep 1; exit 7", { target });
  await fixture.executor.launch(first);
  await until("it is up", async () => (await fixture.executor.read(first.name, 0, 9)).bytes.length > 0);
  await fixture.executor.launch(second);
  // the script has seen that the first one runs, and before it checks the terminal the second one does
  await Deno.mkdir(`${host.dir}/bin`);
  await Deno.writeTextFile(
    `${host.dir}/bin/readlink`,
    `#!/bin/sh\ntouch '${host.dir}/go'\nuntil grep -q '^S ${second.name} ' '${host.dir}/spool/lanes/1/journal'; do sleep 0.02; done\n` +
      `sleep 0.2\nexec /usr/bin/readlink "$@"\n`,
    { mode: 0o700 },
  );
  const pid = (await host.tmux("list-panes -t main:work -F '#{pane_pid}'"))[0];
  const script = await host.sh(`ls '${host.dir}/spool/bin/'kill-*`);
  const args = [`${host.dir}/spool`, "1", pid, first.name, "cancelled", "5"].join(" ");
  await host.sh(`PATH='${host.dir}/bin':$PATH sh '${script}' ${args}`);
  assertEquals((await fixture.end(first.name)).code, 0);
  const end = await fixture.end(second.name);
  assertEquals([end.kind, end.code], ["exited", 7]);
});

isolatedTest("a timeout holds when no runner lives", async (host) => {
  const first = await ExecutorFixture.open(host.executor());
  const launch = launchOf(`echo up; sleep 60`, { timeoutMs: 2000, target: "tmux.main.work" });
  await first.executor.launch(launch);
  await until("it is up", async () => (await first.executor.read(launch.name, 0, 9)).bytes.length > 0);
  await first.executor.close();
  const second = await ExecutorFixture.open(host.executor());
  assertEquals([...(await second.executor.recover([launch])).values()], ["adopted"]);
  await second.executor.close();
  await until("tmux has ended it", async () => await host.sh("pgrep -fx 'sleep 60' || true") === "");
  const third = await ExecutorFixture.open(host.executor());
  assertEquals([...(await third.executor.recover([launch])).values()], ["ended"]);
  const end = await third.end(launch.name);
  assertEquals([end.kind, end.code, textOf(end.output)], ["timed_out", 143, "up\n"]);
});
