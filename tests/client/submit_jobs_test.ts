import type { ReadySubmission } from "../../src/client/submit.ts";
import { submitJobs, type SubmitJobsOptions } from "../../src/client/submit_jobs.ts";
import { JobNotFoundError, QueueFullError, UnavailableError } from "../../src/domain/errors.ts";
import { FakeStore } from "../cli/fake_store.ts";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { unavailable } from "../support/unavailable.ts";

const job = (id: string, more: Partial<ReadySubmission> = {}): ReadySubmission => ({
  payload: "x",
  runner: "r",
  executor: "e",
  id,
  ...more,
});

const jobs = (count: number) => Array.from({ length: count }, (_, i) => job(String(i)));

/** Submits a batch; `reported` are the ids that its caller was given, with `!` behind those that were there already. */
function start(store: FakeStore, submissions: ReadySubmission[], options: Partial<SubmitJobsOptions> = {}) {
  const reported: string[] = [];
  const done = submitJobs(store, submissions, {
    onSubmitted: (all) => {
      for (const { id, queued } of all) reported.push(queued ? id : `${id}!`);
      return Promise.resolve();
    },
    ...options,
  });
  return { reported, done };
}

/** Runs what is ready, over and over. */
async function settle(): Promise<void> {
  for (let i = 0; i < 200; i++) await Promise.resolve();
}

Deno.test("submitJobs reports jobs in their order, whichever is queued first", async () => {
  const store = new FakeStore();
  store.put("1", { status: "finished" });
  const first = Promise.withResolvers<void>();
  store.onSubmit = ({ id }) => id === "0" ? first.promise : undefined;
  const { reported, done } = start(store, jobs(4));
  await settle();
  assertEquals([store.submitted.map(({ id }) => id), reported], [["2", "3"], []]);
  first.resolve();
  await done;
  assertEquals(reported, ["0", "1!", "2", "3"]);
});

Deno.test("submitJobs of nothing reports nothing", async () => {
  const { reported, done } = start(new FakeStore(), []);
  await done;
  assertEquals(reported, []);
});

Deno.test("submitJobs has 256 submissions under way at the most", async () => {
  const store = new FakeStore();
  const first = Promise.withResolvers<void>();
  const seen: string[] = [];
  store.onSubmit = ({ id }) => {
    seen.push(id);
    return id === "0" ? first.promise : undefined;
  };
  const { reported, done } = start(store, jobs(600));
  await settle();
  assertEquals([seen.length, reported.length], [256, 0]);
  first.resolve();
  await done;
  assertEquals(reported, jobs(600).map(({ id }) => id));
});

Deno.test("submitJobs queues a job after the one that it waits for, and the others meanwhile", async () => {
  const store = new FakeStore();
  const first = Promise.withResolvers<void>();
  store.onSubmit = ({ id }) => id === "a" ? first.promise : undefined;
  const waits = [job("a"), job("b", { after: "a" }), job("c", { after: "b" }), job("d"), job("e", { after: "none" })];
  const { reported, done } = start(store, waits);
  await settle();
  assertEquals(store.submitted.map(({ id }) => id), ["d", "e"]);
  first.resolve();
  await done;
  assertEquals(store.submitted.map(({ id }) => id), ["d", "e", "a", "b", "c"]);
  assertEquals(reported, ["a", "b", "c", "d", "e"]);
});

Deno.test("submitJobs reports exactly the jobs that were queued before one was refused", async () => {
  const store = new FakeStore();
  const all = [...jobs(3), job("3", { after: "2" }), ...jobs(600).slice(4)];
  const { reported, done } = start(store, all, { maxQueued: 2 });
  const { message } = await assertRejects(() => done, QueueFullError);
  assertEquals(message.startsWith("Cannot submit: 2 jobs wait for runner"), true);
  assertEquals(reported, ["0", "1"]);
  assertEquals(store.submitted.map(({ id }) => id), ["0", "1"]);
});

Deno.test("submitJobs queues no job that waits for a refused one, although there is room again", async () => {
  const store = new FakeStore();
  const submit = store.submit.bind(store);
  store.submit = (submission) =>
    submission.id === "b" ? Promise.resolve({ type: "FULL", waiting: 1 }) : submit(submission);
  const { reported, done } = start(store, [job("a"), job("b"), job("c", { after: "b" }), job("d")], { maxQueued: 1 });
  await assertRejects(() => done, QueueFullError);
  assertEquals([reported, store.submitted.map(({ id }) => id)], [["a", "d"], ["a", "d"]]);
});

Deno.test("submitJobs ends when a job is to wait for one that is gone, and reports those queued before", async () => {
  const store = new FakeStore();
  const submit = store.submit.bind(store);
  store.submit = (submission) =>
    submission.id === "b" ? Promise.resolve({ type: "ORPHAN", after: "gone" }) : submit(submission);
  const { reported, done } = start(store, [job("a"), job("b", { afterEnd: ["gone"] }), job("c", { after: ["b"] })]);
  await assertRejects(() => done, JobNotFoundError);
  assertEquals([reported, store.submitted.map(({ id }) => id)], [["a"], ["a"]]);
});

Deno.test("submitJobs ends with an outage once the jobs before it are reported and none is under way", async () => {
  const store = new FakeStore();
  const gone = unavailable("gone");
  const slow = Promise.withResolvers<void>();
  store.onSubmit = ({ id }) => {
    if (id === "1") throw gone;
    return id === "2" ? slow.promise : undefined;
  };
  let isOver = false;
  const { reported, done } = start(store, jobs(3));
  const ended = assertRejects(() => done.finally(() => isOver = true), UnavailableError);
  await settle();
  assertEquals([reported, isOver], [["0"], false]);
  slow.resolve();
  assert(await ended === gone);
  assertEquals([reported, store.jobs.has("2")], [["0"], true]);
});

Deno.test("submitJobs ends with the error of its caller, and begins nothing more", async () => {
  const store = new FakeStore();
  const onSubmitted = () => Promise.reject(new Error("closed"));
  await assertRejects(() => start(store, jobs(600), { onSubmitted }).done, Error, "closed");
  assertEquals(store.submitted.length, 256);
});
