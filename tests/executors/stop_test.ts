import { systemClock } from "../../src/system/clock.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { isolatedTest, type TmuxWorld } from "../support/tmux.ts";
import { until } from "../support/until.ts";
import { Desk, launchOf, patient, up } from "./desk.ts";

/** A clock that can be set forward, and a log that is kept. */
function watched(world: TmuxWorld) {
  const said: string[] = [];
  const note = (message: string) => void said.push(message);
  const time = { ahead: 0 };
  const clock = { ...systemClock, now: () => systemClock.now() + time.ahead };
  const log = { debug: note, info: note, warn: note, error: note };
  return { said, time, options: world.options({ clock, log }) };
}

const serverPid = async (world: TmuxWorld) => (await world.tmux("display-message -p '#{pid}'"))[0];

/** Puts a script in the place of the kill script. */
async function replaceKill(world: TmuxWorld, text: (script: string) => string): Promise<() => Promise<void>> {
  const script = await world.sh(`ls '${world.dir}'/spool/bin/kill-*`);
  const before = await Deno.readTextFile(script);
  await Deno.writeTextFile(script, text(before));
  return () => Deno.writeTextFile(script, before);
}

isolatedTest("a stop that is ordered while tmux is frozen is carried out when it goes on", async (world) => {
  const { said, options } = watched(world);
  const desk = await Desk.open(world.executor(options));
  const launch = patient(world.dir, { target: "tmux.main.work" });
  await desk.executor.launch(launch);
  await up(desk, launch.run);
  const pid = await serverPid(world);
  await world.sh(`kill -STOP ${pid}`);
  void desk.executor.stop(launch.run, "cancelled", 200);
  // the connection, and whatever takes its place, breaks
  const end = `for client in $(pgrep tmux); do [ $client = ${pid} ] || kill -9 $client; done`;
  for (let i = 0; i < 20; i++) await world.sh(end);
  await world.sh(`kill -CONT ${pid}`);
  assertEquals((await desk.end(launch.run)).kind, "cancelled");
  assert(said.filter((line) => line.includes("could not stop")).length <= 1, said.join());
});

isolatedTest("a stop holds that tmux took and whose script never began", async (world) => {
  const { options, time } = watched(world);
  const desk = await Desk.open(world.executor(options));
  const launch = patient(world.dir);
  await desk.executor.launch(launch);
  await up(desk, launch.run);
  const restore = await replaceKill(world, () => `touch '${world.dir}/called'\nexit 1\n`);
  await desk.executor.stop(launch.run, "cancelled", 200);
  await until("it was called", () => Deno.stat(`${world.dir}/called`).then(() => true, () => false));
  await restore();
  time.ahead += 6000;
  assertEquals((await desk.end(launch.run)).kind, "cancelled");
});

isolatedTest("a stop whose script was killed ends with the terminal", async (world) => {
  const { options, time } = watched(world);
  const desk = await Desk.open(world.executor(options));
  const launch = launchOf("trap '' TERM; echo up; while :; do sleep 0.05; done", { target: "tmux.main.work" });
  await desk.executor.launch(launch);
  await up(desk, launch.run);
  await desk.executor.stop(launch.run, "cancelled", 10_000);
  const file = `${world.dir}/spool/jobs/${launch.run}.stop`;
  await until("it has begun", () => Deno.stat(file).then(() => true, () => false));
  await world.sh(`kill -9 $(sed -n 2p '${file}')`);
  time.ahead += 26_000;
  const end = await desk.end(launch.run);
  assertEquals([end.kind, end.code], ["cancelled", null]);
  assertEquals(await desk.output("echo next", { target: "tmux.main.work" }), "next\n");
});

isolatedTest("a run that is stopped before its lane begins it never begins, or is ended", async (world) => {
  // each lane looks at what it was given only when it may
  await Deno.writeTextFile(
    `${world.dir}/lane`,
    `exec 3<>"$2/lanes/$3/in"; echo "R $3" 1<>"$2/done"; until [ -e '${world.dir}/awake' ]; do sleep 0.02; done; exec dash "$@"`,
  );
  const desk = await Desk.open(world.executor({ laneShell: `sh ${world.dir}/lane` }));
  const sent = launchOf("sleep 64", { target: "tmux.main.a" });
  const dying = launchOf("sleep 65", { target: "tmux.main.b" });
  const waiting = launchOf("sleep 66", { target: "tmux.main.a" });
  for (const launch of [sent, dying, waiting]) await desk.executor.launch(launch);
  const orders = [sent, dying, waiting].map(({ run }) => desk.executor.stop(run, "cancelled", 200));
  assertEquals((await desk.end(waiting.run)).code, null);
  await world.tmux("kill-pane -t main:b");
  const end = await desk.end(dying.run);
  assertEquals([end.kind, end.code], ["cancelled", null]);
  await Deno.writeTextFile(`${world.dir}/awake`, "");
  assertEquals((await desk.end(sent.run)).kind, "cancelled");
  await Promise.all(orders);
  assertEquals(await world.sh("pgrep -fx 'sleep 6[456]' || true"), "");
});

isolatedTest("a run that is stopped while it is taken up is stopped", async (world) => {
  const first = await Desk.open(world.executor());
  const launch = patient(world.dir);
  await first.executor.launch(launch);
  await up(first, launch.run);
  await first.executor.close();
  const { files } = world.options();
  let order: Promise<void> | null = null;
  const readText = async (path: string) => {
    const text = await files.readText(path);
    if (taking && order === null && path.endsWith("/journal")) {
      order = second.executor.stop(launch.run, "cancelled", 200);
      await order;
    }
    return text;
  };
  let taking = false;
  const second = await Desk.open(world.executor({ files: { ...files, readText } }));
  taking = true;
  assertEquals([...(await second.executor.recover([launch])).values()], ["adopted"]);
  assert(order !== null);
  assertEquals((await second.end(launch.run)).kind, "cancelled");
});

isolatedTest(
  "an order is given again by the next process of the runner when the first one died with it",
  async (world) => {
    const first = await Desk.open(world.executor());
    const launch = patient(world.dir);
    await first.executor.launch(launch);
    await up(first, launch.run);
    const restore = await replaceKill(world, () => "exit 1\n");
    await first.executor.stop(launch.run, "cancelled", 200);
    await first.executor.close();
    await restore();
    const second = await Desk.open(world.executor());
    await second.executor.recover([launch]);
    await second.executor.stop(launch.run, "cancelled", 200);
    assertEquals((await second.end(launch.run)).kind, "cancelled");
  },
);

isolatedTest("a run that ends while it is being stopped ends once", async (world) => {
  const desk = await Desk.open(world.executor());
  for (let i = 0; i < 20; i++) {
    const launch = launchOf(`sleep 0.0${i % 10}`, { timeoutMs: 20 + i * 5 });
    await desk.executor.launch(launch);
    void desk.executor.stop(launch.run, "cancelled", 0);
    const end = await desk.end(launch.run);
    assert(["cancelled", "timed_out", "exited"].includes(end.kind), end.kind);
    await desk.executor.forget(launch.run);
  }
  assertEquals(await desk.output("echo next"), "next\n");
  assertEquals(desk.ends.length, 21);
});

isolatedTest("runs of an earlier runner that nobody knows are ended also when the first order fails", async (world) => {
  const first = await Desk.open(world.executor());
  const launch = launchOf("echo up; sleep 67", { target: "tmux.main.work" });
  await first.executor.launch(launch);
  await up(first, launch.run);
  await first.executor.close();
  const { options, time } = watched(world);
  const second = await Desk.open(world.executor(options));
  await replaceKill(world, () => "exit 1\n");
  await second.executor.recover([]);
  time.ahead += 20_000;
  await until("its terminal is closed", async () => await world.sh("pgrep -fx 'sleep 67' || true") === "");
  assertEquals(await second.output("echo next", { target: "tmux.main.work" }), "next\n");
});

isolatedTest("what a closed terminal left behind is ended also when tmux cannot be told at once", async (world) => {
  const { process, ...options } = world.options();
  let broken = false;
  // the first time that tmux is to be told, its client dies
  const run: typeof process.run = (command, args, how) => {
    const dies = !broken && (broken = args.join(" ").includes("orphans"));
    return process.run(dies ? "false" : command, dies ? [] : args, how);
  };
  const desk = await Desk.open(world.executor({ ...options, process: { ...process, run } }));
  const left = `setsid sh -c "trap '' HUP; echo x >'${world.dir}/left'; while :; do sleep 0.05; done" &`;
  const first = launchOf(`${left} echo up; sleep 68`, { target: "tmux.main.work" });
  const second = launchOf("echo second", { target: "tmux.main.work" });
  await desk.executor.launch(first);
  await desk.executor.launch(second);
  await until("it has left something", () => Deno.stat(`${world.dir}/left`).then(() => true, () => false));
  await world.tmux("kill-pane -t main:work");
  assertEquals((await desk.end(first.run)).kind, "lost");
  assertEquals((await desk.end(second.run)).kind, "exited");
  await until("nothing is left", async () => await world.sh(`pgrep -f '[t]rap .. HUP' || true`) === "");
  assert(broken);
});

const FAULTS: [name: string, act: (world: TmuxWorld) => string][] = [
  ["nothing", () => "true"],
  ["its terminal is closed", () => "tmux -L test kill-pane -t main:work"],
  [
    "the clients of tmux die",
    (world) => `for c in $(pgrep tmux); do [ $c = $(cat '${world.dir}/server') ] || kill -9 $c; done`,
  ],
  [
    "tmux is frozen",
    (world) => `kill -STOP $(cat '${world.dir}/server'); sleep 0.2; kill -CONT $(cat '${world.dir}/server')`,
  ],
  ["tmux is ended", () => "tmux -L test kill-server"],
];

for (const [name, act] of FAULTS) {
  isolatedTest(`a run has one end, and leaves nothing, when it is stopped while ${name}`, async (world) => {
    const desk = await Desk.open(world.executor({ killGraceMs: 100 }));
    for (let ms = 0; ms < 60; ms += 10) {
      await desk.output("true", { target: "tmux.main.work" });
      await Deno.writeTextFile(`${world.dir}/server`, await serverPid(world));
      // one that is ordered to stop, one whose timeout comes, one that waits behind them
      const [first, second] = [null, 20].map((timeoutMs) =>
        launchOf("trap '' HUP; sleep 69", { target: "tmux.main.work", timeoutMs })
      );
      const last = launchOf("echo last", { target: "tmux.main.work" });
      const going = [first, second, last].map((launch) => desk.executor.launch(launch));
      await new Promise((resolve) => setTimeout(resolve, ms));
      const fault = world.sh(act(world));
      void desk.executor.stop(first.run, "cancelled", 100);
      await fault;
      await Promise.all(going);
      const kinds = [
        (await desk.end(first.run)).kind,
        (await desk.end(second.run)).kind,
        (await desk.end(last.run)).kind,
      ];
      assert(/^(cancelled|lost),(timed_out|lost),(exited|lost)$/.test(kinds.join()), `${ms} ms: ${kinds}`);
      for (const { run } of [first, second, last]) await desk.executor.forget(run);
      await until("nothing is left", async () => await world.sh("pgrep -fx 'sleep 69' || true") === "");
    }
    assertEquals(await desk.output("echo next", { target: "tmux.main.work" }), "next\n");
  });
}
