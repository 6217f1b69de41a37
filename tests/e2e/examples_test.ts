import { assertEquals } from "../support/assert.ts";
import { World } from "../support/world.ts";

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

Deno.test("there are the examples that the README promises", () => {
  const names = examples.map(({ name }) => name).sort();
  for (const name of ["batch.ts", "environment_and_timeout.sh", "executors.sh", "raw_redis.sh", "submit_and_wait.sh"]) {
    assertEquals(names.includes(name), true, name);
  }
});

for (const { name, text } of examples) {
  Deno.test(`examples/${name} prints what it says`, async () => {
    await using world = await World.create();
    await world.runner();
    const bin = `${world.dir}/bin`;
    await Deno.mkdir(bin);
    await Deno.symlink(Deno.env.get("RUNNER_BIN") ?? `${ROOT}scripts/runner`, `${bin}/runner`);
    const env = world.env();
    const config = ["--config", `${ROOT}${env.RUNNER_REGISTRY === "jsr" ? "" : "scripts/npm/"}deno.json`];
    const [command, args] = name.endsWith(".ts") ? [Deno.execPath(), ["run", "-A", ...config]] : ["sh", []];
    const { code, stdout, stderr } = await new Deno.Command(command, {
      args: [...args, FOLDER + name],
      clearEnv: true,
      env: { ...env, PATH: `${bin}:${env.PATH}` },
      stdin: "null",
    }).output();
    const decoder = new TextDecoder();
    assertEquals(decoder.decode(stdout), expected(text), decoder.decode(stderr));
    assertEquals(code, 0);
  });
}
