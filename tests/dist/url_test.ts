import { assert, assertEquals } from "../support/assert.ts";
import manifest from "../../deno.json" with { type: "json" };
import { permissionFlags, ROOT, run, temporaryFolder, wholeRound } from "./support.ts";
import { serveFolder } from "./serve_folder.ts";

/** What newer ones do by default; they accept the flag all the same. */
const [MAJOR, MINOR] = Deno.version.deno.split(".").map(Number);
const OLD = MAJOR === 2 && MINOR < 9 ? ["--unstable-raw-imports"] : [];

Deno.test("main.ts runs from a URL without an import map", async (t) => {
  await using folder = await temporaryFolder();
  await using server = serveFolder(ROOT.slice(0, -1));
  // links and nothing else: where JSR can be reached, not even this is needed
  const config = `${folder.path}/deno.json`;
  const names = ["cli", "log", "redis"];
  await run(["cp", "-R", ...names.map((name) => `${ROOT}scripts/npm/${name}`), folder.path]);
  const links = names.map((name) => `./${name}`);
  await Deno.writeTextFile(config, JSON.stringify({ links, lock: false, nodeModulesDir: "none" }));
  const packages = Deno.env.get("RUNNER_REGISTRY") === "jsr" ? ["--no-config", "--no-lock"] : ["--config", config];
  const flags = [...packages, ...OLD, ...await permissionFlags(), "--allow-import"];
  const program = [Deno.execPath(), "run", "--quiet", ...flags, `${server.url}/main.ts`];

  await t.step("and says its version", async () => {
    assertEquals((await run([...program, "version"])).stdout, `runner ${manifest.version}\n`);
  });

  await t.step("and runs a job", async () => {
    const job = await wholeRound(program, { cwd: folder.path });
    assertEquals([job.status, job.result], ["finished", "from the job\n"]);
  });

  await t.step("and asks for nothing but the program", () => {
    const other = server.asked.filter((path) =>
      !/^\/(main\.ts|deno\.json|src\/.*\.(ts|lua|sh|bash|zsh|fish))$/.test(path)
    );
    assertEquals(other, []);
    assert(server.asked.length > 50, `asked for ${server.asked}`);
  });
});
