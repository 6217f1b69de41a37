import type { PurgeQuery } from "../../src/ports/job_store.ts";
import { purgeJobs } from "../../src/app/purge.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { ended, Stage } from "./stage.ts";

const failed = { state: "error", error: "exited with code 3", exitCode: 3 } as const;
const LATER = 9e12;

/** Which jobs are left after a purge, sorted. */
async function leftAfter(stage: Stage, query: Partial<PurgeQuery>): Promise<string[]> {
  const all = { endedBeforeMs: LATER, countOnly: false, ...query };
  const before = Number(await stage.server.call("ZCARD", stage.keys.jobs()));
  const count = await purgeJobs(stage.store, { ...all, countOnly: true }, () => Promise.resolve());
  assertEquals(await stage.server.call("ZCARD", stage.keys.jobs()), before, "counting deleted something");
  const deleted = await purgeJobs(stage.store, all, () => Promise.resolve());
  assertEquals(deleted, count);
  const left = await stage.server.call("ZRANGE", stage.keys.jobs(), 0, -1) as string[];
  assertEquals(left.length, before - deleted);
  return left.sort();
}

Deno.test("purge() deletes ended jobs with all that belongs to them, and no others", async () => {
  await using stage = await Stage.open();
  const { queue, server, store } = stage;
  const good = await stage.started("good");
  await queue.appendOutput(good, 0, new Uint8Array(3));
  await queue.finish(ended(good));
  const bad = await stage.started("bad", { retries: 1 });
  await queue.finish(ended(bad, failed));
  await stage.started("runs");
  await stage.submit("waits");
  await stage.submit("cancelled");
  await store.cancel("cancelled", "");
  await stage.submit("later", { notBeforeMs: LATER });
  assertEquals(await leftAfter(stage, { state: "finished" }), ["bad", "cancelled", "later", "runs", "waits"]);
  assertEquals((await server.keys()).filter((key) => key.includes("good")), []);
  assertEquals(await leftAfter(stage, {}), ["later", "runs", "waits"]);
  assertEquals(await leftAfter(stage, {}), ["later", "runs", "waits"]);
});

Deno.test("purge() deletes the jobs of one runner, whoever wrote its name", async () => {
  await using stage = await Stage.open();
  const { queue, server, keys, store } = stage;
  await queue.finish(ended(await stage.started("ours")));
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
  const mine = (await store.read("ours"))!.side.runner;
  assertEquals(await leftAfter(stage, { queue: "nobody" }), ["foreign", "nameless", "ours"]);
  assertEquals(await leftAfter(stage, { queue: "other" }), ["nameless", "ours"]);
  assertEquals(await leftAfter(stage, { queue: mine }), ["nameless"]);
  assertEquals(await leftAfter(stage, {}), []);
});

Deno.test("purge() goes by the time of the end, whoever wrote it", async () => {
  await using stage = await Stage.open();
  const { server, store, keys } = stage;
  const old = Date.UTC(2026, 0, 1);
  const put = async (id: string, fields: Record<string, string>, endedMs?: number) => {
    await server.call("ZADD", keys.jobs(), old - 1_000, id);
    await server.call("HSET", keys.job(id), "status", "finished", ...Object.entries(fields).flat());
    if (endedMs !== undefined) await server.call("HSET", keys.side(id), "ended_ms", endedMs);
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
  const left = await leftAfter(stage, { endedBeforeMs: Date.UTC(2026, 0, 2) });
  assertEquals(left, ["iso-new", "odd", "ours-new", "plain-new", "unix-new", "unknown"]);
});

Deno.test("purge() keeps a job for which others wait, and one that still runs here", async () => {
  await using stage = await Stage.open();
  const { queue, server, keys } = stage;
  const first = await stage.started("first");
  await stage.submit("second", { after: "first" });
  await queue.finish(ended(first));
  const foreign = await stage.started("foreign");
  await server.call("HSET", keys.job("foreign"), "status", "finished", "updated_at", "2026-01-01T00:00:00Z");
  assertEquals(await leftAfter(stage, {}), ["first", "foreign", "second"]);
  await queue.promote("second", { force: true });
  await queue.finish(ended(foreign));
  assertEquals(await leftAfter(stage, {}), ["second"]);
});

Deno.test("purge() comes to the end of a long index, in steps, over jobs that stay", async () => {
  await using stage = await Stage.open();
  const { server, keys } = stage;
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
  let last = { looked: 0, total: 0 };
  const deleted = await purgeJobs(stage.store, { endedBeforeMs: LATER, countOnly: false }, (progress) => {
    steps++;
    last = progress;
    return Promise.resolve();
  });
  assertEquals([deleted, last], [1334, { looked: 2000, total: 2000 }]);
  assert(steps >= 8, String(steps));
  assertEquals(await server.call("ZCARD", keys.jobs()), 666);
});
