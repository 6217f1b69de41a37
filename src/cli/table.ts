import { unicodeWidth } from "./args.ts";
import { fit, pad, printable, type Style, styled } from "./text.ts";

/** A column of a table. */
export interface Column<Row> {
  readonly title: string;
  /** Text of a cell; whatever it holds, it is made printable. */
  value(row: Row): string;
  readonly right?: boolean;
  /** Gives way first when the terminal is narrow. */
  readonly flexible?: boolean;
  style?(row: Row): Style | null;
}

const GAP = 2;

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
 * Lays out rows below titles.
 *
 * @param rows One object a line.
 * @param columns From left to right.
 * @param options `room`: columns of the terminal, to which the table is fitted and in which empty columns are left out;
 * `null`: nothing is cut or left out.
 */
export function table<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  options: { readonly room: number | null; readonly color: boolean },
): string {
  const cells = rows.map((row) => columns.map((column) => printable(column.value(row))));
  const kept = columns.map((_, i) => i).filter((i) => options.room === null || cells.some((line) => line[i] !== ""));
  const widths = kept.map((i) => Math.max(...[columns[i].title, ...cells.map((line) => line[i])].map(unicodeWidth)));
  if (options.room !== null) shrink(widths, kept.map((i) => columns[i]), options.room);
  const line = (texts: readonly string[], style: (i: number) => Style | null) =>
    kept.map((i, at) => {
      const text = options.room === null ? texts[i] : fit(texts[i], widths[at]);
      // blanks at the end of a line would wrap on a narrow terminal
      const padded = at === kept.length - 1 && !columns[i].right ? text : pad(text, widths[at], columns[i].right);
      return styled(padded, style(i), options.color);
    }).join(" ".repeat(GAP)).trimEnd();
  const head = line(columns.map((column) => column.title), () => "bold");
  const body = rows.map((row, at) => line(cells[at], (i) => columns[i].style?.(row) ?? null));
  return [head, ...body].map((text) => `${text}\n`).join("");
}
