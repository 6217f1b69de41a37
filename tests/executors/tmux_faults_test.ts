import { systemFiles } from "../../src/system/files.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { isolatedTest } from "../support/tmux_host.ts";
import { until } from "../support/until.ts";
import { ExecutorFixture, launchOf, patient, textOf, up } from "./executor_fixture.ts";

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
  isolatedTest(`a run is lost when ${name}, and the next one works`, async (host) => {
    const fixture = await ExecutorFixture.open(host.executor());
    const beside = name.includes("beside");
    if (beside) await host.tmux("new-session -d -s main -n work 'exec cat'");
    const launch = patient(host.dir, { target: "tmux.main.work" });
    await fixture.executor.launch(launch);
    await up(fixture, launch.name);
    await host.sh(act);
    const end = await fixture.end(launch.name);
    assertEquals([end.kind, end.code, textOf(end.output), end.output.truncated], ["lost", null, "up\n", true]);
    assert(why.test(end.why!), end.why);
    assertEquals(await fixture.output("echo next", { target: "tmux.main.work" }), "next\n");
  });
}

isolatedTest("runs that waited in a terminal that went away run in another one", async (host) => {
  const fixture = await ExecutorFixture.open(host.executor());
  const first = patient(host.dir, { target: "tmux.main.work" });
  const second = launchOf(`echo second >>'${host.dir}/log'`, { target: "tmux.main.work" });
  await fixture.executor.launch(first);
  await fixture.executor.launch(second);
  await up(fixture, first.name);
  await host.tmux("kill-pane -t main:work");
  assertEquals((await fixture.end(first.name)).kind, "lost");
  assertEquals((await fixture.end(second.name)).code, 0);
  assertEquals(await Deno.readTextFile(`${host.dir}/log`), "second\n");
});

isolatedTest("a terminal that slept does not begin what an earlier runner gave to it", async (host) => {
  // the first lane says that it is ready, and wakes up later
  await Deno.writeTextFile(
    `${host.dir}/lane`,
    `[ -e '${host.dir}/once' ] && exec dash "$@"; touch '${host.dir}/once'; exec 3<>"$2/lanes/$3/in"; echo "R $3" 1<>"$2/done"; ` +
      `until [ -e '${host.dir}/awake' ]; do sleep 0.02; done; exec dash "$@"`,
  );
  const laneShell = `sh ${host.dir}/lane`;
  const first = await ExecutorFixture.open(host.executor({ laneShell }));
  const launch = launchOf(`echo x >>'${host.dir}/ran'`);
  await first.executor.launch(launch);
  await first.executor.close();

  const second = await ExecutorFixture.open(host.executor({ laneShell }));
  assertEquals([...(await second.executor.recover([launch])).values()], ["unlaunched"]);
  await second.run(launch);
  await Deno.writeTextFile(`${host.dir}/awake`, "");
  const journal = async () => await Deno.readTextFile(`${host.dir}/spool/lanes/1/journal`).catch(() => "");
  await until("it has looked at what it was given", async () => (await journal()).includes(`X ${launch.name} `));
  assertEquals(await second.output("echo next"), "next\n");
  assertEquals(await Deno.readTextFile(`${host.dir}/ran`), "x\n");
});

isolatedTest("a run may end, and be forgotten, while it is taken up", async (host) => {
  const first = await ExecutorFixture.open(host.executor());
  const launch = patient(host.dir);
  await first.executor.launch(launch);
  await up(first, launch.name);
  await first.executor.close();

  let takingUp = false;
  const readText = async (path: string) => {
    const text = await systemFiles.readText(path);
    if (takingUp && path.endsWith("/journal")) {
      takingUp = false;
      await Deno.writeTextFile(`${host.dir}/go`, "");
      await second.executor.forget((await second.end(launch.name)).name);
    }
    return text;
  };
  const second = await ExecutorFixture.open(host.executor({ files: { ...systemFiles, readText } }));
  takingUp = true;
  assertEquals([...(await second.executor.recover([launch])).values()], ["ended"]);
  assertEquals([takingUp, second.ends.map(({ code }) => code)], [false, [0]]);
});

isolatedTest(
  "what an earlier runner left stays until it is taken up, however long Redis keeps the next one waiting",
  async (host) => {
    const first = await ExecutorFixture.open(host.executor());
    const [ended, running] = [
      launchOf("exit 7", { target: "tmux.main.a" }),
      patient(host.dir, { target: "tmux.main.b" }),
    ];
    await first.run(ended);
    await first.executor.launch(running);
    await up(first, running.name);
    await first.executor.close();
    await host.tmux("kill-server");

    const rounds: (() => void)[] = [];
    const { setInterval } = globalThis;
    globalThis.setInterval = ((round: () => void) => rounds.push(round)) as unknown as typeof setInterval;
    const second = await ExecutorFixture.open(host.executor()).finally(() => globalThis.setInterval = setInterval);
    assert(rounds.length > 0);
    for (const round of rounds) round();
    assertEquals([...(await second.executor.recover([ended, running])).values()], ["ended", "ended"]);
    assertEquals([(await second.end(ended.name)).code, (await second.end(running.name)).kind], [7, "lost"]);
  },
);

isolatedTest("a run is begun once also when a person has removed the runner's number", async (host) => {
  const fixture = await ExecutorFixture.open(host.executor());
  await fixture.output("true");
  await host.sh(`rm -r '${host.dir}'/spool/epochs/*`);
  await fixture.run(launchOf(`echo x >>'${host.dir}/ran'`));
  assertEquals(await fixture.output("echo next"), "next\n");
  assertEquals(await Deno.readTextFile(`${host.dir}/ran`), "x\n");
});

isolatedTest("what a run left behind cannot run the script of the next run as its own", async (host) => {
  const fixture = await ExecutorFixture.open(host.executor());
  const again = `until [ -e '${host.dir}/go' ]; do sleep 0.02; done; sh "$1"; echo $? >'${host.dir}/code'`;
  const target = "tmux.main.work";
  await fixture.run(
    launchOf(`setsid sh -c '${again.replaceAll("'", `'\\''`)}' sh "$0" >/dev/null 2>&1 & sleep 0.2`, { target }),
  );
  await fixture.run(
    launchOf(
      `echo x >>'${host.dir}/ran'; echo >'${host.dir}/go'; until [ -s '${host.dir}/code' ]; do sleep 0.02; done`,
      { target },
    ),
  );
  assertEquals(await Deno.readTextFile(`${host.dir}/code`), "126\n");
  assertEquals(await Deno.readTextFile(`${host.dir}/ran`), "x\n");
});

isolatedTest("nothing stays connected with the server, and nothing is ever in control mode", async (host) => {
  const said: string[] = [];
  const { process } = host.options();
  const fixture = await ExecutorFixture.open(host.executor({
    process: { ...process, run: (command, args, options) => (said.push(...args), process.run(command, args, options)) },
  }));
  const launch = patient(host.dir);
  await fixture.executor.launch(launch);
  await up(fixture, launch.name);
  await fixture.executor.sweep();
  assertEquals(await host.tmux("list-clients"), []);
  assertEquals(said.filter((arg) => /^-C+$/.test(arg)), []);
  assertEquals(host.children, []);
  await Deno.writeTextFile(`${host.dir}/go`, "");
  assertEquals((await fixture.end(launch.name)).code, 0);
});

isolatedTest("a killed runner's twenty runs all end once, with their codes and whole outputs", async (host) => {
  const large = "seq 1 20000";
  const launches = Array.from({ length: 20 }, (_, i) =>
    launchOf(
      `echo ${i} >>'${host.dir}/log'; echo begin; ${
        i % 2 ? large : ":"
      }; until [ -e '${host.dir}/go' ] || [ ${i} -lt 6 ]; do sleep 0.05; done; echo end ${i}; exit ${i}`,
      { target: i % 3 ? "tmux.main" : `tmux.lines.${i}` },
    ));
  const { files: _files, process, clock: _clock, log: _log, newId: _newId, digestOf: _digestOf, ...options } = host
    .options();
  const config = new URL("../../scripts/npm/deno.json", import.meta.url).pathname;
  const program = new URL("./crash_runner.ts", import.meta.url).pathname;
  const env = { ...host.env, DENO_DIR: Deno.env.get("DENO_DIR") ?? `${Deno.env.get("HOME")}/.cache/deno` };
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
  await host.sh(`kill -9 ${pid}`);
  await until(
    "the first have ended without a runner",
    async () => Number(await host.sh(`cat '${host.dir}'/spool/lanes/*/journal | grep -c '^E' || true`)) >= 6,
  );

  const fixture = await ExecutorFixture.open(host.executor());
  const found = await fixture.executor.recover(launches);
  assertEquals(launches.map(({ name: run }) => found.get(run)), launches.map((_, i) => i < 6 ? "ended" : "adopted"));
  await Deno.writeTextFile(`${host.dir}/go`, "");
  const numbers = Array.from({ length: 20_000 }, (_, i) => `${i + 1}\n`).join("");
  for (const [i, { name: run }] of launches.entries()) {
    const end = await fixture.end(run);
    assertEquals([end.kind, end.code, end.output.truncated], ["exited", i, false]);
    assertEquals(new TextDecoder().decode(await fixture.whole(run)), `begin\n${i % 2 ? numbers : ""}end ${i}\n`);
  }
  const log = (await Deno.readTextFile(`${host.dir}/log`)).trim().split("\n").map(Number).sort((a, b) => a - b);
  assertEquals(log, launches.map((_, i) => i));
  assertEquals(fixture.ends.length, 20);
});

isolatedTest("an output whose log was torn says so, and the next one is whole", async (host) => {
  const fixture = await ExecutorFixture.open(host.executor());
  const target = "tmux.main.work";
  const launch = launchOf(`echo up; until [ -e '${host.dir}/go' ]; do echo more; sleep 0.02; done`, { target });
  await fixture.executor.launch(launch);
  await up(fixture, launch.name);
  const writer = () => host.sh(host.writer);
  const first = await writer();
  await host.sh(`kill ${first}`);
  const piped = async () => (await host.tmux("display-message -p -t main:work '#{pane_pipe}'"))[0] === "1";
  await until("the log is restored", async () => {
    await fixture.executor.sweep();
    return await piped() && Number(await writer()) > Number(first);
  });
  await Deno.writeTextFile(`${host.dir}/go`, "");
  const end = await fixture.end(launch.name);
  assertEquals([end.kind, end.code, end.output.truncated], ["exited", 0, true]);
  assert((await fixture.executor.sample(launch.name))!.truncated);
  assertEquals(await fixture.output("echo next", { target }), "next\n");
});

isolatedTest("an output that was lost on its way to the log says so, and the next one is whole", async (host) => {
  const fixture = await ExecutorFixture.open(host.executor());
  const target = "tmux.main.work";
  const launch = launchOf(`echo up; until [ -e '${host.dir}/go' ]; do sleep 0.02; done`, { target });
  await fixture.executor.launch(launch);
  await up(fixture, launch.name);
  const writer = await host.sh(host.writer);
  await host.sh(`kill -STOP ${writer}`);
  await Deno.writeTextFile(`${host.dir}/go`, "");
  // tmux has given the last bytes to the writer then, and does not learn what becomes of them
  await until(
    "the terminal shows that it is idle",
    async () => (await host.tmux("display-message -p -t main:work '#{pane_title}'"))[0] === "idle",
  );
  await host.sh(`kill -KILL ${writer}`);
  const end = await fixture.end(launch.name);
  assertEquals([end.kind, end.code, end.output.truncated], ["exited", 0, true]);
  assertEquals(await fixture.output("echo next", { target }), "next\n");
});

isolatedTest("what a slow log gets too late never comes into the next output", async (host) => {
  const fixture = await ExecutorFixture.open(host.executor());
  const target = "tmux.main.work";
  const first = launchOf(`echo up; until [ -e '${host.dir}/go' ]; do sleep 0.02; done; echo late`, { target });
  await fixture.executor.launch(first);
  await up(fixture, first.name);
  const writer = await host.sh(host.writer);
  await host.sh(`kill -STOP ${writer}`);
  await Deno.writeTextFile(`${host.dir}/go`, "");
  assert((await fixture.end(first.name)).output.truncated);
  const second = launchOf(`echo two; until [ -e '${host.dir}/go2' ]; do sleep 0.02; done`, { target });
  await fixture.executor.launch(second);
  await until("it runs", async () => (await host.tmux("capture-pane -p -t main:work")).includes("two"));
  await host.sh(`kill -CONT ${writer}`);
  await until("the old writer has gone", async () => (await host.sh(`kill -0 ${writer} || echo gone`)) === "gone");
  await until("there is a new one", async () => await host.sh(host.writer) !== "");
  await Deno.writeTextFile(`${host.dir}/go2`, "");
  const end = await fixture.end(second.name);
  assertEquals([new TextDecoder().decode(end.output.head), end.output.truncated], ["two\n", false]);
});

isolatedTest("a run whose shell cannot be started is lost, with the reason", async (host) => {
  const shell = `${host.dir}/shell`;
  await Deno.symlink("/bin/sh", shell);
  const fixture = await ExecutorFixture.open(host.executor({ shell }));
  await Deno.remove(shell);
  const end = await fixture.run(launchOf("echo ran"));
  assertEquals([end.kind, end.code], ["lost", null]);
  assert(/could not be started/.test(end.why!), end.why);
});

isolatedTest("a hook whose window is slow to begin runs, although the runner ends meanwhile", async (host) => {
  await host.sh(`mkdir '${host.dir}/bin'`);
  await Deno.writeTextFile(`${host.dir}/bin/sh`, '#!/bin/sh\nsleep 0.3\nexec /bin/sh "$@"\n', { mode: 0o755 });
  const fixture = await ExecutorFixture.open(
    host.executor({ env: { ...host.env, PATH: `${host.dir}/bin:${host.env.PATH}` } }),
  );
  const going = fixture.executor.hook({ name: "1.x", command: `echo x >>'${host.dir}/over'`, env: {}, limitMs: 5000 });
  await fixture.executor.close();
  assertEquals(await going, null);
  await until("it has run", () => Deno.readTextFile(`${host.dir}/over`).then((text) => text === "x\n", () => false));
});

isolatedTest(
  "panes that a killed runner had not finished to make are closed, those of people are not",
  async (host) => {
    const first = await ExecutorFixture.open(host.executor());
    await first.output("true", { target: "tmux.main.work" });
    await first.executor.close();
    await host.tmux("set-option -p -u -t main:work @runner_lane");
    await host.tmux("new-window -d -t main -n theirs 'exec cat'");
    const second = await ExecutorFixture.open(host.executor());
    await second.executor.recover([]);
    await until(
      "it is closed",
      async () => (await host.tmux("list-windows -t main -F '#{window_name}'")).join() === "theirs",
    );
    assertEquals(await second.output("echo fine", { target: "tmux.main.work" }), "fine\n");
  },
);

isolatedTest("a terminal that does not start its run is replaced", async (host) => {
  let ahead = 0;
  const { clock } = host.options();
  // the first lane says that it is ready, and then does nothing
  await Deno.writeTextFile(
    `${host.dir}/lane`,
    `[ -e '${host.dir}/once' ] && exec dash "$@"; touch '${host.dir}/once'; echo "R $3" 1<>"$2/done"; exec sleep 1000`,
  );
  const laneShell = `sh ${host.dir}/lane`;
  const fixture = await ExecutorFixture.open(
    host.executor({ laneShell, clock: { ...clock, now: () => clock.now() + ahead } }),
  );
  const launch = launchOf("echo ran", { target: "tmux.main.work" });
  await fixture.executor.launch(launch);
  assertEquals(await host.sh("pgrep -fx 'sleep 1000' | wc -l"), "2");
  const timer = setInterval(() => ahead += 5000, 1000);
  const end = await fixture.end(launch.name);
  clearInterval(timer);
  assertEquals([end.kind, end.code, textOf(end.output)], ["exited", 0, "ran\n"]);
});

isolatedTest("an end that a lane reports again is reported once", async (host) => {
  const fixture = await ExecutorFixture.open(host.executor());
  const end = await fixture.run(launchOf("exit 3"));
  const again = `E 1 ${end.name} 9`;
  await host.sh(`printf '%s\\n' '${again}' 'E 9 x 1' 'nonsense' '' '${again}' 1<>'${host.dir}/spool/done'`);
  assertEquals(await fixture.output("echo next"), "next\n");
  assertEquals(fixture.ends.map(({ code }) => code), [3, 0]);
});

isolatedTest(
  "a run that was ordered to stop ends as that, however early its end is reported to the next runner",
  async (host) => {
    for (let tries = 0; tries < 5; tries++) {
      const first = await ExecutorFixture.open(host.executor());
      const go = `${host.dir}/go${tries}`;
      const payload =
        `trap 'until [ -e ${go} ]; do sleep 0.02; done; exit 9' TERM; echo up; while :; do sleep 0.02; done`;
      const launch = launchOf(payload, { target: "tmux.main.work" });
      await first.executor.launch(launch);
      await up(first, launch.name);
      await first.executor.stop(launch.name, "timed_out", 10_000);
      await until("the script is at it", () => host.sh(`cat '${host.dir}/spool/jobs/${launch.name}.stop'`));
      await first.executor.close();
      const second = await ExecutorFixture.open(host.executor());
      await Deno.writeTextFile(go, "");
      const journal = () => Deno.readTextFile(`${host.dir}/spool/lanes/1/journal`);
      await until("it has ended", async () => (await journal()).includes(`E ${launch.name}`));
      await second.executor.sweep();
      await second.executor.sweep();
      assertEquals([...(await second.executor.recover([launch])).values()], ["ended"]);
      const end = await second.end(launch.name);
      assertEquals([end.kind, end.code], ["timed_out", 9]);
      await second.executor.forget(launch.name);
      await second.executor.close();
    }
  },
);

isolatedTest(
  "a run whose journal is removed while it runs is executed once, under this runner and the next",
  async (host) => {
    const journal = `${host.dir}/spool/lanes/1/journal`;
    const first = await ExecutorFixture.open(host.executor());
    const launch = patient(host.dir, { target: "tmux.main.work" }, `echo x >>'${host.dir}/ran'; exit 7`);
    await first.executor.launch(launch);
    await up(first, launch.name);
    await first.executor.close();
    await Deno.remove(journal);
    const second = await ExecutorFixture.open(host.executor());
    assertEquals([...(await second.executor.recover([launch])).values()], ["adopted"]);
    await Deno.writeTextFile(`${host.dir}/go`, "");
    assertEquals((await second.end(launch.name)).code, 7);
    assertEquals(await Deno.readTextFile(`${host.dir}/ran`), "x\n");
    // made anew by the lane
    assert((await Deno.readTextFile(journal)).includes(`E ${launch.name} `));
  },
);

isolatedTest("a run whose journal is removed is not taken for one that did not start", async (host) => {
  let [ahead, asked] = [0, false];
  const { clock, process } = host.options();
  const now = () => clock.now() + ahead;
  const run: typeof process.run = (command, args, how) => {
    asked ||= args.join(" ").includes("/bin/living-");
    return process.run(command, args, how);
  };
  const fixture = await ExecutorFixture.open(host.executor({ clock: { ...clock, now }, process: { ...process, run } }));
  const wait = `until [ -e '${host.dir}/go' ]; do sleep 0.02; done`;
  const launch = launchOf(`echo x >>'${host.dir}/ran'; echo up; ${wait}; exit 7`, { target: "tmux.main.work" });
  await fixture.executor.launch(launch);
  await up(fixture, launch.name);
  await Deno.remove(`${host.dir}/spool/lanes/1/journal`);
  ahead = 20_000;
  await until("its processes are looked for", () => asked);
  await fixture.executor.sweep();
  await Deno.writeTextFile(`${host.dir}/go`, "");
  const end = await fixture.end(launch.name);
  assertEquals([end.kind, end.code], ["exited", 7]);
  assertEquals(await Deno.readTextFile(`${host.dir}/ran`), "x\n");
});

isolatedTest("a run that is in no journal, as one was lost, is not launched again", async (host) => {
  const first = await ExecutorFixture.open(host.executor());
  const launch = launchOf(`echo x >>'${host.dir}/ran'`, { target: "tmux.main.work" });
  await first.run(launch);
  await first.output("true", { target: "tmux.main.work" });
  await first.executor.close();
  await Deno.remove(`${host.dir}/spool/lanes/1/journal`);
  const second = await ExecutorFixture.open(host.executor());
  assertEquals([...(await second.executor.recover([launch])).values()], ["ended"]);
  assertEquals((await second.end(launch.name)).kind, "lost");
});

isolatedTest("a run whose processes live is not launched again, although no journal has it", async (host) => {
  const first = await ExecutorFixture.open(host.executor());
  await first.output("true");
  await first.executor.close();
  const launch = launchOf(`echo x >>'${host.dir}/ran'`);
  await host.sh(`RUNNER_RUN=${launch.name} setsid sleep 60 >/dev/null 2>&1 &`);
  const second = await ExecutorFixture.open(host.executor());
  assertEquals([...(await second.executor.recover([launch])).values()], ["ended"]);
  assertEquals((await second.end(launch.name)).kind, "lost");
  await host.sh("pkill -x sleep");
  const third = await ExecutorFixture.open(host.executor());
  assertEquals([...(await third.executor.recover([launch])).values()], ["unlaunched"]);
});

isolatedTest(
  "a terminal whose log is not written any more while it is idle gets a new one before its next run",
  async (host) => {
    const fixture = await ExecutorFixture.open(host.executor());
    assertEquals(await fixture.output("echo first", { target: "tmux.main.work" }), "first\n");
    const writer = () => Deno.readTextFile(`${host.dir}/spool/lanes/1/writer`);
    const before = await writer();
    await host.sh(`kill $(${host.writer})`);
    await until("it has another writer", async () => await writer() !== before);
    assertEquals(await fixture.output("echo next", { target: "tmux.main.work" }), "next\n");
  },
);
