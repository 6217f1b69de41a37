import { LaunchError, SetupError } from "../../src/domain/errors.ts";
import { OLDEST_TMUX } from "../../src/executors/tmux/server/weaknesses.ts";
import { openTmux } from "../../src/executors/tmux/open_tmux.ts";
import { systemClock } from "../../src/system/clock.ts";
import { systemFiles } from "../../src/system/files.ts";
import { systemProcess } from "../../src/system/process.ts";
import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "../support/assert.ts";
import { isolatedTest } from "../support/tmux_host.ts";
import { until } from "../support/until.ts";
import { ExecutorFixture, launchOf, patient, textOf, up } from "./executor_fixture.ts";

isolatedTest("sessions, windows and panes are made as the target says, and no more of them", async (host) => {
  const fixture = await ExecutorFixture.open(host.executor());
  const mine = `-f "#{==:#{pane_tty},$(tty)}"`;
  const where =
    `tmux -L test list-panes -a ${mine} -F '#{pane_id} #{session_name} #{?#{@runner_slot},,#{window_name}}'`;
  const env = { TMUX_TMPDIR: host.dir };
  const at = async (target: string) => (await fixture.output(where, { target, env })).trim();
  assertEquals(await at("tmux.main"), "%1 main");
  assertEquals(await at("tmux.main"), "%1 main");
  assertEquals(await at("tmux.main.build"), "%2 main build");
  assertEquals(await at("tmux.main.build.1"), "%2 main build");
  assertEquals(await at("tmux.main.build.2"), "%3 main build");
  assertEquals(await at("tmux.main.build.tests"), "%4 main build");
  assertEquals(await at("tmux.main.build.tests"), "%4 main build");
  assertEquals(await at("tmux.with space.ünïcode %H x"), "%5 with space ünïcode %H x");
  assertEquals((await host.tmux("list-panes -a")).length, 6);
});

isolatedTest("a dollar sign in a title stays as it is", async (host) => {
  const fixture = await ExecutorFixture.open(host.executor());
  const launch = patient(host.dir, { target: "tmux.main.work" });
  const titled = { ...launch, payload: `printf '\\033]2;the $HOME of \${X}\\007'; ${launch.payload}` };
  await fixture.executor.launch(titled);
  const screen = async () => await fixture.executor.screen(titled.name);
  await until("it has its title", async () => (await screen())?.title.startsWith("the "));
  assertEquals((await screen())?.title, "the $HOME of ${X}");
  await Deno.writeTextFile(`${host.dir}/go`, "");
  await fixture.end(titled.name);
});

isolatedTest("a tmux that is too old is refused with a sentence, before anything is asked of it", async (host) => {
  await Deno.mkdir(`${host.dir}/bin`);
  const tmux = `${host.dir}/bin/tmux`;
  await Deno.writeTextFile(tmux, `#!/bin/sh\necho "$1" >>'${host.dir}/asked'\necho tmux 3.1c\n`, { mode: 0o755 });
  const env = { ...host.env, PATH: `${host.dir}/bin:${host.env.PATH}` };
  const error = await assertRejects(() => ExecutorFixture.open(host.executor({ env })), SetupError);
  assertEquals(error.message, `Cannot use "tmux 3.1c": tmux ${OLDEST_TMUX} or later is needed`);
  assertEquals(await Deno.readTextFile(`${host.dir}/asked`), "-V\n");
});

isolatedTest("a window holds as many panes as there is room for, and says when there is none", async (host) => {
  const fixture = await ExecutorFixture.open(host.executor());
  for (let pane = 1; pane <= 12; pane++) {
    assertEquals(await fixture.output("echo here", { target: `tmux.main.grid.${pane}` }), "here\n");
  }
  await host.tmux("new-session -d -s tiny -n box \\; resize-window -t tiny -x 10 -y 3");
  const error = await assertRejects(async () => {
    for (let pane = 1; pane <= 12; pane++) await fixture.run(launchOf("true", { target: `tmux.tiny.box.p${pane}` }));
  }, LaunchError);
  assert(/no space/.test(error.message), error.message);
});

isolatedTest("two runners on one server leave each other's terminals alone", async (host) => {
  const one = await ExecutorFixture.open(host.executor());
  const two = await ExecutorFixture.open(host.executor({ instance: "two", spool: `${host.dir}/spool2` }));
  const launches = [
    patient(host.dir, { target: "tmux.main.x" }, "tty"),
    patient(host.dir, { target: "tmux.main.x" }, "tty"),
  ];
  await one.executor.launch(launches[0]);
  await two.executor.launch(launches[1]);
  await one.executor.recover([]);
  await two.executor.sweep();
  await Deno.writeTextFile(`${host.dir}/go`, "");
  const ends = [await one.end(launches[0].name), await two.end(launches[1].name)];
  assertEquals(ends.map((end) => [end.kind, end.code]), [["exited", 0], ["exited", 0]]);
  assert(textOf(ends[0].output) !== textOf(ends[1].output));
});

for (const laneShell of ["dash", "busybox sh", "mksh -i", "bash --norc -i"]) {
  isolatedTest(`a lane of ${laneShell} outlives what its runs do`, async (host) => {
    if (await host.sh(`command -v ${laneShell.split(" ")[0]}`) === "") {
      throw new Error(`Cannot test a lane of ${laneShell}: it is not installed`);
    }
    const fixture = await ExecutorFixture.open(host.executor({ laneShell }));
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
    const lane = async () => await host.tmux("list-panes -t main:work -F '#{pane_id} #{pane_pid}'");
    await fixture.output("true", { target });
    const before = await lane();
    for (const [payload, code] of cases) {
      const end = await fixture.run(launchOf(payload, { target }));
      assertEquals([end.kind, end.code], ["exited", code], payload);
    }
    assertEquals(
      await fixture.output("cat /dev/null; echo fine; ps -o tpgid= -o pgid= -p $$ | awk '{ print $1 == $2 }'", {
        target,
      }),
      "fine\n1\n",
    );
    for (const first of ["", "#!/bin/sh\n"]) {
      const inherited = `${first}readlink /proc/self/fd/3 /proc/self/fd/4 /proc/self/fd/5 /proc/self/fd/6; true`;
      assertEquals(await fixture.output(inherited, { target }), "", "a run has nothing of its lane's but the terminal");
    }
    const odd = "it's !! \n`exit 7` $(exit 8); exit 9 #";
    const end = await fixture.run(launchOf(`printf %s "$ODD"`, { target, env: { ODD: odd, UID: "1" } }));
    assertEquals(textOf(end.output), odd, "a lane leaves the environment alone");
    const wrong = "true\n\nnosuchprogram\ntrue\n";
    assertMatch(
      await fixture.output(wrong, { target }),
      /run: (line )?4: nosuchprogram/,
      "one line of ours is before the first",
    );
    assertEquals(await lane(), before);
    // without `exec`, bash may fork just when the key comes, and go on as its child did not die of it
    const stopped = launchOf("echo up; exec sleep 30", { target });
    await fixture.executor.launch(stopped);
    await up(fixture, stopped.name);
    await host.sh("tmux -L test send-keys -t main:work C-c");
    assertEquals((await fixture.end(stopped.name)).code, 130);
    await host.tmux("kill-pane -t main:work");
    await until(
      "the lane is gone",
      async () => await host.sh(`kill -0 ${before[0].split(" ")[1]} 2>/dev/null && echo lives || true`) === "",
    );
  });
}

for (const shell of ["dash", "busybox sh", "mksh", "bash", "zsh"]) {
  isolatedTest(`jobs and hooks have their environment under ${shell}`, async (host) => {
    const path = `${host.dir}/shell`;
    await Deno.writeTextFile(path, `#!/bin/sh\nexec ${shell} "$@"\n`, { mode: 0o755 });
    const fixture = await ExecutorFixture.open(host.executor({ shell: path }));
    const env = { UID: "x", GREETING: "it's $HOME" };
    assertEquals(await fixture.output('echo "$GREETING $RUNNER_ATTEMPT"', { env }), "it's $HOME 1\n");
    const hook = { name: launchOf("").name, command: `echo "$GREETING" >'${host.dir}/hook'`, env, limitMs: 10_000 };
    assertEquals(await fixture.executor.hook(hook), 0);
    assertEquals(await Deno.readTextFile(`${host.dir}/hook`), "it's $HOME\n");
  });
}

isolatedTest("a script, which may hold secrets, is emptied when its run is forgotten", async (host) => {
  const fixture = await ExecutorFixture.open(host.executor());
  const script = () => Deno.readTextFile(`${host.dir}/spool/lanes/1/run`);
  const { name: run } = await fixture.run(launchOf("true", { target: "tmux.main.work", env: { TOKEN: "sesame" } }));
  assertStringIncludes(await script(), "sesame");
  await fixture.executor.forget(run);
  assertEquals(await script(), "\n");
});

isolatedTest("lanes that are too many are closed, and their runs' ends stay findable", async (host) => {
  const fixture = await ExecutorFixture.open(host.executor({ idleLanes: 2, idleMs: 0 }));
  await fixture.executor.recover([]);
  const ends = [];
  for (let i = 0; i < 5; i++) ends.push(await fixture.run(launchOf(`exit ${i}`, { target: `tmux.main.w${i}` })));
  await until(
    "three are closed",
    async () => (await host.tmux("list-windows -t main -F '#{window_name}'")).join() === "w3,w4",
  );
  await fixture.executor.forget(ends[0].name);
  await until(
    "what nobody needs is gone",
    async () => (await host.sh(`ls '${host.dir}/spool/lanes' | tr '\\n' ' '`)) === "2 3 4 5 ",
  );
  assertEquals(await fixture.output("echo again", { target: "tmux.main.w0" }), "again\n");
});

isolatedTest("lanes that have just been used stay, however many they are", async (host) => {
  const fixture = await ExecutorFixture.open(host.executor({ idleLanes: 2 }));
  await fixture.executor.recover([]);
  const runs = [1, 2, 3, 4].map((i) => launchOf("true", { target: `tmux.main.w${i}` }));
  const large = launchOf("seq 1 900000", { target: "tmux.main.w5" });
  for (const launch of [...runs, large]) await fixture.run(launch);
  await fixture.executor.forget(large.name);
  const log = `'${host.dir}/spool/lanes/5/log'`;
  await until("it has been tidied up", async () => Number(await host.sh(`stat -c %s ${log}`)) < 1000);
  assertEquals((await host.tmux("list-windows -t main -F '#{window_name}'")).join(), "w1,w2,w3,w4,w5");
});

isolatedTest("the log of a lane that has always a next run is cut back, too", async (host) => {
  const fixture = await ExecutorFixture.open(host.executor());
  const runs = Array.from({ length: 8 }, () => launchOf("seq 1 300000", { target: "tmux.main.work" }));
  await fixture.executor.launch(runs[0]);
  for (const [i, { name: run }] of runs.entries()) {
    if (i + 1 < runs.length) await fixture.executor.launch(runs[i + 1]);
    assertEquals((await fixture.end(run)).output.total, 1_988_895);
    await fixture.executor.forget(run);
    assert(Number(await host.sh(`stat -c %s '${host.dir}/spool/lanes/1/log'`)) < 10e6, `after ${i + 1} runs`);
  }
});

isolatedTest("the log of a lane is cut back when it is large and no run needs it", async (host) => {
  const fixture = await ExecutorFixture.open(host.executor());
  const target = "tmux.main.work";
  const end = await fixture.run(launchOf("seq 1 900000", { target }));
  const size = async () => Number(await host.sh(`stat -c %s '${host.dir}/spool/lanes/1/log'`));
  assert(await size() > 4 << 20);
  await fixture.executor.forget(end.name);
  await until("it is empty", async () => await size() < 1000);
  assertEquals(await fixture.output("echo after", { target }), "after\n");
  assertEquals((await fixture.whole(end.name)).length, end.output.total);
});

isolatedTest("no more lanes are made than the server has file descriptors for", async (host) => {
  const { process } = host.options();
  const tight: typeof process = {
    ...process,
    run: (command, args, options) =>
      process.run("sh", ["-c", 'ulimit -n 70; exec "$@"', "sh", command, ...args], options),
  };
  const fixture = await ExecutorFixture.open(host.executor({ process: tight }));
  assertEquals(fixture.facts.maxSlots, 3);
  const launches = [1, 2, 3].map((i) => patient(host.dir, { target: `tmux.main.w${i}` }));
  for (const launch of launches) await fixture.executor.launch(launch);
  await assertRejects(
    () => fixture.executor.launch(launchOf("true", { target: "tmux.main.w4" })),
    LaunchError,
    "all are busy",
  );
  await Deno.writeTextFile(`${host.dir}/go`, "");
  for (const { name: run } of launches) await fixture.end(run);
  assertEquals(await fixture.output("echo room", { target: "tmux.main.w4" }), "room\n");
});

isolatedTest("a full disk costs a large output its file, and a new run its launch", async (host) => {
  const { files } = host.options();
  let full = false;
  const fail = () => Promise.reject(new Error("No space left on device"));
  const small: typeof files = {
    ...files,
    open: async (path, how) => {
      const file = await files.open(path, how);
      return full && how === "new" ? { ...file, append: fail } : file;
    },
    write: (path, text, mode) => full ? fail() : files.write(path, text, mode),
  };
  const fixture = await ExecutorFixture.open(host.executor({ files: small }));
  const launches = [patient(host.dir, {}, "echo small"), patient(host.dir, {}, "seq 1 40000; exit 3")];
  for (const launch of launches) await fixture.executor.launch(launch);
  full = true;
  await assertRejects(() => fixture.executor.launch(launchOf("true")), LaunchError, "No space left");
  await Deno.writeTextFile(`${host.dir}/go`, "");
  const [one, two] = await Promise.all(launches.map(({ name: run }) => fixture.end(run)));
  assertEquals([one.code, textOf(one.output), one.output.truncated], [0, "up\nsmall\n", false]);
  assertEquals([two.code, two.output.truncated], [3, true]);
  assert(new TextDecoder().decode(two.output.tail).endsWith("\n40000\n"));
  full = false;
  assertEquals(await fixture.output("echo again"), "again\n");
});

Deno.test("open() says what to do when there is no tmux, or one that cannot be used", async () => {
  const dir = await Deno.makeTempDir();
  const program = async (text: string) => {
    await Deno.writeTextFile(`${dir}/tmux`, text, { mode: 0o755 });
  };
  const open = () => {
    const quiet = () => {};
    const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
    const soon = { ...systemClock, sleep: (_ms: number, signal?: AbortSignal) => systemClock.sleep(0, signal) };
    const rest = {
      files: systemFiles,
      process: systemProcess,
      clock: soon,
      wallClock: () => 0,
      log,
      newId: () => "x",
      digestOf: () => "x",
      killGraceMs: 0,
      cwd: dir,
    };
    return openTmux({ ...rest, spool: `${dir}/spool`, socket: "none", instance: "one", env: { PATH: dir } });
  };
  await assertRejects(open, SetupError, "not installed");
  await program("#!/bin/sh\n[ $2 != -V ] || echo tmux 2.9\n[ $6 != -V ] || echo tmux 2.9\nexit 1\n");
  await assertRejects(open, SetupError, '"tmux 2.9"');
  await Deno.remove(dir, { recursive: true });
});

isolatedTest("open() refuses a shell that is not there, or cannot run payloads", async (host) => {
  const asShell = `${host.dir}/babble`;
  await Deno.writeTextFile(asShell, "#!/bin/sh\nyes fit\n", { mode: 0o755 });
  const cases: [shell: string, why: string][] = [
    ["/bin/none", "there is no such program"],
    ["bash -e", "there is no such program"],
    ["./sh", "there is no such program"],
    [host.dir, "no POSIX shell|no such program"],
    ["/bin/true", "it is no POSIX shell"],
    ["cat", "it is no POSIX shell"],
    ["awk", "it is no POSIX shell"],
    [asShell, "it is no POSIX shell"],
  ];
  for (const [shell, why] of cases) {
    const { message } = await assertRejects(host.executor({ shell }), SetupError, "--shell");
    assert(new RegExp(why).test(message) && message.includes(JSON.stringify(shell)), message);
  }
});
