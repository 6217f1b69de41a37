import { assert, assertEquals } from "../support/assert.ts";
import { CommandFixture } from "./command_fixture.ts";

Deno.test("retry queues ended jobs, and names those that have not ended", async () => {
  const fixture = new CommandFixture();
  const runner = "r";
  for (const status of ["finished", "error", "started", "dispatched"]) fixture.redis.put(status, { status, runner });
  assertEquals(await fixture.run("retry", "fin", "error"), 0);
  assertEquals([fixture.stdout, fixture.stderr], [
    "",
    "runner: fin is job finished, finished in queue r\njob finished: queued for a new attempt\njob error: queued for a new attempt\n",
  ]);
  fixture.stderr = "";
  assertEquals(await fixture.run("retry", "started", "dispatched"), 1);
  assertEquals(
    fixture.stderr,
    'runner: Cannot retry job "started": it has not ended, it is running; wait for its end, or stop it first: runner cancel started\n' +
      'runner: Cannot retry job "dispatched": it has not ended, it is queued; wait for its end, or stop it first: runner cancel dispatched\n',
  );
});

Deno.test("retry --json says what became of each job", async () => {
  const fixture = new CommandFixture();
  fixture.redis.put("a", { status: "error", runner: "r" });
  fixture.redis.put("b", { status: "started", runner: "r" });
  assertEquals(await fixture.run("retry", "--json", "a", "b"), 1);
  assertEquals(fixture.stdout, '{"id":"a","result":"queued"}\n{"id":"b","result":"not_ended","status":"started"}\n');
});

Deno.test("retry changes nothing when one of the ids is wrong, and says so of a job of no runner", async () => {
  const fixture = new CommandFixture();
  fixture.redis.put("a", { status: "error" });
  assertEquals(await fixture.run("retry", "a", "nope"), 4);
  assertEquals(fixture.redis.jobs.get("a")?.fields.status, "error");
  fixture.stderr = "";
  assertEquals(await fixture.run("retry", "a"), 2);
  assertEquals(
    fixture.stderr,
    'runner: Cannot retry job "a": it names no runner and none has run it; set its field runner in Redis; see runner retry --help\n',
  );
});

Deno.test("retry says that a job waits again, and refuses one whose parent has failed or is gone", async () => {
  const fixture = new CommandFixture();
  const fields = { status: "error", runner: "r" };
  fixture.redis.put("runs", { ...fields, status: "started" });
  fixture.redis.put("failed", fields);
  for (const after of ["runs", "failed", "gone"]) {
    fixture.redis.put(`after-${after}`, fields, { [`after:${after}`]: "finished" });
  }
  assertEquals(await fixture.run("retry", "after-runs"), 0);
  assertEquals(fixture.stderr, "job after-runs: queued for a new attempt, when job runs is over\n");
  fixture.stderr = "";
  assertEquals(await fixture.run("retry", "after-failed", "after-gone"), 1);
  assertEquals(
    fixture.stderr,
    'runner: Cannot retry job "after-failed": job "failed", which must have finished first, has ended with error; ' +
      "retry that one first: runner retry failed\n" +
      'runner: Cannot retry job "after-gone": job "gone", for which it waited, no longer exists; ' +
      "submit it again without that\n",
  );
  assertEquals(await fixture.run("retry", "--json", "after-failed"), 1);
  assertEquals(fixture.stdout, '{"id":"after-failed","result":"blocked","after":"failed","state":"error"}\n');
});

Deno.test("retry of a whole chain queues parents first, in whatever order they are named", async () => {
  const fixture = new CommandFixture();
  for (const [id, after] of [["a", ""], ["b", "a"], ["c", "b"], ["x", "y"], ["y", "x"]]) {
    fixture.redis.put(id, { status: "error", runner: "r" }, after === "" ? {} : { [`after:${after}`]: "finished" });
  }
  assertEquals(await fixture.run("retry", "c", "b", "a"), 0);
  assertEquals(
    fixture.stderr,
    "job a: queued for a new attempt\njob b: queued for a new attempt, when job a is over\n" +
      "job c: queued for a new attempt, when job b is over\n",
  );
  assertEquals(await fixture.run("retry", "x", "y"), 1, "each waits for the other");
});

Deno.test("retry --cascade queues what was skipped because of a job, parents first, and lists what is blocked", async () => {
  const fixture = new CommandFixture();
  const failed = { status: "error", runner: "r" };
  const skipped = (...after: string[]) => Object.fromEntries(after.map((id) => [`after:${id}`, "finished"]));
  fixture.redis.put("a", failed);
  fixture.redis.put("other", failed);
  fixture.redis.put("d", failed, { ...skipped("b", "a"), skipped: "1" });
  fixture.redis.put("b", failed, { ...skipped("a"), skipped: "1" });
  fixture.redis.put("blocked", failed, { ...skipped("a", "other"), skipped: "1" });
  fixture.redis.put("failed", failed, skipped("a"));
  assertEquals(await fixture.run("retry", "--cascade", "a"), 1);
  const [first, ...rest] = fixture.stderr.trimEnd().split("\n");
  assertEquals(first, "job a: queued for a new attempt");
  assertEquals(rest.toSorted(), [
    "job b: queued for a new attempt, when job a is over",
    "job d: queued for a new attempt, when job b and 1 more are over",
    'runner: Cannot retry job "blocked": job "other", which must have finished first, has ended with error; ' +
    "retry that one first: runner retry other",
  ]);
  assert(rest.findIndex((line) => line.startsWith("job b")) < rest.findIndex((line) => line.startsWith("job d")));
  assertEquals(fixture.redis.jobs.get("failed")?.fields.status, "error", "it was not skipped");
});

Deno.test("cancel --cascade cancels all that wait for a job, the last ones first", async () => {
  const fixture = new CommandFixture();
  const waits = { status: "dispatched" };
  fixture.redis.put("a", { status: "started" });
  fixture.redis.put("b", waits, { "after:a": "finished" });
  fixture.redis.put("c", waits, { "after:b": "ended", "after:a": "ended" });
  fixture.redis.put("ended", { status: "error" }, { "after:a": "finished" });
  fixture.redis.put("elsewhere", waits, { "met:a": "finished" });
  assertEquals(await fixture.run("cancel", "a", "--cascade", "--reason", "no"), 0);
  assertEquals(fixture.redis.cancelled, [["c", "no"], ["b", "no"], ["a", "no"]]);
  fixture.redis.cancelled.length = 0;
  assertEquals(await fixture.run("cancel", "a"), 0);
  assertEquals(fixture.redis.cancelled, [["a", ""]]);
});

Deno.test("pause and resume are about the queue of --name", async () => {
  const fixture = new CommandFixture();
  fixture.redis.queueList = ["build", "test_runner"].map((runner) => ({
    runner,
    queued: 0,
    delayed: 0,
    parked: 0,
    paused: false,
  }));
  const paused = () => fixture.redis.queueList.filter(({ paused }) => paused).map(({ runner }) => runner);
  assertEquals(await fixture.run("pause", "-n", "build"), 0);
  assertEquals([paused(), fixture.stdout, fixture.stderr], [
    ["build"],
    "",
    "queue build: paused; running jobs go on\n",
  ]);
  fixture.stderr = "";
  assertEquals(await fixture.run("resume", "--name", "build"), 0);
  assertEquals([paused(), fixture.stderr], [[], "queue build: its runners start jobs again\n"]);
  assertEquals(await fixture.run("pause", "--json"), 0);
  assertEquals([paused(), fixture.stdout], [["test_runner"], '{"queue":"test_runner","paused":true}\n']);
});

Deno.test("pause refuses the name of a runner that no client has used, and names the nearest", async () => {
  const fixture = new CommandFixture();
  fixture.redis.queueList = [{ runner: "build", queued: 0, delayed: 0, parked: 0, paused: false }];
  assertEquals(await fixture.run("pause", "-n", "biuld"), 2);
  assertEquals(
    fixture.stderr,
    'runner: Cannot pause queue "biuld": no runner and no job of this namespace has used that name, perhaps you mean "build"; see runner pause --help\n',
  );
});
