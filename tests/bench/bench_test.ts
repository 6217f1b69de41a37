import { assert, assertEquals } from "../support/assert.ts";

const PROGRAM = new URL("./bench.ts", import.meta.url).pathname;

async function bench(...args: string[]) {
  const config = Deno.env.get("RUNNER_REGISTRY") === "npm" ? "../../scripts/npm/deno.json" : "../../deno.json";
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--config", new URL(config, import.meta.url).pathname, PROGRAM, ...args],
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

Deno.test("the benchmark measures, and writes a table, JSON and a plot", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const sections = ["floors", "latency", "submit", "scripts", "burst", "fleet"];
    const { code, stdout, stderr } = await bench("--quick", "--json", `${dir}/j`, "--svg", `${dir}/s`, ...sections);
    assertEquals(code, 0, stderr);
    const { results } = JSON.parse(await Deno.readTextFile(`${dir}/j`));
    assertEquals(results.map(({ section }: { section: string }) => section), sections);
    const svg = await Deno.readTextFile(`${dir}/s`);
    assert(svg.startsWith("<svg ") && svg.trimEnd().endsWith("</svg>"));
    for (const { section, rows } of results) {
      assert(rows.length > 0, section);
      for (const { what, values } of rows) {
        assert(values.length === 1 && values.every((value: number) => value >= 0), `${what}: ${values}`);
        assert(stdout.includes(what) && svg.includes(what.replaceAll("&", "&amp;").replaceAll("<", "&lt;")), what);
      }
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("the benchmark refuses a section that there is not", async () => {
  const { code, stderr } = await bench("nothing");
  assertEquals([code, stderr.includes('Cannot run section "nothing"')], [1, true]);
});
