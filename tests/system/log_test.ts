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

Deno.test("the log holds no character that a terminal would obey, and its JSON says exactly what was there", async () => {
  await using folder = await temporaryFolder();
  const program = `${folder.path}/program.ts`;
  const log = JSON.stringify(`${ROOT}src/system/log.ts`);
  const evil = JSON.stringify("a\u001b[2J\u009b5n\u202e\u200b");
  await Deno.writeTextFile(
    program,
    `import { stderrLog } from ${log};
     for (const json of [false, true]) stderrLog({ json }).warn(${evil}, { job: ${evil} });`,
  );
  const { stderr } = await run([Deno.execPath(), "run", "--quiet", "--config", ROOT + CONFIG, program]);
  const [text, json] = stderr.trimEnd().split("\n");
  assertMatch(text, /WARN {2}a\\x1b\[2J\\x9b5n\\u202e\\u200b job="a\\u001b\[2J\\x9b5n\\u202e\\u200b"$/);
  assertMatch(json, /^[ -~]+$/);
  assertEquals(JSON.parse(json).job, JSON.parse(evil));
});
