import { assertEquals } from "../support/assert.ts";
import { RunnerFixture } from "../support/runner_fixture.ts";

const FOLDER = new URL("../../examples/", import.meta.url).pathname;
const ROOT = new URL("../../", import.meta.url).pathname;

/** What an example says at its end that it prints: the comment after `Output:`. */
function expected(text: string): string {
  const lines = text.split("\n");
  const from = lines.findIndex((line) => /^(#|\/\/) Output:$/.test(line));
  return lines.slice(from + 1).filter((line) => line !== "").map((line) => line.replace(/^(#|\/\/) ?/, "") + "\n").join(
    "",
  );
}

const examples = [...Deno.readDirSync(FOLDER)]
  .filter(({ name }) => /\.(sh|ts)$/.test(name))
  .map(({ name }) => ({ name, text: Deno.readTextFileSync(FOLDER + name) }))
  .filter(({ text }) => /^(#|\/\/) Output:$/m.test(text));

Deno.test("there are the examples that their page names", () => {
  const names = examples.map(({ name }) => name).sort();
  for (
    const name of [
      "batch.ts",
      "grid.sh",
      "environment_and_timeout.sh",
      "executors.sh",
      "raw_redis.sh",
      "submit_and_wait.sh",
    ]
  ) {
    assertEquals(names.includes(name), true, name);
  }
});

/** Runs an example, which may have been changed, in a fixture with a runner. */
async function runExample(fixture: RunnerFixture, name: string, path: string) {
  // jobs with limits start a lease after the first runner of a new Redis
  await fixture.runner({ args: ["--heartbeat", "300ms", "--lease", "1s"] });
  const bin = `${fixture.dir}/bin`;
  await Deno.mkdir(bin);
  await Deno.symlink(Deno.env.get("RUNNER_BIN") ?? `${ROOT}scripts/runner`, `${bin}/runner`);
  const env = fixture.env();
  const config = ["--config", `${ROOT}${env.RUNNER_REGISTRY === "jsr" ? "" : "scripts/npm/"}deno.json`];
  const [command, args] = name.endsWith(".ts") ? [Deno.execPath(), ["run", "-A", ...config]] : ["sh", []];
  const { code, stdout, stderr } = await new Deno.Command(command, {
    args: [...args, path],
    clearEnv: true,
    env: { ...env, PATH: `${bin}:${env.PATH}` },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

for (const { name, text } of examples) {
  Deno.test(`examples/${name} prints what it says`, async () => {
    await using fixture = await RunnerFixture.create();
    const { code, stdout, stderr } = await runExample(fixture, name, FOLDER + name);
    assertEquals(stdout, expected(text), stderr);
    assertEquals(code, 0);
  });
}

for (const [units, style] of [[4, 0], [0, 3], [0, 0]]) {
  Deno.test(`examples/pipeline.sh deploys only after both tests: exit codes ${units} and ${style}`, async () => {
    await using fixture = await RunnerFixture.create();
    const path = `${fixture.dir}/pipeline.sh`;
    const text = (await Deno.readTextFile(`${FOLDER}pipeline.sh`))
      .replace(/(step units .*)'\)$/m, `$1; exit ${units}')`).replace("exit 3", `exit ${style}`);
    await Deno.writeTextFile(path, text);
    const { stdout, stderr } = await runExample(fixture, "pipeline.sh", path);
    const index = await fixture.redis.call("ZRANGE", "rr:jobs", 0, -1) as string[];
    const ran = [];
    for (const id of index) {
      const { title, attempt } = await fixture.redis.hash(`rr:meta:${id}`);
      if (attempt !== undefined) ran.push(title);
    }
    const deployed = units === 0 && style === 0 ? ["deploy"] : [];
    assertEquals(ran.sort(), ["build", ...deployed, "report", "style", "units"].sort(), stderr);
    assertEquals(stdout.includes(`exit code of the pipeline: ${Math.max(units, style)}\n`), true, stdout);
  });
}
