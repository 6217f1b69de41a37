import { assertEquals, assertStringIncludes, assertThrows } from "../support/assert.ts";
import { InvalidInputError } from "../../src/domain/errors.ts";
import { readWork } from "../../src/domain/job.ts";
import { readJsonJob } from "../../src/domain/json_job.ts";
import { checkJobId, readJobId } from "../../src/domain/job_id.ts";
import { MAX_RUN_PAYLOAD, MAX_TIMEOUT } from "../../src/domain/limits.ts";
import { attemptName } from "../../src/domain/attempt_name.ts";
import { digestOf } from "../../src/system/digest.ts";

Deno.test("readWork() fills in what a foreign client left out", () => {
  const work = readWork("7", { payload: "true" }, null);
  assertEquals(work, { id: "7", executor: "tmux.main", payload: "true", env: {}, timeout: null, warnings: [] });
});

Deno.test("readWork() replaces odd timeouts and says so", () => {
  const cases: [string, number | null, number][] = [
    ["", 5, 0],
    ["30", 30, 0],
    ["0.5", 0.5, 0],
    ["0", 5, 0],
    ["-1", 5, 1],
    ["NaN", 5, 1],
    ["5m", 5, 1],
    ["1e30", MAX_TIMEOUT, 1],
    ["Infinity", MAX_TIMEOUT, 1],
  ];
  for (const [timeout, seconds, warnings] of cases) {
    const work = readWork("7", { timeout }, 5);
    assertEquals([work.timeout, work.warnings.length], [seconds, warnings], timeout);
  }
});

Deno.test("readWork() reads the environment", () => {
  assertEquals(readWork("7", { env_vars: '{"A":"x\\ny","B":3,"C":{"d":1}}' }, null).env, {
    A: "x\ny",
    B: "3",
    C: '{"d":1}',
  });
  for (const env_vars of ["", " ", "[]", "null", '"text"', "3"]) {
    assertEquals(readWork("7", { env_vars }, null).env, {}, env_vars);
  }
});

Deno.test("readWork() refuses what no shell can carry, and never quotes a value", () => {
  for (const env_vars of ["{", '{"A=B":"secret"}', '{"1A":"secret"}', '{"A\\nB":"secret"}', '{"A":"secret\\u0000"}']) {
    const { message } = assertThrows(() => readWork("7", { env_vars }, null), InvalidInputError);
    assertEquals(message.includes("secret"), false, message);
  }
  assertThrows(() => readWork("7", { payload: "a\0b" }, null), InvalidInputError, "NUL");
  assertThrows(() => readWork("7", { payload: "x".repeat(MAX_RUN_PAYLOAD + 1) }, null), InvalidInputError, "bytes");
});

Deno.test("readJobId() accepts text and gives a reason for all else", () => {
  assertEquals(readJobId(new TextEncoder().encode("../ä:\n")), { id: "../ä:\n" });
  for (const raw of [new Uint8Array(), new Uint8Array([0xff, 0xfe, 0x41]), new Uint8Array(513).fill(65)]) {
    assertEquals("reason" in readJobId(raw), true);
  }
});

Deno.test("checkJobId() refuses ids that people could not use", () => {
  checkJobId("build-7 ü");
  for (const id of ["", "a\nb", "@", "@~1", "x".repeat(513)]) {
    assertStringIncludes(assertThrows(() => checkJobId(id), InvalidInputError).message, "Cannot use id");
  }
});

Deno.test("runName() is a safe file name whatever the id holds", () => {
  const name = attemptName({ id: "../../etc/passwd\n", token: "3.0123456789ab" }, digestOf);
  assertEquals(/^[0-9a-f]{32}\.3\.0123456789ab$/.test(name), true, name);
});

Deno.test("readJsonJob() reads an object with fields of a job, and leaves everything else to the program that wrote it", () => {
  assertEquals(readJsonJob('{"payload":"true","timeout":5,"caller_id":null,"odd":1}'), {
    payload: "true",
    timeout: "5",
  });
  for (const raw of ["", "7", "[]", "null", "{}", '{"ID":"7","Payload":"true"}']) {
    assertEquals(readJsonJob(raw), null, raw);
  }
});
