import { assert, assertEquals } from "../support/assert.ts";
import { ended, INFO, raw, RedisFixture } from "./redis_fixture.ts";

Deno.test("two runners of one name share the queue, each id once", async () => {
  await using fixture = await RedisFixture.open();
  const other = fixture.runner({ instance: "i2", nonce: "n2" });
  await other.register(INFO);
  await Promise.all(Array.from({ length: 200 }, (_, i) => fixture.submit(`j${i}`)));
  const taken: string[] = [];
  const work = async (queue: typeof other) => {
    for (let text; ([text] = await fixture.claim(1, queue), text);) {
      const reply = await queue.start(text);
      assert(reply.type === "OK", reply.type);
      taken.push(text);
      await queue.finish(ended({ id: text, token: reply.token }));
    }
  };
  await Promise.all([work(fixture.queue), work(other)]);
  assertEquals([taken.length, new Set(taken).size], [200, 200]);
  assertEquals(await fixture.server.call("EXISTS", fixture.keys.queue("r"), fixture.keys.claim("r", "i")), 0);
});

Deno.test("claim() starts jobs of the executors that it is given, in one step, and claims the others", async () => {
  await using fixture = await RedisFixture.open();
  const { server, queue, keys } = fixture;
  await fixture.submit("a", { payload: "echo ü", title: "first" });
  await fixture.submit("line", { executor: "tmux.main.line" });
  await fixture.submit("none", { executor: "" });
  await server.call("SET", keys.job("text"), "{}");
  for (const id of ["text", "missing", "strange id", new Uint8Array([0xff])]) {
    await server.call("LPUSH", keys.queue("r"), id);
  }
  await server.call("HSET", keys.job("strange id"), "executor", "tmux.main");
  await fixture.submit("ended");
  await server.call("HSET", keys.job("ended"), "status", "finished");
  await fixture.submit("cancelled");
  await fixture.store.cancel("cancelled", "why");
  await server.call("LPUSH", keys.queue("r"), "cancelled");
  await fixture.submit("other", { runner: "q" });
  await server.call("LPUSH", keys.queue("r"), "other");
  await fixture.submit("last");

  assertEquals(await queue.claim(0, ["tmux.main"]), []);
  const claimed = await queue.claim(50, ["tmux.main", ""]);
  assert(claimed !== "FENCED");
  const found = claimed.map(({ raw, reply }) => [new TextDecoder().decode(raw), reply?.type ?? "claimed"]);
  assertEquals(found, [
    ...[["a", "OK"], ["none", "OK"], ["missing", "MISSING"], ["ended", "FINAL"], ["cancelled", "FINAL"]],
    ...[["other", "OTHER"], ["last", "OK"]],
    ...["line", "text", "strange id", "\ufffd"].map((id) => [id, "claimed"]),
  ]);
  const first = claimed[0].reply;
  assert(first?.type === "OK");
  assertEquals([first.attempt, first.job.payload, first.meta.title], [1, "echo ü", "first"]);
  assertEquals((await fixture.job("a")).status, "started");
  const owned = claimed.flatMap(({ raw, reply }) =>
    reply?.type === "OK" ? [{ id: new TextDecoder().decode(raw), token: reply.token }] : []
  );
  assertEquals(await queue.owned(), owned);
  assertEquals((await queue.claimed()).map((id) => new TextDecoder().decode(id)), [
    ...["line", "text", "missing", "strange id", "\ufffd", "other"],
  ]);
  assertEquals((await queue.start("a")).type, "HELD");
});

Deno.test("claim() starts the job that was waited for before it claims others", async () => {
  await using fixture = await RedisFixture.open();
  const { queue } = fixture;
  const types = async (waited: string, executors: string[]) => {
    const claimed = await queue.claim(1, executors, waited);
    assert(claimed !== "FENCED");
    return claimed.map(({ raw, reply }) => [new TextDecoder().decode(raw), reply?.type ?? "claimed"]);
  };
  for (const id of ["a", "b", "c"]) await fixture.submit(id);
  assertEquals(await queue.wait(1_000), raw("a"));
  assertEquals(await types("a", []), [["a", "claimed"], ["b", "claimed"]]);
  assertEquals((await queue.claimed()).length, 2);
  assertEquals(await types("a", ["tmux.main"]), [["a", "OK"], ["c", "OK"]]);
  // another client was faster, or the first reply was lost
  assertEquals(await types("a", ["tmux.main"]), [["a", "HELD"]]);
  assertEquals((await queue.claimed()).map((id) => new TextDecoder().decode(id)), ["b"]);
});

Deno.test("claim() claims nothing for a process that lost its instance", async () => {
  await using fixture = await RedisFixture.open();
  await fixture.submit("a");
  const newer = fixture.runner({ nonce: "n2" });
  await newer.register(INFO, { proof: ["n1"] });
  assertEquals(await fixture.queue.claim(5, ["tmux.main"], "a"), "FENCED");
  assertEquals(await fixture.list(fixture.keys.queue("r")), ["a"]);
});

Deno.test("claim() returns only what it could start when a key of the instance is of another type", async () => {
  await using fixture = await RedisFixture.open();
  await fixture.submit("a");
  await fixture.server.call("SET", fixture.keys.attempts("r", "i"), "x");
  assertEquals(await fixture.queue.claim(5, ["tmux.main"]), [{ raw: raw("a"), reply: null }]);
  assertEquals((await fixture.job("a")).status, "dispatched");
});
