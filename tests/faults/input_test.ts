import { printable } from "../../src/domain/printable.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { assertClean } from "../support/audit.ts";
import { random } from "../support/random.ts";
import { RunnerFixture } from "../support/runner_fixture.ts";

/** What breaks programs. */
const PIECES = [
  "../",
  "..",
  "/",
  "\\",
  "'",
  '"',
  "`",
  "$(touch PWNED)",
  "${HOME}",
  ";touch PWNED;",
  "|touch PWNED",
  "&",
  "\n",
  "\r",
  "\t",
  "\x1b[31m",
  "\x07",
  "\x7f",
  "-",
  "--",
  "-rf",
  "=",
  ":",
  ".",
  "%s",
  "%d",
  "#{pane_id}",
  "#(touch PWNED)",
  "{x}",
  "*",
  "?",
  "[a]",
  "~",
  "!",
  "é",
  "🎉",
  "\u202e",
  "\ufeff",
  "\u0000",
  " ",
  "a",
  "Z",
  "0",
  "\u2028",
  "job_",
  "rr:",
  "tmux",
] as const;

function seedOf(): number {
  return Number(Deno.env.get("RUNNER_FUZZ_SEED") ?? crypto.getRandomValues(new Uint16Array(1))[0]);
}

/** Texts of up to `most` pieces. */
function fuzz(draw: () => number, most: number): string {
  return Array.from({ length: 1 + Math.floor(draw() * most) }, () => PIECES[Math.floor(draw() * PIECES.length)]).join(
    "",
  );
}

/** Every path below a folder, but for what may change. */
function tree(dir: string, skip: RegExp): string[] {
  const found: string[] = [];
  for (const { name, isDirectory } of Deno.readDirSync(dir)) {
    const path = `${dir}/${name}`;
    if (skip.test(path)) continue;
    found.push(path);
    if (isDirectory) found.push(...tree(path, skip));
  }
  return found.sort();
}

Deno.test("39, 42 ids, names, titles and environments from a fuzzer write nothing outside the spool and run nothing but the payload", async () => {
  const seed = seedOf();
  const draw = random(seed);
  await using fixture = await RunnerFixture.create();
  const runner = await fixture.runner({ args: ["--heartbeat", "500ms", "--concurrency", "8"] });
  const outside = tree(fixture.dir, /\/spool(\/|$)/);
  const ids = new Map<string, string>();
  for (let i = 0; i < 300; i++) {
    const id = `${i}${fuzz(draw, 6)}`;
    const fields: Record<string, string> = { payload: `printf %s ran-${i}` };
    if (draw() < 0.4) fields.executor = `tmux.${fuzz(draw, 3)}`;
    if (draw() < 0.3) fields.env_vars = JSON.stringify({ [fuzz(draw, 2)]: fuzz(draw, 8) });
    if (draw() < 0.2) fields.timeout = fuzz(draw, 2);
    if (draw() < 0.2) fields.status = draw() < 0.5 ? "" : "dispatched";
    if (draw() < 0.3) fields.caller_id = fuzz(draw, 5);
    await fixture.push(fields, id);
    ids.set(id, `ran-${i}`);
  }
  for (const [id, result] of ids) {
    const job = await fixture.ended(id, 60_000).catch((error) => {
      throw new Error(`seed ${seed}: ${error.message}; ${runner.log.slice(-3000)}`);
    });
    const ran = job.status === "finished" && job.result === result;
    assert(ran || (job.status === "error" && job.result === ""), `seed ${seed}: ${JSON.stringify({ id, ...job })}`);
  }
  assertEquals(runner.code, null, `seed ${seed}: ${runner.log}`);
  assertEquals(tree(fixture.dir, /\/spool(\/|$)/), outside, `seed ${seed}`);
  const pwned = tree(fixture.dir, /$^/).filter((path) => path.includes("PWNED"));
  assertEquals(pwned, [], `seed ${seed}`);
  await assertClean(fixture, { ids: [...ids.keys()] }, `seed ${seed}`);
});

Deno.test("42 names and namespaces from a fuzzer are refused with a sentence, or run jobs and write nothing outside the spool", async () => {
  const seed = seedOf();
  const draw = random(seed);
  await using fixture = await RunnerFixture.create();
  const names: [string, string][] = [["..", ""], [".", ""], ["\u00fc".repeat(150), ""], ["x", "../../"], ["--", "*"], [
    "x",
    "job_",
  ]];
  // Deno removes a CR from the end of an argument
  const text = (most: number) => fuzz(draw, most).replace(/\r+$/, "");
  while (names.length < 15) names.push([text(4), draw() < 0.5 ? "" : text(3)]);
  for (const [name, namespace] of names) {
    const shown = `seed ${seed}: ${JSON.stringify([name, namespace])}`;
    if (`${name}${namespace}`.includes("\u0000")) continue; // no program can be given that
    const where = [`--name=${name}`, `--namespace=${namespace}`];
    const outside = tree(fixture.dir, /\/spool(\/|$)/);
    const submitted = await fixture.run(["submit", ...where, "echo ran"]);
    // "job_" and the like begin the keys of another namespace
    const anothers = /(^|:)(job_|runner:|rr:)/.test(`${namespace}:`);
    if (name === "" || anothers || printable(name + namespace) !== name + namespace) {
      assertEquals([submitted.code, submitted.stdout], [2, ""], shown);
      assert(/^runner: Cannot [^\n]*\n$/.test(submitted.stderr), shown);
      continue;
    }
    const runner = await fixture.runner({
      args: [...where, "--burst", `--tmux-socket=${fixture.socket}`],
      ready: false,
    });
    assertEquals(await runner.ended, 0, `${shown}\n${runner.log}`);
    const prefix = namespace === "" || namespace.endsWith(":") ? namespace : `${namespace}:`;
    const job = await fixture.redis.hash(`${prefix}job_${submitted.stdout.trim()}`);
    assertEquals([job.status, job.result], ["finished", "ran\n"], shown);
    assertEquals(tree(fixture.dir, /\/spool(\/|$)/), outside, shown);
  }
});

Deno.test("42 ids that are no text, too long or empty become dead letters, whatever stands around them", async () => {
  const seed = seedOf();
  const draw = random(seed);
  await using fixture = await RunnerFixture.create();
  const runner = await fixture.runner({ args: ["--heartbeat", "500ms"] });
  const queue = `runner:${fixture.name}`;
  for (let i = 0; i < 200; i++) {
    const bytes = Uint8Array.from({ length: 1 + Math.floor(draw() * 40) }, () => Math.floor(draw() * 256));
    bytes[0] = 0xff; // never UTF-8
    await fixture.redis.call("LPUSH", queue, bytes);
  }
  const good = await fixture.push({ payload: "echo good" });
  assertEquals((await fixture.ended(good)).result, "good\n");
  assertEquals(runner.code, null, `seed ${seed}`);
  await assertClean(fixture, { ids: [good] }, `seed ${seed}`);
});

Deno.test("40 payloads from a fuzzer print byte for byte what a plain shell prints", async () => {
  const seed = seedOf();
  const draw = random(seed);
  await using fixture = await RunnerFixture.create();
  await fixture.runner({ args: ["--heartbeat", "500ms", "--concurrency", "8"] });
  const cases: [string, string][] = [];
  for (let i = 0; i < 60; i++) {
    // text in quotes and here-documents, long lines, many lines
    const text = fuzz(draw, 40).replaceAll("\u0000", "").replaceAll("\r", "");
    const quoted = `'${text.replaceAll("'", `'\\''`)}'`;
    const payload = i % 3 === 0
      ? `printf '%s\\n' ${quoted}`
      : i % 3 === 1
      ? `cat <<'END'\n${text.replaceAll("END", "")}\nEND`
      : `X=${quoted}; printf '%s|' "$X" -n -- "\${#X}"`;
    cases.push([await fixture.push({ payload }), payload]);
  }
  cases.push([await fixture.push({ payload: `-x; echo after` }), "-x; echo after"]);
  const lines = "echo line\n".repeat(64_000) + "echo end";
  const long = await fixture.push({
    payload: `: <<'END'\n${"x".repeat(70)}\nEND\n${lines.slice(0, 640_000)}echo end | tail -n 1`,
  });
  for (const [id, payload] of cases) {
    const { stdout } = await new Deno.Command("bash", {
      args: ["-c", "--", payload],
      env: { LANG: "C.UTF-8" },
      cwd: fixture.dir,
      stderr: "null",
    }).output();
    const job = await fixture.ended(id);
    const expected = new TextDecoder("utf-8", { ignoreBOM: true }).decode(stdout).replaceAll("\u0000", "\ufffd");
    const result = job.result.replace(/^.*: line 1: -x: .*\n|^.*-x: .*\n/, "");
    assertEquals(result, expected, `seed ${seed}: ${JSON.stringify(payload)}`);
  }
  assertEquals((await fixture.ended(long, 60_000)).result.endsWith("end\n"), true);
});

Deno.test("41 timeouts of any form are read, or replaced with a word in the log", async () => {
  await using fixture = await RunnerFixture.create();
  const runner = await fixture.runner({ args: ["--heartbeat", "500ms"] });
  for (const timeout of ["-1", "0", "NaN", "1e30", "5m", "", "abc", "999999999999999999999"]) {
    const job = await fixture.ended(await fixture.push({ payload: "echo ran", timeout }));
    assertEquals([job.status, job.result], ["finished", "ran\n"], timeout);
  }
  const short = await fixture.ended(await fixture.push({ payload: "sleep 30", timeout: "0.5" }));
  assertEquals([short.status, short.error.startsWith("timed out")], ["error", true]);
  assert(runner.log.includes("replaced a value of the job"));
});
