import { holdersText, isOfQueue } from "../../client/limits.ts";
import type { StoredLimit } from "../../ports/limits.ts";
import { type Column, table } from "./table.ts";

function waitingText({ parked, waiting }: StoredLimit): string {
  const [next] = waiting;
  if (parked === 0 || next === undefined) return "";
  return parked === 1 ? JSON.stringify(next.id) : `${JSON.stringify(next.id)} and ${parked - 1} more`;
}

const COLUMNS: readonly Column<StoredLimit>[] = [
  { title: "LIMIT", value: ({ key }) => key },
  { title: "N", value: ({ key, n, isSet }) => isSet || key.includes(":") ? String(n) : `${n} (default)`, right: true },
  {
    title: "HELD",
    value: ({ held }) => String(held),
    right: true,
    style: ({ held, n }) => held >= n ? "yellow" : null,
  },
  {
    title: "BY",
    value: (limit) => isOfQueue(limit) ? "jobs of that queue" : holdersText(limit.holders, limit.held),
    flexible: true,
  },
  { title: "WAITING", value: waitingText, flexible: true },
];

/** Formats limits as a table. */
export function showLimits(limits: readonly StoredLimit[], style: { room: number | null; color: boolean }): string {
  return table(limits, COLUMNS, style);
}

/** Returns a limit for JSON. */
export function limitJson({ key, n, isSet, held, holders, parked, waiting }: StoredLimit): Record<string, unknown> {
  return { key, n, set: isSet, held, holders, parked, waiting };
}
