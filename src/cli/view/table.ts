import { unicodeWidth } from "./std_cli.ts";
import { fit, pad, printable, type Style, styled } from "./text.ts";

/** A column of a table. */
export interface Column<Row> {
  readonly title: string;
  /** Returns the text of a cell; whatever it holds, it is made printable. */
  value(row: Row): string;
  readonly right?: boolean;
  /** Returns the cell for a width that it does not fit into. Without it, the cell is cut at its end. */
  fitted?(row: Row, room: number): string;
  /** Shrinks first when the terminal is narrow. */
  readonly flexible?: boolean;
  /** Dropped on a terminal where flexible columns would have to shrink for it; a higher number goes first. */
  readonly optional?: number;
  style?(row: Row): Style | null;
}

const GAP = 2;
/** Width of a flexible column for which an optional column is dropped. */
const ENOUGH = 50;

/** Returns the indexes of the columns that there is room for. */
function withoutOptional<Row>(kept: readonly number[], columns: readonly Column<Row>[], sizes: {
  readonly widths: readonly number[];
  readonly room: number;
}): number[] {
  const left = [...kept];
  const needed = () =>
    left.reduce((sum, i) => sum + GAP + Math.min(sizes.widths[i], columns[i].flexible ? ENOUGH : Infinity), -GAP);
  while (needed() > sizes.room) {
    const [first] = left.filter((i) => columns[i].optional).sort((a, b) => columns[b].optional! - columns[a].optional!);
    if (first === undefined) break;
    left.splice(left.indexOf(first), 1);
  }
  return left;
}

function shrink(widths: number[], columns: readonly { flexible?: boolean }[], room: number): void {
  const over = () => widths.reduce((sum, width) => sum + width, GAP * (widths.length - 1)) - room;
  for (const [least, all] of [[8, false], [4, true]] as const) {
    while (over() > 0) {
      let widest = -1;
      for (const [i, width] of widths.entries()) {
        const may = (all || columns[i].flexible) && width > least;
        if (may && (widest < 0 || width > widths[widest])) widest = i;
      }
      if (widest < 0) break;
      widths[widest]--;
    }
  }
}

/**
 * Formats rows as a table with titles.
 *
 * @param rows One object per line.
 * @param columns From left to right.
 * @param options `room`: width of the terminal in columns, to which the table is fitted and in which empty columns are
 * dropped; `null`: nothing is cut or dropped.
 */
export function table<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  options: { readonly room: number | null; readonly color: boolean },
): string {
  const cells = rows.map((row) => columns.map((column) => printable(column.value(row))));
  const filled = columns.map((_, i) => i).filter((i) => options.room === null || cells.some((line) => line[i] !== ""));
  const wanted = columns.map(({ title }, i) =>
    cells.reduce((width, line) => Math.max(width, unicodeWidth(line[i])), unicodeWidth(title))
  );
  const kept = options.room === null
    ? filled
    : withoutOptional(filled, columns, { widths: wanted, room: options.room });
  const widths = kept.map((i) => wanted[i]);
  if (options.room !== null) shrink(widths, kept.map((i) => columns[i]), options.room);
  const line = (texts: readonly string[], style: (i: number) => Style | null, row?: Row) =>
    kept.map((i, at) => {
      const isCut = options.room !== null && unicodeWidth(texts[i]) > widths[at];
      const own = isCut && row !== undefined ? columns[i].fitted?.(row, widths[at]) : undefined;
      const text = isCut ? fit(own ?? texts[i], widths[at]) : texts[i];
      // blanks at the end of a line would wrap on a narrow terminal
      const padded = at === kept.length - 1 && !columns[i].right ? text : pad(text, widths[at], columns[i].right);
      return styled(padded, style(i), options.color);
    }).join(" ".repeat(GAP)).trimEnd();
  const head = line(columns.map((column) => column.title), () => "bold");
  const body = rows.map((row, at) => line(cells[at], (i) => columns[i].style?.(row) ?? null, row));
  return [head, ...body].map((text) => `${text}\n`).join("");
}
