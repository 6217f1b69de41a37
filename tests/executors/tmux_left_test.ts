import { assert, assertEquals } from "../support/assert.ts";
import { isolatedTest, type TmuxWorld } from "../support/tmux.ts";
import { until } from "../support/until.ts";
import { Desk, launchOf, patient, textOf, up } from "./desk.ts";

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

async function paneOf(world: TmuxWorld, window = "work"): Promise<string> {
  return (await world.tmux(`list-panes -t main:${window} -F '#{pane_id}'`)).join(" ");
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
  isolatedTest(`what a run leaves with ${how} writes into no other output (lane: ${laneShell})`, async (world) => {
    const desk = await Desk.open(world.executor({ laneShell }));
    const end = await desk.run(launchOf(daemon(world.dir, how), { target }));
    assertEquals([end.kind, end.code], ["exited", 0], textOf(end.output));
    const pane = (await world.tmux("list-panes -a -F '#{pane_id} #{window_name}'")).join("\n");
    for (let i = 0; i < 3; i++) assertEquals(await desk.output("sleep 0.05; echo mine", { target }), "mine\n");
    assertEquals(await desk.output("sleep 0.05; echo mine"), "mine\n");
    const held = (await world.tmux("list-panes -a -F '#{pane_id} #{window_name}'")).find((line) => /-held-/.test(line));
    assert(held !== undefined && pane.includes(held.split(" ")[0]), "its terminal is left to it");
    await Deno.writeTextFile(`${world.dir}/over`, "");
    await until(
      "its terminal is closed when nothing has it open any more",
      async () => !(await world.tmux("list-panes -a -F '#{window_name}'")).join().includes("held"),
    );
  });
}

isolatedTest("runs that wait for a terminal that is held go to another one, in order", async (world) => {
  const desk = await Desk.open(world.executor());
  const first = launchOf(`until [ -e '${world.dir}/go' ]; do sleep 0.02; done; ${daemon(world.dir, "setsid")}`, {
    target,
  });
  const others = Array.from(
    { length: 6 },
    (_, i) =>
      launchOf(`echo ${i} >>'${world.dir}/order'; sleep 0.0$((${i} % 2)); echo ${i} >>'${world.dir}/order'`, {
        target,
      }),
  );
  for (const launch of [first, ...others]) await desk.executor.launch(launch);
  await Deno.writeTextFile(`${world.dir}/go`, "");
  for (const launch of others) {
    const end = await desk.end(launch.run);
    assertEquals([end.kind, end.code, textOf(end.output)], ["exited", 0, ""]);
  }
  assertEquals((await Deno.readTextFile(`${world.dir}/order`)).split("\n").join(""), "001122334455");
  await Deno.writeTextFile(`${world.dir}/over`, "");
});

for (const laneShell of ["dash", "bash --norc -i"]) {
  isolatedTest(`the next runner does not use a terminal that is held either (lane: ${laneShell})`, async (world) => {
    const first = await Desk.open(world.executor({ laneShell }));
    const launch = launchOf(daemon(world.dir, "setsid"), { target });
    await first.run(launch);
    await first.executor.close();
    const second = await Desk.open(world.executor({ laneShell }));
    await second.executor.recover([]);
    assertEquals(await second.output("sleep 0.05; echo mine", { target }), "mine\n");
    await Deno.writeTextFile(`${world.dir}/over`, "");
  });
}

isolatedTest("a terminal whose run has left nothing is used again", async (world) => {
  const desk = await Desk.open(world.executor());
  await desk.output("true", { target });
  const pane = await paneOf(world);
  const harmless = [
    "sleep 0.01 & wait",
    "sleep 100 &",
    "setsid sh -c 'touch up; exec sleep 100' </dev/null >/dev/null 2>&1 & until [ -e up ]; do sleep 0.01; done",
    "seq 400 | while read -r n; do /bin/true; done",
    "setsid -w sleep 0.01",
  ];
  for (const payload of harmless) {
    await desk.output(payload, { target });
    await desk.output("true", { target });
    assertEquals(await paneOf(world), pane, payload);
  }
});

isolatedTest("what is killed in the background at the end of a run is named", async (world) => {
  const desk = await Desk.open(world.executor());
  const left = async (payload: string) => (await desk.run(launchOf(payload, { target }))).left;
  assertEquals(await left(`sleep 100 & ${isThere("sleep")}; nohup sleep 100 >/dev/null 2>&1 & ${isThere("sleep")}`), [
    "sleep",
    "sleep",
  ]);
  assertEquals(await left(`cp /bin/sleep './x y,é'; './x y,é' 100 & ${isThere("x")}; exit 3`), ["x_y___"]);
  assertEquals(await left("true"), undefined);
  assertEquals(await left("sleep 0.01 & wait"), undefined);
  assertEquals(await left("#!/bin/sh\ntrue & sleep 0.1\n"), undefined, "one that has ended is not killed");
});

isolatedTest("a run begins on an empty screen with an empty history", async (world) => {
  const desk = await Desk.open(world.executor());
  const wild = [
    "seq 500; printf 'Delete everything? (y/n) '",
    "seq 500; printf '\\033[?1049hDelete everything? (y/n) '",
    "seq 500; printf '\\033[5;9r\\033[?6h\\033[?2004h\\033[?1003h\\033[4 qDelete everything? (y/n) '",
    "seq 500; printf 'Delete everything? (y/n) '; kill -9 $$",
  ];
  for (const payload of wild) {
    await desk.run(launchOf(payload, { target }));
    const launch = patient(world.dir, { target });
    await desk.executor.launch(launch);
    const screen = await desk.executor.screen(launch.run);
    assert(!JSON.stringify(screen).includes("Delete"), JSON.stringify(screen));
    await up(desk, launch.run);
    assertEquals((await desk.executor.screen(launch.run))?.lines, ["up"], payload);
    assertEquals(await world.tmux("capture-pane -p -S - -t main:work | sed '/^$/d'"), ["up"], payload);
    const facts = "#{history_size} #{alternate_on} #{origin_flag} #{mouse_all_flag} #{scroll_region_lower}";
    assertEquals(await world.tmux(`display-message -p -t main:work '${facts}'`), ["0 0 0 0 49"], payload);
    await Deno.writeTextFile(`${world.dir}/go`, "");
    await desk.end(launch.run);
    await Deno.remove(`${world.dir}/go`);
  }
});

isolatedTest("a window of tmux.SESSION has the name of its run while that runs", async (world) => {
  const desk = await Desk.open(world.executor());
  const names = async () => (await world.tmux("list-windows -t main -F '#{window_name}'")).join("|");
  const launch = patient(world.dir, { title: "deploy ünï" }, "printf '\\033]2;other\\007'");
  await desk.executor.launch(launch);
  await until("the name", async () => await names() === "deploy ünï");
  // a target that happens to have that name is a window of its own
  assertEquals(await desk.output("echo here", { target: "tmux.main.deploy ünï" }), "here\n");
  assertEquals((await names()).split("|").length, 2);
  await Deno.writeTextFile(`${world.dir}/go`, "");
  await desk.end(launch.run);
  await until("no name any more", async () => (await names()).startsWith("idle|"));
  const odd = patient(world.dir, { title: "#{host} #(id) #[fg=red]" });
  await Deno.remove(`${world.dir}/go`);
  await desk.executor.launch(odd);
  await until("its name as it is", async () => (await names()).startsWith("#{host} #(id) #[fg=red]|"));
  await Deno.writeTextFile(`${world.dir}/go`, "");
  await desk.end(odd.run);
});
