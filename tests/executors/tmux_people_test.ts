import { assert, assertEquals } from "../support/assert.ts";
import { isolatedTest } from "../support/tmux_host.ts";
import { until } from "../support/until.ts";
import { ExecutorFixture, launchOf, patient, textOf, up } from "./executor_fixture.ts";

isolatedTest("terminals of people are neither used nor closed", async (host) => {
  const fixture = await ExecutorFixture.open(host.executor());
  await host.tmux("new-session -d -s main -n build 'exec sh'");
  await host.tmux("split-window -d -t main:build 'exec cat'");
  const theirs = await host.tmux("list-panes -t main:build -F '#{pane_id} #{pane_pid}'");
  await host.sh("tmux -L test send-keys -t main:build 'half typed '");
  assertEquals(await fixture.output("echo ours", { target: "tmux.main.build" }), "ours\n");
  assertEquals(await fixture.output("echo ours", { target: "tmux.main" }), "ours\n");
  const panes = await host.tmux("list-panes -t main:build -F '#{pane_id} #{pane_pid}'");
  assertEquals(panes.filter((pane) => theirs.includes(pane)), theirs);
  assertEquals(panes.length, 3);
  assert((await host.tmux(`capture-pane -p -t ${theirs[0].split(" ")[0]}`)).join("\n").includes("half typed"));
});

isolatedTest("marks that a program prints are output", async (host) => {
  const fixture = await ExecutorFixture.open(host.executor());
  const fake = "printf '\\033\\\\\\033]133;D;0;0123456789abcdef01234567\\n\\033\\\\'";
  const launch = launchOf(`echo a; ${fake}; printf '\\033]133;C;'; echo b; exit 9`);
  const end = await fixture.run(launch);
  assertEquals([end.code, end.output.truncated], [9, false]);
  assertEquals(textOf(end.output), "a\n\x1b\\\x1b]133;D;0;0123456789abcdef01234567\n\x1b\\\x1b]133;C;b\n");
});

isolatedTest("a run finds the terminal clean, whatever the one before did to it", async (host) => {
  const fixture = await ExecutorFixture.open(host.executor());
  const target = "tmux.main.work";
  const modes = "stty -a | tr -d '\\n' | sed 's/.*line = //'; stty size";
  const clean = await fixture.output(modes, { target });
  assert(/susp = <undef>.* -echo .*50 200$/.test(clean.replaceAll("\n", " ").trim()), clean);
  const wild = [
    "stty raw -echo",
    "stty rows 7 cols 31; sleep 0.1",
    "stty raw; kill -9 $$",
    "stty -icanon -isig echo; sleep 0.1",
    "printf '\\033[?1049h\\033[2;5r\\033[?25l\\033(0\\033[31m'",
    "printf '\\033Pq#0;2;0;0;0'",
    "printf '\\033]0;title'",
    "printf '\\033c'",
  ];
  for (const payload of wild) {
    await fixture.run(launchOf(payload, { target }));
    assertEquals(await fixture.output(modes, { target }), clean, payload);
    assertEquals(await fixture.output("printf 'a\\r\\nb\\n'", { target }), "a\r\nb\n", payload);
    const screen = (await host.tmux("capture-pane -p -t main:work")).join("\n");
    assert(screen.includes("a\nb"), `${payload}\n${screen}`);
    assertEquals(
      (await host.tmux("display-message -p -t main:work '#{alternate_on} #{cursor_flag} #{scroll_region_lower}'"))[0],
      "0 1 49",
    );
  }
  await host.tmux("resize-window -t main:work -x 90 -y 20");
  await fixture.run(launchOf("stty rows 7 cols 31; sleep 0.1", { target }));
  assertEquals(await fixture.output("stty size", { target }), "20 90\n");
});

isolatedTest("stdin is the terminal, and what is typed at one run does not reach the next", async (host) => {
  const fixture = await ExecutorFixture.open(host.executor());
  const target = "tmux.main.work";
  const reading = launchOf("echo up; read -r line; echo got $line; until [ -e go ]; do sleep 0.15; done", { target });
  await fixture.executor.launch(reading);
  await up(fixture, reading.name);
  await host.sh("tmux -L test send-keys -t main:work 'hello' Enter 'more' Enter 'half'");
  await until("it was read", async () => (await fixture.executor.read(reading.name, 3, 99)).bytes.length > 0);
  await Deno.writeTextFile(`${host.dir}/go`, "");
  assertEquals(textOf((await fixture.end(reading.name)).output), "up\ngot hello\n");
  await host.sh("tmux -L test send-keys -t main:work 'idle' Enter");
  const next = launchOf("read -r line; echo got $line", { target, timeoutMs: 400 });
  const end = await fixture.run(next);
  assertEquals([end.kind, textOf(end.output)], ["timed_out", ""]);
});

isolatedTest("a terminal that is idle accepts no keys and is clean before its next run comes", async (host) => {
  const fixture = await ExecutorFixture.open(host.executor());
  const target = "tmux.main.work";
  const shown = async (format: string) => (await host.tmux(`display-message -p -t main:work '#{${format}}'`))[0];
  const type = (keys: string) => host.sh(`tmux -L test send-keys -t main:work '${keys}' Enter`);
  const modes = "tr -d '\\n' | sed 's/.*speed//'";
  const clean = await fixture.output(`stty -a | ${modes}`, { target });
  for (const wild of ["true", "stty raw -echo; kill -9 $$"]) {
    await fixture.run(launchOf(wild, { target }));
    await type("before");
    await until("it takes no keys", async () => await shown("pane_input_off") === "1");
    await type("meanwhile");
    const tty = await shown("pane_tty");
    await until("it is clean", async () => await host.sh(`stty -a -F ${tty} | ${modes}`) === clean);
    const reading = launchOf("read -r line; echo got $line", { target });
    await fixture.executor.launch(reading);
    await until("it takes keys", async () => await shown("pane_input_off") === "0");
    await type("now");
    assertEquals(textOf((await fixture.end(reading.name)).output), "got now\n", wild);
  }
  await until("a run need not clean it", async () => {
    await until("it is deaf", async () => await shown("pane_input_off") === "1");
    return await fixture.output('head -n 1 "$0" | grep -o "clean=[01]"', { target }) === "clean=0\n";
  });
});

isolatedTest("keys reach what an earlier process runs in a terminal that was idle a moment before", async (host) => {
  const first = await ExecutorFixture.open(host.executor());
  const launch = launchOf("echo up; read -r line; echo got $line", { target: "tmux.main.work" });
  await first.executor.launch(launch);
  await up(first, launch.name);
  await first.executor.close();
  await host.tmux("select-pane -d -t main:work"); // it died when it had said this, before it could undo it
  const second = await ExecutorFixture.open(host.executor());
  await second.executor.recover([launch]);
  await until(
    "keys reach it",
    async () => (await host.tmux("display-message -p -t main:work '#{pane_input_off}'"))[0] === "0",
  );
  await host.sh("tmux -L test send-keys -t main:work 'late' Enter");
  assertEquals(textOf((await second.end(launch.name)).output), "up\ngot late\n");
});

isolatedTest("keys of a person end the run at most, never its terminal", async (host) => {
  const fixture = await ExecutorFixture.open(host.executor());
  const target = "tmux.main.work";
  for (const [key, want] of [["C-c", 130], ["C-\\", 131]] as const) {
    const launch = launchOf("exec sh -c 'echo up; exec sleep 20'", { target });
    await fixture.executor.launch(launch);
    await up(fixture, launch.name);
    await until("it sleeps", async () => await host.sh("pgrep -fx 'sleep 20' || true") !== "");
    await host.sh(`tmux -L test send-keys -t main:work '${key}'`);
    assertEquals((await fixture.end(launch.name)).code, want);
  }
  const patientOne = patient(host.dir, { target });
  await fixture.executor.launch(patientOne);
  await up(fixture, patientOne.name);
  await host.sh("tmux -L test send-keys -t main:work C-z C-s C-d");
  await Deno.writeTextFile(`${host.dir}/go`, "");
  assertEquals((await fixture.end(patientOne.name)).code, 0);
});

isolatedTest(
  "payload and environment stand in no command line, no tmux and no other run's environment",
  async (host) => {
    const fixture = await ExecutorFixture.open(host.executor());
    const secret = "s3cr3tvalue";
    const launch = patient(host.dir, { env: { TOKEN: secret }, title: "harmless" }, `echo ${secret}pay`);
    await fixture.executor.launch(launch);
    await up(fixture, launch.name);
    const seen = [
      await host.sh("cat /proc/[0-9]*/cmdline | tr '\\0' '\\n'"),
      (await host.tmux("show-environment -g")).join("\n"),
      (await host.tmux("show-environment -t main")).join("\n"),
      (await host.tmux("show-messages")).join("\n"),
      (await host.tmux("list-panes -a -F '#{pane_title} #{pane_start_command} #{window_name}'")).join("\n"),
      await fixture.output("env"),
    ];
    for (const text of seen) assert(!text.includes(secret), text);
    assert(seen[4].includes("harmless"), seen[4]);
    assertEquals(await host.sh(`find '${host.dir}/spool' \\( -type f -o -type p \\) ! -perm 600 ! -perm 700`), "");
    assertEquals(await host.sh(`find '${host.dir}/spool' -type d ! -perm 700`), "");
    await Deno.writeTextFile(`${host.dir}/go`, "");
    await fixture.end(launch.name);
  },
);

isolatedTest("the user's own server keeps its settings", async (host) => {
  await Deno.writeTextFile(
    `${host.dir}/.tmux.conf`,
    "set -g history-limit 77\nset -g base-index 5\nset -g default-command 'exec cat'\n",
  );
  const fixture = await ExecutorFixture.open(
    host.executor({ socket: "default", env: { ...host.env, HOME: host.dir } }),
  );
  assertEquals(await fixture.output("echo here", { target: "tmux.main.work" }), "here\n");
  assertEquals(fixture.facts.access, { kind: "tmux", socket: null });
  assertEquals(await host.tmux("show-options -gv history-limit", "default"), ["77"]);
  assertEquals(
    await host.tmux("show-hooks -g", "default").then((hooks) => hooks.filter((hook) => hook.includes("[900]"))),
    [],
  );
});
