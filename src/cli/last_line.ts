import { TRUNCATED_LINE } from "../domain/output.ts";
import { withoutEscapes } from "./escapes.ts";
import { fit } from "./text.ts";

/** Characters at the end of an output in which its last line is looked for, and columns of it that are shown. */
const AMONG = 4_000, WIDTH = 300;

/** The last line of an output that has something on it, fit for a terminal; empty when there is none. */
export function lastLine(output: string): string {
  const end = output.endsWith(TRUNCATED_LINE) ? output.slice(0, -TRUNCATED_LINE.length) : output;
  const lines = withoutEscapes(end.slice(-AMONG), "all").trimEnd().split("\n");
  return fit(lines.at(-1)!.trim(), WIDTH);
}
