import { RemoteOutput } from "../../src/client/remote_output.ts";
import type { RequestReply } from "../../src/ports/requests.ts";
import { FakeStore } from "../cli/fake_store.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { OWNER } from "./shown_output.ts";
import { unavailable } from "../support/unavailable.ts";

const options = () => ({ newId: () => "q", waitMs: 3000, clock: { sleep: () => Promise.resolve() } });

Deno.test("RemoteOutput asks no more after a failure, and says why", async () => {
  const store = new FakeStore();
  store.put("j", { status: "started" }, OWNER);
  const job = store.jobs.get("j")!;
  const cases: [reply: RequestReply, why: RegExp][] = [
    [{ type: "silent", ms: 300_000 }, /is gone or stopped for 5m/],
    [{ type: "silent", ms: null }, /is gone or stopped$/],
    [{ type: "unanswered", taken: false }, /did not answer within 3s/],
    [{ type: "failed", why: "no disk" }, /could not read them: no disk/],
    [{ type: "over" }, /has just left Redis/],
  ];
  for (const [reply, why] of cases) {
    const remote = new RemoteOutput(store, options());
    assertEquals(await remote.trouble(job), null);
    store.asked.length = 0;
    store.answer = reply;
    for (let i = 0; i < 2; i++) assertEquals((await remote.read(job, 0, 10)).bytes.length, 0);
    assertEquals(store.asked, [["j", { type: "output", offset: 0, limit: 10 }]]);
    assert(why.test((await remote.trouble(job))!), String(await remote.trouble(job)));
  }
});

Deno.test("RemoteOutput asks again while too many requests wait, and when there was nothing more", async () => {
  const store = new FakeStore();
  store.put("j", { status: "started" }, OWNER);
  const job = store.jobs.get("j")!;
  const remote = new RemoteOutput(store, options());
  const replies: RequestReply[] = [{ type: "full" }, { type: "full" }, {
    type: "output",
    offset: 0,
    bytes: Uint8Array.of(1),
  }];
  store.request = () => Promise.resolve(replies.shift() ?? { type: "output", offset: 0, bytes: new Uint8Array() });
  assertEquals(await remote.read(job, 0, 10), { offset: 0, bytes: Uint8Array.of(1) });
  assertEquals((await remote.read(job, 1, 10)).bytes.length, 0);
  assert(/has them no more/.test((await remote.trouble(job))!));
  replies.push({ type: "output", offset: 1, bytes: Uint8Array.of(2) });
  assertEquals(await remote.read(job, 1, 10), { offset: 1, bytes: Uint8Array.of(2) });
  replies.push(...Array.from({ length: 30 }, () => ({ type: "full" } as const)));
  assertEquals((await remote.read(job, 2, 10)).bytes.length, 0);
  assert(/too many requests wait/.test((await remote.trouble(job))!));
});

Deno.test("RemoteOutput reports that Redis carries no request, and goes on without", async () => {
  const store = new FakeStore();
  store.put("j", { status: "started" }, OWNER);
  const job = store.jobs.get("j")!;
  const remote = new RemoteOutput(store, options());
  store.request = () => Promise.reject(unavailable("READONLY You can't write against a read only replica."));
  assertEquals((await remote.read(job, 0, 10)).bytes.length, 0);
  assert(/could not be asked: READONLY/.test((await remote.trouble(job))!));
});

Deno.test("RemoteOutput reports that the host has only the beginning and the end", async () => {
  const store = new FakeStore();
  store.put("j", { status: "started" }, OWNER);
  const job = store.jobs.get("j")!;
  const remote = new RemoteOutput(store, options());
  store.answer = { type: "output", offset: 5, bytes: new Uint8Array(2) };
  assertEquals(await remote.read(job, 5, 10), { offset: 5, bytes: new Uint8Array(2) });
  assertEquals(await remote.trouble(job), null);
  assertEquals(await remote.read(job, 3, 10), { offset: 5, bytes: new Uint8Array(2) });
  assert(/kept only the beginning and the end/.test((await remote.trouble(job))!));
});
