import { LaunchError } from "../../src/domain/errors.ts";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { isolatedTest, type TmuxWorld } from "../support/tmux.ts";
import { until } from "../support/until.ts";
import { Desk, launchOf, textOf } from "./desk.ts";

/** A run that says `up` and then waits for the file `go`. */
function patient(world: TmuxWorld, changes: Parameters<typeof launchOf>[1] = {}, after = "exit 0") {
  return launchOf(`echo up; until [ -e '${world.dir}/go' ]; do sleep 0.02; done; ${after}`, changes);
}

async function up(desk: Desk, run: string): Promise<void> {
  await until(`${run} is up`, async () => (await desk.executor.read(run, 0, 3)).length > 0);
}

isolatedTest("sessions, windows and panes are made as the target says, and no more of them", async (world) => {
  const desk = await Desk.open(world.executor());
  const where = "printf '%s ' $TMUX_PANE; tmux display-message -p -t $TMUX_PANE '#{session_name} #{window_name}'";
  const env = { TMUX_TMPDIR: world.dir };
  const at = async (target: string) => (await desk.output(where, { target, env })).trim();
  const [, session, window] = (await at("tmux.main")).split(" ");
  assertEquals([session, window], ["main", "lane-1"]);
  assertEquals(await at("tmux.main"), `%1 main lane-1`);
  assertEquals(await at("tmux.main.build"), "%2 main build");
  assertEquals(await at("tmux.main.build.1"), "%2 main build");
  assertEquals(await at("tmux.main.build.2"), "%3 main build");
  assertEquals(await at("tmux.main.build.tests"), "%4 main build");
  assertEquals(await at("tmux.main.build.tests"), "%4 main build");
  assertEquals(await at("tmux.with space.ünïcode %H x"), "%5 with space ünïcode %H x");
  assertEquals((await world.tmux("list-panes -a")).length, 6);
});

isolatedTest("a window takes as many panes as there is room for, and says when there is none", async (world) => {
  const desk = await Desk.open(world.executor());
  for (let pane = 1; pane <= 12; pane++) {
    assertEquals(await desk.output("echo here", { target: `tmux.main.grid.${pane}` }), "here\n");
  }
  await world.tmux("new-session -d -s tiny -n box -x 10 -y 3");
  const error = await assertRejects(async () => {
    for (let pane = 1; pane <= 12; pane++) await desk.run(launchOf("true", { target: `tmux.tiny.box.p${pane}` }));
  }, LaunchError);
  assert(/no space/.test(error.message), error.message);
});

isolatedTest("terminals of people are neither used nor closed", async (world) => {
  const desk = await Desk.open(world.executor());
  await world.tmux("new-session -d -s main -n build 'exec sh'");
  await world.tmux("split-window -d -t main:build 'exec cat'");
  const theirs = await world.tmux("list-panes -t main:build -F '#{pane_id} #{pane_pid}'");
  await world.sh("tmux -L test send-keys -t main:build 'half typed '");
  assertEquals(await desk.output("echo ours", { target: "tmux.main.build" }), "ours\n");
  assertEquals(await desk.output("echo ours", { target: "tmux.main" }), "ours\n");
  const panes = await world.tmux("list-panes -t main:build -F '#{pane_id} #{pane_pid}'");
  assertEquals(panes.filter((pane) => theirs.includes(pane)), theirs);
  assertEquals(panes.length, 3);
  assert((await world.tmux(`capture-pane -p -t ${theirs[0].split(" ")[0]}`)).join("\n").includes("half typed"));
});

isolatedTest("two runners on one server leave each other's terminals alone", async (world) => {
  const one = await Desk.open(world.executor());
  const two = await Desk.open(world.executor({ instance: "two", spool: `${world.dir}/spool2` }));
  const launches = [patient(world, { target: "tmux.main.x" }, "tty"), patient(world, { target: "tmux.main.x" }, "tty")];
  await one.executor.launch(launches[0]);
  await two.executor.launch(launches[1]);
  await one.executor.recover([]);
  await two.executor.sweep();
  await Deno.writeTextFile(`${world.dir}/go`, "");
  const ends = [await one.end(launches[0].run), await two.end(launches[1].run)];
  assertEquals(ends.map((end) => [end.kind, end.code]), [["exited", 0], ["exited", 0]]);
  assert(textOf(ends[0].output) !== textOf(ends[1].output));
});

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
    const launch = patient(world, { target: "tmux.main.work" });
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
  const first = patient(world, { target: "tmux.main.work" });
  const second = launchOf(`echo second >>'${world.dir}/log'`, { target: "tmux.main.work" });
  await desk.executor.launch(first);
  await desk.executor.launch(second);
  await up(desk, first.run);
  await world.tmux("kill-pane -t main:work");
  assertEquals((await desk.end(first.run)).kind, "lost");
  assertEquals((await desk.end(second.run)).code, 0);
  assertEquals(await Deno.readTextFile(`${world.dir}/log`), "second\n");
});

isolatedTest("the connection may be killed: runs do not notice", async (world) => {
  const desk = await Desk.open(world.executor());
  const launch = patient(world);
  await desk.executor.launch(launch);
  await up(desk, launch.run);
  await world.sh(`kill -9 $(cat '${world.dir}/spool/ctl.pid')`);
  await until("a new connection", async () => {
    await desk.executor.sweep();
    return (await world.tmux("list-clients")).length === 1;
  });
  await Deno.writeTextFile(`${world.dir}/go`, "");
  assertEquals((await desk.end(launch.run)).code, 0);
});

isolatedTest("INT at the runner's whole process group ends neither server nor runs", async (world) => {
  const desk = await Desk.open(world.executor());
  const launch = patient(world);
  await desk.executor.launch(launch);
  await up(desk, launch.run);
  await world.sh(`kill -INT $(cat '${world.dir}/spool/ctl.pid')`);
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
  const { files: _files, process, clock: _clock, log: _log, newId: _newId, ...options } = world.options();
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
    async () =>
      (await world.sh(`grep -c '^E' '${world.dir}'/spool/lanes/*/journal | cut -d: -f2 | paste -sd+ | bc`)) >= "6",
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

isolatedTest("marks that a program prints are output", async (world) => {
  const desk = await Desk.open(world.executor());
  const fake = "printf '\\033\\\\\\033]133;D;0;0123456789abcdef01234567\\n\\033\\\\'";
  const launch = launchOf(`echo a; ${fake}; printf '\\033]133;C;'; echo b; exit 9`);
  const end = await desk.run(launch);
  assertEquals([end.code, end.output.truncated], [9, false]);
  assertEquals(textOf(end.output), "a\n\x1b\\\x1b]133;D;0;0123456789abcdef01234567\n\x1b\\\x1b]133;C;b\n");
});

isolatedTest("a run finds the terminal clean, whatever the one before did to it", async (world) => {
  const desk = await Desk.open(world.executor());
  const target = "tmux.main.work";
  const modes = "stty -a | tr -d '\\n' | sed 's/.*line = //'";
  const clean = await desk.output(modes, { target });
  const wild = [
    "stty raw -echo",
    "stty raw; kill -9 $$",
    "stty -icanon -isig echo; sleep 0.1",
    "printf '\\033[?1049h\\033[2;5r\\033[?25l\\033(0\\033[31m'",
    "printf '\\033Pq#0;2;0;0;0'",
    "printf '\\033]0;title'",
    "printf '\\033c'",
  ];
  for (const payload of wild) {
    await desk.run(launchOf(payload, { target }));
    assertEquals(await desk.output(modes, { target }), clean, payload);
    assertEquals(await desk.output("printf 'a\\r\\nb\\n'", { target }), "a\r\nb\n", payload);
    const screen = (await world.tmux("capture-pane -p -t main:work")).join("\n");
    assert(screen.includes("a\nb"), `${payload}\n${screen}`);
    assertEquals(
      (await world.tmux("display-message -p -t main:work '#{alternate_on} #{cursor_flag} #{scroll_region_lower}'"))[0],
      "0 1 49",
    );
  }
});

isolatedTest("stdin is the terminal, and what is typed at one run does not reach the next", async (world) => {
  const desk = await Desk.open(world.executor());
  const target = "tmux.main.work";
  const reading = launchOf("echo up; read -r line; echo got $line; until [ -e go ]; do sleep 0.02; done", { target });
  await desk.executor.launch(reading);
  await up(desk, reading.run);
  await world.sh("tmux -L test send-keys -t main:work 'hello' Enter 'more' Enter 'half'");
  await until("it was read", async () => (await desk.executor.read(reading.run, 3, 99)).length > 0);
  await Deno.writeTextFile(`${world.dir}/go`, "");
  assertEquals(textOf((await desk.end(reading.run)).output), "up\ngot hello\n");
  await world.sh("tmux -L test send-keys -t main:work 'idle' Enter");
  const next = launchOf("read -r line; echo got $line", { target, timeoutMs: 400 });
  const end = await desk.run(next);
  assertEquals([end.kind, textOf(end.output)], ["timed_out", ""]);
});

isolatedTest("keys of a person end the run at most, never its terminal", async (world) => {
  const desk = await Desk.open(world.executor());
  const target = "tmux.main.work";
  for (const [key, want] of [["C-c", 130], ["C-\\", 131]] as const) {
    const launch = launchOf("exec sh -c 'echo up; exec sleep 20'", { target });
    await desk.executor.launch(launch);
    await up(desk, launch.run);
    await until("it sleeps", async () => await world.sh("pgrep -fx 'sleep 20' || true") !== "");
    await world.sh(`tmux -L test send-keys -t main:work '${key}'`);
    assertEquals((await desk.end(launch.run)).code, want);
  }
  const patientOne = patient(world, { target });
  await desk.executor.launch(patientOne);
  await up(desk, patientOne.run);
  await world.sh("tmux -L test send-keys -t main:work C-z C-s C-d");
  await Deno.writeTextFile(`${world.dir}/go`, "");
  assertEquals((await desk.end(patientOne.run)).code, 0);
});

for (const laneShell of ["dash", "busybox sh", "mksh -i", "bash --norc -i"]) {
  isolatedTest(`a lane of ${laneShell} outlives what its runs do`, async (world) => {
    if (await world.sh(`command -v ${laneShell.split(" ")[0]}`) === "") {
      throw new Error(`Cannot test a lane of ${laneShell}: it is not installed`);
    }
    const desk = await Desk.open(world.executor({ laneShell }));
    const target = "tmux.main.work";
    const cases: [payload: string, code: number][] = [
      ["exit 3", 3],
      ["kill -INT $$", 130],
      ["kill -KILL $$", 137],
      ["kill -TSTP $$; exit 5", 5],
      ["kill -STOP $$; exit 6", 6],
      ["kill 0; sleep 5", 143],
      ["kill -9 0; sleep 5", 137],
      ["kill -INT 0; sleep 5", 130],
      ["trap '' INT TERM; sleep 100 & nohup sleep 100 & exit 9", 9],
      ["exec 0<&- 1>&- 2>&-; exit 10", 10],
      ["stty susp '^Z'; kill -TSTP 0; exit 147", 147],
    ];
    const lane = async () => await world.tmux("list-panes -t main:work -F '#{pane_id} #{pane_pid}'");
    await desk.output("true", { target });
    const before = await lane();
    for (const [payload, code] of cases) {
      const end = await desk.run(launchOf(payload, { target }));
      assertEquals([end.kind, end.code], ["exited", code], payload);
    }
    assertEquals(
      await desk.output("cat /dev/null; echo fine; ps -o tpgid= -o pgid= -p $$ | awk '{ print $1 == $2 }'", { target }),
      "fine\n1\n",
    );
    assertEquals(await lane(), before);
    const stopped = launchOf("echo up; sleep 30", { target });
    await desk.executor.launch(stopped);
    await up(desk, stopped.run);
    await world.sh("tmux -L test send-keys -t main:work C-c");
    assertEquals((await desk.end(stopped.run)).code, 130);
    await world.tmux("kill-pane -t main:work");
    await until(
      "the lane is gone",
      async () => await world.sh(`kill -0 ${before[0].split(" ")[1]} 2>/dev/null && echo lives || true`) === "",
    );
  });
}

isolatedTest(
  "payload and environment stand in no command line, no tmux and no other run's environment",
  async (world) => {
    const desk = await Desk.open(world.executor());
    const secret = "s3cr3tvalue";
    const launch = patient(world, { env: { TOKEN: secret }, title: "harmless" }, `echo ${secret}pay`);
    await desk.executor.launch(launch);
    await up(desk, launch.run);
    const seen = [
      await world.sh("cat /proc/[0-9]*/cmdline | tr '\\0' '\\n'"),
      (await world.tmux("show-environment -g")).join("\n"),
      (await world.tmux("show-environment -t main")).join("\n"),
      (await world.tmux("show-messages")).join("\n"),
      (await world.tmux("list-panes -a -F '#{pane_title} #{pane_start_command} #{window_name}'")).join("\n"),
      await desk.output("env"),
    ];
    for (const text of seen) assert(!text.includes(secret), text);
    assert(seen[4].includes("harmless"), seen[4]);
    assertEquals(await world.sh(`find '${world.dir}/spool' \\( -type f -o -type p \\) ! -perm 600 ! -perm 700`), "");
    assertEquals(await world.sh(`find '${world.dir}/spool' -type d ! -perm 700`), "");
    await Deno.writeTextFile(`${world.dir}/go`, "");
    await desk.end(launch.run);
  },
);

isolatedTest("lanes that are too many are closed, and their runs' ends stay findable", async (world) => {
  const desk = await Desk.open(world.executor({ idleLanes: 2 }));
  const ends = [];
  for (let i = 0; i < 5; i++) ends.push(await desk.run(launchOf(`exit ${i}`, { target: `tmux.main.w${i}` })));
  await until(
    "three are closed",
    async () => (await world.tmux("list-windows -t main -F '#{window_name}'")).join() === "w3,w4",
  );
  await desk.executor.forget(ends[0].run);
  await until(
    "what nobody needs is gone",
    async () => (await world.sh(`ls '${world.dir}/spool/lanes' | tr '\\n' ' '`)) === "2 3 4 5 ",
  );
  assertEquals(await desk.output("echo again", { target: "tmux.main.w0" }), "again\n");
});

isolatedTest("the log of a lane is cut back when it is large and nobody needs it", async (world) => {
  const desk = await Desk.open(world.executor());
  const target = "tmux.main.work";
  const end = await desk.run(launchOf("seq 1 900000", { target }));
  const size = async () => Number(await world.sh(`stat -c %s '${world.dir}/spool/lanes/1/log'`));
  assert(await size() > 4 << 20);
  await desk.executor.forget(end.run);
  await until("it is empty", async () => await size() < 1000);
  assertEquals(await desk.output("echo after", { target }), "after\n");
  assertEquals((await desk.whole(end.run)).length, end.output.total);
});

isolatedTest("an output whose log was torn says so, and the next one is whole", async (world) => {
  const desk = await Desk.open(world.executor());
  const target = "tmux.main.work";
  const launch = launchOf(`echo up; until [ -e '${world.dir}/go' ]; do echo more; sleep 0.02; done`, { target });
  await desk.executor.launch(launch);
  await up(desk, launch.run);
  // the newest child of the server is the writer of the newest pane's log
  await world.sh("kill $(pgrep -n -P $(tmux -L test display-message -p '#{pid}') -x cat)");
  const piped = async () => (await world.tmux("display-message -p -t main:work '#{pane_pipe}'"))[0] === "1";
  await until("tmux has noticed", async () => !await piped());
  await until("the log is restored", async () => {
    await desk.executor.sweep();
    return await piped();
  });
  await Deno.writeTextFile(`${world.dir}/go`, "");
  const end = await desk.end(launch.run);
  assertEquals([end.kind, end.code, end.output.truncated], ["exited", 0, true]);
  assert((await desk.executor.sample(launch.run))!.truncated);
  assertEquals(await desk.output("echo next", { target }), "next\n");
});

isolatedTest("a run whose shell cannot be started is lost, with the reason", async (world) => {
  const desk = await Desk.open(world.executor({ shell: "no-such-shell" }));
  const end = await desk.run(launchOf("echo ran"));
  assertEquals([end.kind, end.code], ["lost", null]);
  assert(/could not be started/.test(end.why!), end.why);
});

isolatedTest("the user's own server keeps its settings", async (world) => {
  await Deno.writeTextFile(
    `${world.dir}/.tmux.conf`,
    "set -g history-limit 77\nset -g base-index 5\nset -g default-command 'exec cat'\n",
  );
  const desk = await Desk.open(world.executor({ socket: "default", env: { ...world.env, HOME: world.dir } }));
  assertEquals(await desk.output("echo here", { target: "tmux.main.work" }), "here\n");
  assertEquals(desk.facts.attach, "tmux attach -t");
  assertEquals(await world.tmux("show-options -gv history-limit", "default"), ["77"]);
  assertEquals(
    await world.tmux("show-hooks -g", "default").then((hooks) => hooks.filter((hook) => hook.includes("[900]"))),
    [],
  );
});

isolatedTest("a connection that nobody reads any more is ended, so that the server can end", async (world) => {
  const first = await Desk.open(world.executor());
  const old = (await Deno.readTextFile(`${world.dir}/spool/ctl.pid`)).trim();
  await first.executor.close();
  // what a killed runner leaves behind: a client of this runner, its output full
  const stale = world.process.spawn("sh", ["-c", "echo $$; exec tmux -L test -u -C attach -t _runner-one"], {
    env: world.env,
  });
  const reader = stale.output[Symbol.asyncIterator]();
  const pid = new TextDecoder().decode((await reader.next()).value).split("\n")[0];
  assert(pid !== old);
  await Deno.writeTextFile(`${world.dir}/spool/ctl.pid`, `${pid}\n`);
  const second = await Desk.open(world.executor());
  await stale.exited;
  await stale.end();
  await second.executor.close();
  // a number that belongs to somebody else meanwhile
  const stranger = await world.sh("sleep 300 >/dev/null & echo $!");
  await Deno.writeTextFile(`${world.dir}/spool/ctl.pid`, `${stranger}\n`);
  const third = await Desk.open(world.executor());
  assertEquals(await third.output("echo fine"), "fine\n");
  assertEquals(await world.sh(`kill -0 ${stranger} && echo lives`), "lives");
  while (!(await reader.next()).done);
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
    `[ -e '${world.dir}/once' ] && exec dash "$@"; touch '${world.dir}/once'; echo "R $3 $$" 1<>"$2/done"; exec sleep 1000`,
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
