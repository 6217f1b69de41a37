import type { JobRequest } from "../../src/ports/requests.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { until } from "../support/until.ts";
import { ended, Stage } from "./stage.ts";

const SCREEN: JobRequest = { type: "screen" };

/** Sends a request about a job; `reply` names it. */
async function ask(stage: Stage, id: string, request: JobRequest, reply: string, waitMs = 5000) {
  return await stage.store.request((await stage.store.read(id))!, request, { reply, waitMs });
}

Deno.test("a request reaches the runner that holds the job, byte for byte, and its answer comes back", async () => {
  await using stage = await Stage.open();
  const { token } = await stage.started("a");
  const bytes = new Uint8Array(65_536).map((_, i) => i * 7 % 256);
  let woken = 0;
  stage.queue.onRequest(() => woken++);
  await until("it listens", () => woken === 1);
  const answer = ask(stage, "a", { type: "type", bytes, enter: true }, "q1");
  await until("it was woken", () => woken === 2);
  const open = await stage.queue.serve();
  assertEquals(open, { reply: "q1", id: "a", token, request: { type: "type", bytes, enter: true } });
  assertEquals(await stage.queue.serve(), null);
  await stage.queue.answer(open!, { type: "typed" });
  assertEquals(await answer, { type: "typed" });
  const keys = await stage.server.keys();
  assertEquals(keys.filter((key) => /rr:(requests|reply)/.test(key)), []);
});

Deno.test("requests are served in their order, by the instance that they are for", async () => {
  await using stage = await Stage.open();
  await stage.started("a");
  await stage.started("b");
  const other = stage.runner({ instance: "other", nonce: "n2" });
  const answers = [ask(stage, "a", SCREEN, "q1", 300), ask(stage, "b", { type: "locate" }, "q2", 300)];
  const list = stage.keys.requests("r", "i");
  await until("both wait", async () => await stage.server.call("LLEN", list) === 2);
  assertEquals(await other.serve(), null);
  assertEquals([(await stage.queue.serve())?.id, (await stage.queue.serve())?.id], ["a", "b"]);
  assertEquals(await Promise.all(answers), [{ type: "unanswered", taken: true }, { type: "unanswered", taken: true }]);
});

Deno.test("a request that nobody waits for any more is never served, and leaves nothing behind", async () => {
  await using stage = await Stage.open();
  await stage.started("a");
  assertEquals(await ask(stage, "a", SCREEN, "q1", 50), { type: "unanswered", taken: false });
  assertEquals(await stage.queue.serve(), null);
  const list = stage.keys.requests("r", "i");
  await stage.server.call("LPUSH", list, "1\nlate", "nonsense");
  assertEquals(await stage.queue.serve(), null);
  await stage.queue.answer({ reply: "q1", id: "a", token: "x", request: SCREEN }, { type: "gone" });
  const left = Number(await stage.server.call("PTTL", stage.keys.reply("q1")));
  assert(left > 0 && left <= 10_000, String(left));
  const pending = ask(stage, "a", SCREEN, "q2", 400);
  await until("it waits", async () => await stage.server.call("LLEN", list) === 1);
  const ttl = Number(await stage.server.call("PTTL", list));
  assert(ttl > 400 && ttl <= 5400, String(ttl));
  await pending;
});

Deno.test("a request for an attempt that is over, a silent runner or a full list asks nobody", async () => {
  await using stage = await Stage.open();
  const run = await stage.started("a");
  const before = (await stage.store.read("a"))!;
  const list = stage.keys.requests("r", "i");
  await stage.server.call("LPUSH", list, ...Array.from({ length: 64 }, (_, i) => `${9e15}\n${i}`));
  assertEquals(await ask(stage, "a", SCREEN, "q"), { type: "full" });
  await stage.server.call("DEL", list);
  await stage.expire("i");
  const silent = await ask(stage, "a", SCREEN, "q");
  assert(silent.type === "silent" && silent.ms > 1_000_000, JSON.stringify(silent));
  await stage.queue.beat([run], "up");
  const request = () => stage.store.request(before, SCREEN, { reply: "q", waitMs: 50 });
  assertEquals((await request()).type, "unanswered");
  await stage.queue.finish(ended(run, { state: "error", retryDelayMs: 0 }));
  assertEquals(await request(), { type: "over" });
  await stage.queue.promote("a");
  await stage.queue.claim(1);
  await stage.queue.start("a");
  assertEquals(await request(), { type: "over" }, "a later attempt was asked");
  assertEquals(await stage.server.call("EXISTS", list), 0);
});

Deno.test("ask() is told once and changes its line, proceed() ends it, and so does the next attempt", async () => {
  await using stage = await Stage.open();
  const run = await stage.started("a");
  await stage.queue.proceed(run);
  await stage.queue.ask(run, "name?");
  const { input_ms, input_line } = await stage.side("a");
  assert(Math.abs(Number(input_ms) - Date.now()) < 60_000);
  assertEquals(input_line, "name?");
  await stage.queue.ask(run, "really?");
  assertEquals([(await stage.side("a")).input_ms, (await stage.side("a")).input_line], [input_ms, "really?"]);
  assertEquals(await stage.events(), ["submit", "start", "ask"]);
  assertEquals(Object.keys(await stage.job("a")).filter((name) => name.startsWith("input")), []);
  await stage.queue.proceed(run);
  await stage.queue.proceed(run);
  assertEquals((await stage.side("a")).input_ms, undefined);
  assertEquals(await stage.events(), ["submit", "start", "ask", "proceed"]);

  await stage.queue.ask(run, "again?");
  await stage.queue.finish(ended(run, { state: "error", retryDelayMs: 0 }));
  await stage.queue.ask(run, "too late");
  assertEquals((await stage.side("a")).input_line, "again?");
  await stage.queue.promote("a");
  await stage.queue.claim(1);
  await stage.queue.start("a");
  assertEquals((await stage.side("a")).input_line, undefined);
  await stage.queue.ask(run, "an older attempt");
  assertEquals((await stage.side("a")).input_line, undefined);
});

/** Bytes that Redis has sent so far. */
async function sent({ server }: Stage): Promise<number> {
  return Number(/^total_net_output_bytes:(\d+)/m.exec(String(await server.call("INFO", "stats")))![1]);
}

Deno.test("a request that is too large, or is none, never reaches the runner, and those after it are served", async () => {
  await using stage = await Stage.open();
  const { server, keys } = stage;
  const { token } = await stage.started("a");
  const until = await stage.store.time() + 60_000;
  const list = keys.requests("r", "i");
  const good = { reply: "q", id: "a", token };
  const typed = (size: number) => ({ ...good, request: { type: "type", bytes: btoa("x".repeat(size)) } });
  const wrong = [
    ...["nonsense", "null", "[]", "{}", JSON.stringify({ ...good, request: null })],
    ...[{ ...good, reply: 1 }, { ...good, id: null }, { ...good, reply: "r".repeat(513) }, { ...good, token: [] }]
      .map((one) => JSON.stringify({ ...one, request: SCREEN })),
    JSON.stringify({ ...good, request: { type: "shell" } }),
    JSON.stringify({ ...good, request: { type: "type", bytes: "%" } }),
    JSON.stringify({ ...good, request: { type: "type" } }),
    JSON.stringify(typed(65_537)),
  ];
  await stage.queue.serve();
  const before = await sent(stage);
  await server.call("LPUSH", list, `${until}\n${JSON.stringify(typed(8 << 20))}`);
  for (const text of wrong) await server.call("LPUSH", list, `${until}\n${text}`);
  await server.call("LPUSH", list, `${until}\n${JSON.stringify(typed(65_536))}`);
  const open = await stage.queue.serve();
  assert(open?.request.type === "type");
  assertEquals([open.id, open.request.bytes.length], ["a", 65_536]);
  assertEquals(await stage.queue.serve(), null);
  const bytes = await sent(stage) - before;
  assert(bytes < 1 << 20, `${bytes} bytes`);
});
