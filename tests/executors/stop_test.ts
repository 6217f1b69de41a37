import { systemClock } from "../../src/system/clock.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { isolatedTest, type TmuxHost } from "../support/tmux_host.ts";
import { pause } from "../support/barrier.ts";
import { until } from "../support/until.ts";
import { ExecutorFixture, launchOf, patient, up } from "./executor_fixture.ts";

/** A clock that can be set forward, and a log that is kept. */
function watched(host: TmuxHost) {
  const said: string[] = [];
  const note = (message: string) => void said.push(message);
  const time = { ahead: 0 };
  const clock = { ...systemClock, now: () => systemClock.now() + time.ahead };
  const log = { debug: note, info: note, warn: note, error: note };
  return { said, time, options: host.options({ clock, log }) };
}

const serverPid = async (host: TmuxHost) => (await host.tmux("display-message -p '#{pid}'"))[0];

/** Puts a script in the place of the kill script. */
async function replaceKill(host: TmuxHost, text: (script: string) => string): Promise<() => Promise<void>> {
  const script = await host.sh(`ls '${host.dir}'/spool/bin/kill-*`);
  const before = await Deno.readTextFile(script);
  await Deno.writeTextFile(script, text(before));
  return () => Deno.writeTextFile(script, before);
}

isolatedTest("a stop that is ordered while tmux is frozen is carried out when it goes on", async (host) => {
  const { said, options } = watched(host);
  const fixture = await ExecutorFixture.open(host.executor(options));
  const launch = patient(host.dir, { target: "tmux.main.work" });
  await fixture.executor.launch(launch);
  await up(fixture, launch.name);
  const pid = await serverPid(host);
  await host.sh(`kill -STOP ${pid}`);
  void fixture.executor.stop(launch.name, "cancelled", 200);
  // the connection, and whatever replaces it, breaks
  const end = `for client in $(pgrep tmux); do [ $client = ${pid} ] || kill -9 $client; done`;
  for (let i = 0; i < 20; i++) await host.sh(end);
  await host.sh(`kill -CONT ${pid}`);
  assertEquals((await fixture.end(launch.name)).kind, "cancelled");
  assert(said.filter((line) => line.includes("could not stop")).length <= 1, said.join());
});

isolatedTest("a stop holds that tmux took and whose script never began", async (host) => {
  const { options, time } = watched(host);
  const fixture = await ExecutorFixture.open(host.executor(options));
  const launch = patient(host.dir);
  await fixture.executor.launch(launch);
  await up(fixture, launch.name);
  const restore = await replaceKill(host, () => `touch '${host.dir}/called'\nexit 1\n`);
  await fixture.executor.stop(launch.name, "cancelled", 200);
  await until("it was called", () => Deno.stat(`${host.dir}/called`).then(() => true, () => false));
  await restore();
  time.ahead += 6000;
  assertEquals((await fixture.end(launch.name)).kind, "cancelled");
});

isolatedTest("a stop whose script was killed ends with the terminal", async (host) => {
  const { options, time } = watched(host);
  const fixture = await ExecutorFixture.open(host.executor(options));
  const launch = launchOf("trap '' TERM; echo up; while :; do sleep 0.05; done", { target: "tmux.main.work" });
  await fixture.executor.launch(launch);
  await up(fixture, launch.name);
  await fixture.executor.stop(launch.name, "cancelled", 10_000);
  const file = `${host.dir}/spool/jobs/${launch.name}.stop`;
  await until("it has begun", () => Deno.stat(file).then(() => true, () => false));
  await host.sh(`kill -9 $(sed -n 2p '${file}')`);
  time.ahead += 26_000;
  const end = await fixture.end(launch.name);
  assertEquals([end.kind, end.code], ["cancelled", null]);
  assertEquals(await fixture.output("echo next", { target: "tmux.main.work" }), "next\n");
});

isolatedTest("a run that is stopped before its lane begins it never begins, or is ended", async (host) => {
  // each lane reads what it was given only when it may
  await Deno.writeTextFile(
    `${host.dir}/lane`,
    `exec 3<>"$2/lanes/$3/in"; echo "R $3" 1<>"$2/done"; until [ -e '${host.dir}/awake' ]; do sleep 0.02; done; exec dash "$@"`,
  );
  const fixture = await ExecutorFixture.open(host.executor({ laneShell: `sh ${host.dir}/lane` }));
  const sent = launchOf("sleep 64", { target: "tmux.main.a" });
  const dying = launchOf("sleep 65", { target: "tmux.main.b" });
  const waiting = launchOf("sleep 66", { target: "tmux.main.a" });
  for (const launch of [sent, dying, waiting]) await fixture.executor.launch(launch);
  const orders = [sent, dying, waiting].map(({ name: run }) => fixture.executor.stop(run, "cancelled", 200));
  assertEquals((await fixture.end(waiting.name)).code, null);
  await host.tmux("kill-pane -t main:b");
  const end = await fixture.end(dying.name);
  assertEquals([end.kind, end.code], ["cancelled", null]);
  await Deno.writeTextFile(`${host.dir}/awake`, "");
  assertEquals((await fixture.end(sent.name)).kind, "cancelled");
  await Promise.all(orders);
  assertEquals(await host.sh("pgrep -fx 'sleep 6[456]' || true"), "");
});

isolatedTest("a run that is stopped while it is taken up is stopped", async (host) => {
  const first = await ExecutorFixture.open(host.executor());
  const launch = patient(host.dir);
  await first.executor.launch(launch);
  await up(first, launch.name);
  await first.executor.close();
  const { files } = host.options();
  let order: Promise<void> | null = null;
  const readText = async (path: string) => {
    const text = await files.readText(path);
    if (taking && order === null && path.endsWith("/journal")) {
      order = second.executor.stop(launch.name, "cancelled", 200);
      await order;
    }
    return text;
  };
  let taking = false;
  const second = await ExecutorFixture.open(host.executor({ files: { ...files, readText } }));
  taking = true;
  assertEquals([...(await second.executor.recover([launch])).values()], ["adopted"]);
  assert(order !== null);
  assertEquals((await second.end(launch.name)).kind, "cancelled");
});

isolatedTest(
  "an order is given again by the next process of the runner when the first one died with it",
  async (host) => {
    const first = await ExecutorFixture.open(host.executor());
    const launch = patient(host.dir);
    await first.executor.launch(launch);
    await up(first, launch.name);
    const restore = await replaceKill(host, () => "exit 1\n");
    await first.executor.stop(launch.name, "cancelled", 200);
    await first.executor.close();
    await restore();
    const second = await ExecutorFixture.open(host.executor());
    await second.executor.recover([launch]);
    await second.executor.stop(launch.name, "cancelled", 200);
    assertEquals((await second.end(launch.name)).kind, "cancelled");
  },
);

isolatedTest("a run that ends while it is being stopped ends once", async (host) => {
  const fixture = await ExecutorFixture.open(host.executor());
  for (let i = 0; i < 20; i++) {
    const launch = launchOf(`sleep 0.0${i % 10}`, { timeoutMs: 20 + i * 5 });
    await fixture.executor.launch(launch);
    void fixture.executor.stop(launch.name, "cancelled", 0);
    const end = await fixture.end(launch.name);
    assert(["cancelled", "timed_out", "exited"].includes(end.kind), end.kind);
    await fixture.executor.forget(launch.name);
  }
  assertEquals(await fixture.output("echo next"), "next\n");
  assertEquals(fixture.ends.length, 21);
});

isolatedTest("runs of an earlier runner without a record are ended also when the first order fails", async (host) => {
  const first = await ExecutorFixture.open(host.executor());
  const launch = launchOf("echo up; sleep 67", { target: "tmux.main.work" });
  await first.executor.launch(launch);
  await up(first, launch.name);
  await first.executor.close();
  const { options, time } = watched(host);
  const second = await ExecutorFixture.open(host.executor(options));
  await replaceKill(host, () => "exit 1\n");
  await second.executor.recover([]);
  time.ahead += 20_000;
  await until("its terminal is closed", async () => await host.sh("pgrep -fx 'sleep 67' || true") === "");
  assertEquals(await second.output("echo next", { target: "tmux.main.work" }), "next\n");
});

isolatedTest("what a closed terminal left behind is ended also when tmux cannot be reached at once", async (host) => {
  const { process, ...options } = host.options();
  let broken = false;
  // the first time that tmux is to be informed, its client dies
  const run: typeof process.run = (command, args, how) => {
    const dies = !broken && (broken = args.join(" ").includes("orphans"));
    return process.run(dies ? "false" : command, dies ? [] : args, how);
  };
  const fixture = await ExecutorFixture.open(host.executor({ ...options, process: { ...process, run } }));
  const left = `setsid sh -c "trap '' HUP; echo x >'${host.dir}/left'; while :; do sleep 0.05; done" &`;
  const first = launchOf(`${left} echo up; sleep 68`, { target: "tmux.main.work" });
  const second = launchOf("echo second", { target: "tmux.main.work" });
  await fixture.executor.launch(first);
  await fixture.executor.launch(second);
  await until("it has left something", () => Deno.stat(`${host.dir}/left`).then(() => true, () => false));
  await host.tmux("kill-pane -t main:work");
  assertEquals((await fixture.end(first.name)).kind, "lost");
  assertEquals((await fixture.end(second.name)).kind, "exited");
  await until("nothing is left", async () => await host.sh(`pgrep -f '[t]rap .. HUP' || true`) === "");
  assert(broken);
});

const FAULTS: [name: string, act: (host: TmuxHost) => string][] = [
  ["nothing", () => "true"],
  ["its terminal is closed", () => "tmux -L test kill-pane -t main:work"],
  [
    "the clients of tmux die",
    (host) => `for c in $(pgrep tmux); do [ $c = $(cat '${host.dir}/server') ] || kill -9 $c; done`,
  ],
  [
    "tmux is frozen",
    (host) => `kill -STOP $(cat '${host.dir}/server'); sleep 0.2; kill -CONT $(cat '${host.dir}/server')`,
  ],
  ["tmux is ended", () => "tmux -L test kill-server"],
];

for (const [name, act] of FAULTS) {
  isolatedTest(`a run has one end, and leaves nothing, when it is stopped while ${name}`, async (host) => {
    const fixture = await ExecutorFixture.open(host.executor({ killGraceMs: 100 }));
    for (let ms = 0; ms < 60; ms += 10) {
      await fixture.output("true", { target: "tmux.main.work" });
      await Deno.writeTextFile(`${host.dir}/server`, await serverPid(host));
      // one that is ordered to stop, one whose timeout comes, one that waits behind them
      const [first, second] = [null, 20].map((timeoutMs) =>
        launchOf("trap '' HUP; sleep 69", { target: "tmux.main.work", timeoutMs })
      );
      const last = launchOf("echo last", { target: "tmux.main.work" });
      const going = [first, second, last].map((launch) => fixture.executor.launch(launch));
      await pause(ms); // the fault comes at another moment each time
      const fault = host.sh(act(host));
      void fixture.executor.stop(first.name, "cancelled", 100);
      await fault;
      await Promise.all(going);
      const kinds = [
        (await fixture.end(first.name)).kind,
        (await fixture.end(second.name)).kind,
        (await fixture.end(last.name)).kind,
      ];
      assert(/^(cancelled|lost),(timed_out|lost),(exited|lost)$/.test(kinds.join()), `${ms} ms: ${kinds}`);
      for (const { name: run } of [first, second, last]) await fixture.executor.forget(run);
      await until("nothing is left", async () => await host.sh("pgrep -fx 'sleep 69' || true") === "");
    }
    assertEquals(await fixture.output("echo next", { target: "tmux.main.work" }), "next\n");
  });
}
