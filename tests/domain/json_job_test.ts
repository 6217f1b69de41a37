import { JOB_FIELDS } from "../../src/domain/job.ts";
import { readJsonJob } from "../../src/domain/json_job.ts";
import { assertEquals } from "../support/assert.ts";

Deno.test("readJsonJob keeps text and writes everything else as JSON", () => {
  const cases: [string, string][] = [
    ['""', ""],
    ['"a\\nb\\u0000"', "a\nb\0"],
    ['"5"', "5"],
    ["5", "5"],
    ["0", "0"],
    ["0.5", "0.5"],
    ["false", "false"],
    ["[]", "[]"],
    ['["a", 1]', '["a",1]'],
    ['{ "A": "x y" }', '{"A":"x y"}'],
  ];
  for (const [json, text] of cases) assertEquals(readJsonJob(`{"env_vars":${json}}`), { env_vars: text }, json);
});

Deno.test("readJsonJob reads every field of a job, in their order, and no other", () => {
  const entries = [...JOB_FIELDS.map((name) => [name, `the ${name}`]), ["odd", "x"]].reverse();
  const fields = readJsonJob(JSON.stringify(Object.fromEntries(entries)));
  assertEquals(Object.entries(fields!), JOB_FIELDS.map((name) => [name, `the ${name}`]));
});

Deno.test("readJsonJob leaves out null, of a repeated field all but the last, and space around", () => {
  assertEquals(readJsonJob(' {"id":null,"payload":"a","payload":"b"}\n'), { payload: "b" });
});

Deno.test("readJsonJob gives null when the text is no JSON object with a field of a job", () => {
  const raws = [
    ...[" ", "{", "true", "payload", '{"payload":"a"} x', "{'payload':'a'}", '{"payload":"a",}', '\ufeff{"id":"7"}'],
    ...['"{}"', "0", "false", '["payload"]', '[{"payload":"a"}]'],
    ...['{"payload":null}', '{"PAYLOAD":"a"}', '{"":"a"}', '{"constructor":"a"}', '{"__proto__":{"payload":"a"}}'],
  ];
  for (const raw of raws) assertEquals(readJsonJob(raw), null, raw);
});

Deno.test("readJsonJob keeps every digit of a number, also inside of an object", () => {
  const raw = `{"caller_id":12345678901234567890,"timeout":1e400,"env_vars":{"A":12345678901234567890}}`;
  assertEquals(readJsonJob(raw), {
    caller_id: "12345678901234567890",
    timeout: "1e400",
    env_vars: `{"A":12345678901234567890}`,
  });
});
