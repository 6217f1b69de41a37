import { assert, assertEquals, assertMatch, assertStringIncludes } from "../support/assert.ts";
import { RunnerFixture } from "../support/runner_fixture.ts";
import manifest from "../../deno.json" with { type: "json" };
import {
  copyProject,
  findStub,
  permissionFlags,
  ROOT,
  run,
  temporaryFolder,
  wholeRound,
  writeProgram,
} from "./support.ts";

const MIB = 1 << 20;
const stub = await findStub();
const isRoot = Deno.uid() === 0;
/** A user without rights on every Unix: `nobody`. */
const NO_RIGHTS = 65534;

/** One entry of the list of files that Deno puts into a binary. */
type Entry = { Dir: { n: string; e: Entry[] } } | { File: { n: string } } | { Symlink: { n: string } };

function paths(entries: readonly Entry[], folder = ""): string[] {
  return entries.flatMap((entry) => {
    if ("Dir" in entry) return paths(entry.Dir.e, `${folder}${entry.Dir.n}/`);
    return [folder + ("File" in entry ? entry.File : entry.Symlink).n];
  });
}

/** The JSON array at a position of a text; the names in it hold no brackets. */
function arrayAt(text: string, from: number): string {
  let depth = 0;
  for (let i = from; i < text.length; i++) {
    if (text[i] === "[") depth++;
    else if (text[i] === "]" && --depth === 0) return text.slice(from, i + 1);
  }
  throw new Error("the list of files is cut off");
}

/** What Deno appended to its stub, as Latin-1 text. */
async function appended(binary: string, stubFile: string): Promise<string> {
  const bytes = (await Deno.readFile(binary)).subarray((await Deno.stat(stubFile)).size);
  return new TextDecoder("latin1").decode(bytes);
}

/** Where Deno puts packages from npm, and how their names follow. */
const PACKAGES = ".deno_compile_node_modules/";
const PACKAGE = /^\.deno_compile_node_modules\/[^/]+\/((?:@[^/]+\/)?[^/]+)\//;

function embeddedFiles(text: string): string[] {
  const from = text.search(/\[\{"(Dir|File)":\{"n":/);
  assert(from >= 0, "this Deno writes the list of files differently: the test must follow it");
  return paths(JSON.parse(arrayAt(text, from)));
}

/** What main.ts needs, according to Deno: files of the project, and packages from npm. */
async function moduleGraph(project: string): Promise<{ files: Set<string>; packages: string[] }> {
  const { stdout } = await run([
    Deno.execPath(),
    ...["info", "--json", "--config", `${project}/scripts/npm/deno.json`, `${project}/main.ts`],
  ]);
  const { modules } = JSON.parse(stdout) as { modules: { specifier: string; local?: string }[] };
  const files = modules.flatMap(({ local }) => local?.startsWith(project) ? [local.slice(project.length + 1)] : []);
  const packages = modules.flatMap(({ specifier }) => /^npm:\/?(.+?)(@[^/]*)?$/.exec(specifier)?.[1] ?? []);
  return { files: new Set(files), packages };
}

/** How often each program is started to find out how fast it can be; and how often at most, on a busy machine. */
const STARTS = 15;
const MOST_STARTS = 150;

/**
 * How many times as long as the first program each of the others needs, by the shortest time of each: they run in turn,
 * so that what slows the machine slows all. More starts as long as one of them is above the limit.
 */
async function startRatios(
  programs: readonly (readonly string[])[],
  options: { env: Record<string, string>; limit: number },
): Promise<number[]> {
  const best = programs.map(() => Infinity);
  for (let i = 1;; i++) {
    for (const [at, program] of programs.entries()) {
      const from = performance.now();
      const { code, stderr } = await run(program, { bare: true, env: options.env });
      best[at] = Math.min(best[at], performance.now() - from);
      assertEquals(code, 0, stderr);
    }
    const ratios = best.slice(1).map((ms) => ms / best[0]);
    if (i === MOST_STARTS || (i >= STARTS && Math.max(...ratios) <= options.limit)) return ratios;
  }
}

/** Starts a runner of a fixture that is none of its own. */
function startRunner(binary: string, fixture: RunnerFixture): Deno.ChildProcess {
  const options = { args: ["run"], clearEnv: true, env: fixture.env(), cwd: fixture.dir };
  return new Deno.Command(binary, { ...options, stdin: "null", stdout: "null", stderr: "null" }).spawn();
}

Deno.test({ name: "the compiled binary", ignore: stub === null }, async (t) => {
  await using project = await copyProject();
  const env = { ...stub, RUNNER_REGISTRY: "npm" };
  const compiled = await run([`${project.path}/scripts/compile.sh`], { env });
  assertEquals(compiled.code, 0, compiled.stderr);
  const binary = `${project.path}/dist/runner`;
  const text = await appended(binary, stub!.DENORT_BIN);

  await t.step("is the only thing that compile.sh leaves", async () => {
    assertEquals(await Array.fromAsync(Deno.readDir(`${project.path}/dist`), ({ name }) => name), ["runner"]);
  });

  await t.step("says its version", async () => {
    const reported = await run([binary, "version"]);
    assertEquals(reported, { code: 0, stdout: `runner ${manifest.version}\n`, stderr: "" });
  });

  await t.step("holds the modules that main.ts needs and nothing else of the project", async () => {
    const graph = await moduleGraph(project.path);
    const embedded = embeddedFiles(text);
    const files = embedded.filter((path) => !path.startsWith(PACKAGES));
    assert(files.length > 50, `found only ${files}`);
    assertEquals(files.filter((path) => !graph.files.has(path)), []);
    const packages = embedded.flatMap((path) => PACKAGE.exec(path)?.[1] ?? []);
    assertEquals([...new Set(packages)], graph.packages);
  });

  await t.step("holds no path of the folder that it was compiled in", () => {
    assertEquals(text.includes(project.path), false);
    assertEquals(text.includes(ROOT), false);
  });

  await t.step("adds less than 2 MiB to Deno's stub", () => {
    assert(text.length < 2 * MIB, `${text.length} bytes`);
  });

  await t.step("may do what scripts/permissions says, and never asks", async () => {
    const { permissions } = JSON.parse(/\{"argv":.*?"prompt":false\}/.exec(text)![0] + "}");
    const granted = Object.entries(permissions as Record<string, unknown>)
      .filter(([name, value]) => name.startsWith("allow_") && name !== "allow_import" && Array.isArray(value))
      .map(([name, value]) => `--${name.replace("_", "-")}${(value as string[]).length > 0 ? `=${value}` : ""}`);
    assertEquals(["--no-prompt", ...granted].sort(), (await permissionFlags()).sort());
    assertEquals(permissions.allow_all, false);
  });

  await t.step("keeps no code cache where others could put one", async () => {
    assertStringIncludes(text, '"code_cache_key":null');
    await using folder = await temporaryFolder();
    await run([binary, "version"], { env: { TMPDIR: folder.path } });
    assertEquals(await Array.fromAsync(Deno.readDir(folder.path)), []);
  });

  await t.step("works in an environment that holds nothing but PATH", async () => {
    const job = await wholeRound([binary], { bare: true, env: { PATH: Deno.env.get("PATH")! } });
    assertEquals([job.status, job.result], ["finished", "from the job\n"]);
  });

  await t.step("works from a folder that cannot be written, as another user", async () => {
    await using folder = await temporaryFolder();
    const copy = `${folder.path}/runner`;
    await Deno.copyFile(binary, copy);
    await Deno.chmod(copy, 0o555);
    await Deno.chmod(folder.path, 0o555);
    const uid = isRoot ? NO_RIGHTS : undefined;
    try {
      const job = await wholeRound([copy], { cwd: folder.path, uid, bare: true, env: { PATH: Deno.env.get("PATH")! } });
      assertEquals([job.status, job.result], ["finished", "from the job\n"]);
    } finally {
      await Deno.chmod(folder.path, 0o755);
    }
  });

  await t.step("starts in no more than twice the time of an empty program, also when it submits", async () => {
    await Deno.writeTextFile(`${project.path}/hello.ts`, 'console.log("hello");\n');
    const compile = [stub!.DENO, "compile", "--quiet", "--no-code-cache", "--no-config"];
    const hello = await run([...compile, "--output", `${project.path}/hello`, `${project.path}/hello.ts`], { env });
    assertEquals(hello.code, 0, hello.stderr);
    await using fixture = await RunnerFixture.create();
    const programs = [[`${project.path}/hello`], [binary, "version"], [binary, "submit", "true"]];
    const [version, submit] = await startRatios(programs, { env: fixture.env(), limit: 2 });
    console.log(`beside an empty program: runner version ${version.toFixed(2)}, runner submit ${submit.toFixed(2)}`);
    assert(Math.max(version, submit) <= 2);
  });

  await t.step("adopts the running jobs of the version before it", async () => {
    await using fixture = await RunnerFixture.create();
    const old = `${project.path}/old`;
    await Deno.copyFile(binary, old);
    const first = startRunner(old, fixture);
    const id = await fixture.submit(
      `echo before; until [ -e ${fixture.dir}/go ]; do sleep 0.05; done; echo after; exit 3`,
    );
    await fixture.reaches(id, "started");
    first.kill("SIGKILL");
    await first.status;
    await Deno.remove(old);
    const second = startRunner(binary, fixture);
    try {
      await Deno.writeTextFile(`${fixture.dir}/go`, "");
      const job = await fixture.ended(id);
      assertEquals([job.result, job.error], ["before\nafter\n", "exited with code 3"]);
      assertEquals(await fixture.redis.call("HGET", `rr:meta:${id}`, "attempt"), "1");
    } finally {
      second.kill("SIGTERM");
      await second.status;
      await fixture.tmux("kill-server");
    }
  });
});

Deno.test(
  { name: "compile.sh leaves the old binary alone when the stub does not fit", ignore: stub === null },
  async () => {
    await using project = await copyProject();
    await Deno.mkdir(`${project.path}/dist`);
    await Deno.writeTextFile(`${project.path}/dist/runner`, "old");
    const compile = (env: Record<string, string>) =>
      run([`${project.path}/scripts/compile.sh`], { env: { ...stub, RUNNER_REGISTRY: "npm", ...env } });
    const foreign = await compile({ DENORT_BIN: "/bin/true" });
    assertEquals([foreign.code, await Deno.readTextFile(`${project.path}/dist/runner`)], [1, "old"]);
    const missing = await compile({ DENORT_BIN: "/no/stub" });
    assertEquals(missing.code, 1);
    assertStringIncludes(missing.stderr, "Cannot use DENORT_BIN=/no/stub: there is no such file\n");
  },
);

/** A Deno that compiles everything into a script, or fails with a message. */
async function fakeDeno(folder: string, failure = ""): Promise<Record<string, string>> {
  await Deno.writeTextFile(`${folder}/failure`, failure);
  await writeProgram(
    `${folder}/deno`,
    `#!/bin/sh
[ "$1" = compile ] || { echo "deno ${Deno.version.deno} (stable)"; exit; }
if [ -s '${folder}/failure' ]; then cat '${folder}/failure' >&2; exit 1; fi
echo "$*" >>'${folder}/log'
while [ "$1" != --output ]; do shift; done
printf '#!/bin/sh\\necho runner 1.0\\n' >"$2"
chmod +x "$2"
`,
  );
  return { DENO: `${folder}/deno`, DENORT_BIN: "", RUNNER_REGISTRY: "npm" };
}

/** The program for sums, as the README names it for this machine. */
async function sha256(): Promise<string> {
  return (await run(["sh", "-c", "command -v sha256sum"])).code === 0 ? "sha256sum" : "shasum -a 256";
}

Deno.test("compile.sh --all compiles for four machines and writes their sums", async () => {
  await using project = await copyProject();
  const env = await fakeDeno(project.path);
  const { code, stdout, stderr } = await run([`${project.path}/scripts/compile.sh`, "--all"], { env });
  assertEquals(code, 0, stderr);
  const names = ["linux-x64", "linux-arm64", "macos-x64", "macos-arm64"].map((target) => `runner-${target}`);
  const left = await Array.fromAsync(Deno.readDir(`${project.path}/dist`), ({ name }) => name);
  assertEquals(left.sort(), ["SHA256SUMS", ...names].sort());
  assertEquals(stdout, await Deno.readTextFile(`${project.path}/dist/SHA256SUMS`));
  assertEquals(stdout.match(/^[0-9a-f]{64} [ *]runner-[a-z0-9-]+$/gm)?.length, 4);
  // as a user who downloaded one of them checks it
  const [check] = /^sha256sum .*?(?= +#)/m.exec(await Deno.readTextFile(`${ROOT}README.md`))!;
  for (const name of names.slice(1)) await Deno.remove(`${project.path}/dist/${name}`);
  const checked = await run(["sh", "-c", check.replace("sha256sum", await sha256())], { cwd: `${project.path}/dist` });
  assertEquals([checked.code, checked.stdout], [0, `${names[0]}: OK\n`], checked.stderr);
  for (const name of names) assertMatch(stderr, new RegExp(`/dist/${name}: \\d+ MiB\n`));
  const log = await Deno.readTextFile(`${project.path}/log`);
  const triples = [...log.matchAll(/--target (\S+)/g)].map(([, triple]) => triple);
  assertEquals(triples, [
    "x86_64-unknown-linux-gnu",
    "aarch64-unknown-linux-gnu",
    "x86_64-apple-darwin",
    "aarch64-apple-darwin",
  ]);
  for (const flag of await permissionFlags()) assertStringIncludes(log, ` ${flag} `);
});

Deno.test("compile.sh says in one sentence what stands in the way", async () => {
  await using project = await copyProject();
  const script = `${project.path}/scripts/compile.sh`;
  // what Deno 2.9 says, between other lines
  const download = `error: Writing deno compile executable to temporary file 'dist/runner.tmp'

Caused by:
    0: Setting up base binary.
    1: error sending request for url (https://example.com/release/denort-x86_64-unknown-linux-gnu.zip): client error (Connect)
`;
  const foreign = Deno.build.arch === "x86_64" ? "linux-arm64" : "linux-x64";
  const table: [args: string[], failure: string, stderr: string][] = [
    [["--target", "linux-x64"], download, "Deno could not download its runtime stub for it; connect to the network"],
    [["--target", "linux-x64"], "error: Type checking failed.", "error: Type checking failed."],
    [["--target", "amiga"], "", "Cannot compile for amiga: there are linux-x64 linux-arm64 macos-x64 macos-arm64"],
    [["--target"], "", "Cannot use --target: compile.sh takes nothing, --target T or --all"],
    [["--everything"], "", "Cannot use --everything: compile.sh takes nothing, --target T or --all"],
    [["--target", foreign], "", `Cannot compile for ${foreign}: DENORT_BIN is a stub for this machine only`],
  ];
  for (const [args, failure, sentence] of table) {
    const env = { ...await fakeDeno(project.path, failure) };
    const more: Record<string, string> = sentence.includes("DENORT_BIN is") ? { DENORT_BIN: "/bin/sh" } : {};
    const { code, stdout, stderr } = await run([script, ...args], { env: { ...env, ...more } });
    assertEquals([code, stdout], [1, ""], sentence);
    assertStringIncludes(stderr, sentence);
    assertEquals(stderr.trimEnd().split("\n").length, 1, stderr);
  }
});
