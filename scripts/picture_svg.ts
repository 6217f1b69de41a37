/**
 * Draws what terminals showed as an SVG.
 *
 * @module
 */

/** Columns of the terminal. */
export const COLUMNS = 80;

/** A part of the picture: what a terminal showed, with its escape sequences, below a caption. */
export interface Panel {
  readonly caption: string;
  readonly text: string;
  /** The screen of an attached job, drawn below in a frame of its own. */
  readonly attached?: string;
}

/** Colours of the picture, those of the escape sequences by their number. */
const INK = { ground: "#0d1117", frame: "#30363d", text: "#c9d1d9", bright: "#f0f6fc", caption: "#79c0ff" };
const COLOURS = ["#0d1117", "#ff7b72", "#3fb950", "#e3b341", "#79c0ff", "#d2a8ff", "#56d4dd", "#c9d1d9"];

/** Sizes of the picture in its own units: a column, a line, the room beside and between. */
const SIZE = { column: 8.4, line: 20, side: 28, gap: 22, font: 14 };
const WIDTH = COLUMNS * SIZE.column + 2 * SIZE.side;

interface Style {
  readonly bold?: boolean;
  readonly dim?: boolean;
  readonly fg?: number;
  readonly bg?: number;
}

/** Returns a style after an escape sequence with these numbers. */
function styleAfter(style: Style, numbers: readonly number[]): Style {
  for (const n of numbers) {
    if (n === 0) style = {};
    else if (n === 1) style = { ...style, bold: true };
    else if (n === 2) style = { ...style, dim: true };
    else if (n >= 30 && n <= 37) style = { ...style, fg: n - 30 };
    else if (n === 39) style = { ...style, fg: undefined };
    else if (n >= 40 && n <= 47) style = { ...style, bg: n - 40 };
    else if (n === 49) style = { ...style, bg: undefined };
    else throw new Error(`Cannot draw: nothing is known of the escape sequence ${n}`);
  }
  return style;
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** Draws a piece of a line at its column, so that columns stand in line whatever the font. */
function drawPiece(text: string, column: number, { bold, dim, fg }: Style): string {
  const fill = fg !== undefined ? COLOURS[fg] : bold ? INK.bright : null;
  const marks = [bold ? ' font-weight="bold"' : "", dim ? ' opacity=".6"' : "", fill ? ` fill="${fill}"` : ""].join("");
  const cursor = text === "█" ? ' class="cursor"' : "";
  return `<tspan x="${(SIZE.side + column * SIZE.column).toFixed(1)}"${marks}${cursor}>${escapeXml(text)}</tspan>`;
}

/** Draws what a terminal showed, from `y` on; returns the elements, and where they end. */
function drawText(text: string, y: number): { elements: string[]; end: number } {
  const elements: string[] = [];
  let style: Style = {};
  for (const line of text.trimEnd().replace(/\n{3,}/g, "\n\n").split("\n")) {
    let column = 0;
    const pieces: string[] = [];
    // deno-lint-ignore no-control-regex
    for (const part of line.split(/(\x1b\[[\d;]*m)/)) {
      if (part.startsWith("\x1b")) {
        style = styleAfter(style, part.slice(2, -1).split(";").map(Number));
        continue;
      }
      if (style.bg !== undefined && part !== "") {
        // the blank at the end of a line is not captured
        const count = column + part.length === COLUMNS - 1 ? part.length + 1 : part.length;
        const [x, width] = [SIZE.side + column * SIZE.column, count * SIZE.column];
        const place = `x="${x.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="${SIZE.line}"`;
        elements.push(`<rect ${place} fill="${COLOURS[style.bg]}"/>`);
      }
      for (const { 0: piece, index } of part.matchAll(/█|[^\s█]+( [^\s█]+)*/g)) {
        pieces.push(drawPiece(piece, column + index, style));
      }
      column += part.length;
    }
    if (pieces.length > 0) elements.push(`<text y="${y + 15}">${pieces.join("")}</text>`);
    y += SIZE.line;
  }
  return { elements, end: y };
}

/** Draws the picture. */
export function drawPicture(panels: readonly Panel[]): string {
  const parts: string[] = [];
  let y = 52;
  for (const [i, { caption, text, attached }] of panels.entries()) {
    parts.push(`<text class="caption" x="${SIZE.side}" y="${y + 14}">${i + 1}. ${escapeXml(caption)}</text>`);
    const { elements, end } = drawText(text, y + SIZE.gap + 2);
    parts.push(...elements);
    y = end;
    if (attached !== undefined) {
      const inner = drawText(attached, y + 16);
      const place = `x="${SIZE.side - 10}" y="${y + 8}" width="${WIDTH - 2 * SIZE.side + 20}"`;
      parts.push(`<rect ${place} height="${inner.end - y}" rx="6" class="frame"/>`, ...inner.elements);
      y = inner.end + 8;
    }
    y += SIZE.gap;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" width="${WIDTH}" height="${y}" role="img">
<title>A job outlives kill -9 of its runner</title>
<desc>${escapeXml(panels.map(({ caption }) => caption).join(". "))}.</desc>
<style>
text { font: ${SIZE.font}px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: ${INK.text} }
.caption { font: 600 15px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: ${INK.caption} }
.frame { fill: none; stroke: ${INK.frame} }
.cursor { animation: blink 1.2s steps(1) infinite }
@keyframes blink { 50% { opacity: 0 } }
@media (prefers-reduced-motion: reduce) { .cursor { animation: none } }
</style>
<rect x=".5" y=".5" width="${WIDTH - 1}" height="${y - 1}" rx="12" fill="${INK.ground}" stroke="${INK.frame}"/>
${[24, 44, 64].map((x) => `<circle cx="${x + 4}" cy="24" r="6" fill="${INK.frame}"/>`).join("")}
${parts.join("\n")}
</svg>
`;
}
