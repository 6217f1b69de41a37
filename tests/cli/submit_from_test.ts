import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import { settle } from "../support/until.ts";
import { CommandFixture, type CommandOptions } from "./command_fixture.ts";
import { unavailable } from "../support/unavailable.ts";

async function submitFrom(input: string | Uint8Array, args: string[] = [], options: CommandOptions = {}) {
  const fixture = new CommandFixture({ ...options, input });
  fixture.redis.put("earlier", { status: "finished" });
  const code = await fixture.run("submit", "--from", "-", ...args);
  return { code, fixture, jobs: fixture.redis.submitted };
}

Deno.test("submit --from reads every key of a job", async () => {
  const line = {
    payload: "true",
    runner: "b",
    executor: "tmux.x",
    timeout: "5m",
    env_vars: { A: "x", N: 3, T: true },
    caller_id: "me",
    context_id: "ctx",
    id: "j1",
    title: "Title",
    labels: { k: "v" },
    priority: "low",
    in: 60,
    after: "earlier",
    after_end: ["earlier"],
    retries: 2,
    backoff: "1s..2s",
    keep: 0,
    cwd: "/srv",
  };
  const { code, fixture, jobs } = await submitFrom(JSON.stringify(line));
  assertEquals([code, fixture.stdout, fixture.stderr], [0, "j1\n", ""]);
  assertEquals(jobs[0], {
    payload: "true",
    runner: "b",
    executor: "tmux.x",
    timeout: 300,
    env: { A: "x", N: "3", T: "true" },
    callerId: "me",
    contextId: "ctx",
    id: "j1",
    title: "Title",
    labels: { k: "v" },
    priority: "low",
    notBeforeMs: fixture.redis.nowMs + 60_000,
    after: "earlier",
    afterEnd: ["earlier"],
    retries: 2,
    backoff: { from: 1, to: 2 },
    keep: 0,
    cwd: "/srv",
  });
});

Deno.test("submit --from completes from the options what a line does not say", async () => {
  const args = ["-n", "b", "-t", "9", "--env", "A=1", "--env", "B=2", "--in", "5"];
  const { fixture, jobs } = await submitFrom(
    '{"payload":"x","env_vars":{"A":"own"}}\n{"payload":"y","name":"c","at":1800000000}\n',
    args,
  );
  assertEquals(jobs.map(({ runner, timeout }) => [runner, timeout]), [["b", 9], ["c", 9]]);
  assertEquals(jobs[0].env, { A: "own", B: "2" });
  assertEquals(jobs.map(({ notBeforeMs }) => notBeforeMs), [fixture.redis.nowMs + 5_000, 1_800_000_000_000]);
});

Deno.test("submit --from skips empty lines, a byte order mark and carriage returns", async () => {
  const { code, jobs } = await submitFrom('\ufeff{"payload":"ä"}\r\n\r\n\n  \n{"payload":"b"}');
  assertEquals([code, jobs.map(({ payload }) => payload)], [0, ["ä", "b"]]);
});

const BAD = [
  '{"payload":"ok"}',
  "not json",
  "[]",
  '{"payload":"x","paylod":"y"}',
  '{"payload":"x","timeout":"soon"}',
  '{"payload":1}',
  '{"payload":"x","env_vars":{"A":{}}}',
  '{"payload":"x","runner":"a","name":"b"}',
  '{"payload":"x","retries":1.5}',
  '{"executor":"tmux.x"}',
  '{"payload":"x","id":"early","after":"late"}',
  '{"payload":"\\ud800"}',
  '{"payload":"x","id":"late","after":"early"}',
  '{"payload":"x","in":-5}',
  '{"payload":"x","in":1e400}',
  '{"payload":"x","runner":"a\\nb"}',
  '{"payload":"x","timeout":0}',
  '{"payload":"x","timeout":1e9}',
  '{"payload":"x","keep":1e300}',
].join("\n");

const REASONS = [
  "line 2: Cannot read job: it is no JSON",
  "line 3: Cannot read job: it is no JSON object",
  'line 4: Cannot use key "paylod": a job has only payload, runner,',
  'line 5: Cannot read duration "soon"',
  'line 6: Cannot use key "payload": it must be a text',
  'line 7: Cannot use key "env_vars": "A" in it must be a text, a number, true or false',
  'line 8: Cannot use key "name": it means the same as "runner"',
  "line 9: Cannot submit job: retries must be 0 or more",
  "line 10: Cannot submit job: its payload is empty",
  'line 11: Cannot wait for job "late": line 13 is not valid',
  "line 12: Cannot submit job: its payload is no valid Unicode text",
  'line 13: Cannot wait for job "early": it waits for this job',
  "line 14: Cannot submit job: its delay in seconds must be 0 or more",
  "line 15: Cannot submit job: its delay in seconds must be 300000000000 or less",
  'line 16: Cannot use runner name "a\\nb"',
  "line 17: Cannot submit job: its timeout in seconds must be more than 0",
  "line 18: Cannot submit job: its timeout in seconds must be 2592000 or less",
  "line 19: Cannot submit job: keep in seconds must be 9007199254740991 or less",
];

Deno.test("submit --from reports bad lines with their numbers and queues nothing", async () => {
  const { code, fixture, jobs } = await submitFrom(BAD);
  assertEquals([code, fixture.stdout, jobs.length, fixture.opened.length], [2, "", 0, 0]);
  for (const reason of REASONS) assert(fixture.stderr.includes(reason), `${reason} is missing in ${fixture.stderr}`);
  assertMatch(fixture.stderr, /nothing was queued; --skip-bad queues the other lines/);
});

Deno.test("submit --from --skip-bad reports bad lines and queues the others", async () => {
  const { code, fixture, jobs } = await submitFrom(BAD, ["--skip-bad"]);
  assertEquals([code, jobs.map(({ payload }) => payload)], [0, ["ok"]]);
  assertEquals(fixture.stdout, `${jobs[0].id}\n`);
  assertEquals(fixture.stderr.split("\n").length - 1, REASONS.length);
  for (const reason of REASONS) assert(fixture.stderr.includes(`runner: skipped ${reason}`), reason);
});

Deno.test("submit --from refuses a line that is not UTF-8", async () => {
  const bytes = new Uint8Array([...new TextEncoder().encode('{"payload":"'), 0xff, ...new TextEncoder().encode('"}')]);
  assertMatch((await submitFrom(bytes)).fixture.stderr, /line 1: Cannot read job: it is not UTF-8/);
});

function manyLines(count: number): string {
  return Array.from({ length: count }, (_, i) => `{"payload":"echo ${i}","id":"job-${i}"}\n`).join("");
}

Deno.test("submit --from queues many jobs side by side and prints their ids in order", async () => {
  const fixture = new CommandFixture({ input: manyLines(2_000) });
  let now = 0;
  let most = 0;
  fixture.redis.onSubmit = async ({ id }) => {
    most = Math.max(most, ++now);
    // replies come out of order
    await settle();
    if (id.endsWith("7")) await settle();
    now--;
  };
  assertEquals(await fixture.run("submit", "--from", "-"), 0);
  assertEquals(fixture.stdout, Array.from({ length: 2_000 }, (_, i) => `job-${i}\n`).join(""));
  assert(most > 50 && most <= 256, `${most} at the same time`);
});

Deno.test("submit --from queues a job after the one that it waits for, in whatever order they are", async () => {
  const fixture = new CommandFixture({ input: '{"payload":"b","id":"b","after":["a"]}\n{"payload":"a","id":"a"}\n' });
  fixture.redis.onSubmit = async ({ id }) => {
    if (id === "a") await settle();
  };
  assertEquals(await fixture.run("submit", "--from", "-"), 0);
  assertEquals(fixture.redis.submitted.map(({ id }) => id), ["a", "b"]);
});

Deno.test("submit --from queues nothing when a job waits for one that does not exist", async () => {
  const lines = ['{"payload":"a","id":"a"}', '{"payload":"b","after_end":["a","none"]}'];
  const refused = await submitFrom(lines.join("\n"));
  assertEquals([refused.code, refused.jobs.length], [2, 0]);
  assertMatch(
    refused.fixture.stderr,
    /line 2: Cannot wait for job "none": it does not exist, nor is it in this file; /,
  );
  const dry = await submitFrom(lines.join("\n"), ["--dry-run"]);
  assertEquals([dry.code, dry.fixture.opened.length], [0, 0], "without Redis");
  assertMatch(dry.fixture.stdout, /"after_end":\["a","none"\]/);
});

Deno.test("submit --from says how far it came when Redis goes away", async () => {
  const fixture = new CommandFixture({ input: manyLines(10) });
  fixture.redis.onSubmit = ({ id }) => {
    // a later one fails while an earlier one is still under way
    if (id === "job-0") return settle();
    if (id > "job-4") throw unavailable("Cannot run submit: gone", { condition: "full" });
  };
  assertEquals(await fixture.run("submit", "--from", "-"), 69);
  assertEquals(fixture.stdout, "job-0\njob-1\njob-2\njob-3\njob-4\n");
  assertEquals(
    fixture.stderr,
    "runner: Cannot submit: gone; 5 of 10 jobs are queued, those with their ids on standard output\n",
  );
});

Deno.test("submit --from queues the whole batch although no process reads the ids", async () => {
  const { code, fixture, jobs } = await submitFrom(manyLines(1_000), [], { writesUntilClosed: 1 });
  assertEquals([code, fixture.stdout, fixture.stderr, jobs.length], [0, "job-0\n", "", 1_000]);
});

Deno.test("submit --from --dry-run shows the jobs as lines", async () => {
  const { code, fixture, jobs } = await submitFrom('{"payload":"a"}\n{"payload":"b","in":"5m"}\n', ["--dry-run"]);
  assertEquals([code, jobs.length], [0, 0]);
  assertEquals(
    fixture.stdout,
    '{"payload":"a","runner":"test_runner","executor":"tmux.main","priority":"normal"}\n' +
      '{"payload":"b","runner":"test_runner","executor":"tmux.main","priority":"normal","in":300}\n',
  );
});

Deno.test("submit --from --json writes one object a job", async () => {
  const { fixture } = await submitFrom(manyLines(2) + manyLines(1), ["--json"]);
  assertEquals(
    fixture.stdout,
    '{"id":"job-0","queued":true}\n{"id":"job-1","queued":true}\n{"id":"job-0","queued":false}\n',
  );
});

Deno.test("submit --from with --max-queued queues what has room, names exactly that, and ends with exit code 75", async () => {
  const lines = Array.from({ length: 600 }, (_, i) => JSON.stringify({ payload: "true", id: `j${i}` })).join("\n");
  const { code, fixture, jobs } = await submitFrom(lines, ["--max-queued", "300"]);
  assertEquals(code, 75);
  assertEquals(jobs.length, 300);
  assertEquals(fixture.stdout, jobs.map(({ id }) => `${id}\n`).join(""));
  assertMatch(
    fixture.stderr,
    /300 jobs wait for runner .* 300 of 600 jobs are queued, those with their ids on standard/,
  );
});

Deno.test("submit --from queues no job whose awaited job was refused", async () => {
  const lines = ['{"payload":"true","id":"a"}', '{"payload":"true","id":"b"}', '{"payload":"x","id":"c","after":"b"}'];
  const fixture = new CommandFixture({ input: lines.join("\n") });
  // room again at once: what waits for a refused job would find it
  fixture.redis.onSubmit = ({ id }) => void (id === "c" && fixture.redis.jobs.clear());
  assertEquals(await fixture.run("submit", "--from", "-", "--max-queued", "1"), 75);
  assertEquals(fixture.redis.submitted.map(({ id }) => id), ["a"]);
});
