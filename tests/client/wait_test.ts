import { assertEquals, assertRejects } from "../support/assert.ts";
import { waitForJobs, watchJob } from "../../src/client/wait.ts";
import { JobNotFoundError, UnavailableError } from "../../src/domain/errors.ts";
import { FakeStore } from "../cli/fake_store.ts";
import { unavailable } from "../support/unavailable.ts";

/** A store with one reply for each read; `null`: there is no such job. */
class ScriptedStore extends FakeStore {
  readonly #replies: (string | null | Error)[];

  constructor(replies: (string | null | Error)[]) {
    super();
    this.#replies = replies;
  }

  override read(id: string) {
    const reply = this.#replies.shift();
    this.touch(id);
    if (reply instanceof Error) return Promise.reject(reply);
    return Promise.resolve(reply ? { id, fields: { status: reply }, meta: {} } : null);
  }
}

const gone = () => unavailable("gone");

function watch(replies: (string | null | Error)[]) {
  return watchJob(new ScriptedStore(replies), "j", { signal: new AbortController().signal });
}

Deno.test("watchJob() fails when the first read finds no Redis, or no job", async () => {
  await assertRejects(() => watch([gone(), "finished"]), UnavailableError);
  await assertRejects(() => watch([null, "finished"]), JobNotFoundError);
});

Deno.test("watchJob() goes on through outages and losses once the job was seen", async () => {
  const losses = Array(10).fill(null);
  const job = await watch(["started", gone(), ...losses, "started", ...losses, gone(), "finished"]);
  assertEquals(job?.fields.status, "finished");
  await assertRejects(() => watch(["started", ...losses, null, "finished"]), JobNotFoundError);
});

Deno.test("waitForJobs() ends at its signal, also when it comes before the first read", async () => {
  const ended: string[] = [];
  const wait = (signal: AbortSignal) =>
    waitForJobs(new ScriptedStore(["finished", "finished"]), ["a", "b"], {
      signal,
      onEnd: ({ id }) => Promise.resolve(void ended.push(id)),
    });
  assertEquals([await wait(AbortSignal.abort()), ended], [false, []]);
  assertEquals([await wait(new AbortController().signal), ended], [true, ["a", "b"]]);
});
