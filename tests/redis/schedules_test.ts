import type { ScheduleDefinition } from "../../src/domain/schedule.ts";
import type { FiringReply, StoredSchedule } from "../../src/ports/schedules.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { ended, RedisFixture } from "./redis_fixture.ts";

const SUBMISSION = { payload: "true", runner: "r", executor: "tmux.main" };

function definition(more: Partial<ScheduleDefinition> = {}): ScheduleDefinition {
  const rest = { overlap: "skip", catchUp: 0, jitter: 0, submission: SUBMISSION } as const;
  return { cron: "@daily", tz: "UTC", sinceMs: 0, ...rest, ...more };
}

/** Adds the schedule `s`, due at `nextMs`; returns it as it is stored. */
async function added(fixture: RedisFixture, nextMs: number, more: Partial<ScheduleDefinition> = {}) {
  await fixture.store.schedules.scheduleAdd("s", definition(more), nextMs);
  return await stored(fixture);
}

async function stored({ queue }: RedisFixture): Promise<StoredSchedule> {
  const [schedule] = (await queue.schedules.read()).schedules;
  return schedule;
}

/** Fires a schedule for its planned time, or for a later one. */
function fire(
  { queue }: RedisFixture,
  schedule: StoredSchedule,
  options: { timeMs?: number; nextMs?: number; graceMs?: number } = {},
): Promise<FiringReply> {
  const { timeMs = schedule.nextMs!, graceMs = 60_000 } = options;
  const { nextMs = timeMs + 86_400_000 } = options;
  const submission = { ...schedule.submission, id: `s@${timeMs}` };
  return queue.schedules.scheduleFired({
    ...{ schedule, timeMs, nextMs, graceMs, submission },
    plannedId: `s@${schedule.nextMs}`,
  });
}

/** Events of schedules: name, id and state. */
async function happened({ server, keys }: RedisFixture): Promise<string[][]> {
  const entries = await server.call("XRANGE", keys.events(), "-", "+") as [string, string[]][];
  return entries.map(([, [, name, , id, , state]]) => [name, id, state]).filter(([name]) =>
    name.startsWith("schedule")
  );
}

Deno.test("a schedule fires once when two runners have read it, and plans its next time", async () => {
  await using fixture = await RedisFixture.open();
  const now = await fixture.now();
  const schedule = await added(fixture, now - 10);
  assertEquals((await fire(fixture, schedule)).type, "FIRED");
  assertEquals((await fire(fixture, schedule)).type, "CHANGED");
  const later = await stored(fixture);
  const id = `s@${now - 10}`;
  assertEquals([later.lastMs, later.nextMs, later.job], [now - 10, now - 10 + 86_400_000, id]);
  assertEquals(await fixture.list(fixture.keys.queue("r")), [id]);
  assertEquals((await fixture.job(id)).payload, "true");
  assertEquals(await happened(fixture), [["schedule_fired", id, "dispatched"]]);
});

Deno.test("a schedule does not fire before its time by Redis' clock, nor when it was changed, paused or removed", async () => {
  await using fixture = await RedisFixture.open();
  const now = await fixture.now();
  const early = await added(fixture, now + 60_000);
  assertEquals((await fire(fixture, early)).type, "EARLY");
  const old = await added(fixture, now - 10);
  await added(fixture, now - 10);
  assertEquals((await fire(fixture, old)).type, "CHANGED");
  const { schedules } = fixture.store;
  assertEquals(await schedules.schedulePause("s", "pause"), "OK");
  const paused = await stored(fixture);
  assertEquals([paused.paused, (await fire(fixture, paused)).type], [true, "CHANGED"]);
  assertEquals(await schedules.scheduleRemove("s", 60_000), true);
  assertEquals((await fire(fixture, paused)).type, "CHANGED");
  assertEquals(await schedules.scheduleRemove("s", 1), false);
  assertEquals(await schedules.schedulePause("s", "pause"), "MISSING");
  assertEquals(await happened(fixture), []);
});

Deno.test("a time at or before the last firing is refused, also after the schedule was removed and added again", async () => {
  await using fixture = await RedisFixture.open();
  const now = await fixture.now();
  await fire(fixture, await added(fixture, now - 10));
  await fixture.store.schedules.scheduleRemove("s", 60_000);
  assertEquals(await stored(fixture), undefined);
  const ttl = Number(await fixture.server.call("PTTL", fixture.keys.schedule("s")));
  assert(ttl > 0 && ttl <= 60_000, String(ttl));
  // as when Redis' clock went back
  const again = await added(fixture, now - 20);
  assertEquals(again.lastMs, now - 10);
  assertEquals((await fire(fixture, again, { nextMs: now + 60_000 })).type, "OLD");
  assertEquals((await stored(fixture)).nextMs, now + 60_000);
  assertEquals(await fixture.list(fixture.keys.queue("r")), [`s@${now - 10}`]);
});

Deno.test("a job of the firing's id that exists counts as fired", async () => {
  await using fixture = await RedisFixture.open();
  const now = await fixture.now();
  const schedule = await added(fixture, now - 10);
  await fixture.submit(`s@${now - 10}`, { payload: "echo other" });
  assertEquals((await fire(fixture, schedule)).type, "EXISTS");
  assertEquals((await fixture.job(`s@${now - 10}`)).payload, "echo other");
  assertEquals([(await stored(fixture)).lastMs, await happened(fixture)], [now - 10, []]);
});

for (const [catchUp, reply] of [[0, "MISSED"], [3600, "FIRED"], [60, "MISSED"]] as const) {
  Deno.test(`a firing that is 10 minutes late with a catch-up of ${catchUp} s is ${reply}`, async () => {
    await using fixture = await RedisFixture.open();
    const now = await fixture.now();
    const [planned, newest] = [now - 3 * 600_000, now - 600_000];
    const schedule = await added(fixture, planned, { catchUp });
    assertEquals((await fire(fixture, schedule, { timeMs: newest, nextMs: now + 1000 })).type, reply);
    const skipped = [`s@${planned}`, ...reply === "MISSED" ? [`s@${newest}`] : []];
    assertEquals(await happened(fixture), [
      ...skipped.slice(0, 1).map((id) => ["schedule_skipped", id, "missed"]),
      ...skipped.slice(1).map((id) => ["schedule_skipped", id, "missed"]),
      ...reply === "FIRED" ? [["schedule_fired", `s@${newest}`, "dispatched"]] : [],
    ]);
    const { lastMs, nextMs, skipped: last } = await stored(fixture);
    assertEquals([lastMs, nextMs], [reply === "FIRED" ? newest : null, now + 1000]);
    assertEquals(last, reply === "FIRED" ? null : { ms: newest, why: "missed" });
  });
}

Deno.test("overlap skip makes no job while the last one has not ended", async () => {
  await using fixture = await RedisFixture.open();
  const now = await fixture.now();
  await fire(fixture, await added(fixture, now - 30), { nextMs: now - 20 });
  assertEquals((await fire(fixture, await stored(fixture), { nextMs: now - 10 })).type, "RUNNING");
  assertEquals((await stored(fixture)).skipped, { ms: now - 20, why: "running" });
  await fixture.queue.claim(1);
  const start = await fixture.queue.start(`s@${now - 30}`);
  assert(start.type === "OK");
  await fixture.queue.finish(ended({ id: `s@${now - 30}`, token: start.token }));
  assertEquals((await fire(fixture, await stored(fixture))).type, "FIRED");
  assertEquals((await happened(fixture))[1], ["schedule_skipped", `s@${now - 20}`, "running"]);
});

for (const overlap of ["queue", "replace"] as const) {
  Deno.test(`overlap ${overlap} lets a firing wait for the end of the last job, however late that is`, async () => {
    await using fixture = await RedisFixture.open();
    const now = await fixture.now();
    const first = `s@${now - 30}`;
    await fire(fixture, await added(fixture, now - 30, { overlap }), { nextMs: now - 20 });
    const cancels = overlap === "replace";
    assertEquals(await fire(fixture, await stored(fixture)), { type: "HELD", cancels });
    const held = await stored(fixture);
    assertEquals([held.heldMs, held.nextMs, held.lastMs], [now - 20, now - 20, now - 30]);
    assertEquals(held.waits, !cancels, "a job that is to be cancelled may have to be cancelled again");
    assertEquals(await fire(fixture, held), { type: "HELD", cancels });
    // it is checked again a second later, and changes nothing of what runners keep
    const plans = await fixture.queue.heartbeat([], "up");
    assert(plans.type === "OK" && plans.schedules.dueInMs! > 0, "it is checked later");
    await fixture.queue.claim(1);
    await fixture.queue.start(first);
    if (cancels) {
      await fixture.queue.schedules.cancelLast(first);
      assertEquals((await fixture.meta(first)).cancel, "replaced by the next firing");
      assertEquals(await fire(fixture, held), { type: "HELD", cancels: false });
    }
    await fixture.server.call("HSET", fixture.keys.job(first), "status", "error");
    assertEquals((await stored(fixture)).waits, false);
    assertEquals((await fire(fixture, held, { graceMs: -1 })).type, "FIRED");
    assertEquals([(await stored(fixture)).heldMs, (await stored(fixture)).lastMs], [null, now - 20]);
  });
}

Deno.test("a time that passed while another firing waited is skipped because of that, not for want of a runner", async () => {
  await using fixture = await RedisFixture.open();
  const now = await fixture.now();
  await fire(fixture, await added(fixture, now - 30, { overlap: "queue" }), { nextMs: now - 20 });
  assertEquals((await fire(fixture, await stored(fixture))).type, "HELD");
  await fixture.server.call("HSET", fixture.keys.job(`s@${now - 30}`), "status", "finished");
  assertEquals((await fire(fixture, await stored(fixture), { nextMs: now - 15 })).type, "FIRED");
  const late = { timeMs: now - 10, graceMs: -1 };
  assertEquals((await fire(fixture, await stored(fixture), late)).type, "RUNNING");
  assertEquals((await stored(fixture)).skipped, { ms: now - 10, why: "running" });
  assertEquals((await happened(fixture)).slice(2), [
    ["schedule_skipped", `s@${now - 15}`, "running"],
    ["schedule_skipped", `s@${now - 10}`, "running"],
  ]);
});

Deno.test("a heartbeat reports the schedules: nothing, their change, and when the first is due", async () => {
  await using fixture = await RedisFixture.open();
  const plans = async () => {
    const reply = await fixture.queue.heartbeat([], "up");
    assert(reply.type === "OK");
    return reply.schedules;
  };
  assertEquals(await plans(), { mark: "", dueInMs: null });
  const now = await fixture.now();
  const { schedules } = fixture.store;
  await schedules.scheduleAdd("a", definition(), now + 600_000);
  const first = await plans();
  assert(first.dueInMs! > 500_000 && first.dueInMs! <= 600_000, String(first.dueInMs));
  assertEquals(first.mark, (await fixture.queue.schedules.read()).mark);
  await schedules.scheduleAdd("b", definition(), now + 60_000);
  const second = await plans();
  assert(second.dueInMs! <= 60_000 && second.mark !== first.mark);
  await schedules.schedulePause("b", "pause");
  assert((await plans()).dueInMs! > 500_000);
  await schedules.scheduleRemove("a", 0);
  const last = await plans();
  assertEquals([last.dueInMs, last.mark === second.mark], [null, false]);
  // paused, removed for ever
  const { records } = await fixture.queue.schedules.read();
  assertEquals(Object.keys(records).sort(), ["a", "b"]);
  await fixture.server.call("DEL", fixture.keys.schedule("a"));
  assertEquals(Object.keys((await fixture.queue.schedules.read()).records), ["b"]);
  assertEquals(await fixture.server.call("ZCARD", fixture.keys.scheduleDue()), 1);
});

Deno.test("a schedule that is replaced while a firing is due, or waits, still has that firing", async () => {
  await using fixture = await RedisFixture.open();
  const now = await fixture.now();
  await added(fixture, now - 10);
  const later = now + 86_400_000;
  const next = async (more: Partial<ScheduleDefinition>) => (await added(fixture, later, more)).nextMs;
  assertEquals(await next({ jitter: 1, overlap: "queue" }), now - 10, "what fires it is the same");
  assertEquals((await fire(fixture, await stored(fixture), { nextMs: now - 5 })).type, "FIRED");
  assertEquals((await fire(fixture, await stored(fixture))).type, "HELD");
  const { heldMs, nextMs } = await added(fixture, later, { overlap: "replace" });
  assertEquals([heldMs, nextMs], [now - 5, now - 5]);
  const { heldMs: dropped, nextMs: other } = await added(fixture, later, { tz: "Asia/Tokyo" });
  assertEquals([dropped, other], [null, later], "other times");
  await added(fixture, now - 5, { tz: "Asia/Tokyo", cron: "@hourly" });
  await fixture.store.schedules.schedulePause("s", "pause");
  assertEquals(await next({ tz: "Asia/Tokyo", cron: "@hourly" }), later, "a paused one");
});

Deno.test("a paused schedule stays paused when it is replaced, and a resume plans its next time", async () => {
  await using fixture = await RedisFixture.open();
  const now = await fixture.now();
  const { schedules } = fixture.store;
  assertEquals(await schedules.scheduleAdd("s", definition(), now - 10), false);
  await schedules.schedulePause("s", "pause");
  assertEquals(await schedules.scheduleAdd("s", definition({ cron: "@hourly" }), now - 5), true);
  const paused = await stored(fixture);
  assertEquals([paused.cron, paused.paused], ["@hourly", true]);
  const plans = await fixture.queue.heartbeat([], "up");
  assert(plans.type === "OK");
  assertEquals(plans.schedules.dueInMs, null);
  const { revision } = paused;
  assertEquals(await schedules.schedulePause("s", { revision: "1", nextMs: now - 3 }), "CHANGED");
  assertEquals(await schedules.schedulePause("s", { revision, nextMs: now - 1 }), "OK");
  assertEquals(await schedules.schedulePause("s", { revision, nextMs: now - 2 }), "OK", "it fires already");
  const resumed = await stored(fixture);
  assertEquals([resumed.nextMs, (await fire(fixture, resumed)).type], [now - 1, "FIRED"]);
});

Deno.test("after data loss the newest revision and the latest last firing win, and nothing fires for a lease", async () => {
  await using fixture = await RedisFixture.open();
  const now = await fixture.now();
  const restore = async (copy: Awaited<ReturnType<typeof fixture.queue.schedules.read>>, ms = 60_000) => {
    return await fixture.queue.schedules.scheduleRestore("s", copy.records.s, ms);
  };
  const planned = await added(fixture, now - 30, { catchUp: 60 });
  const early = await fixture.queue.schedules.read();
  await fire(fixture, planned, { nextMs: now - 20 });
  const fired = await fixture.queue.schedules.read();
  assertEquals(await restore(fired), false);
  assertEquals(await restore(early), false);
  await added(fixture, now - 20, { cron: "@hourly", catchUp: 60 });
  const newest = await fixture.queue.schedules.read();
  await fixture.server.call("FLUSHALL");
  assertEquals(await restore(early), true);
  assertEquals((await stored(fixture)).lastMs, null);
  assertEquals(await restore(newest), true);
  assertEquals(await restore(fired), false);
  const back = await stored(fixture);
  assertEquals([back.cron, back.lastMs, back.nextMs, back.job], ["@hourly", now - 30, now - 20, `s@${now - 30}`]);
  assertEquals((await fire(fixture, back)).type, "EARLY");
  const plans = await fixture.queue.heartbeat([], "up");
  assertEquals(plans.type, "LOST");
  await fixture.queue.register(
    { bootId: "b", host: "h", pid: 1, version: "0", slots: 1, access: { kind: "none" } },
  );
  const reply = await fixture.queue.heartbeat([], "up");
  assert(reply.type === "OK" && reply.schedules.dueInMs! > 50_000, "due when the hold ends");
  // what was due before the end of the hold is missed, however young it is
  await fixture.server.call("HSET", fixture.keys.schedules(), "hold", now);
  assertEquals((await fire(fixture, back)).type, "FIRED");
  await fixture.store.schedules.scheduleAdd("s", definition(), now - 10);
  assertEquals((await fire(fixture, await stored(fixture))).type, "MISSED");
});

Deno.test("a copy of an older revision brings back its later firing, and no definition", async () => {
  await using fixture = await RedisFixture.open();
  const now = await fixture.now();
  await fire(fixture, await added(fixture, now - 30), { nextMs: now - 20 });
  const { records: { s } } = await fixture.queue.schedules.read();
  await fixture.server.call("FLUSHALL");
  await added(fixture, now - 10, { cron: "@hourly" });
  assertEquals(await fixture.queue.schedules.scheduleRestore("s", s, 1), true);
  const { cron, lastMs, nextMs } = await stored(fixture);
  assertEquals([cron, lastMs, nextMs], ["@hourly", now - 30, now - 10]);
  assertEquals(await fixture.queue.schedules.scheduleRestore("s", s, 1), false);
});

Deno.test("a removed schedule stays removed after data loss", async () => {
  await using fixture = await RedisFixture.open();
  await added(fixture, await fixture.now() + 60_000);
  const before = await fixture.queue.schedules.read();
  await fixture.store.schedules.scheduleRemove("s", 3_600_000);
  const { records } = await fixture.queue.schedules.read();
  await fixture.server.call("FLUSHALL");
  await fixture.queue.schedules.scheduleRestore("s", records.s, 1);
  await fixture.queue.schedules.scheduleRestore("s", before.records.s, 1);
  assertEquals(await stored(fixture), undefined);
  assert(Number(await fixture.server.call("PTTL", fixture.keys.schedule("s"))) > 0);
});

Deno.test("a firing with a jitter is delayed", async () => {
  await using fixture = await RedisFixture.open();
  const now = await fixture.now();
  const schedule = await added(fixture, now - 10);
  const submission = { ...SUBMISSION, id: "s@1", notBeforeMs: now + 60_000 };
  const times = { timeMs: now - 10, nextMs: null, graceMs: 60_000, plannedId: "s@1" };
  assertEquals((await fixture.queue.schedules.scheduleFired({ schedule, ...times, submission })).type, "FIRED");
  assertEquals(await fixture.server.call("ZSCORE", fixture.keys.delay("r"), "s@1"), String(now + 60_000));
  assertEquals((await stored(fixture)).nextMs, null);
});

Deno.test("times of a foreign form count as absent", async () => {
  await using fixture = await RedisFixture.open();
  await added(fixture, await fixture.now() + 60_000);
  for (const text of ["x", "1e3", " 1", "9000000000000000000", "NaN", "Infinity"]) {
    const fields = ["next", text, "last", text, "held", text, "skipped", `${text} missed`];
    await fixture.server.call("HSET", fixture.keys.schedule("s"), ...fields);
    const { nextMs, lastMs, heldMs, skipped } = await stored(fixture);
    assertEquals([nextMs, lastMs, heldMs, skipped], [null, null, null, null], text);
  }
});

Deno.test("schedules of a foreign form are left out, and foreign values in our keys refused", async () => {
  await using fixture = await RedisFixture.open();
  await added(fixture, await fixture.now() + 60_000);
  for (const text of ["no JSON", "{}", '{"cron":1}', "null"]) {
    await fixture.server.call("HSET", fixture.keys.schedule("s"), "text", text);
    assertEquals((await fixture.queue.schedules.read()).schedules, []);
  }
  await fixture.server.call("SET", fixture.keys.schedule("x"), "foreign");
  let message = "";
  await fixture.store.schedules.scheduleAdd("x", definition(), 1).catch((error) => message = error.message);
  assert(message.includes("rr:schedule:x"), message);
});
