import { formatTime } from "../../client/read_time.ts";
import { type Percentiles, readStatistics, type Statistics } from "../../client/statistics.ts";
import { formatDuration } from "../../domain/duration.ts";
import { EXIT } from "../../domain/exit_codes.ts";
import type { OptionRows } from "../../settings/option_row.ts";
import type { Command } from "../command.ts";
import type { Context } from "../context.ts";
import { type Column, table } from "../view/table.ts";
import { toJson } from "../view/text.ts";
import { timeFor } from "../view/times.ts";

const STATS_ROWS = {
  since: { type: "duration", value: "D", default: 86_400, help: "Only jobs created within this time" },
} as const satisfies OptionRows;

function statisticsJson({ hourMs, finished, failed, waiting, running }: Statistics): Record<string, unknown> {
  return {
    hour: hourMs === null ? null : formatTime(hourMs),
    finished,
    failed,
    waiting_seconds: waiting,
    running_seconds: running,
  };
}

/** Columns of the table; `time` formats the start of an hour. */
function columnsOf(time: (ms: number) => string): Column<Statistics>[] {
  const seconds = (values: Percentiles | null, which: keyof Percentiles) =>
    values === null ? "" : formatDuration(values[which]);
  return [
    { title: "HOUR", value: ({ hourMs }) => hourMs === null ? "all" : time(hourMs) },
    { title: "FINISHED", right: true, value: ({ finished }) => String(finished) },
    {
      title: "FAILED",
      right: true,
      value: ({ failed }) => String(failed),
      style: ({ failed }) => failed > 0 ? "red" : null,
    },
    { title: "WAITED P50", right: true, value: ({ waiting }) => seconds(waiting, "p50") },
    { title: "P95", right: true, value: ({ waiting }) => seconds(waiting, "p95") },
    { title: "RAN P50", right: true, value: ({ running }) => seconds(running, "p50") },
    { title: "P95", right: true, value: ({ running }) => seconds(running, "p95") },
  ];
}

/** `runner stats`. */
export const stats: Command<typeof STATS_ROWS> = {
  name: "stats",
  summary: "Show how long jobs of a queue wait and run",
  usage: ["[OPTIONS]"],
  description: [
    "Of the jobs of the queue --name that have ended and are still in Redis: how many finished and how many failed, " +
    "and the times that half of them, and that 95 of 100, did not exceed, from submission to start and from start to " +
    "end; altogether, then by the hour in which they ended.",
  ],
  examples: [
    { command: "runner stats -n build --since 7d", does: "show the last week of the queue build" },
    { command: "runner stats --json", does: "the same of the last day as JSON, one object per hour" },
  ],
  rows: STATS_ROWS,
  needs: [{ net: true }],
  positionals: { min: 0, max: 0, what: "no arguments" },
  async run({ terminal, settings, color, store: open }: Context<typeof STATS_ROWS>) {
    const store = await open();
    const sinceMs = await store.time() - settings.since * 1000;
    const rows = await readStatistics(store, { runner: settings.name, sinceMs });
    if (settings.json) await terminal.write(rows.map((row) => `${toJson(statisticsJson(row))}\n`).join(""));
    else await terminal.write(table(rows, columnsOf(timeFor(terminal)), { room: terminal.columns(), color }));
    return EXIT.ok;
  },
};
