import { followEvents, newestCursor } from "../../client/follow_events.ts";
import { formatTime } from "../../client/read_time.ts";
import { EXIT } from "../../domain/exit_codes.ts";
import { PREFIX_AMONG } from "../../domain/limits.ts";
import { stateWord } from "../../domain/state_words.ts";
import type { StoredEvent } from "../../ports/job_store.ts";
import type { Command } from "../command.ts";
import type { Context } from "../context.ts";
import type { OptionRows } from "../../settings/option_row.ts";
import { stateStyle } from "../view/job_columns.ts";
import { ShortIds } from "../input/short_ids.ts";
import { timeFor } from "../view/times.ts";
import { pad, printable, styled, toJson } from "../view/text.ts";
import { untilSignal } from "../until_signal.ts";

/** Options of `runner events`. */
const EVENTS_ROWS = {
  count: {
    type: "integer",
    short: "n",
    value: "N",
    min: 0,
    max: 10_000,
    defaultText: "20, with --follow 0",
    help: "Number of past events",
  },
  follow: { type: "flag", short: "f", help: "Show new events until Ctrl-C" },
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

/** `runner events`. */
export const events: Command<typeof EVENTS_ROWS> = {
  name: "events",
  summary: "Show past events of jobs, and follow new ones",
  usage: ["[OPTIONS]"],
  description: [
    "Redis keeps about the newest 10,000 events of a namespace: submit, promote, skipped, release, reroute, " +
    "dead_letter, start, input_required, input_resolved, finish, cancel, retry, reap and reassert. Each has the job, its state " +
    "after the event, and, where they apply, runner, instance and attempt.",
    "--follow continues until Ctrl-C. Other programs can read the same events with XREAD from the stream rr:events.",
  ],
  examples: [
    { command: "runner events -n 100", does: "show the last hundred events" },
    { command: "runner events --follow --json", does: "follow all new events, as JSON" },
  ],
  rows: EVENTS_ROWS,
  needs: [{ net: true }],
  positionals: { min: 0, max: 0, what: "no arguments" },
  async run(context: Context<typeof EVENTS_ROWS>) {
    const { terminal, compose, settings, color } = context;
    const store = await context.store();
    const isShort = terminal.isTerminal.output && !settings.json;
    const ids = isShort ? new ShortIds(await store.newest(PREFIX_AMONG)) : null;
    const style = { color, time: timeFor(terminal), ids };
    const show = async (list: readonly StoredEvent[]) => {
      const texts = list.map((event) => settings.json ? `${toJson(eventJson(event))}\n` : eventLine(event, style));
      if (texts.length > 0) await terminal.write(texts.join(""));
    };
    const some = await store.newestEvents(settings.count ?? (settings.follow ? 0 : DEFAULT_COUNT));
    const cursor = some.at(-1)?.cursor ?? await newestCursor(store);
    await show(some);
    if (!settings.follow) return EXIT.ok;
    const stop = untilSignal(compose);
    try {
      for await (const list of followEvents(store, cursor, { clock: compose.clock, signal: stop.signal })) {
        await show(list);
      }
    } finally {
      stop.end();
    }
    return stop.code() ?? EXIT.ok;
  },
};
