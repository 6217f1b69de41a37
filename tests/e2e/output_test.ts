/** What is shown of outputs that are large, fast, or no text. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "../support/assert.ts";
import { until } from "../support/until.ts";
import { World } from "../support/world.ts";

/** Runs the program; answers its code, how many bytes it wrote with their digest, and what it said. */
async function digested(world: World, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  // the code comes last on standard error
  const script = '{ "$@"; echo "code $?" >&2; } | { tee /dev/fd/3 | wc -c >&2; } 3>&1 | sha256sum';
  const ran = await world.run(args, { prefix: ["bash", "-c", script, "bash"], env });
  const lines = ran.stderr.split("\n");
  const code = Number(lines.find((line) => line.startsWith("code "))?.slice(5));
  return { code, sum: ran.stdout.split(" ")[0], said: ran.stderr };
}

/** Digest of what a shell command writes. */
async function sumOf(command: string): Promise<string> {
  const { stdout } = await new Deno.Command("bash", { args: ["-c", `{ ${command}; } | sha256sum`] }).output();
  return new TextDecoder().decode(stdout).split(" ")[0];
}

const BURSTS = "for i in 1 2 3 4; do seq 60000; sleep 0.3; done";
const ELSEWHERE = { RUNNER_SPOOL: "/nonexistent" };

Deno.test("submit --follow on the host of the runner loses nothing, however fast a job writes", async () => {
  await using world = await World.create();
  await world.runner();
  for (const command of ["seq 200000", BURSTS, "yes 0123456789abcdef | head -c 8000000", "head -c 300000 /dev/zero"]) {
    const { code, sum, said } = await digested(world, ["submit", "--follow", command]);
    assertEquals([code, sum], [0, await sumOf(command)], said);
    assert(!said.includes("missing"), said);
  }
});

Deno.test("logs on the host of the runner shows all of a job, while it runs and long after", async () => {
  await using world = await World.create();
  await world.runner();
  const command = "seq 300000";
  const id = await world.submit(
    `${command}; touch '${world.dir}/written'; until [ -e '${world.dir}/go' ]; do sleep 0.05; done`,
  );
  await until("it has written", () => Deno.stat(`${world.dir}/written`).then(() => true, () => false));
  const want = await sumOf(command);
  await until("it is shown", async () => (await digested(world, ["logs", "--raw", id])).sum === want);
  const following = digested(world, ["logs", "-f", id]);
  await Deno.writeTextFile(`${world.dir}/go`, "");
  assertEquals((await following).sum, want);
  await world.ended(id);
  // other jobs in the same terminal, whose log is emptied
  for (let i = 0; i < 2; i++) await world.ended(await world.submit("yes | head -c 5000000"));
  const { code, sum, said } = await digested(world, ["logs", id]);
  assertEquals([code, sum], [0, want], said);
  assertMatch((await world.run(["logs", "-n", "2", id])).stdout, /^299999\n300000\n$/);
  // a folder of another runner is not looked into
  await Deno.writeTextFile(`${world.instance()}/instance`, `${crypto.randomUUID()}\n`);
  assertStringIncludes((await world.run(["logs", id])).stderr, "missing above; for all of it");
});
