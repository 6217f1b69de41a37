import { systemFiles } from "../../src/system/files.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { isolatedTest } from "../support/tmux.ts";
import { until } from "../support/until.ts";
import { Desk, launchOf, patient, textOf, up } from "./desk.ts";

const violence: [name: string, act: string, why: RegExp][] = [
  ["its pane is closed", "tmux -L test kill-pane -t main:work", /closed while it ran/],
  ["its pane is closed beside others", "tmux -L test kill-pane -t main:work.1", /closed while it ran/],
  ["its window is closed", "tmux -L test kill-window -t main:work", /closed while it ran/],
  ["its session is closed", "tmux -L test kill-session -t main", /closed while it ran/],
  [
    "its lane is killed",
    "kill -9 $(tmux -L test display-message -p -t main:work '#{pane_pid}')",
    /closed while it ran/,
  ],
  ["its server is ended", "tmux -L test kill-server", /closed while it ran/],
  ["its server is killed", "kill -9 $(tmux -L test display-message -p '#{pid}')", /closed while it ran/],
];

for (const [name, act, why] of violence) {
  isolatedTest(`a run is lost at once when ${name}, and the next one works`, async (world) => {
    const desk = await Desk.open(world.executor());
    const beside = name.includes("beside");
    if (beside) await world.tmux("new-session -d -s main -n work 'exec cat'");
    const launch = patient(world.dir, { target: "tmux.main.work" });
    await desk.executor.launch(launch);
    await up(desk, launch.run);
    const since = performance.now();
    await world.sh(act);
    const end = await desk.end(launch.run);
    assert(performance.now() - since < 1500, "it took too long");
    assertEquals([end.kind, end.code, textOf(end.output), end.output.truncated], ["lost", null, "up\n", true]);
    assert(why.test(end.why!), end.why);
    assertEquals(await desk.output("echo next", { target: "tmux.main.work" }), "next\n");
  });
}

isolatedTest("runs that waited in a terminal that went away run in another one", async (world) => {
  const desk = await Desk.open(world.executor());
  const first = patient(world.dir, { target: "tmux.main.work" });
  const second = launchOf(`echo second >>'${world.dir}/log'`, { target: "tmux.main.work" });
  await desk.executor.launch(first);
  await desk.executor.launch(second);
  await up(desk, first.run);
  await world.tmux("kill-pane -t main:work");
  assertEquals((await desk.end(first.run)).kind, "lost");
  assertEquals((await desk.end(second.run)).code, 0);
  assertEquals(await Deno.readTextFile(`${world.dir}/log`), "second\n");
});

isolatedTest("a terminal that slept does not begin what an earlier runner gave to it", async (world) => {
  // the first lane says that it is ready, and wakes up later
  await Deno.writeTextFile(
    `${world.dir}/lane`,
    `[ -e '${world.dir}/once' ] && exec dash "$@"; touch '${world.dir}/once'; exec 3<>"$2/lanes/$3/in"; echo "R $3" 1<>"$2/done"; ` +
      `until [ -e '${world.dir}/awake' ]; do sleep 0.02; done; exec dash "$@"`,
  );
  const laneShell = `sh ${world.dir}/lane`;
  const first = await Desk.open(world.executor({ laneShell }));
  const launch = launchOf(`echo x >>'${world.dir}/ran'`);
  await first.executor.launch(launch);
  await first.executor.close();

  const second = await Desk.open(world.executor({ laneShell }));
  assertEquals([...(await second.executor.recover([launch])).values()], ["unlaunched"]);
  await second.run(launch);
  await Deno.writeTextFile(`${world.dir}/awake`, "");
  const journal = async () => await Deno.readTextFile(`${world.dir}/spool/lanes/1/journal`).catch(() => "");
  await until("it has looked at what it was given", async () => (await journal()).includes(`X ${launch.run} `));
  assertEquals(await second.output("echo next"), "next\n");
  assertEquals(await Deno.readTextFile(`${world.dir}/ran`), "x\n");
});

isolatedTest("a run may end, and be forgotten, while it is taken up", async (world) => {
  const first = await Desk.open(world.executor());
  const launch = patient(world.dir);
  await first.executor.launch(launch);
  await up(first, launch.run);
  await first.executor.close();

  let takingUp = false;
  const readText = async (path: string) => {
    const text = await systemFiles.readText(path);
    if (takingUp && path.endsWith("/journal")) {
      takingUp = false;
      await Deno.writeTextFile(`${world.dir}/go`, "");
      await second.executor.forget((await second.end(launch.run)).run);
    }
    return text;
  };
  const second = await Desk.open(world.executor({ files: { ...systemFiles, readText } }));
  takingUp = true;
  assertEquals([...(await second.executor.recover([launch])).values()], ["ended"]);
  assertEquals([takingUp, second.ends.map(({ code }) => code)], [false, [0]]);
});

isolatedTest(
  "what an earlier runner left stays until it is taken up, however long Redis keeps the next one waiting",
  async (world) => {
    const first = await Desk.open(world.executor());
    const [ended, running] = [
      launchOf("exit 7", { target: "tmux.main.a" }),
      patient(world.dir, { target: "tmux.main.b" }),
    ];
    await first.run(ended);
    await first.executor.launch(running);
    await up(first, running.run);
    await first.executor.close();
    await world.tmux("kill-server");

    const rounds: (() => void)[] = [];
    const { setInterval } = globalThis;
    globalThis.setInterval = ((round: () => void) => rounds.push(round)) as unknown as typeof setInterval;
    const second = await Desk.open(world.executor()).finally(() => globalThis.setInterval = setInterval);
    assert(rounds.length > 0);
    for (const round of rounds) round();
    assertEquals([...(await second.executor.recover([ended, running])).values()], ["ended", "ended"]);
    assertEquals([(await second.end(ended.run)).code, (await second.end(running.run)).kind], [7, "lost"]);
  },
);

isolatedTest("a run is begun once also when somebody has removed the runner's number", async (world) => {
  const desk = await Desk.open(world.executor());
  await desk.output("true");
  await world.sh(`rm -r '${world.dir}'/spool/epochs/*`);
  await desk.run(launchOf(`echo x >>'${world.dir}/ran'`));
  assertEquals(await desk.output("echo next"), "next\n");
  assertEquals(await Deno.readTextFile(`${world.dir}/ran`), "x\n");
});

isolatedTest("what a run left behind cannot take the script of the next run for its own", async (world) => {
  const desk = await Desk.open(world.executor());
  const again = `until [ -e '${world.dir}/go' ]; do sleep 0.02; done; sh "$1"; echo $? >'${world.dir}/code'`;
  const target = "tmux.main.work";
  await desk.run(
    launchOf(`setsid sh -c '${again.replaceAll("'", `'\\''`)}' sh "$0" >/dev/null 2>&1 & sleep 0.2`, { target }),
  );
  await desk.run(
    launchOf(
      `echo x >>'${world.dir}/ran'; echo >'${world.dir}/go'; until [ -s '${world.dir}/code' ]; do sleep 0.02; done`,
      { target },
    ),
  );
  assertEquals(await Deno.readTextFile(`${world.dir}/code`), "126\n");
  assertEquals(await Deno.readTextFile(`${world.dir}/ran`), "x\n");
});

isolatedTest("nothing stays connected with the server, and nothing is ever in control mode", async (world) => {
  const said: string[] = [];
  const { process } = world.options();
  const desk = await Desk.open(world.executor({
    process: { ...process, run: (command, args, options) => (said.push(...args), process.run(command, args, options)) },
  }));
  const launch = patient(world.dir);
  await desk.executor.launch(launch);
  await up(desk, launch.run);
  await desk.executor.sweep();
  assertEquals(await world.tmux("list-clients"), []);
  assertEquals(said.filter((arg) => /^-C+$/.test(arg)), []);
  assertEquals(world.children, []);
  await Deno.writeTextFile(`${world.dir}/go`, "");
  assertEquals((await desk.end(launch.run)).code, 0);
});

isolatedTest("a killed runner's twenty runs all end once, with their codes and whole outputs", async (world) => {
  const large = "seq 1 20000";
  const launches = Array.from({ length: 20 }, (_, i) =>
    launchOf(
      `echo ${i} >>'${world.dir}/log'; echo begin; ${
        i % 2 ? large : ":"
      }; until [ -e '${world.dir}/go' ] || [ ${i} -lt 6 ]; do sleep 0.05; done; echo end ${i}; exit ${i}`,
      { target: i % 3 ? "tmux.main" : `tmux.lines.${i}` },
    ));
  const { files: _files, process, clock: _clock, log: _log, newId: _newId, digestOf: _digestOf, ...options } = world
    .options();
  const config = new URL("../../scripts/npm/deno.json", import.meta.url).pathname;
  const program = new URL("./crash_runner.ts", import.meta.url).pathname;
  const env = { ...world.env, DENO_DIR: Deno.env.get("DENO_DIR") ?? `${Deno.env.get("HOME")}/.cache/deno` };
  const runner = process.spawn(Deno.execPath(), [
    "run",
    "-A",
    "--quiet",
    "--config",
    config,
    program,
    JSON.stringify({ options, launches }),
  ], { env });
  let pid = "";
  for await (const bytes of runner.output) {
    pid += new TextDecoder().decode(bytes);
    if (pid.endsWith("\n")) break;
  }
  await world.sh(`kill -9 ${pid}`);
  await until(
    "the first have ended without a runner",
    async () => Number(await world.sh(`cat '${world.dir}'/spool/lanes/*/journal | grep -c '^E' || true`)) >= 6,
  );

  const desk = await Desk.open(world.executor());
  const since = performance.now();
  const found = await desk.executor.recover(launches);
  assert(performance.now() - since < 1000, `recovery took ${performance.now() - since} ms`);
  assertEquals(launches.map(({ run }) => found.get(run)), launches.map((_, i) => i < 6 ? "ended" : "adopted"));
  await Deno.writeTextFile(`${world.dir}/go`, "");
  const numbers = Array.from({ length: 20_000 }, (_, i) => `${i + 1}\n`).join("");
  for (const [i, { run }] of launches.entries()) {
    const end = await desk.end(run);
    assertEquals([end.kind, end.code, end.output.truncated], ["exited", i, false]);
    assertEquals(new TextDecoder().decode(await desk.whole(run)), `begin\n${i % 2 ? numbers : ""}end ${i}\n`);
  }
  const log = (await Deno.readTextFile(`${world.dir}/log`)).trim().split("\n").map(Number).sort((a, b) => a - b);
  assertEquals(log, launches.map((_, i) => i));
  assertEquals(desk.ends.length, 20);
});

isolatedTest("an output whose log was torn says so, and the next one is whole", async (world) => {
  const desk = await Desk.open(world.executor());
  const target = "tmux.main.work";
  const launch = launchOf(`echo up; until [ -e '${world.dir}/go' ]; do echo more; sleep 0.02; done`, { target });
  await desk.executor.launch(launch);
  await up(desk, launch.run);
  // the newest one is the writer of the newest pane's log
  const writer = () => world.sh("pgrep -n -x cat");
  const first = await writer();
  await world.sh(`kill ${first}`);
  const piped = async () => (await world.tmux("display-message -p -t main:work '#{pane_pipe}'"))[0] === "1";
  await until("the log is restored", async () => {
    await desk.executor.sweep();
    return await piped() && Number(await writer()) > Number(first);
  });
  await Deno.writeTextFile(`${world.dir}/go`, "");
  const end = await desk.end(launch.run);
  assertEquals([end.kind, end.code, end.output.truncated], ["exited", 0, true]);
  assert((await desk.executor.sample(launch.run))!.truncated);
  assertEquals(await desk.output("echo next", { target }), "next\n");
});

isolatedTest("an output that was lost on its way to the log says so, and the next one is whole", async (world) => {
  const desk = await Desk.open(world.executor());
  const target = "tmux.main.work";
  const launch = launchOf(`echo up; until [ -e '${world.dir}/go' ]; do sleep 0.02; done`, { target });
  await desk.executor.launch(launch);
  await up(desk, launch.run);
  const writer = await world.sh("pgrep -n -x cat");
  await world.sh(`kill -STOP ${writer}`);
  await Deno.writeTextFile(`${world.dir}/go`, "");
  // tmux has given the last bytes to the writer then, and does not learn what becomes of them
  await until(
    "the terminal shows that it is idle",
    async () => (await world.tmux("display-message -p -t main:work '#{pane_title}'"))[0] === "idle",
  );
  await world.sh(`kill -KILL ${writer}`);
  const end = await desk.end(launch.run);
  assertEquals([end.kind, end.code, end.output.truncated], ["exited", 0, true]);
  assertEquals(await desk.output("echo next", { target }), "next\n");
});

isolatedTest("what a slow log gets too late never comes into the next output", async (world) => {
  const desk = await Desk.open(world.executor());
  const target = "tmux.main.work";
  const first = launchOf(`echo up; until [ -e '${world.dir}/go' ]; do sleep 0.02; done; echo late`, { target });
  await desk.executor.launch(first);
  await up(desk, first.run);
  const writers = () => world.sh("pgrep -x cat | wc -l");
  const count = await writers();
  const writer = await world.sh("pgrep -n -x cat");
  await world.sh(`kill -STOP ${writer}`);
  await Deno.writeTextFile(`${world.dir}/go`, "");
  assert((await desk.end(first.run)).output.truncated);
  const second = launchOf(`echo two; until [ -e '${world.dir}/go2' ]; do sleep 0.02; done`, { target });
  await desk.executor.launch(second);
  await until("it runs", async () => (await world.tmux("capture-pane -p -t main:work")).includes("two"));
  await world.sh(`kill -CONT ${writer}`);
  await until("the old writer has gone", async () => (await world.sh(`kill -0 ${writer} || echo gone`)) === "gone");
  await until("there is a new one", async () => await writers() === count);
  await Deno.writeTextFile(`${world.dir}/go2`, "");
  const end = await desk.end(second.run);
  assertEquals([new TextDecoder().decode(end.output.head), end.output.truncated], ["two\n", false]);
});

isolatedTest("a run whose shell cannot be started is lost, with the reason", async (world) => {
  const shell = `${world.dir}/shell`;
  await Deno.symlink("/bin/sh", shell);
  const desk = await Desk.open(world.executor({ shell }));
  await Deno.remove(shell);
  const end = await desk.run(launchOf("echo ran"));
  assertEquals([end.kind, end.code], ["lost", null]);
  assert(/could not be started/.test(end.why!), end.why);
});

isolatedTest("a hook whose window is slow to begin runs, although the runner ends meanwhile", async (world) => {
  await world.sh(`mkdir '${world.dir}/bin'`);
  await Deno.writeTextFile(`${world.dir}/bin/sh`, '#!/bin/sh\nsleep 0.3\nexec /bin/sh "$@"\n', { mode: 0o755 });
  const desk = await Desk.open(world.executor({ env: { ...world.env, PATH: `${world.dir}/bin:${world.env.PATH}` } }));
  const going = desk.executor.hook({ run: "1.x", command: `echo x >>'${world.dir}/over'`, env: {}, limitMs: 5000 });
  await desk.executor.close();
  assertEquals(await going, null);
  await until("it has run", () => Deno.readTextFile(`${world.dir}/over`).then((text) => text === "x\n", () => false));
});

isolatedTest(
  "panes that a killed runner had not finished to make are closed, those of people are not",
  async (world) => {
    const first = await Desk.open(world.executor());
    await first.output("true", { target: "tmux.main.work" });
    await first.executor.close();
    await world.tmux("set-option -p -u -t main:work @runner_lane");
    await world.tmux("new-window -d -t main -n theirs 'exec cat'");
    const second = await Desk.open(world.executor());
    await second.executor.recover([]);
    await until(
      "it is closed",
      async () => (await world.tmux("list-windows -t main -F '#{window_name}'")).join() === "theirs",
    );
    assertEquals(await second.output("echo fine", { target: "tmux.main.work" }), "fine\n");
  },
);

isolatedTest("a terminal that does not start its run is replaced", async (world) => {
  let ahead = 0;
  const { clock } = world.options();
  // the first lane says that it is ready, and then does nothing
  await Deno.writeTextFile(
    `${world.dir}/lane`,
    `[ -e '${world.dir}/once' ] && exec dash "$@"; touch '${world.dir}/once'; echo "R $3" 1<>"$2/done"; exec sleep 1000`,
  );
  const laneShell = `sh ${world.dir}/lane`;
  const desk = await Desk.open(world.executor({ laneShell, clock: { ...clock, now: () => clock.now() + ahead } }));
  const launch = launchOf("echo ran", { target: "tmux.main.work" });
  await desk.executor.launch(launch);
  assertEquals(await world.sh("pgrep -fx 'sleep 1000' | wc -l"), "2");
  const timer = setInterval(() => ahead += 5000, 1000);
  const end = await desk.end(launch.run);
  clearInterval(timer);
  assertEquals([end.kind, end.code, textOf(end.output)], ["exited", 0, "ran\n"]);
});

isolatedTest("an end that is reported again is not told again", async (world) => {
  const desk = await Desk.open(world.executor());
  const end = await desk.run(launchOf("exit 3"));
  const again = `E 1 ${end.run} 9`;
  await world.sh(`printf '%s\\n' '${again}' 'E 9 x 1' 'nonsense' '' '${again}' 1<>'${world.dir}/spool/done'`);
  assertEquals(await desk.output("echo next"), "next\n");
  assertEquals(desk.ends.map(({ code }) => code), [3, 0]);
});

isolatedTest(
  "a run that was told to stop ends as that, however early its end is reported to the next runner",
  async (world) => {
    for (let tries = 0; tries < 5; tries++) {
      const first = await Desk.open(world.executor());
      const go = `${world.dir}/go${tries}`;
      const payload =
        `trap 'until [ -e ${go} ]; do sleep 0.02; done; exit 9' TERM; echo up; while :; do sleep 0.02; done`;
      const launch = launchOf(payload, { target: "tmux.main.work" });
      await first.executor.launch(launch);
      await up(first, launch.run);
      await first.executor.stop(launch.run, "timed_out", 10_000);
      await until("the script is at it", () => world.sh(`cat '${world.dir}/spool/jobs/${launch.run}.stop'`));
      await first.executor.close();
      const second = await Desk.open(world.executor());
      await Deno.writeTextFile(go, "");
      const journal = () => Deno.readTextFile(`${world.dir}/spool/lanes/1/journal`);
      await until("it has ended", async () => (await journal()).includes(`E ${launch.run}`));
      await second.executor.sweep();
      await second.executor.sweep();
      assertEquals([...(await second.executor.recover([launch])).values()], ["ended"]);
      const end = await second.end(launch.run);
      assertEquals([end.kind, end.code], ["timed_out", 9]);
      await second.executor.forget(launch.run);
      await second.executor.close();
    }
  },
);

isolatedTest(
  "a run whose journal is removed while it runs is executed once, under this runner and the next",
  async (world) => {
    const journal = `${world.dir}/spool/lanes/1/journal`;
    const first = await Desk.open(world.executor());
    const launch = patient(world.dir, { target: "tmux.main.work" }, `echo x >>'${world.dir}/ran'; exit 7`);
    await first.executor.launch(launch);
    await up(first, launch.run);
    await first.executor.close();
    await Deno.remove(journal);
    const second = await Desk.open(world.executor());
    assertEquals([...(await second.executor.recover([launch])).values()], ["adopted"]);
    await Deno.writeTextFile(`${world.dir}/go`, "");
    assertEquals((await second.end(launch.run)).code, 7);
    assertEquals(await Deno.readTextFile(`${world.dir}/ran`), "x\n");
    // made anew by the lane
    assert((await Deno.readTextFile(journal)).includes(`E ${launch.run} `));
  },
);

isolatedTest("a run whose journal is removed is not taken for one that did not start", async (world) => {
  let [ahead, asked] = [0, false];
  const { clock, process } = world.options();
  const now = () => clock.now() + ahead;
  const run: typeof process.run = (command, args, how) => {
    asked ||= args.join(" ").includes("/bin/living-");
    return process.run(command, args, how);
  };
  const desk = await Desk.open(world.executor({ clock: { ...clock, now }, process: { ...process, run } }));
  const wait = `until [ -e '${world.dir}/go' ]; do sleep 0.02; done`;
  const launch = launchOf(`echo x >>'${world.dir}/ran'; echo up; ${wait}; exit 7`, { target: "tmux.main.work" });
  await desk.executor.launch(launch);
  await up(desk, launch.run);
  await Deno.remove(`${world.dir}/spool/lanes/1/journal`);
  ahead = 20_000;
  await until("its processes are looked for", () => asked);
  await desk.executor.sweep();
  await Deno.writeTextFile(`${world.dir}/go`, "");
  const end = await desk.end(launch.run);
  assertEquals([end.kind, end.code], ["exited", 7]);
  assertEquals(await Deno.readTextFile(`${world.dir}/ran`), "x\n");
});

isolatedTest("a run that is in no journal, as one was lost, is not launched again", async (world) => {
  const first = await Desk.open(world.executor());
  const launch = launchOf(`echo x >>'${world.dir}/ran'`, { target: "tmux.main.work" });
  await first.run(launch);
  await first.output("true", { target: "tmux.main.work" });
  await first.executor.close();
  await Deno.remove(`${world.dir}/spool/lanes/1/journal`);
  const second = await Desk.open(world.executor());
  assertEquals([...(await second.executor.recover([launch])).values()], ["ended"]);
  assertEquals((await second.end(launch.run)).kind, "lost");
});

isolatedTest("a run whose processes live is not launched again, although no journal has it", async (world) => {
  const first = await Desk.open(world.executor());
  await first.output("true");
  await first.executor.close();
  const launch = launchOf(`echo x >>'${world.dir}/ran'`);
  await world.sh(`RUNNER_RUN=${launch.run} setsid sleep 60 >/dev/null 2>&1 &`);
  const second = await Desk.open(world.executor());
  assertEquals([...(await second.executor.recover([launch])).values()], ["ended"]);
  assertEquals((await second.end(launch.run)).kind, "lost");
  await world.sh("pkill -x sleep");
  const third = await Desk.open(world.executor());
  assertEquals([...(await third.executor.recover([launch])).values()], ["unlaunched"]);
});

isolatedTest(
  "a terminal whose log is not written any more while it is idle gets a new one before its next run",
  async (world) => {
    const desk = await Desk.open(world.executor());
    assertEquals(await desk.output("echo first", { target: "tmux.main.work" }), "first\n");
    const writer = () => Deno.readTextFile(`${world.dir}/spool/lanes/1/writer`);
    const before = await writer();
    await world.sh("pkill -x cat -P $(cat '" + world.dir + "/spool/lanes/1/writer')");
    await until("it has another writer", async () => await writer() !== before);
    assertEquals(await desk.output("echo next", { target: "tmux.main.work" }), "next\n");
  },
);
