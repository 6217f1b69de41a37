import { median, OURS, type Row } from "./harness.ts";

/** Three digits that say something, or a whole number. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return "-";
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en");
  return String(Number(value.toPrecision(3)));
}

/**
 * Ours by theirs, round by round, so that what the machine did meanwhile hit both: the median, above 1 when ours is
 * better.
 */
export function ratio(ours: Row, theirs: Row): number {
  const pairs = ours.values.flatMap((value, i) => i < theirs.values.length ? [[value, theirs.values[i]]] : []);
  return median(pairs.map(([mine, other]) => ours.better === "more" ? mine / other : other / mine));
}

/** Lines for people: what, who, the median, the smallest and the largest value, and how many times better ours is. */
export function table(name: string, rows: readonly Row[]): string {
  const lines = [[name, "who", "median", "min", "max", "unit", "ours is better by"]];
  const kinds = [...new Set(rows.map(({ what }) => what))];
  for (const what of kinds) {
    const same = rows.filter((row) => row.what === what);
    const ours = same.find(({ who }) => who === OURS);
    for (const row of same) {
      const values = [median(row.values), Math.min(...row.values), Math.max(...row.values)].map(figure);
      const by = ours && row !== ours ? `${figure(ratio(ours, row))} x` : "";
      lines.push([what, row.who, ...values, row.unit, by]);
    }
  }
  const widths = lines[0].map((_, i) => Math.max(...lines.map((line) => line[i].length)));
  const right = (i: number) => i >= 2 && i <= 4;
  return lines.map((line) =>
    line.map((cell, i) => right(i) ? cell.padStart(widths[i]) : cell.padEnd(widths[i])).join("  ").trimEnd()
  ).join("\n") + "\n";
}
