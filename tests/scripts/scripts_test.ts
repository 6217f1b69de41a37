import { assert, assertEquals, assertMatch, assertStringIncludes } from "../support/assert.ts";
import manifest from "../../deno.json" with { type: "json" };

const ROOT = new URL("../../", import.meta.url).pathname;
const SCRIPTS = `${ROOT}scripts/`;

interface Run {
  code: number;
  stdout: string;
  stderr: string;
}

// what this machine needs to reach its network stays; what chooses or moves things is each test's own
const INHERITED = Object.fromEntries(
  Object.entries(Deno.env.toObject()).filter(([name]) => !/^(RUNNER_|XDG_|REDIS_URL$)/.test(name)),
);

/** Runs a program with `env` on top of the inherited environment. */
async function run(command: string[], { env = {}, cwd = ROOT }: { env?: Record<string, string>; cwd?: string } = {}) {
  const [program, ...args] = command;
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args,
    cwd,
    clearEnv: true,
    env: { ...INHERITED, DENO: Deno.execPath(), NO_COLOR: "1", ...env },
  }).output();
  const text = new TextDecoder();
  return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) } satisfies Run;
}

/** Runs shell text that has the functions of lib.sh. */
const withLib = (text: string, env: Record<string, string> = {}) =>
  run(["sh", "-euc", `scripts=${SCRIPTS.slice(0, -1)}; . "$scripts/lib.sh"; ${text}`], { env });

async function temporaryFolder() {
  const path = await Deno.makeTempDir({ prefix: "runner-scripts-" });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

async function write(path: string, text: string, mode = 0o644) {
  await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  await Deno.writeTextFile(path, text);
  await Deno.chmod(path, mode);
}

async function shellScripts(): Promise<string[]> {
  const names = await Array.fromAsync(Deno.readDir(SCRIPTS), (entry) => entry.name);
  return names.filter((name) => name.endsWith(".sh") || name === "runner").map((name) => SCRIPTS + name);
}

Deno.test("every script is valid for a POSIX shell", async () => {
  const scripts = await shellScripts();
  assert(scripts.length >= 6, `found only ${scripts}`);
  for (const script of scripts) {
    assertEquals(await run(["sh", "-n", script]), { code: 0, stdout: "", stderr: "" }, script);
  }
});

Deno.test("find_stub() uses the stub that is named, and runs nothing from beside the clone", async () => {
  await using folder = await temporaryFolder();
  const scripts = `${folder.path}/clone/scripts`;
  await write(`${scripts}/lib.sh`, await Deno.readTextFile(`${SCRIPTS}lib.sh`));
  await write(`${folder.path}/shared/tools/denort`, `#!/bin/sh\ntouch '${folder.path}/ran'\n`, 0o755);
  const text = `scripts=${scripts}; . "$scripts/lib.sh"; find_stub && echo "$DENORT_BIN"`;
  const [none, named] = await Promise.all(
    ["", "/the/stub"].map((DENORT_BIN) => run(["sh", "-euc", text], { env: { DENORT_BIN, DENORT_DENO: "" } })),
  );
  assertEquals([none.code, named.stdout], [1, "/the/stub\n"]);
  assertEquals(await Deno.stat(`${folder.path}/ran`).catch(() => null), null);
});

Deno.test("choose_registry() does as RUNNER_REGISTRY says, and say_registry() says it", async () => {
  const jsr = await withLib('choose_registry; say_registry; echo "$DENO_CONFIG"', { RUNNER_REGISTRY: "jsr" });
  assertEquals(jsr.stdout, `${ROOT}deno.json\n`);
  assertEquals(jsr.stderr, "packages from jsr (as RUNNER_REGISTRY says)\n");
  const npm = await withLib('choose_registry; echo "$DENO_CONFIG"', { RUNNER_REGISTRY: "npm" });
  assertEquals(npm.stdout, `${ROOT}scripts/npm/deno.json\n`);
  assertEquals(npm.stderr, "");
  const wrong = await withLib("choose_registry", { RUNNER_REGISTRY: "both" });
  assertEquals(wrong, { code: 1, stdout: "", stderr: "Cannot use RUNNER_REGISTRY=both: it must be jsr or npm\n" });
});

Deno.test("choose_registry() uses JSR when it replies, else npm, and remembers the latter", async () => {
  await using cache = await temporaryFolder();
  const env = { XDG_CACHE_HOME: cache.path };
  const choose = 'choose_registry; echo "$RUNNER_REGISTRY"';
  assertEquals((await withLib(`jsr_answers() { true; }; ${choose}`, env)).stdout, "jsr\n");
  assertEquals((await withLib(`jsr_answers() { false; }; ${choose}`, env)).stdout, "npm\n");
  const remembered = await withLib(`jsr_answers() { true; }; ${choose}; say_registry`, env);
  assertEquals(remembered.stdout, "npm\n");
  assertStringIncludes(remembered.stderr, "within the last day");
});

Deno.test("within() passes on the exit code, and fails at its limit", async () => {
  assertEquals((await withLib("within 3 true && echo yes")).stdout, "yes\n");
  assertEquals((await withLib("within 3 sh -c 'exit 7' || echo $?")).stdout, "7\n");
  assertEquals((await withLib("within 0 sleep 20 || echo late")).stdout, "late\n");
});

Deno.test("find_deno() refuses a Deno that is too old", async () => {
  await using folder = await temporaryFolder();
  const old = `${folder.path}/deno`;
  for (
    const [version, good] of [["2.3.7", false], ["2.4.0", true], ["2.10.1", true], ["3.0.0", true], ["1.46.3", false]]
  ) {
    await write(old, `#!/bin/sh\necho "deno ${version} (stable)"\n`, 0o755);
    const { code, stderr } = await withLib("find_deno", { DENO: old });
    assertEquals(code, good ? 0 : 1, String(version));
    if (!good) assertStringIncludes(stderr, `Cannot use DENO=${old}`);
  }
});

Deno.test("runner works from any folder and through links", async () => {
  await using folder = await temporaryFolder();
  await Deno.symlink(`${SCRIPTS}runner`, `${folder.path}/first`);
  await Deno.symlink("first", `${folder.path}/second`);
  const { code, stdout, stderr } = await run([`${folder.path}/second`, "version"], { cwd: folder.path });
  assertEquals(code, 0, stderr);
  assertStringIncludes(stdout, manifest.version);
});

Deno.test("the permissions are written down in one place", async () => {
  const flags = (await withLib("permission_flags")).stdout.trim().split("\n");
  assertEquals(flags[0], "--no-prompt");
  assert(flags.includes("--allow-run=tmux,redis-server"), flags.join(" "));
  assert(!flags.some((flag) => /^--allow-(all|run|env)$/.test(flag)), "all programs or the whole environment");
  // each kind once, because Deno 2.4 accepts no flag twice
  assertEquals(new Set(flags.map((flag) => flag.split("=")[0])).size, flags.length);
  for (const script of await shellScripts()) {
    if (script.endsWith("/lib.sh")) continue;
    const text = await Deno.readTextFile(script);
    assert(!/--allow-(all|net|run|env|read|write|sys|ffi|import)/.test(text), `${script} has a permission of its own`);
  }
});

const CASE = (inner = "") => `<testcase name="a &lt;failure &gt;" classname="./a_test.ts">${inner}</testcase>\n`;
const REPORT = (cases: string) =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="deno test">\n<testsuite name="./a_test.ts">\n${cases}</testsuite>\n</testsuites>\n`;
const FAILURE = `\n<failure message="Uncaught Error: x">Error: x\n at y</failure>\n`;

Deno.test("summary.sh counts what the report says, and never hides a run that broke", async () => {
  await using folder = await temporaryFolder();
  const report = `${folder.path}/report.xml`;
  const table: [name: string, report: string | null, stages: number, code: number, line: string][] = [
    ["all green", REPORT(CASE() + CASE()), 0, 0, "2 passed, 0 failed"],
    ["failures", REPORT(CASE() + CASE(FAILURE) + CASE(`<error message="Cancelled"/>`)), 0, 1, "1 passed, 2 failed"],
    ["skipped ones are neither", REPORT(CASE() + CASE("\n<skipped/>\n")), 0, 0, "1 passed, 0 failed"],
    ["a stage failed", REPORT(CASE()), 2, 0, "1 passed, 2 failed"],
    ["a module that does not load is not in the report", REPORT(CASE()), 0, 1, "1 passed, 1 failed"],
    ["no test ran", REPORT(""), 0, 0, "0 passed, 1 failed"],
    ["cut off", REPORT(CASE()).replace("</testsuites>", ""), 0, 0, "1 passed, 1 failed"],
    ["empty", "", 0, 1, "0 passed, 1 failed"],
    ["missing", null, 1, 1, "0 passed, 2 failed"],
  ];
  for (const [name, text, stages, code, line] of table) {
    if (text === null) await Deno.remove(report);
    else await Deno.writeTextFile(report, text);
    const result = await run(["sh", `${SCRIPTS}summary.sh`, String(stages), report, String(code)]);
    assertEquals(result.stdout, `${line}\n`, name);
    // what failed is named, stages aside
    const failed = Number(line.split(" ")[2]) - stages;
    assertEquals(result.stderr.match(/^failed: .+/gm)?.length ?? 0, failed, `${name}: ${result.stderr}`);
    assertEquals(result.code, line.endsWith(" 0 failed") ? 0 : 1, name);
    if (name === "failures") {
      assertStringIncludes(result.stderr, "failed: ./a_test.ts: a <failure >\n  Uncaught Error: x");
    }
  }
});

Deno.test("the gate goes red for each kind of fault", async () => {
  await using folder = await temporaryFolder();
  const copy = `${folder.path}/project`;
  await Deno.mkdir(copy);
  await run(["cp", "-R", SCRIPTS, `${ROOT}deno.json`, copy]);
  const gate = (...args: string[]) =>
    run(["sh", `${copy}/scripts/ok.sh`, ...args], { cwd: folder.path, env: { RUNNER_REGISTRY: "npm" } });

  const table: [stage: string, file: string, source: string, line: string][] = [
    ["test", "tests/a_test.ts", `Deno.test("a", () => {});\n`, "1 passed, 0 failed"],
    ["test", "tests/a_test.ts", `Deno.test("a", () => {\n  throw new Error("x");\n});\n`, "0 passed, 1 failed"],
    ["test", "tests/a_test.ts", `Deno.test("a", ( => {});\n`, "0 passed, 1 failed"],
    ["test", "tests/a_test.ts", `throw new Error("x");\n`, "0 passed, 1 failed"],
    ["test", "tests/a_test.ts", `const a: string = 1;\nDeno.test(a, () => {});\n`, "0 passed, 1 failed"],
    ["test", "tests/a_test.ts", `Deno.exit(0);\n`, "0 passed, 1 failed"],
    ["lint", "src/domain/a.ts", `export const a = (b: number) => b;\n`, "1 passed, 0 failed"],
    ["lint", "src/domain/a.ts", `export const a = Math.random();\n`, "0 passed, 1 failed"],
    ["lint", "src/domain/a.ts", `export const a = (b: any) => b;\n`, "0 passed, 1 failed"],
    ["shell", "scripts/a.sh", "#!/bin/sh\ncd /tmp\n", "0 passed, 1 failed"],
    ["shell", "scripts/a.sh", "#!/bin/sh\ncd /tmp || exit\n", "1 passed, 0 failed"],
    ["shell", "src/a.sh", "cd /tmp\n", "0 passed, 1 failed"],
    ["fmt", "src/domain/a.ts", `export const a  = 1;\n`, "0 passed, 1 failed"],
    ["fmt", "src/domain/a.ts", `export const a = 1;\n`, "1 passed, 0 failed"],
  ];
  for (const [stage, file, source, line] of table) {
    await write(`${copy}/${file}`, source);
    const { code, stdout, stderr } = await gate(stage);
    assertEquals(stdout, `${line}\n`, `${stage} of ${source}\n${stderr}`);
    assertEquals(code === 0, line === "1 passed, 0 failed", `${stage} of ${source}`);
  }
});

Deno.test("the gate counts the tests that run side by side and those that run alone, and shows each failure", async () => {
  await using folder = await temporaryFolder();
  const copy = `${folder.path}/project`;
  await Deno.mkdir(copy);
  await run(["cp", "-R", SCRIPTS, `${ROOT}deno.json`, copy]);
  const alone = /^MEASURING='(\S+)/m.exec(await Deno.readTextFile(`${SCRIPTS}ok.sh`))![1];
  const bad = (what: string) => `Deno.test("${what}", () => {\n  throw new Error("it is ${what}");\n});\n`;
  for (const name of ["a", "b"]) await write(`${copy}/tests/${name}_test.ts`, `Deno.test("${name}", () => {});\n`);
  await write(`${copy}/tests/c_test.ts`, bad("beside"));
  await write(`${copy}/${alone}`, `Deno.test("fine", () => {});\n${bad("alone")}`);
  const env = { RUNNER_REGISTRY: "npm" };
  const { code, stdout, stderr } = await run(["sh", `${copy}/scripts/ok.sh`, "test"], { cwd: folder.path, env });
  assertEquals([code, stdout], [1, "3 passed, 2 failed\n"], stderr);
  for (const what of ["beside", "alone"]) assertStringIncludes(stderr, `it is ${what}`);
});

/** A folder with the tools that install.sh may count on, as the only folder of PATH, and `programs` as shell texts. */
async function machine(folder: string, programs: Record<string, string>) {
  const bin = `${folder}/bin`;
  await Deno.mkdir(bin);
  for (const tool of ["sh", "cat", "chmod", "dirname", "env", "id", "mkdir", "mktemp", "mv", "rm", "sed", "sleep"]) {
    const { stdout } = await run(["sh", "-c", `command -v ${tool}`]);
    await Deno.symlink(stdout.trim(), `${bin}/${tool}`);
  }
  for (const [name, text] of Object.entries(programs)) {
    await Deno.remove(`${bin}/${name}`).catch(() => {});
    await write(`${bin}/${name}`, `#!/bin/sh\n${text}\n`, 0o755);
  }
  const env = { PATH: bin, HOME: folder, LOG: `${folder}/log`, BIN: bin };
  const log = () => Deno.readTextFile(env.LOG).catch(() => "");
  const script = (name: string, args: string[], more: Record<string, string>) =>
    run(["/bin/sh", `${SCRIPTS}${name}`, ...args], { env: { ...env, ...more } });
  return {
    install: (...args: string[]) => script("install.sh", args, {}),
    /** Where there is no Deno yet. */
    installDeno: () => script("install.sh", [], { DENO: "" }),
    log,
  };
}

const ROOT_USER = "echo 0";
const USER = "echo 1000";
// notes its arguments; installs a program that does nothing, once the lists are there
const APT =
  `echo "$*" >>"$LOG"\nfor last; do :; done\ncase $last in update) : >"$BIN/../lists" ;; *) [ -e "$BIN/../lists" ] && : >"$BIN/$last" && chmod +x "$BIN/$last" ;; esac`;

// what only tests use, but fish and procps
const FOR_TESTS = { shellcheck: "", dash: "", zsh: "", mksh: "", busybox: "", mawk: "", git: "" };

Deno.test("install.sh changes nothing and says nothing when all is there", async () => {
  await using folder = await temporaryFolder();
  const { install, log } = await machine(folder.path, { id: ROOT_USER, "apt-get": APT, "redis-server": "", tmux: "" });
  assertEquals(await install(), { code: 0, stdout: "", stderr: "" });
  assertEquals(await log(), "");
});

Deno.test("install.sh as root installs what is missing with apt, and fetches the lists when they are old", async () => {
  await using folder = await temporaryFolder();
  const { install, log } = await machine(folder.path, { id: ROOT_USER, "apt-get": APT, "redis-server": "" });
  const first = await install();
  assertEquals(first.code, 0, first.stderr);
  const wanted = "install -y --no-install-recommends tmux";
  assertEquals(await log(), `${wanted}\nupdate\n${wanted}\n`);
  assertEquals(await install(), { code: 0, stdout: "", stderr: "" });
});

Deno.test("install.sh installs shells for the tests only when asked, and refuses an unknown argument", async () => {
  await using folder = await temporaryFolder();
  const tools = { ...FOR_TESTS, "redis-server": "", tmux: "", pgrep: "" };
  const { install, log } = await machine(folder.path, { id: ROOT_USER, "apt-get": APT, ...tools });
  assertEquals(await install(), { code: 0, stdout: "", stderr: "" });
  assertEquals((await install("--for-test")).code, 1);
  assertEquals(await log(), "");
  assertEquals((await install("--for-tests")).code, 0);
  const wanted = "install -y --no-install-recommends fish";
  assertEquals(await log(), `${wanted}\nupdate\n${wanted}\n`);
});

Deno.test("install.sh brings ps with its relatives for the tests", async () => {
  await using folder = await temporaryFolder();
  const tools = { ...FOR_TESTS, "redis-server": "", tmux: "", fish: "" };
  // the package's name is not the program's
  const apt = `${APT}\n[ "$last" != procps ] || mv "$BIN/procps" "$BIN/pgrep"`;
  const { install, log } = await machine(folder.path, { id: ROOT_USER, "apt-get": apt, ...tools });
  await Deno.writeTextFile(`${folder.path}/lists`, "");
  assertEquals((await install("--for-tests")).code, 0);
  assertEquals(await log(), "install -y --no-install-recommends procps\n");
});

Deno.test("install.sh asks npm three times for Deno, and once where the certificate is not trusted", async () => {
  for (
    const [says, times, why] of [
      ["npm error code SELF_SIGNED_CERT_IN_CHAIN", 1, "set NODE_EXTRA_CA_CERTS to the file"],
      ["npm error code UNABLE_TO_VERIFY_LEAF_SIGNATURE", 1, "set NODE_EXTRA_CA_CERTS to the file"],
      ["npm error code ETIMEDOUT", 3, "see its message above"],
    ] as const
  ) {
    await using folder = await temporaryFolder();
    const npm = `echo npm >>"$LOG"; echo '${says}' >&2; exit 1`;
    const { installDeno, log } = await machine(folder.path, { id: ROOT_USER, npm, sleep: "" });
    const { code, stderr } = await installDeno();
    assertEquals([code, await log()], [1, "npm\n".repeat(times)], stderr);
    assertStringIncludes(stderr, says);
    assertMatch(stderr, new RegExp(`\nCannot install Deno with npm: [^\n]*${why}[^\n]*\n$`));
  }
});

Deno.test("install.sh as a plain user goes through sudo, and says what to ask for without it", async () => {
  await using with_ = await temporaryFolder();
  const sudo = `echo "sudo" >>"$LOG"; exec "$@"`;
  const able = await machine(with_.path, { id: USER, "apt-get": APT, "redis-server": "", sudo });
  assertEquals((await able.install()).code, 0);
  assertMatch(await able.log(), /^sudo\ninstall .* tmux\n/);

  await using without = await temporaryFolder();
  const unable = await machine(without.path, { id: USER, "apt-get": APT, "redis-server": "" });
  const { code, stderr } = await unable.install();
  assertEquals(code, 1);
  assertMatch(stderr, /Cannot install without root rights.*ask an administrator to run: .*apt-get install .* tmux/);
  assertEquals(await unable.log(), "");
});

Deno.test("install.sh says what to install where there is no package manager", async () => {
  await using folder = await temporaryFolder();
  const { install } = await machine(folder.path, { id: ROOT_USER, "redis-server": "" });
  const { code, stdout, stderr } = await install();
  assertEquals({ code, stdout }, { code: 1, stdout: "" });
  assertStringIncludes(stderr, "Cannot install tmux: there is neither apt-get nor brew; install tmux with");
});

Deno.test("quickstart.sh --stop ends the runner where there is no ps", async () => {
  await using folder = await temporaryFolder();
  const { path } = folder;
  const state = `${path}/state/hero-runner-quickstart`;
  const bin = `${path}/bin`;
  for (const tool of ["sh", "cat", "date", "dirname", "rm", "sed", "sleep", "tr", "env"]) {
    await Deno.mkdir(bin, { recursive: true });
    await Deno.symlink((await run(["sh", "-c", `command -v ${tool}`])).stdout.trim(), `${bin}/${tool}`);
  }
  const runner = new Deno.Command("sh", { args: ["-c", "read -r line", "runner", `${state}/spool`], stdin: "piped" })
    .spawn();
  await write(`${state}/pid`, `${runner.pid}\n`);
  const env = { PATH: bin, HOME: path, XDG_STATE_HOME: `${path}/state` };
  const stopped = await run(["/bin/sh", `${SCRIPTS}quickstart.sh`, "--stop"], { env });
  assertEquals(stopped.stderr, `stopped the runner (process ${runner.pid}) and its Redis\n`);
  assertEquals((await runner.status).signal, "SIGTERM");
  await runner.stdin.close();
});
