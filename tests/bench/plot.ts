import { median, OURS, type Row } from "./harness.ts";
import { figure } from "./table.ts";

const [WIDTH, LINE, LABEL, BAR] = [960, 18, 420, 400];

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

function text(x: number, y: number, words: string, more = ""): string {
  return `<text x="${x}" y="${y}"${more}>${escape(words)}</text>`;
}

/**
 * A plot of the medians as SVG: a group of bars for each thing that was measured, each group with a scale of its own.
 */
export function plot(results: readonly { readonly section: string; readonly rows: readonly Row[] }[]): string {
  const parts: string[] = [];
  let y = LINE;
  for (const { section, rows } of results) {
    y += LINE;
    parts.push(text(8, y, section, ' font-weight="bold" font-size="15"'));
    for (const what of new Set(rows.map((row) => row.what))) {
      const same = rows.filter((row) => row.what === what);
      const largest = Math.max(...same.map(({ values }) => median(values)), Number.MIN_VALUE);
      for (const [i, { who, unit, values }] of same.entries()) {
        y += LINE;
        const value = median(values);
        const width = Math.max(1, value / largest * BAR);
        if (i === 0) parts.push(text(8, y, what));
        parts.push(
          text(LABEL - 6, y, who, ' text-anchor="end"'),
          `<rect x="${LABEL}" y="${y - 12}" width="${width.toFixed(1)}" height="14" fill="${
            who === OURS ? "#2563eb" : "#9ca3af"
          }"/>`,
          text(LABEL + width + 6, y, `${figure(value)} ${unit}`),
        );
      }
      y += LINE / 3;
    }
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${Math.ceil(y) + LINE}" ` +
    `font-family="sans-serif" font-size="12">\n<rect width="100%" height="100%" fill="white"/>\n${
      parts.join("\n")
    }\n</svg>\n`;
}
