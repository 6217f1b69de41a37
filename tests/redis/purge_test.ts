import type { PurgeQuery } from "../../src/ports/job_store.ts";
import { purgeJobs } from "../../src/client/purge.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { ended, RedisFixture } from "./redis_fixture.ts";

const failed = { state: "error", error: "exited with code 3", exitCode: 3 } as const;
const LATER = 9e12;

/** Which jobs are left after a purge, sorted. */
async function leftAfter(
  fixture: RedisFixture,
  { state, runner, endedBeforeMs = LATER }: Partial<PurgeQuery>,
): Promise<string[]> {
  const filter = { states: state === undefined ? [] : [state], runner };
  const all = { filter, endedBeforeMs, countOnly: false };
  const before = Number(await fixture.server.call("ZCARD", fixture.keys.jobs()));
  const count = await purgeJobs(fixture.store, { ...all, countOnly: true });
  assertEquals(await fixture.server.call("ZCARD", fixture.keys.jobs()), before, "counting deleted something");
  const deleted = await purgeJobs(fixture.store, all);
  assertEquals(deleted, count);
  const left = await fixture.server.call("ZRANGE", fixture.keys.jobs(), 0, -1) as string[];
  assertEquals(left.length, before - deleted.deleted);
  return left.sort();
}

Deno.test("purge() deletes ended jobs with all that belongs to them, and no others", async () => {
  await using fixture = await RedisFixture.open();
  const { queue, server, store } = fixture;
  const good = await fixture.started("good");
  await queue.appendOutput(good, 0, new Uint8Array(3));
  await queue.finish(ended(good));
  const bad = await fixture.started("bad", { retries: 1 });
  await queue.finish(ended(bad, failed));
  await fixture.started("runs");
  await fixture.submit("waits");
  await fixture.submit("cancelled");
  await store.cancel("cancelled", "");
  await fixture.submit("later", { notBeforeMs: LATER });
  assertEquals(await leftAfter(fixture, { state: "finished" }), ["bad", "cancelled", "later", "runs", "waits"]);
  assertEquals((await server.keys()).filter((key) => key.includes("good")), []);
  assertEquals(await leftAfter(fixture, {}), ["later", "runs", "waits"]);
  assertEquals(await leftAfter(fixture, {}), ["later", "runs", "waits"]);
});

Deno.test("purge() deletes the jobs of one runner, whichever program wrote its name", async () => {
  await using fixture = await RedisFixture.open();
  const { queue, server, keys, store } = fixture;
  await queue.finish(ended(await fixture.started("ours")));
  for (const [id, runner] of [["foreign", "other"], ["nameless", ""]]) {
    await server.call(
      "HSET",
      keys.job(id),
      "status",
      "finished",
      "updated_at",
      "2020-01-01T00:00:00Z",
      "runner",
      runner,
    );
    await server.call("ZADD", keys.jobs(), 1, id);
  }
  const mine = (await store.read("ours"))!.meta.runner;
  assertEquals(await leftAfter(fixture, { runner: "nobody" }), ["foreign", "nameless", "ours"]);
  assertEquals(await leftAfter(fixture, { runner: "other" }), ["nameless", "ours"]);
  assertEquals(await leftAfter(fixture, { runner: mine }), ["nameless"]);
  assertEquals(await leftAfter(fixture, {}), []);
});

Deno.test("purge() goes by the time of the end, whichever program wrote it", async () => {
  await using fixture = await RedisFixture.open();
  const { server, store, keys } = fixture;
  const old = Date.UTC(2026, 0, 1);
  const put = async (id: string, fields: Record<string, string>, endedMs?: number) => {
    await server.call("ZADD", keys.jobs(), old - 1_000, id);
    await server.call("HSET", keys.job(id), "status", "finished", ...Object.entries(fields).flat());
    if (endedMs !== undefined) await server.call("HSET", keys.meta(id), "ended_ms", endedMs);
  };
  await put("ours-old", { updated_at: "2026-01-09T00:00:00.000Z" }, old);
  await put("ours-new", { updated_at: "2026-01-01T00:00:00.000Z" }, old + 9e8);
  await put("iso-old", { updated_at: "2026-01-01T00:00:00Z" });
  await put("iso-new", { updated_at: "2026-01-02T00:00:01Z" });
  await put("plain-old", { updated_at: "2026-01-01 00:00:00" });
  await put("plain-new", { updated_at: "2026-01-03 00:00:00" });
  await put("unix-old", { updated_at: String(old / 1000) });
  await put("unix-new", { updated_at: String(old / 1000 + 9e5) });
  await put("unknown", {});
  await put("odd", { updated_at: "yesterday" });
  assert(await store.time() > old);
  const left = await leftAfter(fixture, { endedBeforeMs: Date.UTC(2026, 0, 2) });
  assertEquals(left, ["iso-new", "odd", "ours-new", "plain-new", "unix-new", "unknown"]);
});

Deno.test("purge() keeps a job for whose end others still wait, and one that still runs here", async () => {
  await using fixture = await RedisFixture.open();
  const { queue, server, keys } = fixture;
  await fixture.submit("first", { runner: "foreign" });
  await fixture.submit("second", { after: "first" });
  await server.call("HSET", keys.job("first"), "status", "finished", "updated_at", "2026-01-01T00:00:00Z");
  const foreign = await fixture.started("foreign");
  await server.call("HSET", keys.job("foreign"), "status", "finished", "updated_at", "2026-01-01T00:00:00Z");
  assertEquals(await leftAfter(fixture, {}), ["first", "foreign", "second"]);
  await queue.promote("second", { force: true });
  await queue.finish(ended(foreign));
  assertEquals(await leftAfter(fixture, {}), ["second"]);
});

Deno.test("purge() comes to the end of a long index, in steps, over jobs that stay", async () => {
  await using fixture = await RedisFixture.open();
  const { server, keys } = fixture;
  await server.call(
    "EVAL",
    `for i = 1, 2000 do
       redis.call('ZADD', KEYS[1], i, 'j' .. i)
       redis.call('HSET', KEYS[2] .. 'j' .. i, 'status', i % 3 == 0 and 'started' or 'finished', 'updated_at', '100')
     end`,
    2,
    keys.jobs(),
    keys.job(""),
  );
  let steps = 0;
  let last = { scanned: 0, total: 0 };
  const onScanned = (progress: typeof last) => {
    steps++;
    last = progress;
  };
  const options = { filter: {}, endedBeforeMs: LATER, countOnly: false, onScanned };
  const { deleted } = await purgeJobs(fixture.store, options);
  assertEquals([deleted, last, steps], [1334, { scanned: 2000, total: 2000 }, 2]);
  assertEquals(await server.call("ZCARD", keys.jobs()), 666);
});
