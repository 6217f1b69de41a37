import { assert, assertEquals, assertStringIncludes } from "../support/assert.ts";

const PICTURE = await Deno.readTextFile(new URL("../../.github/picture.svg", import.meta.url));
/** The largest picture, bytes. */
const LARGEST = 60_000;

/** Returns why a text is no well-formed XML of elements, attributes in double quotes, and text; `null` when it is. */
function malformed(svg: string): string | null {
  const open: string[] = [];
  let roots = 0;
  for (const [, tag, text] of svg.trim().matchAll(/(<[^<>]*>)|([^<>]+|[<>])/g)) {
    if (tag === undefined) {
      if (open.length === 0 || /[<>]|&(?!(amp|lt|gt|quot);)/.test(text)) return `text ${text}`;
      continue;
    }
    const parts = /^<(\/?)([a-zA-Z]+)((?:\s+[a-zA-Z:-]+="[^"&<]*")*)\s*(\/?)>$/.exec(tag);
    if (!parts) return `tag ${tag}`;
    const [, isEnd, name, attributes, isEmpty] = parts;
    const names = [...attributes.matchAll(/([a-zA-Z:-]+)="/g)].map(([, each]) => each);
    if (new Set(names).size < names.length) return `attribute twice in ${tag}`;
    if (isEnd) {
      if (open.pop() !== name) return `end ${tag}`;
    } else {
      if (open.length === 0 && roots++ > 0) return `second root ${tag}`;
      if (!isEmpty) open.push(name);
    }
  }
  return open.length > 0 ? `no end of ${open.at(-1)}` : null;
}

/** Returns what is wrong with a picture for a README; nothing when it may stand there. */
function faultsOf(svg: string): string[] {
  const text = svg.replaceAll(/<[^>]*>/g, "\n");
  const faults: Record<string, boolean> = {
    malformed: malformed(svg) !== null,
    large: new TextEncoder().encode(svg).length > LARGEST,
    "no title": !/<title>[^<]+<\/title>/.test(svg),
    "no desc": !/<desc>[^<]+<\/desc>/.test(svg),
    script: /<script|<foreignObject|\son\w+=|javascript:/i.test(svg),
    "external reference": /href=|src=|url\(|@import|\w:\/\//i.test(
      svg.replace('xmlns="http://www.w3.org/2000/svg"', ""),
    ),
    "absolute path": /(^|[\s"'=:;(])[/~]\/?\w+\//m.test(text),
  };
  return Object.keys(faults).filter((name) => faults[name]);
}

Deno.test("the picture of the README has the form that it needs there", () => {
  assertEquals(malformed(PICTURE), null);
  assertEquals(faultsOf(PICTURE), []);
});

Deno.test("the picture shows a kill, a question and exit code 0", () => {
  for (const text of ["kill -9 %1", "Killed", "runner attach deploy", "[y/N]", "runner send deploy", "waiting"]) {
    assertStringIncludes(PICTURE, text);
  }
  assert(/<tspan[^>]*>exit code 0<\/tspan>/.test(PICTURE), "the terminal shows exit code 0");
});

Deno.test("each fault of a picture is found", () => {
  const within = (part: string) => PICTURE.replace("</svg>", `${part}</svg>`);
  const broken: Record<string, readonly string[]> = {
    malformed: [
      PICTURE.replace("</svg>", ""),
      within("<g>"),
      within("a & b"),
      within("a > b"),
      within('<g x="1" x="2"/>'),
      `${PICTURE}<svg/>`,
    ],
    large: [within(`<g>${"x".repeat(LARGEST)}</g>`)],
    "no title": [PICTURE.replace(/<title>.*<\/title>/, "")],
    "no desc": [PICTURE.replace(/<desc>.*<\/desc>/, "<desc></desc>")],
    script: [within("<script></script>"), within('<g onload="x"/>')],
    "external reference": [within('<image href="a.png"/>'), within("<style>@import 'a'</style>")],
    "absolute path": [
      within("<text>cat /tmp/log</text>"),
      within("<text>2&gt;/tmp/log</text>"),
      within("<text>~/src/log</text>"),
    ],
  };
  for (const [fault, pictures] of Object.entries(broken)) {
    for (const picture of pictures) assertEquals(faultsOf(picture), [fault], picture.slice(-200));
  }
});
