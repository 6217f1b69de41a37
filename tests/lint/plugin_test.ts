import { assertEquals } from "../support/assert.ts";
import plugin from "../../scripts/lint/plugin.ts";

/** What the house rules say about a file with this source, as `rule: message` without the "house/". */
function lint(file: string, source: string): string[] {
  const path = new URL(`../../${file}`, import.meta.url).pathname;
  return Deno.lint.runPlugin(plugin, path, source).map((found) =>
    `${found.id.slice("house/".length)}: ${found.message}`
  );
}

/** Only which rules complain, once each. */
const rules = (file: string, source: string) => [...new Set(lint(file, source).map((line) => line.split(":")[0]))];

interface Case {
  file: string;
  source: string;
  /** The rules that complain; none when the code is right. */
  wrong: string[];
}

const CASES: Record<string, Case[]> = {
  "an import points downwards only": [
    { file: "src/domain/a.ts", source: `import { b } from "./b.ts";`, wrong: [] },
    { file: "src/domain/a.ts", source: `import type { Q } from "../ports/queue.ts";`, wrong: ["rings"] },
    { file: "src/ports/a.ts", source: `import type { Job } from "../domain/job.ts";`, wrong: [] },
    { file: "src/ports/a.ts", source: `import type { Run } from "../client/run.ts";`, wrong: ["rings"] },
    { file: "src/runner/a.ts", source: `import { x } from "../domain/job.ts";`, wrong: [] },
    { file: "src/runner/a.ts", source: `import { x } from "../client/submit.ts";`, wrong: ["rings"] },
    { file: "src/client/a.ts", source: `import type { Client } from "../redis/client.ts";`, wrong: ["rings"] },
    { file: "src/client/a.ts", source: `export * from "../system/log.ts";`, wrong: ["rings"] },
    { file: "src/client/a.ts", source: `export { x } from "../system/log.ts";`, wrong: ["rings"] },
    { file: "src/client/a.ts", source: `const x = await import("../system/log.ts");`, wrong: ["rings"] },
    { file: "src/client/a.ts", source: `type X = import("../system/log.ts").Log;`, wrong: ["rings"] },
    { file: "src/client/a.ts", source: `import { x } from "../support/assert.ts";`, wrong: ["rings"] },
  ],
  "an adapter knows neither another adapter nor the work": [
    { file: "src/redis/queue.ts", source: `import type { Queue } from "../ports/queue.ts";`, wrong: [] },
    { file: "src/redis/queue.ts", source: `import { keys } from "./keys.ts";`, wrong: [] },
    { file: "src/redis/queue.ts", source: `import { clock } from "../system/clock.ts";`, wrong: ["rings"] },
    {
      file: "src/executors/tmux/lanes/lane.ts",
      source: `import { keys } from "../../../redis/keys.ts";`,
      wrong: ["rings"],
    },
    { file: "src/system/clock.ts", source: `import { submit } from "../client/submit.ts";`, wrong: ["rings"] },
    { file: "src/system/clock.ts", source: `import { args } from "../cli/input/args.ts";`, wrong: ["rings"] },
    { file: "src/settings/a.ts", source: `import { args } from "../cli/input/args.ts";`, wrong: ["rings"] },
  ],
  "only compose sees the adapters": [
    { file: "src/cli/commands/run.ts", source: `import { compose } from "../../compose/compose.ts";`, wrong: [] },
    { file: "src/cli/commands/run.ts", source: `import { Q } from "../../redis/queue.ts";`, wrong: ["rings"] },
    { file: "src/compose/compose.ts", source: `import { Q } from "../redis/queue.ts";`, wrong: [] },
    { file: "src/mod.ts", source: `import { Q } from "./compose/compose.ts";`, wrong: [] },
    { file: "src/mod.ts", source: `import { Q } from "./redis/queue.ts";`, wrong: ["rings"] },
    { file: "src/mod.ts", source: `import { main } from "./cli/main.ts";`, wrong: ["rings"] },
    { file: "src/compose/version.ts", source: `import m from "../../deno.json" with { type: "json" };`, wrong: [] },
    { file: "src/cli/a.ts", source: `import m from "../../deno.json" with { type: "json" };`, wrong: ["rings"] },
    { file: "main.ts", source: `import { main } from "./src/cli/main.ts";`, wrong: [] },
    { file: "main.ts", source: `import { Q } from "./src/redis/queue.ts";`, wrong: ["rings"] },
  ],
  "the ports hold types only": [
    { file: "src/ports/a.ts", source: `export interface A { b: string }\nexport type C = A;`, wrong: [] },
    { file: "src/ports/a.ts", source: `import { type A } from "./b.ts";\nexport type { A };`, wrong: [] },
    { file: "src/ports/a.ts", source: `export const a = 1;`, wrong: ["rings"] },
    { file: "src/ports/a.ts", source: `import { a } from "./b.ts";`, wrong: ["rings"] },
  ],
  "the inner rings do not touch the runtime": [
    { file: "src/domain/a.ts", source: `export const a = Deno.args;`, wrong: ["rings"] },
    { file: "src/client/a.ts", source: `export const a = Deno.args;`, wrong: ["rings"] },
    { file: "src/client/a.ts", source: `export const a = (c: Deno.Conn) => c;`, wrong: ["rings"] },
    { file: "src/client/a.ts", source: `export const a = globalThis.Deno;`, wrong: ["rings", "doors"] },
    { file: "src/cli/a.ts", source: `export const a = Deno.stdout;`, wrong: [] },
  ],
  "the domain is a function of its input": [
    { file: "src/domain/a.ts", source: `export const a = Date.now();`, wrong: ["rings", "doors"] },
    { file: "src/domain/a.ts", source: `export const a = new Date(0);`, wrong: ["rings"] },
    { file: "src/domain/a.ts", source: `export const a = Math.random();`, wrong: ["rings"] },
    { file: "src/domain/a.ts", source: `export const a = crypto.randomUUID();`, wrong: ["rings", "doors"] },
    { file: "src/domain/a.ts", source: `setTimeout(() => {});`, wrong: ["rings"] },
    // a digest and a rounding are functions, and a name is no use
    { file: "src/domain/a.ts", source: `export const a = crypto.subtle.digest("SHA-256", b);`, wrong: [] },
    { file: "src/domain/a.ts", source: `export const a = Math.round(b);`, wrong: [] },
    { file: "src/domain/a.ts", source: `export const a = { fetch: 1, Date: b.Date };`, wrong: [] },
    { file: "src/domain/a.ts", source: `export interface A { fetch: string; Date(): void }`, wrong: [] },
  ],
  "a package comes in through its door": [
    { file: "src/redis/client.ts", source: `import * as r from "jsr:@db/redis@^0.41.2";`, wrong: [] },
    { file: "src/redis/queue.ts", source: `import * as r from "jsr:@db/redis@^0.41.2";`, wrong: ["doors"] },
    { file: "src/cli/view/std_cli.ts", source: `export { a } from "jsr:@std/cli@^1.0.32";`, wrong: [] },
    { file: "src/cli/view/std_cli.ts", source: `export { a } from "jsr:@std/cli@^1.0.32/unicode-width";`, wrong: [] },
    { file: "src/cli/view/table.ts", source: `import { unicodeWidth } from "jsr:@std/cli@^1.0.32";`, wrong: ["doors"] },
    { file: "src/system/log.ts", source: `import * as log from "@std/log";`, wrong: [] },
    { file: "src/client/a.ts", source: `import * as log from "@std/log";`, wrong: ["doors"] },
    { file: "src/system/log.ts", source: `import x from "npm:left-pad@1";`, wrong: ["doors"] },
    { file: "src/system/log.ts", source: `import fs from "node:fs";`, wrong: ["doors"] },
    { file: "main.ts", source: `await import("jsr:@std/log@0.224.14");`, wrong: ["doors"] },
  ],
  "Lua comes in beside the client": [
    { file: "src/redis/scripts.ts", source: `import t from "./scripts/take.lua" with { type: "text" };`, wrong: [] },
    {
      file: "src/system/a.ts",
      source: `import t from "../redis/scripts/take.lua" with { type: "text" };`,
      wrong: ["rings", "doors"],
    },
  ],
  "what the runtime offers comes in through its door": [
    { file: "src/system/process.ts", source: `new Deno.Command("tmux");`, wrong: [] },
    { file: "src/executors/tmux/control.ts", source: `new Deno.Command("tmux");`, wrong: ["doors"] },
    { file: "src/system/files.ts", source: `Deno.readTextFileSync("x");`, wrong: [] },
    { file: "src/executors/tmux/spool.ts", source: `Deno.readTextFileSync("x");`, wrong: ["doors"] },
    { file: "src/cli/a.ts", source: `Deno.env.get("HOME");`, wrong: ["doors"] },
    { file: "src/cli/a.ts", source: `Deno.addSignalListener("SIGINT", f);`, wrong: ["doors"] },
    { file: "src/redis/client.ts", source: `if (e instanceof Deno.errors.BadResource) f();`, wrong: [] },
    { file: "main.ts", source: `Deno.exit(await main(Deno.args));`, wrong: [] },
    { file: "src/cli/main.ts", source: `Deno.exit(1);`, wrong: ["doors"] },
    { file: "src/system/a.ts", source: `Deno.exit(1);`, wrong: ["doors"] },
    // hidden behind another name it would pass unseen
    { file: "src/cli/a.ts", source: `const { exit } = Deno;`, wrong: ["doors"] },
    { file: "src/cli/a.ts", source: `Deno["exit"](1);`, wrong: ["doors"] },
  ],
  "the clock and new ids come in through their door": [
    { file: "src/system/clock.ts", source: `export const now = () => Date.now();`, wrong: [] },
    { file: "src/client/a.ts", source: `export const now = () => Date.now();`, wrong: ["doors"] },
    { file: "src/cli/a.ts", source: `export const now = () => new Date();`, wrong: ["doors"] },
    { file: "src/cli/a.ts", source: `export const show = (ms: number) => new Date(ms).toISOString();`, wrong: [] },
    { file: "src/redis/a.ts", source: `export const id = crypto.randomUUID();`, wrong: ["doors"] },
  ],
  "no line of a comment has more than 120 columns": [
    { file: "tests/a_test.ts", source: `// ${"x".repeat(117)}`, wrong: [] },
    { file: "tests/a_test.ts", source: `// ${"x".repeat(118)}`, wrong: ["columns"] },
    { file: "src/domain/a.ts", source: `/**\n * ${"x".repeat(118)}\n */\nconst a = 1;`, wrong: ["columns"] },
    { file: "src/domain/a.ts", source: `const a = ${"1 + ".repeat(30)}1; // so`, wrong: ["columns"] },
    { file: "src/domain/a.ts", source: `/* short */ const a = "${"x".repeat(120)}";`, wrong: [] },
  ],
  "no name, no comment and no name of a test has a word that means several things": [
    { file: "src/domain/a.ts", source: `const lookedUp = 1;`, wrong: ["words"] },
    { file: "src/domain/a.ts", source: `const LAST_TOLD = 1;`, wrong: ["words"] },
    { file: "src/domain/a.ts", source: `class A { #peeks = 1; take() {} }`, wrong: ["words"] },
    { file: "src/domain/a.ts", source: `// Whoever asks\nconst a = 1;`, wrong: ["words"] },
    {
      file: "src/domain/a.ts",
      source: `// the heartbeat of a mistake\nconst heartbeat = "nobody takes it";`,
      wrong: [],
    },
    { file: "src/domain/a.ts", source: "// the user `nobody`\nconst a = 1;", wrong: [] },
    { file: "tests/a_test.ts", source: `const taken = "take";\n// nobody`, wrong: ["words"] },
    { file: "tests/a_test.ts", source: `const looks = "";`, wrong: ["words"] },
    { file: "tests/a_test.ts", source: `Deno.test("a takes b", () => {});`, wrong: ["words"] },
    { file: "tests/a_test.ts", source: "for (const a of []) smallDiskTest(`${a} takes b`, f);", wrong: ["words"] },
    { file: "tests/a_test.ts", source: `Deno.test({ name: "a takes b", fn() {} });`, wrong: ["words"] },
    { file: "tests/a_test.ts", source: `Deno.test("a", (t) => t.step("takes b", f));`, wrong: ["words"] },
    {
      file: "tests/a_test.ts",
      source: `Deno.test("a reads b", () => { const taken = /a/.test("nobody") && step("take"); });`,
      wrong: [],
    },
  ],
  "a part of the house has a row, what is outside has no rules": [
    { file: "src/attic/a.ts", source: `export const a = 1;`, wrong: ["rings"] },
    { file: "tests/a_test.ts", source: `import x from "npm:y";\nDeno.exit(1);`, wrong: [] },
    { file: "examples/a.ts", source: `Deno.exit(1);`, wrong: [] },
    { file: "scripts/lint/a.ts", source: `Deno.readTextFileSync("x");`, wrong: [] },
    { file: "../elsewhere/src/domain/a.ts", source: `Deno.exit(1);`, wrong: [] },
  ],
};

for (const [name, cases] of Object.entries(CASES)) {
  Deno.test(`lint: ${name}`, () => {
    for (const { file, source, wrong } of cases) assertEquals(rules(file, source), wrong, `${file}: ${source}`);
  });
}

Deno.test("lint messages say what is wrong and what to do", () => {
  assertEquals(lint("src/system/clock.ts", `import { keys } from "../redis/keys.ts";`), [
    "rings: src/system/ must not import src/redis/keys.ts: it may import only src/system/, src/domain/, src/ports/",
  ]);
  assertEquals(lint("src/cli/main.ts", `Deno.exit(1);`), [
    "doors: Deno.exit comes in only at main.ts and src/system/host.ts: use what that gives out",
  ]);
});
