import type { ScheduleDraft } from "../../client/schedules.ts";
import { InvalidInputError } from "../../domain/errors.ts";
import { EXIT } from "../../domain/exit_codes.ts";
import type { Command } from "../command.ts";
import type { Context } from "../context.ts";
import { hintAtRunner } from "../hint_runner.ts";
import { JOB_ROWS } from "../input/job_rows.ts";
import { choosePayload, readPayload } from "../input/payload.ts";
import { readSubmissionOptions } from "../input/submission_options.ts";
import { flagOf, type OptionRows } from "../../settings/option_row.ts";
import { scheduleJson, type ScheduleStyle, showSchedule, showSchedules } from "../view/schedules.ts";
import { timeJson } from "../view/job_json.ts";
import { printable, toJson } from "../view/text.ts";
import { timeFor } from "../view/times.ts";

/** Number of times that `next` shows. */
const NEXT_COUNT = 5;

/** Options that are for `add` alone. */
const ADD_ROWS = {
  overlap: {
    type: "choice",
    choices: ["skip", "queue", "replace"],
    value: "WHAT",
    default: "skip",
    help: "A firing while the last job has not ended: make no job, wait for its end (one at most), or cancel it first",
  },
  catchUp: {
    type: "duration",
    value: "D",
    default: 0,
    defaultText: "never",
    help: "Make up the newest firing that no runner was there for, if younger than this",
  },
  jitter: {
    type: "duration",
    value: "D",
    default: 0,
    defaultText: "none",
    help: "Delay each start at random, by this time at most",
  },
  ...JOB_ROWS,
} as const satisfies OptionRows;

const SCHEDULE_ROWS = {
  tz: {
    type: "string",
    value: "ZONE",
    default: "UTC",
    help: "Time zone of the expression, such as Europe/Berlin",
  },
  count: { type: "integer", value: "N", min: 1, max: 1_000, default: NEXT_COUNT, help: "next: how many times to show" },
  ...ADD_ROWS,
} as const satisfies OptionRows;

type ScheduleContext = Context<typeof SCHEDULE_ROWS>;
type Schedules = typeof import("../../client/schedules.ts");

/** An action of `runner schedule`; it gets the arguments after its word. */
interface Action {
  /** What it needs, in words, and how many arguments that are. */
  readonly what: string;
  readonly count: readonly [min: number, max: number];
  /** Options that it has besides the global ones. */
  readonly options: readonly string[];
  run(context: ScheduleContext, args: readonly string[], schedules: Schedules): Promise<number>;
}

async function readDraft(context: ScheduleContext, [name, cron, ...texts]: readonly string[]): Promise<ScheduleDraft> {
  const { settings, compose, rest } = context;
  const source = choosePayload({ positionals: texts, rest, script: settings.script });
  const none = { id: undefined, in: undefined, at: undefined, after: [], afterEnd: [] };
  const { submission } = await readSubmissionOptions({ ...settings, ...none }, compose.environment);
  const payload = await readPayload(source, compose);
  const { tz, overlap, catchUp, jitter } = settings;
  return { name, cron, tz, overlap, catchUp, jitter, submission: { ...submission, payload } };
}

async function add(context: ScheduleContext, args: readonly string[], schedules: Schedules): Promise<number> {
  const { settings, compose, terminal } = context;
  const [draft, calendar] = await Promise.all([readDraft(context, args), compose.openCalendar()]);
  schedules.checkSchedule(draft, calendar, compose.checkExecutor);
  const store = await context.store();
  const { nextMs, paused } = await schedules.addSchedule(store, draft, calendar);
  const { name } = draft;
  if (settings.json) await terminal.write(`${toJson({ name, next: timeJson(nextMs), paused })}\n`);
  else {
    const next = paused
      ? `is replaced and still paused; runner schedule resume ${name} ends that`
      : `fires next at ${timeFor(terminal)(nextMs)}`;
    await terminal.say(`schedule ${name}: ${next}\n`);
  }
  await hintAtRunner(context, store, [draft.submission.runner]);
  return EXIT.ok;
}

function styleOf({ terminal, color }: ScheduleContext): ScheduleStyle {
  return { time: timeFor(terminal), room: terminal.columns(), color };
}

async function list(context: ScheduleContext, _args: readonly string[], schedules: Schedules): Promise<number> {
  const { settings, terminal } = context;
  const found = await schedules.listSchedules(await context.store());
  if (settings.json) { for (const view of found) await terminal.write(`${toJson(scheduleJson(view))}\n`); }
  else if (found.length > 0) await terminal.write(showSchedules(found, styleOf(context)));
  else await terminal.say("runner: there are no schedules\n");
  return EXIT.ok;
}

async function show(context: ScheduleContext, [name]: readonly string[], schedules: Schedules): Promise<number> {
  const store = await context.store();
  await schedules.findSchedule(store, name); // refuses a name that is not there
  for (const view of await schedules.listSchedules(store)) {
    if (view.schedule.name !== name) continue;
    const text = context.settings.json ? `${toJson(scheduleJson(view))}\n` : showSchedule(view, styleOf(context));
    await context.terminal.write(text);
  }
  return EXIT.ok;
}

async function next(context: ScheduleContext, [what]: readonly string[], schedules: Schedules): Promise<number> {
  const { settings, terminal, compose, origins } = context;
  const [store, calendar, { nextTimes }] = await Promise.all([
    context.store(),
    compose.openCalendar(),
    import("../../client/next_times.ts"),
  ]);
  const afterMs = await store.time();
  const isExpression = /^@|\s/.test(what);
  if (!isExpression && origins.tz.startsWith("flag")) {
    throw new InvalidInputError("Cannot use --tz with the name of a schedule: it has a time zone of its own");
  }
  const timetable = isExpression
    ? { cron: what, tz: settings.tz, sinceMs: afterMs }
    : await schedules.findSchedule(store, what);
  const times = nextTimes(calendar, timetable, { afterMs, count: settings.count });
  if (times.length === 0) {
    await terminal.say(`runner: ${printable(JSON.stringify(timetable.cron))} never fires from now on\n`);
  }
  for (const time of times) {
    await terminal.write(settings.json ? `${toJson({ time: timeJson(time) })}\n` : `${timeFor(terminal)(time)}\n`);
  }
  return EXIT.ok;
}

/** Reports what was done to a schedule. */
async function done({ settings, terminal }: ScheduleContext, name: string, says: {
  readonly json: Record<string, unknown>;
  readonly text: string;
}): Promise<number> {
  if (settings.json) await terminal.write(`${toJson({ name, ...says.json })}\n`);
  else await terminal.say(`schedule ${printable(name)}: ${says.text}\n`);
  return EXIT.ok;
}

const ACTIONS: Readonly<Record<string, Action>> = {
  add: {
    what: "a name, a cron expression and the job",
    count: [2, 3],
    options: ["tz", ...Object.keys(ADD_ROWS)],
    run: add,
  },
  list: { what: "no arguments", count: [0, 0], options: [], run: list },
  show: { what: "a name", count: [1, 1], options: [], run: show },
  next: { what: "a name or a cron expression", count: [1, 1], options: ["tz", "count"], run: next },
  pause: {
    what: "a name",
    count: [1, 1],
    options: [],
    async run(context, [name], { pauseSchedule }) {
      await pauseSchedule(await context.store(), name);
      return await done(context, name, { json: { paused: true }, text: "paused; jobs that it made go on" });
    },
  },
  resume: {
    what: "a name",
    count: [1, 1],
    options: [],
    async run(context, [name], { resumeSchedule }) {
      const nextMs = await resumeSchedule(await context.store(), name, await context.compose.openCalendar());
      const text = nextMs === null ? "never fires again" : `fires next at ${timeFor(context.terminal)(nextMs)}`;
      return await done(context, name, { json: { paused: false, next: timeJson(nextMs) }, text });
    },
  },
  run: {
    what: "a name",
    count: [1, 1],
    options: [],
    async run(context, [name], { runSchedule }) {
      const id = await runSchedule(await context.store(), name);
      await context.terminal.write(context.settings.json ? `${toJson({ name, id })}\n` : `${id}\n`);
      return EXIT.ok;
    },
  },
  remove: {
    what: "a name",
    count: [1, 1],
    options: [],
    async run(context, [name], { removeSchedule }) {
      await removeSchedule(await context.store(), name);
      return await done(context, name, { json: { removed: true }, text: "removed; jobs that it made stay" });
    },
  },
};

/** Finds the action, and refuses arguments and options that are not its own. */
function actionOf({ positionals: [word, ...args], rest, origins }: ScheduleContext): Action {
  if (!Object.hasOwn(ACTIONS, word)) {
    throw new InvalidInputError(
      `Cannot do ${JSON.stringify(word)} with schedules: there are ${Object.keys(ACTIONS).join(", ")}`,
    );
  }
  const action = ACTIONS[word];
  const [min, max] = action.count;
  if (args.length < min || args.length > max || rest !== null && word !== "add") {
    throw new InvalidInputError(
      `Cannot run runner schedule ${word}: it needs ${action.what}; quote an expression and shell text as one each`,
    );
  }
  const other = Object.keys(SCHEDULE_ROWS).find((key) =>
    origins[key].startsWith("flag") && !action.options.includes(key)
  );
  if (other !== undefined) {
    const owners = Object.keys(ACTIONS).filter((name) => ACTIONS[name].options.includes(other));
    throw new InvalidInputError(
      `Cannot use ${flagOf(other)} with runner schedule ${word}: it is for ${owners.join(" and ")}`,
    );
  }
  return action;
}

/** `runner schedule`. */
export const schedule: Command<typeof SCHEDULE_ROWS> = {
  name: "schedule",
  summary: "Submit a job again and again, at the times of a cron expression",
  usage: [
    "add [OPTIONS] NAME 'CRON' 'SHELL TEXT'",
    "add [OPTIONS] NAME 'CRON' -- COMMAND [ARGUMENT]...",
    "list",
    "show NAME",
    "next NAME|'CRON'",
    "pause NAME",
    "resume NAME",
    "run NAME",
    "remove NAME",
  ],
  description: [
    "A schedule is stored in Redis, and any live runner of the namespace fires it, whatever queue its jobs are for. " +
    "CRON has five fields, or six with seconds first, or is a word such as @daily, or @every 90s, which counts from " +
    "the time of add. Times are those of Redis' clock. add over a name replaces that schedule.",
    "The job of a firing has the id NAME@TIME, such as backup@2026-01-31T03:00:00Z, so that a firing happens once. " +
    "run makes one more job now, NAME@TIME.manual-1, whatever --overlap says.",
    "Where clocks go forward over the time of an expression with one hour and minute, such as '30 2 * * *', it fires " +
    "at the end of the gap; where they go back, at the first of the two times. An expression with several hours or " +
    "minutes, such as '30 2,14 * * *', skips what is in the gap, and fires at both times.",
    "A firing is missed when no runner lived within two leases, a minute. Missed firings are not made up, unless " +
    "--catch-up is set: then the newest one is, under its own time. Every runner keeps a copy of all schedules, and " +
    "restores them when Redis lost its data; nothing fires for one lease then. Without any such host they are lost.",
  ],
  examples: [
    {
      command:
        `runner schedule add backup '0 3 * * *' --tz Europe/Berlin --timeout 2h 'tar -czf /backup/home.tgz /home'`,
      does: "make a backup every night at three",
    },
    { command: "runner schedule add poll '@every 90s' --overlap replace -- curl -s http://example.com", does: "poll" },
    { command: "runner schedule list", does: "show when each fires, and how the last job ended" },
    { command: "runner schedule next '0 3 * * 1-5' --tz Europe/Berlin", does: "show the next times of an expression" },
  ],
  rows: SCHEDULE_ROWS,
  needs: [
    { net: true },
    { of: ["schedule add --script", "schedule add --env-file"], net: true, read: "that file" },
  ],
  positionals: {
    min: 1,
    max: 4,
    what: `one of ${Object.keys(ACTIONS).join(", ")}`,
    words: Object.keys(ACTIONS),
    completes: "schedules",
  },
  acceptsRest: true,
  async run(context) {
    const action = actionOf(context);
    return await action.run(context, context.positionals.slice(1), await import("../../client/schedules.ts"));
  },
};
