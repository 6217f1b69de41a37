import { assert, assertEquals, assertStringIncludes } from "../support/assert.ts";
import manifest from "../../deno.json" with { type: "json" };
import { copyProject, permissionFlags, run, temporaryFolder, wholeRound, writeProgram } from "./support.ts";
import { serveFolder } from "./serve_folder.ts";

const ENV = { RUNNER_REGISTRY: "npm" };

Deno.test("the bundle", async (t) => {
  await using project = await copyProject();
  const bundled = await run([`${project.path}/scripts/bundle.sh`], { env: ENV });
  assertEquals(bundled.code, 0, bundled.stderr);
  // far from the project and its configuration
  await using folder = await temporaryFolder();
  const file = `${folder.path}/runner.js`;
  await Deno.rename(`${project.path}/dist/runner.js`, file);
  const deno = [Deno.execPath(), "run", "--no-config", "--quiet", ...await permissionFlags()];

  await t.step("is the only thing that bundle.sh leaves", async () => {
    assertEquals(await Array.fromAsync(Deno.readDir(`${project.path}/dist`)), []);
  });

  await t.step("imports nothing and holds no path of the machine", async () => {
    const text = await Deno.readTextFile(file);
    assertEquals(text.includes(project.path), false);
    // what a bundler leaves out of the file stands in its imports
    const imports = [...text.matchAll(/^\s*import\b.*?["'](.*?)["']/gm)].map(([, specifier]) => specifier);
    assertEquals(imports.filter((specifier) => !specifier.startsWith("node:")), []);
  });

  await t.step("runs a job from the disk", async () => {
    const job = await wholeRound([...deno, file]);
    assertEquals([job.status, job.result], ["finished", "from the job\n"]);
  });

  await t.step("runs from a URL", async () => {
    await using server = serveFolder(folder.path);
    const { hostname, port } = new URL(server.url);
    const url = [...deno, `--allow-import=${hostname}:${port}`, `${server.url}/runner.js`];
    assertEquals((await run([...url, "version"])).stdout, `runner ${manifest.version}\n`);
    const job = await wholeRound(url);
    assertEquals([job.status, job.result], ["finished", "from the job\n"]);
    assert(server.asked.every((path) => path === "/runner.js"), `asked for ${server.asked}`);
  });
});

Deno.test("bundle.sh says in one sentence what stands in the way, and leaves the old bundle alone", async () => {
  await using project = await copyProject();
  await Deno.mkdir(`${project.path}/dist`);
  await Deno.writeTextFile(`${project.path}/dist/runner.js`, "old");
  const says = async (message: string) => {
    await writeProgram(
      `${project.path}/deno`,
      `#!/bin/sh\n[ "$1" = bundle ] || { echo "deno ${Deno.version.deno} (stable)"; exit; }\n${message}\nexit 1\n`,
    );
    const env = { ...ENV, DENO: `${project.path}/deno` };
    return await run([`${project.path}/scripts/bundle.sh`], { env });
  };
  const offline = await says('echo "error: Failed loading https://example.com/@esbuild%2flinux-x64" >&2');
  const sentence = "Cannot bundle: Deno could not download esbuild, which does the work; connect to the network\n";
  assertEquals(offline, { code: 1, stdout: "", stderr: sentence });
  const broken = await says('echo "error: Module not found" >&2');
  assertEquals([broken.code, broken.stderr], [1, "error: Module not found\n"]);
  assertEquals(await Array.fromAsync(Deno.readDir(`${project.path}/dist`), ({ name }) => name), ["runner.js"]);
  assertEquals(await Deno.readTextFile(`${project.path}/dist/runner.js`), "old");
  const wrong = await run([`${project.path}/scripts/bundle.sh`, "--minify"], { env: ENV });
  assertStringIncludes(wrong.stderr, "Cannot use --minify: bundle.sh takes nothing or --flags");
});
