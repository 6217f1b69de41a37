import { TRUNCATED_LINE } from "../../domain/output.ts";
import { withoutEscapes } from "./escapes.ts";
import { fit } from "./text.ts";

/** Characters at the end of an output that are searched for its last line. */
const AMONG = 4_000;
/** Maximum width of the last line, columns. */
const WIDTH = 300;

/** Returns the last non-blank line of an output, safe for a terminal; empty when there is none. */
export function lastLine(output: string): string {
  const end = output.endsWith(TRUNCATED_LINE) ? output.slice(0, -TRUNCATED_LINE.length) : output;
  const lines = withoutEscapes(end.slice(-AMONG), "all").trimEnd().split("\n");
  return fit(lines.at(-1)!.trim(), WIDTH);
}
