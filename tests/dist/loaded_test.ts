import { assert, assertEquals } from "../support/assert.ts";
import { RunnerFixture } from "../support/runner_fixture.ts";
import { CONFIG, ROOT, run, temporaryFolder } from "./support.ts";

/** Older ones write down nothing about programs that are no tests. */
async function canTrace(): Promise<boolean> {
  await using folder = await temporaryFolder();
  const program = `${folder.path}/exits.ts`;
  await Deno.writeTextFile(program, "Deno.exit(0);\n");
  await run([Deno.execPath(), "run", program], { env: { DENO_COVERAGE_DIR: `${folder.path}/written` } });
  return await Deno.stat(`${folder.path}/written`).then(() => true, () => false);
}

/** The modules that a command has run, as paths in the project or addresses elsewhere. */
async function loadedBy(fixture: RunnerFixture, args: readonly string[]): Promise<string[]> {
  await using folder = await temporaryFolder();
  const program = [Deno.execPath(), "run", "-A", "--quiet", "--config", ROOT + CONFIG, `${ROOT}main.ts`];
  const env = { ...fixture.env(), DENO_COVERAGE_DIR: folder.path };
  const { code, stderr } = await run([...program, ...args], { bare: true, env, cwd: fixture.dir });
  assertEquals(code, 0, stderr);
  const urls = [];
  for await (const { name } of Deno.readDir(folder.path)) {
    if (name.endsWith(".json")) urls.push(JSON.parse(await Deno.readTextFile(`${folder.path}/${name}`)).url as string);
  }
  return urls.map((url) => url.replace(`file://${ROOT}`, "")).sort();
}

/** What only a runner, a view of a terminal or the doctor needs: clients and texts do without. */
const WORK = /^src\/runner\/|^src\/executors\/(?!registry\.ts|tmux\/(people\/attach|target)\.ts)|[@/](std\/)?log[@/]/;
const HOST =
  /^src\/system\/(?!clock|environment|host|new_id|redis_access|signals|terminal)|^src\/redis\/(queue|open|check|server)\.ts$/;
/** What waiting, showing and help need. */
const SHOW =
  /^src\/client\/(follow|wait|list_jobs|overview|job_view)|^src\/cli\/(await_jobs|view\/(table|watch|progress|help))\.ts$/;
/** What everything that speaks with Redis needs. */
const REDIS = /^src\/redis\/(?!url\.ts)|redis\/mod\.ts|@db\/redis/;

/** What reads cron expressions, which only schedules need. */
const CALENDAR = /croner|^src\/system\/calendar\.ts$/;

const traces = await canTrace();

Deno.test({ name: "a command loads what it needs and no more", ignore: !traces }, async (t) => {
  await using fixture = await RunnerFixture.create();
  const table: [args: string[], never: RegExp[]][] = [
    [["version"], [WORK, HOST, SHOW, REDIS, /^src\/client\/|^src\/(settings\/config_file|cli\/report_error)\.ts$/]],
    [["help", "submit"], [WORK, HOST, REDIS]],
    [["config"], [WORK, HOST, REDIS]],
    [["schedule", "list"], [WORK, HOST, CALENDAR]],
    [["submit", "--id", "one", "true"], [WORK, HOST, SHOW, /^src\/cli\/(view\/dry_run|report_error)\.ts$/]],
    [["status"], [WORK, HOST, /^src\/cli\/(view\/(help|progress)|await_jobs)\.ts$/]],
    [["cancel", "one"], [WORK, HOST, /^src\/cli\/view\/(help|table|watch|progress)\.ts$/]],
  ];
  for (const [args, never] of table) {
    await t.step(`runner ${args[0]}`, async () => {
      const loaded = await loadedBy(fixture, args);
      const own = `src/cli/commands/${args[0]}.ts`;
      const commands = loaded.filter((path) => path.startsWith("src/cli/commands/"));
      assertEquals(commands.filter((path) => path !== own && args[0] !== "help"), []);
      assert(loaded.includes(own), `${loaded}`);
      assertEquals(loaded.filter((path) => [CALENDAR, ...never].some((pattern) => pattern.test(path))), []);
    });
  }
  await t.step("and a runner loads all that the others may not", async () => {
    const loaded = await loadedBy(fixture, ["run", "--burst"]);
    for (const pattern of [WORK, HOST, REDIS]) {
      assert(loaded.some((path) => pattern.test(path)), `${pattern}: ${loaded}`);
    }
    assertEquals(
      loaded.filter((path) => CALENDAR.test(path) || /^src\/redis\/(open_store|job_store)\.ts$/.test(path)),
      [],
    );
  });
  await t.step("and a calendar comes with the first schedule", async () => {
    const loaded = await loadedBy(fixture, ["schedule", "next", "@daily"]);
    assert(loaded.some((path) => CALENDAR.test(path)), `${loaded}`);
  });
  await run(["tmux", "-L", fixture.socket, "kill-server"]);
});
