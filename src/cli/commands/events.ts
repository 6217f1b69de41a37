import { followEvents, newestCursor } from "../../client/follow_events.ts";
import { formatTime } from "../../client/read_time.ts";
import { type EventFilter, eventsOfFitting, eventsOfJobs } from "../../client/select_events.ts";
import { EXIT } from "../../domain/exit_codes.ts";
import { PREFIX_AMONG } from "../../domain/limits.ts";
import { stateWord } from "../../domain/state_words.ts";
import type { JobStore, StoredEvent } from "../../ports/job_store.ts";
import { FILTER_ROWS } from "../../settings/selection_rows.ts";
import type { Command } from "../command.ts";
import type { Context } from "../context.ts";
import type { OptionRows } from "../../settings/option_row.ts";
import { type Choice, readChoice } from "../input/choice.ts";
import { findAllNamed } from "../input/find_named.ts";
import { stateStyle } from "../view/job_columns.ts";
import { ShortIds } from "../input/short_ids.ts";
import { timeFor } from "../view/times.ts";
import { pad, printable, styled, toJson } from "../view/text.ts";
import { untilSignal } from "../until_signal.ts";

/** Most past events: about as many as Redis keeps. */
const MAX_COUNT = 10_000;

/** Options of `runner events`. */
const EVENTS_ROWS = {
  count: {
    type: "integer",
    short: "n",
    value: "N",
    min: 0,
    max: MAX_COUNT,
    defaultText: "20, with --follow 0",
    help: "Number of past events",
  },
  follow: { type: "flag", short: "f", help: "Show new events until Ctrl-C" },
  ...FILTER_ROWS,
} as const satisfies OptionRows;

/** Number of events that are shown by default. */
const DEFAULT_COUNT = 20;

function eventJson({ ms, event, id, state, runner, instance, attempt }: StoredEvent): unknown {
  return { time: formatTime(ms), event, id, state, runner, instance, attempt };
}

/** How events are shown; `ids` shortens those of jobs, `null`: full ids. */
interface EventStyle {
  readonly color: boolean;
  readonly time: (ms: number) => string;
  readonly ids: ShortIds | null;
}

/** Formats one event as one line: events arrive one by one, so that no table can be laid out. */
function eventLine(
  { ms, event, id, state, runner, attempt }: StoredEvent,
  { color, time, ids }: EventStyle,
): string {
  const word = stateWord(state ?? "");
  const cells = [
    time(ms),
    pad(printable(event), 8),
    styled(pad(printable(word), 8), stateStyle(word), color),
    printable(ids?.of(id) ?? id),
    ...(runner === null ? [] : [`runner ${printable(runner)}`]),
    ...(attempt === null ? [] : [`attempt ${attempt}`]),
  ];
  return `${cells.join("  ")}\n`;
}

/** Returns what narrows events to those of the chosen jobs; `null`: all are wanted. */
async function narrowing(
  context: Context<typeof EVENTS_ROWS>,
  store: JobStore,
  choice: Choice | null,
): Promise<EventFilter | null> {
  if (choice === null) return null;
  if ("ids" in choice) return eventsOfJobs(await findAllNamed(context, choice.ids));
  return eventsOfFitting(store, choice.filterAt(await store.time()));
}

/** `runner events`. */
export const events: Command<typeof EVENTS_ROWS> = {
  name: "events",
  summary: "Show past events of jobs, and follow new ones",
  usage: ["[OPTIONS]", "[OPTIONS] ID..."],
  description: [
    "Redis keeps about the newest 10,000 events of a namespace: submit, promote, skipped, release, reroute, " +
    "dead_letter, start, park, unpark, input_required, input_resolved, finish, cancel, retry, reap, reassert, " +
    "schedule_fired, schedule_skipped, batch_submit, batch_cancel and batch_ended. Each has the job or batch, its " +
    "state after the event, and, where they apply, runner, instance and attempt. The state of a skipped firing is " +
    "why: missed or running.",
    "With ids, or with options that filter jobs, only the events of these jobs are shown. A job matches as it is " +
    "when its event is read; one that has left Redis matches nothing.",
    "--follow continues until Ctrl-C. Other programs can read the same events with XREAD from the stream rr:events.",
  ],
  examples: [
    { command: "runner events -n 100", does: "show the last hundred events" },
    { command: "runner events --follow --json", does: "follow all new events, as JSON" },
    { command: "runner events --follow --outcome failed", does: "follow the ends of jobs that fail" },
  ],
  rows: EVENTS_ROWS,
  needs: [{ net: true }],
  positionals: { min: 0, max: Infinity, what: "ids of jobs", completes: "jobs" },
  async run(context: Context<typeof EVENTS_ROWS>) {
    const { terminal, compose, settings, color } = context;
    const choice = readChoice(context);
    const store = await context.store();
    const narrow = await narrowing(context, store, choice);
    const isShort = terminal.isTerminal.output && !settings.json;
    const ids = isShort ? new ShortIds(await store.newest(PREFIX_AMONG)) : null;
    const style = { color, time: timeFor(terminal), ids };
    const show = async (list: readonly StoredEvent[]) => {
      const texts = list.map((event) => settings.json ? `${toJson(eventJson(event))}\n` : eventLine(event, style));
      if (texts.length > 0) await terminal.write(texts.join(""));
    };
    const count = settings.count ?? (settings.follow ? 0 : DEFAULT_COUNT);
    const some = await store.newestEvents(narrow && count > 0 ? MAX_COUNT : count);
    const cursor = some.at(-1)?.cursor ?? await newestCursor(store);
    await show(narrow && count > 0 ? (await narrow(some)).slice(-count) : some);
    if (!settings.follow) return EXIT.ok;
    const stop = untilSignal(compose);
    try {
      for await (const list of followEvents(store, cursor, { clock: compose.clock, signal: stop.signal })) {
        await show(narrow ? await narrow(list) : list);
      }
    } finally {
      stop.end();
    }
    return stop.code() ?? EXIT.ok;
  },
};
