import { InvalidInputError } from "./errors.ts";

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
  const value = /"((?:[^"]|"")*)"|([^",\r\n]*)/y;
  while (at < text.length) {
    value.lastIndex = at;
    const [whole, quoted, plain] = value.exec(text) ?? [""];
    const end = at + whole.length;
    const after = /,|\r?\n|$/y;
    after.lastIndex = end;
    const separator = after.exec(text)?.[0];
    if (separator === undefined) {
      throw new InvalidInputError(`${cannot}: a double quote in line ${rows.length + 1} is not closed or not doubled`);
    }
    row.push(quoted?.replaceAll('""', '"') ?? plain ?? "");
    at = end + separator.length;
    if (separator === "," && at < text.length) continue;
    if (separator === ",") row.push("");
    if (row.length > 1 || row[0] !== "") rows.push(row);
    row = [];
  }
  const odd = rows.findIndex(({ length }) => length !== rows[0].length);
  if (odd < 0) return rows;
  throw new InvalidInputError(
    `${cannot}: line ${odd + 1} has ${rows[odd].length} values, and the first one has ${rows[0].length}`,
  );
}

/** Writes a line of comma-separated values. */
export function csvLine(values: readonly string[]): string {
  return `${values.map((value) => /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value).join(",")}\r\n`;
}
