import { formatLocalTime, formatTime } from "../../client/read_time.ts";
import type { Terminal } from "../../ports/terminal.ts";

/** Returns the format for points in time: local time for a person at a terminal, UTC for everything else. */
export function timeFor({ isTerminal }: Terminal): (ms: number) => string {
  return isTerminal.output ? formatLocalTime : formatTime;
}
