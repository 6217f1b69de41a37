import { checkRuns, hostOf, requestRunner } from "../../src/client/request_runner.ts";
import { JobNotFoundError, NoTerminalError } from "../../src/domain/errors.ts";
import type { StoredJob } from "../../src/ports/job_store.ts";
import type { RequestReply } from "../../src/ports/requests.ts";
import { anInstance, FakeStore } from "../cli/fake_store.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "../support/assert.ts";

const OPTIONS = { cannot: "Cannot type into job", reply: "name", waitMs: 2_500 };
const TOKEN = { token: "1.a", instance: "inst-1" };

function storeWith(answer: RequestReply, id = "j"): FakeStore {
  const store = new FakeStore();
  store.put(id, { status: "started" }, TOKEN);
  store.answer = answer;
  return store;
}

const request = (store: FakeStore, id = "j") => requestRunner(store, id, { type: "screen" }, OPTIONS);

async function refusal(store: FakeStore, id = "j"): Promise<string> {
  return (await assertRejects(() => request(store, id), NoTerminalError)).message;
}

Deno.test("requestRunner hands on what was asked, and the reply of a runner that did it", async () => {
  const screen = { columns: 80, rows: 24, lines: ["$"], cursor: { column: 0, row: 0 } };
  const replies = [{ type: "screen", screen }] as unknown as RequestReply[];
  for (const reply of replies) {
    const store = storeWith(reply);
    const calls: unknown[] = [];
    store.request = (job, asked, options?: unknown) => {
      calls.push([job.id, asked, options]);
      return Promise.resolve(reply);
    };
    assertEquals([await request(store), calls], [reply, [["j", { type: "screen" }, OPTIONS]]]);
  }
});

Deno.test("requestRunner accepts no reply to another request", async () => {
  for (const reply of [{ type: "typed" }, { type: "place", place: "$1" }, { type: "output" }] as RequestReply[]) {
    assert((await refusal(storeWith(reply))).includes("its runner sent what was not asked for"));
  }
});

Deno.test("requestRunner asks no runner for a job that is not there", async () => {
  const store = storeWith({ type: "typed" });
  const { message } = await assertRejects(() => request(store, "zz"), JobNotFoundError);
  assertEquals(message, 'Cannot type into job "zz": no job of this namespace has that id');
  assertEquals(store.asked, []);
});

Deno.test("requestRunner says of an attempt that is over what became of its job meanwhile", async () => {
  const again = 'Cannot type into job "j": its attempt is over; ask again';
  const rows: [(store: FakeStore) => void, string][] = [
    [() => {}, again],
    [(store) => store.jobs.delete("j"), again],
    [
      (store) => store.change("j", { status: "error" }),
      'Cannot type into job "j": it has ended with status error; its output: runner logs j',
    ],
    [
      (store) => store.change("j", { status: "dispatched" }),
      'Cannot type into job "j": it has not started yet; why it waits: runner status j',
    ],
  ];
  for (const [change, message] of rows) {
    const store = storeWith({ type: "over" });
    store.request = () => {
      change(store);
      return Promise.resolve(store.answer);
    };
    assertEquals(await refusal(store), message);
  }
});

Deno.test("requestRunner names the host of a runner that does not reply, as far as it has a record of it", async () => {
  const rows: [RequestReply, begin: string, rest: string][] = [
    [
      { type: "silent", ms: 59_600 },
      "its runner",
      " is gone or stopped for 1m; the job may go on there, start the runner again to reach it",
    ],
    [
      { type: "unanswered", taken: true },
      "its runner",
      " did not answer within 2.5s; whether it was done is not known; see runner status 'a b'",
    ],
  ];
  for (const [reply, begin, rest] of rows) {
    const store = storeWith(reply, "a b");
    assertEquals(await refusal(store, "a b"), `Cannot type into job "a b": ${begin}${rest}`);
    store.instanceList = [anInstance({ instance: "another", host: "beta" }), anInstance()];
    assertEquals(await refusal(store, "a b"), `Cannot type into job "a b": ${begin} on alpha${rest}`);
  }
});

Deno.test("checkRuns accepts only an attempt of ours, and puts no odd id into a command to paste", () => {
  const job = (fields: StoredJob["fields"], meta: Record<string, string> = TOKEN): StoredJob => ({
    id: "-x\u202e",
    fields,
    meta,
  });
  checkRuns(job({ status: "started" }), "Cannot");
  const rows: [StoredJob, string][] = [
    [job({ status: "finished" }), "it has ended with status finished; its output: runner logs ID"],
    [job({}), "it has not started yet; why it waits: runner status ID"],
    [job({ status: "odd" }), "it has not started yet; why it waits: runner status ID"],
    [job({ status: "started" }, { token: "1.a" }), "no runner of ours has started it; see runner status ID"],
    [job({ status: "started" }, { instance: "i" }), "no runner of ours has started it; see runner status ID"],
  ];
  for (const [subject, reason] of rows) {
    assertEquals(assertThrows(() => checkRuns(subject, "Cannot"), NoTerminalError).message, `Cannot: ${reason}`);
  }
});

Deno.test("hostOf is null for a job of an instance without a record", async () => {
  const store = new FakeStore();
  store.instanceList = [anInstance()];
  const host = (meta: Record<string, string>) => hostOf(store, { id: "j", fields: {}, meta });
  assertEquals([await host(TOKEN), await host({}), await host({ instance: "gone" })], ["alpha", null, null]);
});
