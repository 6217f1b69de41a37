import { type Bench, benchWorld, OURS, type Section } from "../harness.ts";
import type { RunnerFixture } from "../../support/runner_fixture.ts";

async function milliseconds(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

async function hello(program: string, args: readonly string[]): Promise<void> {
  const { success } = await new Deno.Command(program, { args: [...args], stdin: "null" }).output();
  if (!success) throw new Error(`Cannot run ${program}`);
}

async function ours(fixture: RunnerFixture): Promise<Record<string, number>> {
  const run = async (...args: string[]) => {
    const { code, stderr } = await fixture.run(args);
    if (code !== 0) throw new Error(stderr);
  };
  return {
    "runner version": await milliseconds(() => run("version")),
    "runner submit": await milliseconds(() => run("submit", "true")),
  };
}

/** How long the command line needs to start; RUNNER_BIN names the compiled program. */
export default {
  name: "startup",
  summary: `the whole process, ${Deno.env.get("RUNNER_BIN") ? "compiled" : "from source through scripts/runner"}`,
  limit: 120,
  async run(bench: Bench) {
    await using fixture = await benchWorld();
    const file = `${fixture.dir}/hello.ts`;
    await Deno.writeTextFile(file, `console.log("hello");\n`);
    const deno = ["run", "--quiet", "--no-config", file];
    // the first start fills caches
    await ours(fixture);
    return await bench.compare([
      { who: OURS, measure: () => ours(fixture) },
      { who: "deno", measure: async () => ({ "hello world": await milliseconds(() => hello(Deno.execPath(), deno)) }) },
      { who: "sh", measure: async () => ({ "hello world": await milliseconds(() => hello("sh", ["-c", "echo"])) }) },
    ], () => ["ms", "less"]);
  },
} satisfies Section as Section;
