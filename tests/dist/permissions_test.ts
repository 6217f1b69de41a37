import { assert, assertEquals, assertStringIncludes } from "../support/assert.ts";
import { World } from "../support/world.ts";
import { permissionFlags, type Ran, ROOT, run } from "./support.ts";

const CONFIG = Deno.env.get("RUNNER_REGISTRY") === "jsr" ? "deno.json" : "scripts/npm/deno.json";

/** Variables that every command with settings looks at. */
const SETTINGS = [
  ...["REDIS_URL", "RUNNER_CONFIG", "RUNNER_NAME", "RUNNER_NAMESPACE", "HOME", "XDG_CONFIG_HOME"],
  ...["CLICOLOR_FORCE", "NO_COLOR", "TERM"],
];
/** Variables that only the worker looks at. */
const WORKER = [
  ...["RUNNER_CRASH_AT", "RUNNER_SPOOL", "RUNNER_TMUX_SOCKET", "TMUX_TMPDIR"],
  ...["LANG", "LC_ALL", "LOGNAME", "PATH", "SHELL", "USER"],
];

/** Runs the program from source with exactly these permissions. */
function runWith(world: World, flags: readonly string[], ...args: string[]): Promise<Ran> {
  const program = [Deno.execPath(), "run", "--quiet", "--no-prompt", "--config", ROOT + CONFIG];
  return run([...program, ...flags, `${ROOT}main.ts`, ...args], { bare: true, env: world.env(), cwd: world.dir });
}

Deno.test("each command works with the permissions that the README names for it", async (t) => {
  await using world = await World.create();
  await world.runner();
  const net = `--allow-net=${world.redis.address}`;
  const client = [net, `--allow-env=${SETTINGS}`];
  const file = `${world.dir}/file`;
  await Deno.writeTextFile(file, "NAME=value\n");
  const ended = await world.submit("--id", "ended", "true");
  await world.ended(ended);
  const waiting = await world.submit("--id", "waiting", "--in", "1h", "true");

  const table: [flags: string[], args: string[]][] = [
    [[], ["version"]],
    [[], ["--version"]],
    [[], ["help"]],
    [[], ["help", "submit"]],
    [[], ["submit", "--help"]],
    [[`--allow-env=${[...SETTINGS, "RUNNER_SPOOL", "RUNNER_TMUX_SOCKET"]}`], ["config"]],
    [[`--allow-env=${SETTINGS}`], ["submit", "--dry-run", "true"]],
    [client, ["submit", "--wait", "true"]],
    [client, ["submit", "--follow", "true"]],
    [[...client, `--allow-read=${file}`], ["submit", "--env-file", file, "true"]],
    [[...client, `--allow-read=${file}`], ["submit", "--script", file]],
    [client, ["status"]],
    [client, ["status", ended]],
    [client, ["wait", ended]],
    [client, ["logs", ended]],
    [client, ["cancel", waiting]],
    [client, ["retry", ended]],
    [client, ["pause"]],
    [client, ["resume"]],
  ];
  for (const [flags, args] of table) {
    await t.step(`runner ${args.map((arg) => arg.replace(world.dir, "")).join(" ")}`, async () => {
      const { code, stderr } = await runWith(world, flags, ...args);
      assertEquals(code, 0, stderr);
    });
  }
});

Deno.test("the worker works with write access to its spool, and may start nothing but tmux", async () => {
  await using world = await World.create();
  const id = await world.submit("echo done");
  const spool = `${world.dir}/spool`;
  const flags = [
    `--allow-net=${world.redis.address}`,
    `--allow-env=${[...SETTINGS, ...WORKER]}`,
    `--allow-read=${world.dir}`,
    `--allow-write=${spool}`,
    "--allow-run=tmux",
    "--allow-sys=hostname",
  ];
  try {
    const { code, stderr } = await runWith(world, flags, "run", "--burst");
    assertEquals(code, 0, stderr);
    assertEquals((await world.job(id)).result, "done\n");
  } finally {
    await world.tmux("kill-server");
  }
});

Deno.test("a file that may not be read is an error when the user named it", async () => {
  await using world = await World.create();
  const flags = [`--allow-net=${world.redis.address}`, `--allow-env=${SETTINGS}`];
  const file = `${world.dir}/file`;
  await Deno.writeTextFile(file, "true");
  const { code, stdout, stderr } = await runWith(world, flags, "submit", "--script", file);
  assertEquals([code, stdout], [2, ""]);
  assertStringIncludes(stderr, `Cannot read file "${file}"`);
});

Deno.test("nothing is permitted that no line of the program uses", async () => {
  const names = (await permissionFlags()).find((flag) => flag.startsWith("--allow-env="))!.split("=")[1].split(",");
  const files = ["cli", "system", "executors", "redis"].map((room) => `${ROOT}src/${room}`);
  const { stdout: source } = await run(["grep", "-rhoE", '"[A-Z_]+"', ...files]);
  assert(names.length > 10, `found only ${names}`);
  assertEquals(names.filter((name) => !source.includes(`"${name}"`)), []);
  assertEquals(names.toSorted(), [...SETTINGS, ...WORKER, "XDG_STATE_HOME"].sort());
});
