import { assert, assertEquals, assertMatch, assertStringIncludes } from "../support/assert.ts";
import { systemdUnit } from "../../src/client/service_unit.ts";
import { CommandFixture, type CommandOptions } from "../cli/command_fixture.ts";
import { RunnerFixture } from "../support/runner_fixture.ts";
import { until } from "../support/until.ts";
import { ROOT, run, temporaryFolder } from "./support.ts";

const UNIT = "/etc/systemd/system/runner-build.service";

async function runService(options: CommandOptions, ...args: string[]) {
  const fixture = new CommandFixture(options);
  const user = options.plainUser || args[0] !== "install" || args.includes("--run-as") ? [] : ["--run-as", "builder"];
  return { fixture, code: await fixture.run("service", ...args, ...user) };
}

/** What `runner service install --print` shows. */
async function unitFor(options: CommandOptions, ...args: string[]): Promise<string> {
  const { fixture, code } = await runService(options, "install", "--print", ...args);
  assertEquals(code, 0, fixture.stderr);
  assertEquals(fixture.services.size, 0, "--print writes nothing");
  return fixture.stdout;
}

/** The values of a directive of a unit, in order. */
function directive(unit: string, name: string): string[] {
  return unit.split("\n").filter((line) => line.startsWith(`${name}=`)).map((line) => line.slice(name.length + 1));
}

Deno.test("service install writes the options that were given into the unit, and no others", async () => {
  const env = { RUNNER_NAMESPACE: "shop", HOME: "/home/x" };
  const unit = await unitFor({ env }, "-n", "build", "--concurrency", "8", "--drain", "--keep", "1h", "-r", "db:6380");
  assertEquals(directive(unit, "ExecStart"), [
    "/usr/local/bin/runner run --name build --namespace shop: --redis-url db:6380 --concurrency 8 --drain --keep 3600s",
  ]);
  assertEquals(directive(unit, "KillMode"), ["process"]);
  assertEquals(directive(unit, "RestartPreventExitStatus"), ["2 78"]);
  assertEquals(directive(unit, "User"), ["builder"]);
});

Deno.test("a service of the host runs as root only when that is said", async () => {
  for (const os of ["linux", "darwin"]) {
    for (const scope of [[], ["--scope", "system"]]) {
      const fixture = new CommandFixture({ os });
      assertEquals(await fixture.run("service", "install", "-n", "build", ...scope), 2);
      assertStringIncludes(fixture.stderr, "its jobs would run as root; name one with --run-as USER");
      assertEquals(fixture.services.size, 0);
    }
    assertMatch(await unitFor({ os }, "--run-as", "root"), /^User=root$|<string>root<\/string>/m);
  }
});

Deno.test("the core of a runner is not written, and its jobs have the umask that users expect", async () => {
  const unit = await unitFor({}, "-n", "build");
  assertEquals([directive(unit, "LimitCORE"), directive(unit, "UMask")], [["0:infinity"], ["0022"]]);
  const own = await unitFor({ plainUser: true, env: { HOME: "/home/x" } }, "-n", "build");
  assertEquals([directive(own, "LimitCORE"), directive(own, "UMask")], [["0:infinity"], []]);
  assertMatch(await unitFor({ os: "darwin" }, "-n", "build"), /<key>Core<\/key>\s*<integer>0</);
});

Deno.test("a service finds the configuration file that was read, and every path", async () => {
  const files = {
    "/home/x/.config/runner/config.json": '{"concurrency": 8}',
    "/etc/own.json": '{"keep": 60}',
  };
  const env = { HOME: "/home/x" };
  const rows: [CommandOptions, string[]][] = [
    [{ env, files }, ["/home/x/.config/runner/config.json"]],
    [{ env, files, plainUser: true }, []],
    [{ env: { ...env, RUNNER_CONFIG: "/etc/own.json" }, files, plainUser: true }, ["/etc/own.json"]],
  ];
  for (const [options, path] of rows) {
    const unit = await unitFor(options, "-n", "build", "--namespace=-x");
    const reported = directive(unit, "Environment").filter((text) => text.includes("RUNNER_CONFIG"));
    assertEquals(reported, path.map((path) => `"RUNNER_CONFIG=${path}"`));
    assertStringIncludes(directive(unit, "ExecStart")[0], " --namespace=-x:");
    const list = await unitFor({ ...options, os: "darwin" }, "-n", "build");
    assertEquals(/RUNNER_CONFIG<\/key>\s*<string>(.*)<\/string>/.exec(list)?.[1] ?? "", path.join());
  }
});

Deno.test("service install never writes a password", async () => {
  for (const args of [[], ["-r", "redis://me:secret@db/1"]]) {
    const env: Record<string, string> = args.length > 0 ? {} : { REDIS_URL: "redis://me:secret@db/1" };
    const { fixture, code } = await runService({ env }, "install", "-n", "build", ...args);
    assertEquals(code, 0);
    assertEquals([...fixture.services.values()].join().includes("secret"), false);
    assertEquals(fixture.stderr.includes("secret"), false);
    assertStringIncludes(fixture.stderr, "put it into /etc/runner/build.env, mode 0600");
  }
});

Deno.test("service install, status and uninstall agree on where the file is", async () => {
  const fixture = new CommandFixture({});
  assertEquals(await fixture.run("service", "status", "-n", "build"), 1);
  assertEquals(fixture.stdout, `${UNIT}  not installed\n`);
  assertEquals(await fixture.run("service", "install", "-n", "build", "--run-as", "builder"), 0);
  assertEquals([...fixture.services.keys()], [UNIT]);
  assertStringIncludes(fixture.stderr, "  systemctl restart runner-build.service\n");
  const first = fixture.services.get(UNIT);
  assertEquals(await fixture.run("service", "install", "-n", "build", "--run-as", "builder"), 0);
  assertStringIncludes(fixture.stderr, "was there already");
  assertEquals(fixture.services.get(UNIT), first);
  assertEquals(await fixture.run("service", "status", "-n", "build"), 0);
  // as `systemctl enable` does
  fixture.services.set("/etc/systemd/system/multi-user.target.wants/runner-build.service", "");
  assertEquals(await fixture.run("service", "uninstall", "-n", "build"), 0);
  assertEquals(fixture.services.size, 0);
  assertStringIncludes(fixture.stderr, "  systemctl stop runner-build.service\n  systemctl daemon-reload\n");
  assertEquals(await fixture.run("service", "uninstall", "-n", "build"), 0);
  assertStringIncludes(fixture.stderr, `there is no ${UNIT}; nothing was changed`);
});

Deno.test("service uses the folders of a user and of launchd", async () => {
  const env = { HOME: "/home/x", PATH: "/home/x/bin:/bin" };
  const table: [CommandOptions, path: string, start: string][] = [
    [{ plainUser: true }, "/home/x/.config/systemd/user/runner-build.service", "loginctl enable-linger"],
    [{ os: "darwin", plainUser: true }, "/home/x/Library/LaunchAgents/hero.runner.build.plist", "gui/$(id -u)"],
    [{ os: "darwin" }, "/Library/LaunchDaemons/hero.runner.build.plist", "launchctl bootstrap system"],
  ];
  for (const [options, path, start] of table) {
    const { fixture, code } = await runService({ ...options, env }, "install", "-n", "build");
    assertEquals([code, [...fixture.services.keys()]], [0, [path]]);
    assertStringIncludes(fixture.stderr, start);
  }
  const list = await unitFor({ os: "darwin", env }, "-n", "build", "-r", "db:1?a=<&>");
  assertStringIncludes(list, "<key>AbandonProcessGroup</key>\n  <true/>");
  assertStringIncludes(list, "<string>db:1?a=&lt;&amp;&gt;</string>");
});

Deno.test("service says what is wrong and changes nothing", async () => {
  const table: [CommandOptions, args: string[], code: number, sentence: string][] = [
    [{}, ["start"], 2, 'Cannot do "start" with a service: there are install, uninstall and status'],
    [{}, [], 2, "it needs one of install, uninstall and status"],
    [{}, ["install", "-n", "a b"], 2, 'Cannot make a service of runner "a b"'],
    [{}, ["install", "--program", "runner"], 2, "a service needs an absolute path"],
    [{}, ["install", "--run-as", "x y"], 2, 'Cannot use user "x y"'],
    [{}, ["install", "--tmux-socket", "a\nUser=root"], 2, "it holds control characters"],
    [{}, ["install", "--spool", "./here"], 2, 'Cannot use "./here" in a service: it needs an absolute path'],
    [{}, ["install", "--shell", "bin/sh"], 2, 'Cannot use "bin/sh" in a service: it needs an absolute path'],
    [{ fromSource: true }, ["install"], 2, "name one with --program FILE"],
    [{ plainUser: true }, ["install"], 2, "HOME is not set"],
    [{ plainUser: true, env: { HOME: "/x" } }, ["install", "--run-as", "x"], 2, "Cannot use --run-as"],
    [{ os: "freebsd" }, ["install"], 1, "Cannot make a service on freebsd"],
    [{ readOnly: true }, ["install"], 1, "do it as root, or use --scope user"],
  ];
  for (const [options, args, expected, sentence] of table) {
    const { fixture, code } = await runService(options, ...args);
    assertEquals([code, fixture.stdout], [expected, ""], sentence);
    assertStringIncludes(fixture.stderr, sentence);
    assertEquals(fixture.services.size, 0);
  }
});

const hasPython = await run(["python3", "--version"]).then(({ code }) => code === 0, () => false);

Deno.test({ name: "launchd's list is read as it is meant", ignore: !hasPython }, async () => {
  await using folder = await temporaryFolder();
  const file = `${folder.path}/list`;
  const odd = "a <b> & \"c\" 'd'";
  const env = { HOME: "/home/x", PATH: "/b&in:/bin" };
  await Deno.writeTextFile(
    file,
    await unitFor({ os: "darwin", plainUser: true, env }, "-n", "build", "-r", "db:1", "--shell", `/${odd}`),
  );
  const read = "import json, plistlib, sys; print(json.dumps(plistlib.load(open(sys.argv[1], 'rb'))))";
  const { stdout, stderr } = await run(["python3", "-c", read, file]);
  assertEquals(JSON.parse(stdout || `{"error":${JSON.stringify(stderr)}}`), {
    Label: "hero.runner.build",
    ProgramArguments: [
      ...["/usr/local/bin/runner", "run", "--name", "build", "--redis-url", "db:1", "--shell", `/${odd}`],
    ],
    EnvironmentVariables: { PATH: env.PATH },
    RunAtLoad: true,
    KeepAlive: true,
    AbandonProcessGroup: true,
    SoftResourceLimits: { Core: 0 },
    StandardErrorPath: "/home/x/Library/Logs/hero.runner.build.log",
  });
});

const hasAnalyze = await run(["systemd-analyze", "--version"]).then(({ code }) => code === 0, () => false);

Deno.test({ name: "systemd reads the units as they are meant", ignore: !hasAnalyze }, async () => {
  await using folder = await temporaryFolder();
  const verify = async (unit: string) => {
    const file = `${folder.path}/runner-build.service`;
    await Deno.writeTextFile(file, unit);
    const { code, stderr } = await run(["systemd-analyze", "verify", "--man=no", file]);
    return { code, stderr };
  };
  const odd = ["--tmux-socket", 'a "b" $c %d \\e', "--program", "/bin/true"];
  const unit = await unitFor({}, "-n", "build", ...odd);
  assertEquals(await verify(unit), { code: 0, stderr: "" });
  assertEquals(await verify(await unitFor({}, "-n", "build", "--run-as", "root", ...odd)), { code: 0, stderr: "" });
  const user = { plainUser: true, env: { HOME: "/home/x", PATH: "/home/x/bin:/bin" } };
  assertEquals(await verify(await unitFor(user, "-n", "build", ...odd)), { code: 0, stderr: "" });
  // it would be said
  assertStringIncludes((await verify(unit.replace("KillMode=process", "KillMode=none_such"))).stderr, "kill mode");
  assertStringIncludes((await verify(unit.replace("TasksMax", "TaskMax"))).stderr, "Unknown key");
});

Deno.test("a word of a unit is quoted so that systemd reads the same word", () => {
  const { content } = systemdUnit(
    { name: "x", scope: "system", command: ["/bin/p", 'a "b" $c %d \\e', "", "it's"], path: "/a%b" },
    "",
  );
  assertEquals(directive(content, "ExecStart"), [String.raw`/bin/p "a \"b\" $$c %%d \\e" "" "it's"`]);
  assertMatch(content, /^Environment="PATH=\/a%%b"$/m);
});

Deno.test("a restart as the unit does it leaves the running job alone", async () => {
  await using fixture = await RunnerFixture.create();
  const unit = await unitFor({ env: fixture.env() }, "--name", fixture.name, "--program", `${ROOT}scripts/runner`);
  // no word of this one needs quotes
  const [command, ...args] = directive(unit, "ExecStart")[0].split(" ");
  const start = () =>
    new Deno.Command("setsid", {
      args: [command, ...args],
      clearEnv: true,
      env: fixture.env(),
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
  const first = start();
  let second: Deno.ChildProcess | null = null;
  try {
    const id = await fixture.submit(`echo before; until [ -e ${fixture.dir}/go ]; do sleep 0.05; done; echo after`);
    await fixture.reaches(id, "started");
    const server = await fixture.tmux("display-message", "-p", "#{pid}");
    // the whole process group, which is more than KillMode=process does
    Deno.kill(-first.pid, "SIGKILL");
    await first.status;
    assertEquals(await fixture.tmux("display-message", "-p", "#{pid}"), server);
    second = start();
    await Deno.writeTextFile(`${fixture.dir}/go`, "");
    assertEquals((await fixture.ended(id)).result, "before\nafter\n");
    const attempt = await until("the attempt is known", () => fixture.redis.call("HGET", `rr:meta:${id}`, "attempt"));
    assertEquals(attempt, "1");
  } finally {
    for (const child of [first, second]) {
      if (child && await Promise.race([child.status, Promise.resolve(null)]) === null) child.kill("SIGTERM");
      await child?.status;
    }
    await fixture.tmux("kill-server");
  }
  assert(second);
});
