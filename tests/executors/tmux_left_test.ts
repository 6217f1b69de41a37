import { assert, assertEquals } from "../support/assert.ts";
import { isolatedTest, type TmuxHost } from "../support/tmux_host.ts";
import { until } from "../support/until.ts";
import { ExecutorFixture, launchOf, patient, textOf, up } from "./executor_fixture.ts";

const target = "tmux.main.work";

/** A program that goes on in the background until the file `over` is there, and writes all the time. */
function daemon(dir: string, how: string): string {
  const loop =
    `until [ -e '${dir}/over' ]; do echo noise; [ -e '${dir}/lives' ] || : >'${dir}/lives'; sleep 0.01; done`;
  return `${how} sh -c "${loop}" & until [ -e '${dir}/lives' ]; do sleep 0.01; done; disown -a`;
}

/** Waits until what was started last is the program itself. */
function isThere(name: string): string {
  return `until grep -q '^${name}' /proc/$!/comm; do :; done`;
}

async function paneOf(host: TmuxHost, window = "work"): Promise<string> {
  return (await host.tmux(`list-panes -t main:${window} -F '#{pane_id}'`)).join(" ");
}

const WAYS = [
  ["setsid", "dash"],
  ["setsid", "busybox sh"],
  ["setsid", "mksh -i"],
  ["setsid", "bash --norc -i"],
  ["set -m;", "dash"],
  ["trap '' HUP; set -m; nice", "dash"],
] as const;

for (const [how, laneShell] of WAYS) {
  isolatedTest(`what a run leaves with ${how} writes into no other output (lane: ${laneShell})`, async (host) => {
    const fixture = await ExecutorFixture.open(host.executor({ laneShell }));
    const end = await fixture.run(launchOf(daemon(host.dir, how), { target }));
    assertEquals([end.kind, end.code], ["exited", 0], textOf(end.output));
    const pane = (await host.tmux("list-panes -a -F '#{pane_id} #{window_name}'")).join("\n");
    for (let i = 0; i < 3; i++) assertEquals(await fixture.output("sleep 0.05; echo mine", { target }), "mine\n");
    assertEquals(await fixture.output("sleep 0.05; echo mine"), "mine\n");
    const held = (await host.tmux("list-panes -a -F '#{pane_id} #{window_name}'")).find((line) => /-held-/.test(line));
    assert(held !== undefined && pane.includes(held.split(" ")[0]), "its terminal is left to it");
    await Deno.writeTextFile(`${host.dir}/over`, "");
    await until(
      "its terminal is closed when nothing has it open any more",
      async () => !(await host.tmux("list-panes -a -F '#{window_name}'")).join().includes("held"),
    );
  });
}

isolatedTest("runs that wait for a terminal that is held go to another one, in order", async (host) => {
  const fixture = await ExecutorFixture.open(host.executor());
  const first = launchOf(`until [ -e '${host.dir}/go' ]; do sleep 0.02; done; ${daemon(host.dir, "setsid")}`, {
    target,
  });
  const others = Array.from(
    { length: 6 },
    (_, i) =>
      launchOf(`echo ${i} >>'${host.dir}/order'; sleep 0.0$((${i} % 2)); echo ${i} >>'${host.dir}/order'`, {
        target,
      }),
  );
  for (const launch of [first, ...others]) await fixture.executor.launch(launch);
  await Deno.writeTextFile(`${host.dir}/go`, "");
  for (const launch of others) {
    const end = await fixture.end(launch.name);
    assertEquals([end.kind, end.code, textOf(end.output)], ["exited", 0, ""]);
  }
  assertEquals((await Deno.readTextFile(`${host.dir}/order`)).split("\n").join(""), "001122334455");
  await Deno.writeTextFile(`${host.dir}/over`, "");
});

for (const laneShell of ["dash", "bash --norc -i"]) {
  isolatedTest(`the next runner does not use a terminal that is held either (lane: ${laneShell})`, async (host) => {
    const first = await ExecutorFixture.open(host.executor({ laneShell }));
    const launch = launchOf(daemon(host.dir, "setsid"), { target });
    await first.run(launch);
    await first.executor.close();
    const second = await ExecutorFixture.open(host.executor({ laneShell }));
    await second.executor.recover([]);
    assertEquals(await second.output("sleep 0.05; echo mine", { target }), "mine\n");
    await Deno.writeTextFile(`${host.dir}/over`, "");
  });
}

isolatedTest("a terminal whose run has left nothing is used again", async (host) => {
  const fixture = await ExecutorFixture.open(host.executor());
  await fixture.output("true", { target });
  const pane = await paneOf(host);
  const harmless = [
    "sleep 0.01 & wait",
    "sleep 100 &",
    "setsid sh -c 'touch up; exec sleep 100' </dev/null >/dev/null 2>&1 & until [ -e up ]; do sleep 0.01; done",
    "seq 400 | while read -r n; do /bin/true; done",
    "setsid -w sleep 0.01",
  ];
  for (const payload of harmless) {
    await fixture.output(payload, { target });
    await fixture.output("true", { target });
    assertEquals(await paneOf(host), pane, payload);
  }
});

isolatedTest("what is killed in the background at the end of a run is named", async (host) => {
  const fixture = await ExecutorFixture.open(host.executor());
  const left = async (payload: string) => (await fixture.run(launchOf(payload, { target }))).left;
  assertEquals(await left(`sleep 100 & ${isThere("sleep")}; nohup sleep 100 >/dev/null 2>&1 & ${isThere("sleep")}`), [
    "sleep",
    "sleep",
  ]);
  assertEquals(await left(`cp /bin/sleep './x y,é'; './x y,é' 100 & ${isThere("x")}; exit 3`), ["x_y___"]);
  assertEquals(await left("true"), undefined);
  assertEquals(await left("sleep 0.01 & wait"), undefined);
  assertEquals(await left("#!/bin/sh\ntrue & sleep 0.1\n"), undefined, "one that has ended is not killed");
});

isolatedTest("a run begins on an empty screen with an empty history", async (host) => {
  const fixture = await ExecutorFixture.open(host.executor());
  const wild = [
    "seq 500; printf 'Delete everything? (y/n) '",
    "seq 500; printf '\\033[?1049hDelete everything? (y/n) '",
    "seq 500; printf '\\033[5;9r\\033[?6h\\033[?2004h\\033[?1003h\\033[4 qDelete everything? (y/n) '",
    "seq 500; printf 'Delete everything? (y/n) '; kill -9 $$",
  ];
  for (const payload of wild) {
    await fixture.run(launchOf(payload, { target }));
    const launch = patient(host.dir, { target });
    await fixture.executor.launch(launch);
    const screen = await fixture.executor.screen(launch.name);
    assert(!JSON.stringify(screen).includes("Delete"), JSON.stringify(screen));
    await up(fixture, launch.name);
    assertEquals((await fixture.executor.screen(launch.name))?.lines, ["up"], payload);
    assertEquals(await host.tmux("capture-pane -p -S - -t main:work | sed '/^$/d'"), ["up"], payload);
    const facts = "#{history_size} #{alternate_on} #{origin_flag} #{mouse_all_flag} #{scroll_region_lower}";
    assertEquals(await host.tmux(`display-message -p -t main:work '${facts}'`), ["0 0 0 0 49"], payload);
    await Deno.writeTextFile(`${host.dir}/go`, "");
    await fixture.end(launch.name);
    await Deno.remove(`${host.dir}/go`);
  }
});

isolatedTest("a window of tmux.SESSION has the name of its run while that runs", async (host) => {
  const fixture = await ExecutorFixture.open(host.executor());
  const names = async () => (await host.tmux("list-windows -t main -F '#{window_name}'")).join("|");
  const launch = patient(host.dir, { title: "deploy ünï" }, "printf '\\033]2;other\\007'");
  await fixture.executor.launch(launch);
  await until("the name", async () => await names() === "deploy ünï");
  // a target that happens to have that name is a window of its own
  assertEquals(await fixture.output("echo here", { target: "tmux.main.deploy ünï" }), "here\n");
  assertEquals((await names()).split("|").length, 2);
  await Deno.writeTextFile(`${host.dir}/go`, "");
  await fixture.end(launch.name);
  await until("no name any more", async () => (await names()).startsWith("idle|"));
  const odd = patient(host.dir, { title: "#{host} #(id) #[fg=red]" });
  await Deno.remove(`${host.dir}/go`);
  await fixture.executor.launch(odd);
  await until("its name as it is", async () => (await names()).startsWith("#{host} #(id) #[fg=red]|"));
  await Deno.writeTextFile(`${host.dir}/go`, "");
  await fixture.end(odd.name);
});
