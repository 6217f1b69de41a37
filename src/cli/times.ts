import { formatLocalTime, formatTime } from "../app/read_time.ts";
import type { Terminal } from "../ports/terminal.ts";

/** How points in time are written: for a person at a terminal in local time, for everything else in UTC. */
export function timeFor({ isTerminal }: Terminal): (ms: number) => string {
  return isTerminal.output ? formatLocalTime : formatTime;
}
