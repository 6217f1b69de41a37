import { RemoteOutput } from "../../src/client/remote_output.ts";
import type { RequestReply } from "../../src/ports/requests.ts";
import { FakeStore } from "../cli/fake_store.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { OWNER } from "./shown_output.ts";

Deno.test("RemoteOutput asks no more after a failure, and says why", async () => {
  const store = new FakeStore();
  store.put("j", { status: "started" }, OWNER);
  const job = store.jobs.get("j")!;
  const cases: [reply: RequestReply, why: RegExp][] = [
    [{ type: "silent", ms: 300_000 }, /is gone or stopped for 5m/],
    [{ type: "unanswered", taken: false }, /did not answer within 3s/],
    [{ type: "full" }, /too many requests wait/],
    [{ type: "failed", why: "no disk" }, /could not read them: no disk/],
    [{ type: "over" }, /has just left Redis/],
    [{ type: "output", bytes: new Uint8Array() }, /has them no more/],
  ];
  for (const [reply, why] of cases) {
    const remote = new RemoteOutput(store, { newId: () => "q", waitMs: 3000 });
    assertEquals(await remote.trouble(job), null);
    store.asked.length = 0;
    store.answer = reply;
    for (let i = 0; i < 2; i++) assertEquals((await remote.read(job, 0, 10)).length, 0);
    assertEquals(store.asked, [["j", { type: "output", offset: 0, limit: 10 }]]);
    assert(why.test((await remote.trouble(job))!), String(await remote.trouble(job)));
  }
});
