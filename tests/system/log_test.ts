import { assertEquals, assertMatch } from "../support/assert.ts";
import { CONFIG, ROOT, run, temporaryFolder } from "../dist/support.ts";

Deno.test("the last words of a program that ends are written", async () => {
  await using folder = await temporaryFolder();
  const program = `${folder.path}/program.ts`;
  const log = JSON.stringify(`${ROOT}src/system/log.ts`);
  await Deno.writeTextFile(program, `import { stderrLog } from ${log}; stderrLog().error("last words"); Deno.exit(3);`);
  const { code, stderr } = await run([Deno.execPath(), "run", "--quiet", "--config", ROOT + CONFIG, program]);
  assertEquals(code, 3);
  assertMatch(stderr, /^[^\n]* ERROR last words\n$/);
});
