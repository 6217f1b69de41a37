import {
  addSchedule,
  checkSchedule,
  findSchedule,
  listSchedules,
  pauseSchedule,
  removeSchedule,
  resumeSchedule,
  runSchedule,
  type ScheduleDraft,
} from "../../src/client/schedules.ts";
import { nextTimes } from "../../src/client/next_times.ts";
import { InvalidInputError } from "../../src/domain/errors.ts";
import { systemCalendar } from "../../src/system/calendar.ts";
import { anInstance, FakeStore } from "../cli/fake_store.ts";
import { assertEquals, assertRejects, assertThrows } from "../support/assert.ts";

const DRAFT: ScheduleDraft = {
  ...{ name: "backup", cron: "0 3 * * *", tz: "UTC", overlap: "skip", catchUp: 0, jitter: 0 },
  submission: { payload: "true", runner: "build", executor: "tmux.main" },
};
const THREE = Date.UTC(2026, 1, 1, 3);

Deno.test("checkSchedule() refuses what could never fire or run", () => {
  const check = (more: Partial<ScheduleDraft>) => checkSchedule({ ...DRAFT, ...more }, systemCalendar, () => {});
  check({});
  const cases: [Partial<ScheduleDraft>, string][] = [
    [{ name: "a b" }, 'Cannot use schedule "a b": a name has up to 100 letters'],
    [{ name: "" }, 'Cannot use schedule ""'],
    [{ name: "a".repeat(101) }, "a name has up to 100"],
    [{ overlap: "both" as "skip" }, 'Cannot add schedule "backup": its overlap is one of skip, queue, replace'],
    [{ catchUp: -1 }, "its catch-up must be between 0 and 366d"],
    [{ jitter: 367 * 86_400 }, "its jitter must be between 0 and 366d"],
    [{ submission: { ...DRAFT.submission, id: "x" } }, "its job must not have id"],
    [{ submission: { ...DRAFT.submission, after: "x" } }, "its job must not have after"],
    [{ submission: { ...DRAFT.submission, afterEnd: ["x"] } }, "its job must not have afterEnd"],
    [{ submission: { ...DRAFT.submission, notBeforeMs: 1 } }, "its job must not have notBeforeMs"],
    [{ submission: { ...DRAFT.submission, payload: " " } }, "its payload is empty"],
    [{ cron: "x" }, "it has neither five nor six fields"],
    [{ tz: "x" }, 'Cannot use time zone "x"'],
  ];
  for (const [more, says] of cases) assertThrows(() => check(more), InvalidInputError, says);
});

Deno.test("addSchedule() plans the next time by Redis' clock, and refuses an expression that never fires", async () => {
  const store = new FakeStore();
  assertEquals(await addSchedule(store, DRAFT, systemCalendar), { nextMs: THREE, paused: false });
  const schedule = await findSchedule(store, "backup");
  assertEquals([schedule.sinceMs, schedule.nextMs], [store.nowMs, THREE]);
  await assertRejects(
    () => addSchedule(store, { ...DRAFT, cron: "0 0 30 2 *" }, systemCalendar),
    InvalidInputError,
    'Cannot add schedule "backup": "0 0 30 2 *" never fires from now on',
  );
});

Deno.test("listSchedules() returns how the last job ended, and whether a runner serves its queue", async () => {
  const store = new FakeStore();
  await addSchedule(store, DRAFT, systemCalendar);
  const [first] = await listSchedules(store);
  assertEquals([first.outcome, first.isServed], [null, false]);
  store.instanceList = [anInstance({ runner: "build" }), anInstance({ runner: "other" })];
  store.schedules.change("backup", { job: "backup@1", lastMs: 1 });
  assertEquals((await listSchedules(store))[0].outcome, null);
  store.put("backup@1", { status: "error", error: "exited with code 3" });
  const [last] = await listSchedules(store);
  assertEquals([last.outcome, last.isServed], [{ status: "error", error: "exited with code 3" }, true]);
  store.instanceList = [anInstance({ runner: "build", alive: false })];
  assertEquals((await listSchedules(store))[0].isServed, false);
});

Deno.test("a pause ends with the next time from then on, and a schedule that is not paused keeps its own", async () => {
  const store = new FakeStore();
  await addSchedule(store, DRAFT, systemCalendar);
  store.nowMs += 86_400_000;
  assertEquals(await resumeSchedule(store, "backup", systemCalendar), THREE);
  await pauseSchedule(store, "backup");
  assertEquals((await findSchedule(store, "backup")).paused, true);
  assertEquals(await resumeSchedule(store, "backup", systemCalendar), THREE + 86_400_000);
});

Deno.test("a schedule that is replaced while it is resumed goes on with its new times", async () => {
  const store = new FakeStore();
  await addSchedule(store, DRAFT, systemCalendar);
  await pauseSchedule(store, "backup");
  store.schedules.onResume = () => {
    store.schedules.onResume = () => {};
    store.schedules.change("backup", { cron: "0 4 * * *", revision: "2" });
  };
  assertEquals(await resumeSchedule(store, "backup", systemCalendar), THREE + 3_600_000);
});

Deno.test("a manual run is a job of its own, also twice in one second and of a paused schedule", async () => {
  const store = new FakeStore();
  await addSchedule(store, { ...DRAFT, submission: { ...DRAFT.submission, title: "t" } }, systemCalendar);
  await pauseSchedule(store, "backup");
  const ids = [await runSchedule(store, "backup"), await runSchedule(store, "backup")];
  assertEquals(ids, ["backup@2026-01-31T12:00:00Z.manual-1", "backup@2026-01-31T12:00:00Z.manual-2"]);
  assertEquals(store.submitted.map(({ id, title }) => [id, title]), ids.map((id) => [id, "t"]));
});

Deno.test("removeSchedule() keeps the last firing as long as a job is kept", async () => {
  const store = new FakeStore();
  for (const keep of [undefined, 60, 0, 1e15, "x" as never]) {
    await addSchedule(store, { ...DRAFT, submission: { ...DRAFT.submission, keep } }, systemCalendar);
    await removeSchedule(store, "backup");
  }
  // one of another form is in no list
  store.schedules.read = () => Promise.resolve({ mark: "", records: {}, nowMs: 0, holdMs: 0, schedules: [] });
  await store.schedules.scheduleAdd("backup", { ...DRAFT, sinceMs: 0 }, THREE);
  await removeSchedule(store, "backup");
  assertEquals(store.schedules.removed.map(([, keepMs]) => keepMs), [7 * 86_400_000, 60_000, 0, 0, 0, 7 * 86_400_000]);
});

Deno.test("a schedule that is not there is refused", async () => {
  const store = new FakeStore();
  const says = 'schedule "none": there is none of this name; runner schedule list shows all';
  const calls: (() => Promise<unknown>)[] = [
    () => findSchedule(store, "none"),
    () => pauseSchedule(store, "none"),
    () => resumeSchedule(store, "none", systemCalendar),
    () => runSchedule(store, "none"),
    () => removeSchedule(store, "none"),
  ];
  for (const call of calls) await assertRejects(call, InvalidInputError, says);
});

Deno.test("nextTimes() returns as many times as there are", () => {
  const timetable = { cron: "@daily", tz: "UTC", sinceMs: 0 };
  assertEquals(nextTimes(systemCalendar, timetable, { afterMs: 0, count: 2 }), [86_400_000, 2 * 86_400_000]);
  assertEquals(nextTimes(systemCalendar, { ...timetable, cron: "0 0 30 2 *" }, { afterMs: 0, count: 2 }), []);
});
