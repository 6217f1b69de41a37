import type { JobRequest } from "../../src/ports/requests.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { until } from "../support/until.ts";
import { ended, RedisFixture } from "./redis_fixture.ts";

const SCREEN: JobRequest = { type: "screen" };

/** Sends a request about a job; `reply` names it. */
async function ask(fixture: RedisFixture, id: string, request: JobRequest, reply: string, waitMs = 5000) {
  return await fixture.store.request((await fixture.store.read(id))!, request, { reply, waitMs });
}

Deno.test("a request reaches the runner that holds the job, byte for byte, and its answer comes back", async () => {
  await using fixture = await RedisFixture.open();
  const { token } = await fixture.started("a");
  const bytes = new Uint8Array(65_536).map((_, i) => i * 7 % 256);
  let woken = 0;
  fixture.queue.onRequest("control", () => woken++);
  await until("it listens", () => woken === 1);
  const answer = ask(fixture, "a", { type: "type", bytes, enter: true }, "q1");
  await until("it was woken", () => woken === 2);
  const open = await fixture.queue.serve("control");
  assertEquals(open, { requestId: "q1", id: "a", token, request: { type: "type", bytes, enter: true } });
  assertEquals(await fixture.queue.serve("control"), null);
  await fixture.queue.reply(open!, { type: "typed" });
  assertEquals(await answer, { type: "typed" });
  const keys = await fixture.server.keys();
  assertEquals(keys.filter((key) => /rr:(view|control|reply)/.test(key)), []);
});

Deno.test("requests are served in their order, by the instance that they are for", async () => {
  await using fixture = await RedisFixture.open();
  await fixture.started("a");
  await fixture.started("b");
  const other = fixture.runner({ instance: "other", nonce: "n2" });
  const replies = [ask(fixture, "a", SCREEN, "q1", 300), ask(fixture, "b", { type: "locate" }, "q2", 300)];
  const list = fixture.keys.view("r", "i");
  await until("both wait", async () => await fixture.server.call("LLEN", list) === 2);
  assertEquals(await other.serve("view"), null);
  assertEquals([(await fixture.queue.serve("view"))?.id, (await fixture.queue.serve("view"))?.id], ["a", "b"]);
  assertEquals(await Promise.all(replies), [{ type: "unanswered", taken: true }, { type: "unanswered", taken: true }]);
});

Deno.test("a request that no client waits for any more is never served, and leaves nothing behind", async () => {
  await using fixture = await RedisFixture.open();
  await fixture.started("a");
  assertEquals(await ask(fixture, "a", SCREEN, "q1", 50), { type: "unanswered", taken: false });
  assertEquals(await fixture.queue.serve("view"), null);
  const list = fixture.keys.view("r", "i");
  await fixture.server.call("LPUSH", list, "1\nlate", "nonsense");
  assertEquals(await fixture.queue.serve("view"), null);
  await fixture.queue.reply({ requestId: "q1", id: "a", token: "x", request: SCREEN }, { type: "gone" });
  const left = Number(await fixture.server.call("PTTL", fixture.keys.reply("q1")));
  assert(left > 0 && left <= 10_000, String(left));
  const pending = ask(fixture, "a", SCREEN, "q2", 400);
  await until("it waits", async () => await fixture.server.call("LLEN", list) === 1);
  const ttl = Number(await fixture.server.call("PTTL", list));
  assert(ttl > 400 && ttl <= 5400, String(ttl));
  await pending;
});

Deno.test("a request for an attempt that is over, a silent runner or a full list asks no runner", async () => {
  await using fixture = await RedisFixture.open();
  const run = await fixture.started("a");
  const before = (await fixture.store.read("a"))!;
  const list = fixture.keys.view("r", "i");
  await fixture.server.call("LPUSH", list, ...Array.from({ length: 64 }, (_, i) => `${9e15}\n${i}`));
  assertEquals(await ask(fixture, "a", SCREEN, "q"), { type: "full" });
  await fixture.server.call("DEL", list);
  await fixture.expire("i");
  const silent = await ask(fixture, "a", SCREEN, "q");
  assert(silent.type === "silent" && silent.ms! > 1_000_000, JSON.stringify(silent));
  await fixture.queue.heartbeat([run], "up");
  const request = () => fixture.store.request(before, SCREEN, { reply: "q", waitMs: 50 });
  assertEquals((await request()).type, "unanswered");
  await fixture.queue.finish(ended(run, { state: "error", retryDelayMs: 0 }));
  assertEquals(await request(), { type: "over" });
  await fixture.queue.promote("a");
  await fixture.queue.claim(1);
  await fixture.queue.start("a");
  assertEquals(await request(), { type: "over" }, "a later attempt was asked");
  assertEquals(await fixture.server.call("EXISTS", list), 0);
});

Deno.test("inputRequired() is published once and changes its line, inputResolved() ends it, and so does the next attempt", async () => {
  await using fixture = await RedisFixture.open();
  const run = await fixture.started("a");
  await fixture.queue.inputResolved(run);
  const before = await fixture.now();
  await fixture.queue.inputRequired(run, "name?");
  const { input_ms, input_line } = await fixture.meta("a");
  assert(before <= Number(input_ms) && Number(input_ms) <= await fixture.now());
  assertEquals(input_line, "name?");
  await fixture.queue.inputRequired(run, "really?");
  assertEquals([(await fixture.meta("a")).input_ms, (await fixture.meta("a")).input_line], [input_ms, "really?"]);
  assertEquals(await fixture.events(), ["submit", "start", "input_required"]);
  assertEquals(Object.keys(await fixture.job("a")).filter((name) => name.startsWith("input")), []);
  await fixture.queue.inputResolved(run);
  await fixture.queue.inputResolved(run);
  assertEquals((await fixture.meta("a")).input_ms, undefined);
  assertEquals(await fixture.events(), ["submit", "start", "input_required", "input_resolved"]);

  await fixture.queue.inputRequired(run, "again?");
  await fixture.queue.finish(ended(run, { state: "error", retryDelayMs: 0 }));
  await fixture.queue.inputRequired(run, "too late");
  assertEquals((await fixture.meta("a")).input_line, "again?");
  await fixture.queue.promote("a");
  await fixture.queue.claim(1);
  await fixture.queue.start("a");
  assertEquals((await fixture.meta("a")).input_line, undefined);
  await fixture.queue.inputRequired(run, "an older attempt");
  assertEquals((await fixture.meta("a")).input_line, undefined);
});

/** Bytes that Redis has sent so far. */
async function sent({ server }: RedisFixture): Promise<number> {
  return Number(/^total_net_output_bytes:(\d+)/m.exec(String(await server.call("INFO", "stats")))![1]);
}

Deno.test("a request that is too large, or is none, never reaches the runner, and those after it are served", async () => {
  await using fixture = await RedisFixture.open();
  const { server, keys } = fixture;
  const { token } = await fixture.started("a");
  const until = await fixture.store.time() + 60_000;
  const list = keys.control("r", "i");
  const good = { v: 1, request_id: "q", job: "a", token };
  const typed = (size: number) => ({ ...good, request: { type: "type", bytes: btoa("x".repeat(size)) } });
  const wrong = [
    ...["nonsense", "null", "[]", "{}", JSON.stringify({ ...good, request: null })],
    ...[{ ...good, request_id: 1 }, { ...good, job: null }, { ...good, request_id: "r".repeat(513) }, {
      ...good,
      token: [],
    }]
      .map((one) => JSON.stringify({ ...one, request: SCREEN })),
    JSON.stringify({ ...good, request: { type: "shell" } }),
    JSON.stringify({ ...good, request: { type: "type", bytes: "%" } }),
    JSON.stringify({ ...good, request: { type: "type" } }),
    JSON.stringify(typed(65_537)),
  ];
  await fixture.queue.serve("control");
  const before = await sent(fixture);
  await server.call("LPUSH", list, `${until}\n${JSON.stringify(typed(8 << 20))}`);
  for (const text of wrong) await server.call("LPUSH", list, `${until}\n${text}`);
  await server.call("LPUSH", list, `${until}\n${JSON.stringify(typed(65_536))}`);
  const open = await fixture.queue.serve("control");
  assert(open?.request.type === "type");
  assertEquals([open.id, open.request.bytes.length], ["a", 65_536]);
  assertEquals(await fixture.queue.serve("control"), null);
  const bytes = await sent(fixture) - before;
  assert(bytes < 1 << 20, `${bytes} bytes`);
});

Deno.test("a request for output reaches the runner after the attempt has ended, and its bytes come back", async () => {
  await using fixture = await RedisFixture.open();
  const run = await fixture.started("a");
  await fixture.queue.finish(ended(run));
  const bytes = new Uint8Array(256 << 10).map((_, i) => i * 31 % 256);
  const reply = ask(fixture, "a", { type: "output", offset: 5, limit: 1 << 30 }, "q1");
  const list = fixture.keys.view("r", "i");
  await until("it waits", async () => await fixture.server.call("LLEN", list) === 1);
  const open = await fixture.queue.serve("view");
  assertEquals(open?.request, { type: "output", offset: 5, limit: 256 << 10 });
  await fixture.queue.reply(open!, { type: "output", offset: 9, bytes });
  assertEquals(await reply, { type: "output", offset: 9, bytes });
});

Deno.test("serve() gives no request from the list of the other kind, and refuses unknown versions", async () => {
  await using fixture = await RedisFixture.open();
  const { server, keys } = fixture;
  const { token } = await fixture.started("a");
  const due = await fixture.store.time() + 60_000;
  const envelope = { v: 1, request_id: "q", job: "a", token, request: { type: "type", bytes: "eA==" } };
  const wrong = [envelope, { ...envelope, token: "1.../../x" }, { ...envelope, v: "2" }];
  for (const one of wrong) await server.call("LPUSH", keys.view("r", "i"), `${due}\n${JSON.stringify(one)}`);
  await server.call("LPUSH", keys.view("r", "i"), `${due}\n${JSON.stringify({ ...envelope, v: 2 })}`);
  await server.call("LPUSH", keys.control("r", "i"), `${due}\n${JSON.stringify({ ...envelope, sig: "ignored" })}`);
  assertEquals(await fixture.queue.serve("view"), null);
  const said = JSON.parse(String(await server.call("RPOP", keys.reply("q"))));
  assertEquals([said.type, said.why.includes("version 2")], ["failed", true]);
  assertEquals((await fixture.queue.serve("control"))?.request.type, "type");
});

Deno.test("a list that is full of requests whose senders wait no more is emptied by the next one", async () => {
  await using fixture = await RedisFixture.open();
  await fixture.started("a");
  const list = fixture.keys.view("r", "i");
  await fixture.server.call("LPUSH", list, ...Array.from({ length: 64 }, (_, i) => `1\njunk ${i}`));
  const reply = ask(fixture, "a", SCREEN, "q", 300);
  assertEquals((await reply).type, "unanswered");
  assertEquals(await fixture.server.call("LLEN", list), 63);
});

Deno.test("a reply that is none is a failure with a sentence, whatever a program has stored there", async () => {
  await using fixture = await RedisFixture.open();
  await fixture.started("a");
  const replies = ["garbage", "null", "5", "[]", '{"type":"weird"}', '{"type":"silent"}', '{"type":"screen"}'];
  replies.push('{"type":"screen","screen":{"lines":["a",5],"cursor":null}}', '{"type":"output","bytes":"%%%"}');
  for (const [i, text] of replies.entries()) {
    await fixture.server.call("LPUSH", fixture.keys.reply(`q${i}`), text);
    assertEquals(await ask(fixture, "a", SCREEN, `q${i}`), { type: "failed", why: "its reply is none" }, text);
    await fixture.queue.serve("view");
  }
});

Deno.test("retry() notes where the output of the attempt before is", async () => {
  await using fixture = await RedisFixture.open();
  const first = await fixture.started("a");
  await fixture.queue.finish(ended(first, { state: "error" }));
  await fixture.store.retry("a");
  await fixture.queue.claim(1);
  const second = await fixture.queue.start("a");
  const line = `${first.token} i ${(await fixture.meta("a")).output_bytes ?? "0"} r`;
  assert(second.type === "OK" && second.token !== first.token);
  assertEquals((await fixture.meta("a")).earlier?.replace(/ \d+ r$/, " 0 r"), line.replace(/ \d+ r$/, " 0 r"));
});
