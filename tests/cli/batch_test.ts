import { until } from "../support/until.ts";
import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import { CommandFixture, type CommandOptions } from "./command_fixture.ts";

/** A batch of 5 members in the store of a fixture, with some counts. */
function withBatch(fixture: CommandFixture, fields: Record<string, string> = {}): void {
  fixture.redis.batches.records.set("b", {
    ...{ size: "1200", stored: "1200", closed: "1", runner: "r", params: '["lr"]', "of:title": "grid" },
    ...{ "n:q": "1000", "n:started": "10", "n:ok": "185", "n:failed:3": "4", "n:timed-out": "1", recent: "7 2 7 " },
    ...{ created_ms: String(fixture.redis.nowMs - 600_000), begun_ms: String(fixture.redis.nowMs - 190_000) },
    ...fields,
  });
}

async function run(args: readonly string[], options: CommandOptions = {}, prepare = withBatch) {
  const fixture = new CommandFixture(options);
  prepare(fixture);
  return { code: await fixture.run(...args), fixture };
}

const nothing = () => {};

Deno.test("submit --array and --param queue a batch and print its id only", async () => {
  const { code, fixture } = await run(
    [
      "submit",
      "--id",
      "g",
      "--param",
      "lr=0.1,0.01",
      "--param",
      "seed=1..3",
      "--env",
      "E=e",
      "--stop-after",
      "2",
      "--at-most",
      "3",
      "x",
    ],
    {},
    nothing,
  );
  assertEquals([code, fixture.stdout], [0, "g\n"], fixture.stderr);
  const [batch] = fixture.redis.batches.submitted;
  assertEquals([batch.size, batch.params, batch.stopAfter, batch.atMost], [6, ["lr", "seed"], 2, 3]);
  assertEquals(batch.member(6).env, { E: "e", RUNNER_INDEX: "6", lr: "0.01", seed: "3" });
  assertEquals(fixture.redis.batches.records.get("g")!.stored, "6");
});

Deno.test("submit --each has lines or the columns of a CSV file as variables", async () => {
  const files = { "l.txt": "a b\n\nc\n", "t.csv": 'lr,"name"\n0.1,"x, y"\n' };
  const lines = (await run(["submit", "--each", "l.txt", "x"], { files }, nothing)).fixture.redis.batches.submitted[0];
  assertEquals([1, 2].map((i) => lines.member(i).env.RUNNER_LINE), ["a b", "c"]);
  const table = (await run(["submit", "--each", "t.csv", "--csv", "x"], { files }, nothing)).fixture.redis.batches;
  assertEquals(table.submitted[0].member(1).env, { RUNNER_INDEX: "1", lr: "0.1", name: "x, y" });
  const piped = await run(["submit", "--each", "-", "x"], { input: "1\n2\n3" }, nothing);
  assertEquals(piped.fixture.redis.batches.submitted[0].size, 3);
});

Deno.test("submit refuses what makes no batch by one sentence, before it connects", async () => {
  const files = { "empty": "\n", "head.csv": "a,b\n" };
  const rows: [string[], string][] = [
    [["--array", "1-10000000"], 'Cannot use --array "1-10000000": 1-10000000 has 10000000 numbers, more than 1000000'],
    [["--array", "5-1"], "ends before it begins"],
    [["--array", "x"], 'Cannot use --array "x": write for example 1-200'],
    [["--array", ""], "write for example 1-200"],
    [["--param", "lr"], "it is not NAME=VALUE,..."],
    [["--param", "lr="], "a value in its list is empty"],
    [["--param", "lr=1,,2"], "a value in its list is empty"],
    [["--param", "l-r=1"], 'Cannot set environment variable "l-r"'],
    [["--param", "lr=1", "--env", "lr=2"], "--env and the members both set the variable lr"],
    [["--param", "lr=1", "--param", "lr=2"], "two options set the variable lr"],
    [["--each", "empty"], 'Cannot submit file "empty": it has no line'],
    [["--each", "head.csv", "--csv"], "it has no line behind its header"],
    [["--each", "none"], "there is no such file"],
    [["--csv"], "Cannot use --csv without --each"],
    [["--stop-after", "2"], "Cannot use --stop-after without a batch"],
    [["--at-most", "2"], "Cannot use --at-most without a batch"],
    [["--array", "1-2", "--at-most", "0"], "0 is less than the minimum of 1"],
    [["--array", "1-2", "--follow"], "Cannot use --follow with --array"],
  ];
  for (const [args, message] of rows) {
    const { code, fixture } = await run(["submit", ...args, "x"], { files }, nothing);
    assertEquals([code, fixture.opened.length], [2, 0], fixture.stderr);
    assert(fixture.stderr.includes(message), fixture.stderr);
  }
});

Deno.test("submit of a batch says why it is refused, and that it is there already", async () => {
  const rows: [Parameters<CommandFixture["redis"]["batches"]["replies"]["push"]>[0], number, string][] = [
    [{ type: "OTHER" }, 2, "this id belongs to another submission; choose another --id"],
    [{ type: "TAKEN", id: "g.1" }, 2, '"g.1" is the id of another job or batch'],
    [{ type: "STOPPED", how: "cancel" }, 2, "it was cancelled, and gets no further members"],
    [{ type: "ORPHAN", after: "z" }, 4, 'job "z", for which it is to wait, does not exist'],
    [{ type: "FULL", waiting: 9 }, 75, '9 jobs wait for runner "test_runner" already'],
    [{ type: "AT", stored: 2 }, 0, "batch g is already there; nothing was queued"],
  ];
  for (const [reply, expected, message] of rows) {
    const { code, fixture } = await run(["submit", "--id", "g", "--array", "1-2", "x"], {}, (fixture) => {
      fixture.redis.batches.replies.push(reply);
    });
    assertEquals(code, expected, fixture.stderr);
    assert(fixture.stderr.includes(message), fixture.stderr);
  }
});

Deno.test("submit --dry-run shows every member and queues none", async () => {
  const { fixture } = await run(["submit", "--id", "g", "--array", "1-2", "--dry-run", "x"], {}, nothing);
  const members = fixture.stdout.trim().split("\n").map((line) => JSON.parse(line));
  assertEquals(members.map(({ id }) => id), ["g.1", "g.2"]);
  assertEquals(fixture.redis.batches.submitted, []);
});

Deno.test("status of a batch shows counts, the failed first, a bar and the time that is left", async () => {
  const { code, fixture } = await run(["status", "b"], {}, (fixture) => {
    withBatch(fixture);
    fixture.redis.put("b.7", { status: "error", error: "exited with code 3" }, { as: "failed:3", exit: "3" });
    fixture.redis.put("b.2", { status: "dispatched" });
  });
  assertEquals(code, 0, fixture.stderr);
  assertMatch(fixture.stdout, /^batch +b\ntitle +grid\nstatus +running\n/);
  assert(fixture.stdout.includes("4 failed, 1 timed out, 185 ok, 10 running, 1,000 queued\n"), fixture.stdout);
  assertMatch(fixture.stdout, /\[#####-{25}\] 190 of 1,200, about 16m50s left\n/);
  assertMatch(fixture.stdout, /did not succeed:\nJOB +EXIT +TOOK +ERROR\nb\.7 +3 +exited with code 3\n$/);
});

Deno.test("status --json of a batch is one object", async () => {
  const { fixture } = await run(["status", "--json", "b"]);
  const batch = JSON.parse(fixture.stdout);
  assertEquals([batch.batch, batch.state, batch.size, batch.exit_code], ["b", "running", 1200, null]);
  assertEquals(batch.counts.timed_out, 1);
  assertEquals(batch.params, ["lr"]);
});

Deno.test("status says that a batch is incomplete, stopping, stopped or rebuilt", async () => {
  const rows: [Record<string, string>, RegExp][] = [
    [{ size: "100000", stored: "41200", closed: "" }, /status +incomplete: 41,200 of 100,000\n/],
    [{ stopping: "cancel" }, /status +stopping\n/],
    [{ stopped: "skip", "n:q": "0", "n:started": "0" }, /status +failed, stopped after too many failures\n/],
    [{ rebuilt: "1" }, /status +running; rebuilt after Redis had lost it/],
  ];
  for (const [fields, expected] of rows) {
    const { fixture } = await run(["status", "b"], {}, (fixture) => withBatch(fixture, fields));
    assertMatch(fixture.stdout, expected);
  }
});

Deno.test("wait for a batch ends with the highest exit code of its members, and says which failed", async () => {
  const { code, fixture } = await run(["wait", "b"], {}, (fixture) => {
    withBatch(fixture, { "n:q": "0", "n:started": "0", "n:timed-out": "0" });
    fixture.redis.put("b.7", { status: "error", error: "exited with code 3", result: "boom\n" }, { exit: "3" });
  });
  assertEquals(code, 3, fixture.stderr);
  assert(fixture.stderr.includes("job b.7: exited with code 3; its last line: boom\n"), fixture.stderr);
  assert(fixture.stderr.endsWith("batch b: 4 failed, 185 ok\n"), fixture.stderr);
});

Deno.test("cancel of a batch names it, and its begin is enough", async () => {
  const { code, fixture } = await run(["cancel", "batch", "--reason", "why"], {}, (fixture) => {
    fixture.redis.batches.records.set("batch-1", { size: "2", stored: "2", closed: "1", "n:q": "2" });
    for (const id of ["batch-1.1", "batch-1.2"]) fixture.redis.put(id, { status: "dispatched" });
  });
  assertEquals(code, 0, fixture.stderr);
  assertEquals(fixture.redis.batches.cancelled, [["batch-1", "why"]]);
  assertEquals(
    fixture.stderr,
    "runner: batch is batch batch-1\n" +
      "batch batch-1: its members that wait are cancelled, those that run are stopped\n",
  );
});

Deno.test("cancel of a begin that two batches have, or a batch and a job, changes nothing", async () => {
  for (const other of ["batch-2.1", "batch-job", "batch-1x.1"]) {
    const { code, fixture } = await run(["cancel", "batch"], {}, (fixture) => {
      fixture.redis.batches.records.set("batch-1", { size: "1", stored: "1", closed: "1", "n:q": "1" });
      for (const id of ["batch-1.1", other]) fixture.redis.put(id, { status: "dispatched" });
    });
    assertEquals([code, fixture.redis.batches.cancelled], [2, []], other);
    assert(fixture.stderr.includes("several ids begin so"), fixture.stderr);
  }
});

Deno.test("retry of a batch runs those members again that ended with error", async () => {
  const { code, fixture } = await run(["retry", "b"], {}, (fixture) => {
    withBatch(fixture, { size: "4", stored: "4" });
    const states = ["finished", "error", "started", "error"];
    states.forEach((status, i) => fixture.redis.put(`b.${i + 1}`, { status, runner: "r" }, { as: "" }));
  });
  assertEquals([code, fixture.stderr], [0, "batch b: 2 queued for a new attempt\n"]);
  assertEquals(fixture.redis.jobs.get("b.2")!.fields.status, "dispatched");
});

Deno.test("a job that got the id of a deleted member is not one", async () => {
  const prepare = (fixture: CommandFixture) => {
    withBatch(fixture, { size: "2", stored: "2", "n:q": "0", "n:started": "0", recent: "2 1" });
    const ended = { status: "error", error: "not well", runner: "r", result: "text\n" };
    const meta = { token: "1.n", done: "1.n", attempt: "1", exit: "1", output_bytes: "5" };
    fixture.redis.put("b.1", ended, { ...meta, as: "failed:1" });
    fixture.redis.put("b.2", ended, meta);
  };
  const shows = async (...args: string[]) => {
    const { code, fixture } = await run(args, {}, prepare);
    return [code, fixture.stdout + fixture.stderr];
  };
  assertEquals(await shows("retry", "b"), [0, "batch b: 1 queued for a new attempt\n"]);
  assertEquals(await shows("status", "b", "--columns", "id"), [0, "ID\nb.1\n"]);
  assertMatch(String((await shows("status", "b"))[1]), /did not succeed:\nJOB .*\nb\.1 .*\n$/);
  assertEquals(await shows("logs", "b"), [0, "1: text\n"]);
  assertEquals(await shows("logs", "--follow", "b"), [0, "1: text\n"]);
  const { fixture } = await run(["purge", "b"], {}, prepare);
  assertEquals(fixture.stderr, "batch b: 1 members deleted\n");
  assertEquals([...fixture.redis.jobs.keys()], ["b.2"]);
});

Deno.test("commands for one job say that a batch is none", async () => {
  for (const [args, verb] of [[["screen", "b"], "show the screen of"], [["send", "b", "x"], "type into"]] as const) {
    const { code, fixture } = await run(args);
    assertEquals(code, 2);
    assert(fixture.stderr.includes(`Cannot ${verb} batch "b": that is for one job; name a member, such as "b.1"`));
  }
});

/** A batch of three members with outputs. */
function withResults(fixture: CommandFixture): void {
  fixture.redis.batches.records.set("b", { size: "3", stored: "3", closed: "1", params: '["lr"]', "n:ok": "3" });
  const env = (lr: string) => JSON.stringify({ RUNNER_INDEX: "1", lr, TOKEN: "secret" });
  const meta = { as: "ok", token: "1.n", done: "1.n", attempt: "1", exit: "0", ms: "1500", output_bytes: "9" };
  fixture.redis.put("b.1", { status: "finished", env_vars: env("0.1"), result: "epoch\n0.91\n" }, meta);
  const failed = { status: "error", error: "exited with code 3", result: 'say "x", y' };
  fixture.redis.put("b.2", { ...failed, env_vars: env("=1") }, { ...meta, as: "failed:3", exit: "3" });
  fixture.redis.put("b.3", { status: "dispatched", env_vars: env("0.3") }, { as: "q" });
}

Deno.test("status --columns of a batch is a table of its members, with the last lines of their results", async () => {
  const { code, fixture } = await run(
    ["status", "b", "--columns", "index,lr,status,exit,took,result"],
    {},
    withResults,
  );
  assertEquals(code, 0, fixture.stderr);
  assertEquals(
    fixture.stdout,
    "INDEX  lr   STATUS    EXIT  TOOK  RESULT\n" +
      "    1  0.1  finished     0  1.5s  0.91\n" +
      '    2  =1   failed       3  1.5s  say "x", y\n' +
      "    3  0.3  queued\n",
  );
});

Deno.test("status --csv and --json of a batch have whole results, and never a variable of --env", async () => {
  const csv = await run(["status", "b", "--csv"], {}, withResults);
  assertEquals(
    csv.fixture.stdout,
    "index,lr,status,exit,took,result\r\n" +
      '1,0.1,finished,0,1.5,"epoch\n0.91"\r\n' +
      '2,=1,error,3,1.5,"say ""x"", y"\r\n' +
      "3,0.3,dispatched,,,\r\n",
  );
  const json = await run(["status", "b", "--json", "--columns", "index,lr,exit,outcome,result"], {}, withResults);
  const [first, second] = json.fixture.stdout.trim().split("\n").map((line) => JSON.parse(line));
  assertEquals(first, { index: 1, lr: "0.1", exit: 0, outcome: "ok", result: "epoch\n0.91" });
  assertEquals([second.lr, second.exit], ["=1", 3]);
  const { code, fixture } = await run(["status", "b", "--columns", "index,TOKEN"], {}, withResults);
  assertEquals(code, 2);
  assert(fixture.stderr.includes('Cannot use column "TOKEN": batch "b" has no such column'), fixture.stderr);
});

Deno.test("status refuses columns of anything but one batch", async () => {
  for (const args of [["b.1"], ["b", "b.1"]]) {
    const { code, fixture } = await run(["status", "--columns", "id", ...args], {}, withResults);
    assertEquals(code, 2);
    assert(
      fixture.stderr.includes("Cannot use --columns with ids: it is about the list of all jobs, or about one batch"),
    );
  }
  const { code, fixture } = await run(["status", "b", "--csv", "--watch"], {}, withResults);
  assertEquals(code, 2, fixture.stderr);
});

Deno.test("logs of a batch show the output of each member that has one, with its index in front of each line", async () => {
  const { code, fixture } = await run(["logs", "b"], {}, withResults);
  assertEquals(code, 0, fixture.stderr);
  assertEquals(fixture.stdout, '1: epoch\n1: 0.91\n2: say "x", y\n');
  const last = await run(["logs", "-n", "1", "b"], {}, withResults);
  assertEquals(last.fixture.stdout, '1: 0.91\n2: say "x", y\n');
});

Deno.test("logs --follow of a batch shows members as they start, until all have ended", async () => {
  const fixture = new CommandFixture();
  const { redis } = fixture;
  withResults(fixture);
  const record = redis.batches.records.get("b")!;
  Object.assign(record, { "n:ok": "1", "n:failed:3": "1", "n:q": "1" });
  const running = fixture.run("logs", "-f", "b");
  await until("it waits for the batch", () => redis.isWatched("b"));
  redis.change("b.3", { status: "started" }, { token: "1.n", attempt: "1" });
  redis.events.push({
    ...{ cursor: "1", ms: 1, event: "start", id: "b.3", runner: "r", instance: "i", attempt: 1, state: "started" },
  });
  await until("it follows the member", () => redis.isWatched("b.3"));
  redis.append("b.3", 0, "half");
  redis.append("b.3", 4, " line\nrest");
  redis.change("b.3", { status: "finished" }, { done: "1.n" });
  Object.assign(record, { "n:ok": "2", "n:q": "0" });
  redis.touch("b");
  assertEquals(await running, 0, fixture.stderr);
  assertEquals(fixture.stdout, '1: epoch\n1: 0.91\n2: say "x", y\n3: half line\n3: rest\n');
});

Deno.test("--batch selects the members of a batch, with other filters", async () => {
  const { fixture } = await run(
    ["status", "--batch", "b", "--state", "failed", "--columns", "id,exit"],
    {},
    (fixture) => {
      withResults(fixture);
      fixture.redis.put("other", { status: "error" });
    },
  );
  assertEquals(fixture.stdout, "JOB  EXIT\nb.2     3\n");
  const cancelled = await run(["cancel", "--batch", "b", "--yes"], {}, withResults);
  assertEquals(cancelled.fixture.redis.cancelled.map(([id]) => id), ["b.3"]);
  const { code, fixture: none } = await run(["cancel", "--batch", "x", "--yes"], {}, withResults);
  assertEquals(code, 4);
  assert(none.stderr.includes('no batch of this namespace has the id "x"'), none.stderr);
});

Deno.test("purge of a batch deletes its members and its record, when all have ended", async () => {
  const { code, fixture } = await run(["purge", "b"], {}, withResults);
  assertEquals(code, 1);
  assertEquals(
    fixture.stderr,
    "batch b: 2 members not deleted: a member has not ended, or not as long ago as " +
      "--older-than says\n",
  );
  const ended = await run(["purge", "b"], {}, (fixture) => {
    withResults(fixture);
    fixture.redis.change("b.3", { status: "finished" });
  });
  assertEquals([ended.code, ended.fixture.stderr], [0, "batch b: 3 members deleted\n"]);
  assertEquals(ended.fixture.redis.batches.records.size, 0);
});

Deno.test("status of a job draws the batch for which it waits", async () => {
  const { fixture } = await run(["status", "after"], {}, (fixture) => {
    withBatch(fixture);
    fixture.redis.put("after", { status: "dispatched", runner: "r" }, { "after:b": "finished" });
  });
  assertMatch(fixture.stdout, /─ b +running +must finish\n/);
});

Deno.test("submit --from --batch makes each line a member, which has of its own what differs", async () => {
  const lines = [
    { payload: "make a", env_vars: { A: "1" }, labels: { part: "a" } },
    { payload: "make b", timeout: 5, executor: "tmux.other", title: "b" },
  ];
  const files = { jobs: lines.map((line) => JSON.stringify(line)).join("\n") };
  const args = [
    "submit",
    "--from",
    "jobs",
    "--batch",
    "--id",
    "g",
    "--label",
    "all=x",
    "--env",
    "E=e",
    "--stop-after",
    "1",
  ];
  const { code, fixture } = await run(args, { files }, nothing);
  assertEquals([code, fixture.stdout], [0, "g\n"], fixture.stderr);
  const [batch] = fixture.redis.batches.submitted;
  assertEquals([batch.size, batch.stopAfter, batch.shared.labels], [2, 1, { all: "x" }]);
  const env = { E: "e", A: "1", RUNNER_INDEX: "1" };
  assertEquals(batch.member(1), { env, own: { payload: "make a", labels: { part: "a" } } });
  const own = { payload: "make b", executor: "tmux.other", timeout: 5, title: "b" };
  assertEquals(batch.member(2), { env: { E: "e", RUNNER_INDEX: "2" }, own });
});

Deno.test("submit --from --batch refuses lines that differ in what all members share", async () => {
  for (const [key, value] of [["runner", "other"], ["after", "x"], ["priority", "high"], ["id", "x"], ["in", "5m"]]) {
    const files = { jobs: `{"payload":"a"}\n${JSON.stringify({ payload: "b", [key]: value })}\n` };
    const { code, fixture } = await run(["submit", "--from", "jobs", "--batch"], { files }, nothing);
    assertEquals([code, fixture.opened.length], [2, 0]);
    const expected =
      `line 2: Cannot use key "${key}" in a batch: all members have the same; set it by an option; nothing`;
    assert(fixture.stderr.includes(expected), fixture.stderr);
  }
  for (const args of [["--batch", "x"], ["--from", "jobs", "--batch", "--skip-bad"], ["--from", "jobs", "--id", "x"]]) {
    assertEquals((await run(["submit", ...args], { files: { jobs: "" } }, nothing)).code, 2);
  }
});
