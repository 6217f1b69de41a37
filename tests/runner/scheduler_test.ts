import { UnavailableError } from "../../src/domain/errors.ts";
import type { Calendar } from "../../src/ports/calendar.ts";
import type {
  Firing,
  FiringReply,
  ScheduleCopy,
  ScheduleFields,
  ScheduleList,
  StoredSchedule,
} from "../../src/ports/schedules.ts";
import { Alarm } from "../../src/runner/alarms.ts";
import { ClaimGate } from "../../src/runner/claim_gate.ts";
import { Scheduler } from "../../src/runner/scheduler.ts";
import { systemCalendar } from "../../src/system/calendar.ts";
import { assertEquals } from "../support/assert.ts";
import { ManualClock } from "../support/manual_clock.ts";

const NOW = Date.UTC(2026, 0, 31, 12);
const MINUTE = 60_000;
const LOG = { debug() {}, info() {}, warn() {}, error() {} };
const UNFIT = Object.assign(new UnavailableError("a key holds a string"), { condition: "unfit" });
const AWAY = Object.assign(new UnavailableError("Redis is gone"), { condition: "unreachable" });

const SCHEDULE: StoredSchedule = {
  ...{ name: "s", cron: "* * * * *", tz: "UTC", sinceMs: 0, overlap: "skip", catchUp: 0, jitter: 0 },
  ...{ revision: "1", nextMs: NOW, lastMs: null, job: "", heldMs: null, waits: false, skipped: null, paused: false },
  submission: { payload: "true", runner: "r", executor: "tmux.main" },
};

/** A scheduler over fakes. */
class SchedulerFixture {
  /** What was done, in order. */
  readonly did: unknown[][] = [];
  readonly firings: Firing[] = [];
  readonly saved: ScheduleCopy[] = [];
  readonly replies: (FiringReply | Error)[] = [];
  readonly clock = new ManualClock();
  readonly alarm = new Alarm(this.clock);
  /** Errors that were logged. */
  readonly errors: string[] = [];
  readonly gate = new ClaimGate({ wake: () => {} }, LOG);
  readonly scheduler: Scheduler;
  list: ScheduleList;
  opened = 0;
  /** Times for which the calendar was asked. */
  asked = 0;

  constructor(
    schedule: Partial<StoredSchedule> = {},
    more: Partial<ScheduleList> & { readonly kept?: ScheduleCopy } = {},
  ) {
    const { kept = { mark: "", records: {} }, ...rest } = more;
    this.list = { mark: "1 5", records: {}, nowMs: NOW, holdMs: 0, schedules: [{ ...SCHEDULE, ...schedule }], ...rest };
    const schedules = {
      read: () => Promise.resolve((this.did.push(["read"]), this.list)),
      scheduleFired: (firing: Firing) => {
        this.did.push(["fire", firing.submission.id, firing.nextMs]);
        this.firings.push(firing);
        const reply = this.replies.shift() ?? { type: "FIRED" as const };
        return reply instanceof Error ? Promise.reject(reply) : Promise.resolve(reply);
      },
      scheduleRestore: (name: string, _fields: ScheduleFields, ms: number) =>
        Promise.resolve((this.did.push(["restore", name, ms]), true)),
      cancelLast: (id: string) => Promise.resolve(void this.did.push(["cancel", id])),
    };
    const copy = {
      load: () => Promise.resolve(kept),
      save: (one: ScheduleCopy) => Promise.resolve(void this.saved.push(one)),
    };
    const calendar: Calendar = {
      next: (timetable, afterMs) => (this.asked++, systemCalendar.next(timetable, afterMs)),
    };
    this.scheduler = new Scheduler({
      ...{ queue: { schedules }, schedules: copy, clock: this.clock, checkpoint: () => {} },
      log: { ...LOG, error: (_: string, { error }: { error: string }) => void this.errors.push(error) },
      settings: { leaseMs: 30_000 },
      openCalendar: () => Promise.resolve((this.opened++, calendar)),
    } as never, { gate: this.gate, alarm: this.alarm });
  }

  /** Runs a round after a heartbeat that reported the schedules. */
  async round(mark = this.list.mark): Promise<void> {
    this.scheduler.planned({ mark, dueInMs: null });
    this.alarm.clear();
    await this.scheduler.tick();
  }

  /** Ids of what was fired. */
  ids(): string[] {
    return this.firings.map(({ submission }) => submission.id);
  }
}

Deno.test("Scheduler asks nothing of Redis, and loads no calendar, without schedules", async () => {
  const fixture = new SchedulerFixture();
  await fixture.round("");
  await fixture.round("");
  assertEquals([fixture.did, fixture.saved, fixture.opened], [[], [], 0]);
});

Deno.test("Scheduler loads the calendar only when a schedule is due, and keeps a copy of each change", async () => {
  const fixture = new SchedulerFixture({ nextMs: NOW + 1 });
  await fixture.round();
  assertEquals([fixture.opened, fixture.firings.length, fixture.saved.map(({ mark }) => mark)], [0, 0, ["1 5"]]);
  fixture.alarm.clear();
  fixture.scheduler.planned({ mark: "1 5", dueInMs: null });
  assertEquals(fixture.alarm.at, Infinity, "what is known needs no round");
  fixture.scheduler.planned({ mark: "1 6", dueInMs: null });
  assertEquals(fixture.alarm.at, fixture.clock.now(), "a change needs one");
});

Deno.test("Scheduler fires each time that has come, and notes it in its copy before", async () => {
  const fixture = new SchedulerFixture({ nextMs: NOW - MINUTE });
  await fixture.round();
  assertEquals(fixture.did, [
    ["read"],
    ["fire", "s@2026-01-31T11:59:00Z", NOW],
    ["fire", "s@2026-01-31T12:00:00Z", NOW + MINUTE],
    ["read"],
  ]);
  const lasts = fixture.saved.map(({ records }) => Number(records.s?.last));
  assertEquals(lasts, [NaN, NOW, NaN]);
  assertEquals(fixture.firings[1].schedule.job, "s@2026-01-31T11:59:00Z");
});

Deno.test("Scheduler writes its copy once for all schedules that are due", async () => {
  const schedules = Array.from({ length: 100 }, (_, i) => ({ ...SCHEDULE, name: `s${i}` }));
  const fixture = new SchedulerFixture({}, { schedules });
  await fixture.round();
  assertEquals([fixture.firings.length, fixture.saved.length], [100, 3]);
  assertEquals(Object.keys(fixture.saved[1].records).length, 100);
});

Deno.test("Scheduler asks for a round when the next schedule is due, without a heartbeat", async () => {
  const later = { ...SCHEDULE, name: "b", nextMs: NOW + 2_000 };
  const paused = { ...SCHEDULE, name: "p", nextMs: NOW + 1_000, paused: true };
  const never = { ...SCHEDULE, name: "n", nextMs: null };
  const fixture = new SchedulerFixture({}, { schedules: [later, paused, never] });
  const wait = () => fixture.alarm.at - fixture.clock.now();
  await fixture.round();
  assertEquals([fixture.ids(), wait() >= 2_000 && wait() <= 2_200], [[], true], String(wait()));
  // one that fired in this round, or could not, is left to the next heartbeat
  fixture.list = { ...fixture.list, schedules: [SCHEDULE, later] };
  await fixture.round();
  assertEquals([fixture.ids().length, wait() >= 2_000 && wait() <= 2_200], [1, true], String(wait()));
});

Deno.test("Scheduler fires all others when one cannot be read or fired, and reports that once", async () => {
  const unreadable = { ...SCHEDULE, name: "a", cron: "bogus" };
  const schedules = [unreadable, { ...SCHEDULE, name: "b" }, { ...SCHEDULE, name: "c" }];
  const fixture = new SchedulerFixture({}, { schedules });
  fixture.replies.push(UNFIT, { type: "FIRED" }, UNFIT);
  await fixture.round();
  await fixture.round();
  assertEquals(fixture.ids().map((id) => id[0]), ["b", "c", "b", "c"]);
  assertEquals(fixture.errors.map((text) => text.slice(0, 20)), ["a: Cannot use schedu", "b: a key holds a str"]);
  assertEquals(fixture.alarm.at, Infinity);
  fixture.replies.push(AWAY);
  assertEquals(await fixture.round().catch((error) => error), AWAY);
});

Deno.test("Scheduler finds the newest of many missed times in few steps", async () => {
  const [first, now] = [Date.UTC(2026, 0, 1), Date.UTC(2026, 10, 30)];
  const fixture = new SchedulerFixture({ cron: "* * * 1 1 *", nextMs: first }, { nowMs: now });
  fixture.replies.push({ type: "MISSED" });
  await fixture.round();
  assertEquals(fixture.ids(), ["s@2026-01-01T23:59:59Z"]);
  assertEquals(fixture.asked < 100, true, String(fixture.asked));
});

Deno.test("Scheduler fires only the newest of several missed times", async () => {
  const cases: [cron: string, next: number, id: string][] = [
    ["* * * * *", NOW - 90 * 86_400_000, "s@2026-01-31T12:00:00Z"],
    ["* * * * * *", NOW - 90 * 86_400_000, "s@2026-01-31T12:00:00Z"],
    ["30 11 * * *", NOW - 3 * 86_400_000 - 30 * MINUTE, "s@2026-01-31T11:30:00Z"],
    ["0 0 1 1 *", Date.UTC(2020, 0, 1), "s@2026-01-01T00:00:00Z"],
    ["0 10 * * *", Date.UTC(2026, 0, 31, 10), "s@2026-01-31T10:00:00Z"],
  ];
  for (const [cron, nextMs, id] of cases) {
    const fixture = new SchedulerFixture({ cron, nextMs });
    fixture.replies.push({ type: "MISSED" });
    await fixture.round();
    assertEquals(fixture.ids(), [id], cron);
    assertEquals(fixture.firings[0].plannedId.startsWith("s@"), true);
    assertEquals(fixture.firings[0].nextMs! > NOW, true);
  }
});

Deno.test("Scheduler counts what was due before the end of a hold as missed, and fires nothing in it", async () => {
  const held = new SchedulerFixture({ nextMs: NOW - 2 * MINUTE }, { holdMs: NOW + 10_000 });
  await held.round();
  assertEquals([held.ids(), held.alarm.at - held.clock.now()], [[], 10_000]);
  const after = new SchedulerFixture({ nextMs: NOW - MINUTE }, { holdMs: NOW - 1 });
  await after.round();
  assertEquals(after.ids(), ["s@2026-01-31T12:00:00Z"]);
});

Deno.test("Scheduler fires nothing while hosts restore what Redis lost, and for one lease after", async () => {
  const fixture = new SchedulerFixture();
  fixture.gate.close("restoring");
  await fixture.round();
  fixture.gate.open("restoring");
  await fixture.clock.pass(29_000);
  await fixture.round();
  assertEquals(fixture.ids(), []);
  await fixture.clock.pass(1_001);
  await fixture.round();
  assertEquals(fixture.ids().length, 1);
});

for (
  const [what, stored, restores] of [
    ["has none", "", true],
    ["has others", "2 9", true],
    ["went back", "1 4", true],
    ["has the same", "1 5", false],
    ["has newer ones", "1 6", false],
  ] as const
) {
  Deno.test(`Scheduler ${restores ? "restores its copy" : "relies on Redis"} when Redis ${what}`, async () => {
    const kept = { mark: "1 5", records: { s: { rev: "1" }, t: { rev: "2" } } };
    const fixture = new SchedulerFixture({ nextMs: null }, { mark: stored, kept });
    await fixture.round(stored);
    const restored = [["restore", "s", 30_000], ["restore", "t", 30_000], ["read"]];
    assertEquals(fixture.did, [["read"], ...restores ? restored : []]);
  });
}

Deno.test("Scheduler cancels the last job once for a firing that waits for its end, and checks it a second later", async () => {
  const fixture = new SchedulerFixture({ overlap: "replace", job: "s@1" });
  fixture.replies.push({ type: "HELD", cancels: true }, { type: "HELD", cancels: false });
  await fixture.round();
  assertEquals(fixture.did.filter(([what]) => what === "cancel"), [["cancel", "s@1"]]);
  assertEquals(fixture.alarm.at - fixture.clock.now(), 1000);
  // a firing that waits keeps its own time, however late it is
  fixture.list = { ...fixture.list, schedules: [{ ...SCHEDULE, nextMs: NOW - 9 * MINUTE, heldMs: NOW - 9 * MINUTE }] };
  await fixture.round();
  assertEquals(fixture.ids().at(-1), "s@2026-01-31T11:51:00Z");
  assertEquals(fixture.did.filter(([what]) => what === "cancel").length, 1);
});

Deno.test("Scheduler only reads, each second, while the firings that are due can do nothing but wait", async () => {
  const fixture = new SchedulerFixture({ overlap: "queue", job: "s@1", heldMs: NOW, waits: true });
  await fixture.round();
  await fixture.round();
  assertEquals([fixture.did, fixture.saved.length, fixture.opened], [[["read"], ["read"]], 1, 0]);
  assertEquals(fixture.alarm.at - fixture.clock.now(), 1000);
  fixture.list = { ...fixture.list, schedules: [{ ...fixture.list.schedules[0], waits: false }] };
  await fixture.round();
  assertEquals(fixture.ids(), ["s@2026-01-31T12:00:00Z"]);
});

Deno.test("Scheduler stops at a schedule that another runner has fired, and goes on with the next", async () => {
  const fixture = new SchedulerFixture({}, {
    schedules: [{ ...SCHEDULE, nextMs: NOW - MINUTE }, { ...SCHEDULE, name: "t" }, {
      ...SCHEDULE,
      name: "p",
      paused: true,
    }],
  });
  fixture.replies.push({ type: "CHANGED" });
  await fixture.round();
  assertEquals(fixture.ids(), ["s@2026-01-31T11:59:00Z", "t@2026-01-31T12:00:00Z"]);
});

Deno.test("Scheduler delays a firing by its jitter at most", async () => {
  const fixture = new SchedulerFixture({ jitter: 60 });
  await fixture.round();
  const { notBeforeMs = 0 } = fixture.firings[0].submission;
  assertEquals(notBeforeMs >= NOW && notBeforeMs < NOW + 60_000, true, String(notBeforeMs));
});
