import { InvalidInputError } from "./errors.ts";

const SEPARATOR = /,|\r\n|\r|\n|$/y;
const END = /[",\r\n]|$/g;

/** Returns where the value ends that begins at `at`. No expression reads a quoted one: a long one exceeds the stack. */
function endOfValue(text: string, at: number): number {
  if (text[at] !== '"') {
    END.lastIndex = at;
    return END.exec(text)!.index;
  }
  for (let quote = text.indexOf('"', at + 1); quote >= 0; quote = text.indexOf('"', quote + 2)) {
    if (text[quote + 1] !== '"') return quote + 1;
  }
  return at;
}

/**
 * Reads comma-separated values, RFC 4180: a value in double quotes may hold commas, line ends and doubled quotes. Empty
 * lines are skipped.
 *
 * @param cannot Start of the message, such as `Cannot submit file "a.csv"`.
 * @throws {InvalidInputError} A quote is not closed, or a line has another number of values than the first one.
 */
export function readCsv(text: string, cannot: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let at = text.startsWith("\ufeff") ? 1 : 0;
  let line = 1;
  const refuse = (reason: string): never => {
    throw new InvalidInputError(`${cannot}: ${reason}`);
  };
  while (at < text.length) {
    const end = endOfValue(text, at);
    const whole = text.slice(at, end);
    SEPARATOR.lastIndex = end;
    const separator = SEPARATOR.exec(text)?.[0];
    if (separator === undefined) return refuse(`a double quote in line ${line} is not closed or not doubled`);
    row.push(whole.startsWith('"') ? whole.slice(1, -1).replaceAll('""', '"') : whole);
    at = end + separator.length;
    if (separator === "," && at < text.length) continue;
    if (separator === ",") row.push("");
    const isEmpty = row.length === 1 && whole === "";
    if (!isEmpty && row.length !== (rows[0] ?? row).length) {
      return refuse(`line ${line} has ${row.length} values, and the first one has ${rows[0].length}`);
    }
    if (!isEmpty) rows.push(row);
    row = [];
    line++;
  }
  return rows;
}

/** Writes a line of comma-separated values. */
export function csvLine(values: readonly string[]): string {
  return `${values.map((value) => /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value).join(",")}\r\n`;
}
