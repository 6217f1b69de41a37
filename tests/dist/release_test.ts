import { assertEquals, assertStringIncludes } from "../support/assert.ts";
import manifest from "../../deno.json" with { type: "json" };
import { copyProject, run, writeProgram } from "./support.ts";

const VERSION = manifest.version;

/** A project with everything committed, and a Deno that bundles and compiles in no time. */
async function committedProject() {
  const project = await copyProject();
  await writeProgram(
    `${project.path}/fake-deno`,
    `#!/bin/sh
case $1 in
  --version) echo "deno ${Deno.version.deno} (stable)"; exit ;;
  run) echo "runner ${VERSION}"; exit ;;
  publish) exit ;;
esac
while [ "$1" != --output ]; do shift; done
printf '#!/bin/sh\\necho runner ${VERSION}\\n' >"$2"
chmod +x "$2"
`,
  );
  await Deno.writeTextFile(`${project.path}/.gitignore`, "/dist/\n");
  const git = async (...args: string[]) => {
    const identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com"];
    const { code, stderr } = await run(["git", ...identity, ...args], { cwd: project.path });
    assertEquals(code, 0, stderr);
  };
  const commit = async () => {
    await git("add", "--all", "--force", ".");
    await git("commit", "--quiet", "--allow-empty", "--message", "change");
  };
  await git("init", "--quiet");
  await commit();
  const release = (...args: string[]) => {
    const env = {
      DENO: `${project.path}/fake-deno`,
      RUNNER_REGISTRY: "jsr",
      DENORT_BIN: "",
    };
    return run([`${project.path}/scripts/release.sh`, ...args], { env });
  };
  return { path: project.path, git, commit, release, [Symbol.asyncDispose]: () => project[Symbol.asyncDispose]() };
}

Deno.test("release.sh builds everything and says how to publish it", async () => {
  await using project = await committedProject();
  const { code, stdout, stderr } = await project.release();
  assertEquals(code, 0, stderr);
  assertStringIncludes(stdout, `git tag -a v${VERSION} -m 'Version ${VERSION}'\ngit push origin v${VERSION}\n`);
  const sums = await Deno.readTextFile(`${project.path}/dist/SHA256SUMS`);
  const named = [...sums.matchAll(/ [ *](\S+)$/gm)].map(([, name]) => name);
  const left = await Array.fromAsync(Deno.readDir(`${project.path}/dist`), ({ name }) => name);
  assertEquals(named.length, 5);
  assertEquals(left.sort(), ["SHA256SUMS", ...named].sort());
});

Deno.test("release.sh --dry-run goes red for each thing that is wrong", async () => {
  await using project = await committedProject();
  const { path, git, commit, release } = project;
  const dryRun = () => release("--dry-run");
  const config = await Deno.readTextFile(`${path}/deno.json`);
  const good = await dryRun();
  assertEquals([good.code, good.stdout], [0, ""], good.stderr);
  assertStringIncludes(good.stderr, `${VERSION} can be released\n`);
  for (const what of ["runner.js: OK", "the version stands only in deno.json", "man page and README are up to date"]) {
    assertStringIncludes(good.stderr, what);
  }

  const withVersion = (version: string) => config.replace(`"version": "${VERSION}"`, `"version": "${version}"`);
  const table: [file: string, text: string, sentence: string][] = [
    [
      "src/compose/version.ts",
      `const VERSION = "${VERSION}";\n`,
      "not ok  the version stands also in src/compose/version.ts:",
    ],
    ["deno.json", withVersion("1.2"), 'not ok  version "1.2" in deno.json: write three numbers'],
    ["deno.json", withVersion("1.2.3-rc"), 'not ok  version "1.2.3-rc" in deno.json'],
    ["deno.json", withVersion("9.9.9"), 'not ok  .github/CHANGELOG.md: its first heading is "'],
    [".github/CHANGELOG.md", "# Changelog\n", 'its first heading is "## "'],
    [".github/CHANGELOG.md", `# Changelog\n\n## ${VERSION}\n\n## 0.0.1\n\n- x\n`, "nothing stands under"],
  ];
  for (const [file, text, sentence] of table) {
    const old = await Deno.readTextFile(`${path}/${file}`);
    await Deno.writeTextFile(`${path}/${file}`, text);
    await commit();
    const { code, stderr } = await dryRun();
    assertEquals(code, 1, sentence);
    assertStringIncludes(stderr, sentence);
    assertStringIncludes(stderr, "of these checks failed\n");
    await Deno.writeTextFile(`${path}/${file}`, old);
    await commit();
  }

  await Deno.writeTextFile(`${path}/new`, "");
  assertStringIncludes((await dryRun()).stderr, "not ok  the working tree: commit or remove");
  await Deno.remove(`${path}/new`);
  await git("tag", `v${VERSION}`);
  assertStringIncludes((await dryRun()).stderr, `not ok  tag v${VERSION}: it is there already`);
  await git("tag", "--delete", `v${VERSION}`);
  assertEquals((await dryRun()).code, 0);
});

Deno.test("release.sh builds no release from stand-ins or a stub of unknown origin", async () => {
  await using project = await committedProject();
  const script = `${project.path}/scripts/release.sh`;
  const env = { DENO: `${project.path}/fake-deno`, DENORT_BIN: "", RUNNER_REGISTRY: "jsr" };
  const standIns = await run([script], { env: { ...env, RUNNER_REGISTRY: "npm" } });
  assertEquals(standIns.code, 1);
  assertStringIncludes(standIns.stderr, "a release is built with those from JSR");
  const stub = await run([script], { env: { ...env, DENORT_BIN: "/bin/true" } });
  assertEquals(stub.code, 1);
  assertStringIncludes(stub.stderr, "a release is built with the stubs that Deno downloads");
});
