import * as redis from "jsr:@db/redis@^0.41.2";
import * as width from "jsr:@std/cli@^1.0.32/unicode-width";
import * as progressBar from "jsr:@std/cli@^1.0.32/unstable-progress-bar";
import * as log from "jsr:@std/log@^0.224.14";
import * as std from "jsr:@std/assert@^1.0.19";
import * as redisStandin from "../../scripts/npm/redis/mod.ts";
import type { RedisApi } from "../../scripts/npm/redis/api.ts";
import * as widthStandin from "../../scripts/npm/cli/unicode_width.ts";
import * as progressBarStandin from "../../scripts/npm/cli/unstable_progress_bar.ts";
import type { CliApi, ProgressBarApi } from "../../scripts/npm/cli/api.ts";
import * as logStandin from "../../scripts/npm/log/mod.ts";
import type { LogApi } from "../../scripts/npm/log/api.ts";
import * as assertStandin from "../../scripts/npm/assert/mod.ts";
import * as door from "../support/assert.ts";
import { assertEquals } from "../support/assert.ts";

// Under deno.json the `jsr:` names are the real packages, under scripts/npm/deno.json the stand-ins: either way the
// type check of this file holds them to the types below. The right column is always the stand-in.
const REDIS: [RedisApi, RedisApi] = [redis, redisStandin];
const WIDTH: [CliApi, CliApi] = [width, widthStandin];
const BAR: [ProgressBarApi, ProgressBarApi] = [progressBar, progressBarStandin];
const LOG: [LogApi, LogApi] = [log, logStandin];
const ASSERT: [typeof door, typeof door] = [std, assertStandin];

/**
 * The values that the doors may use. A key that a type above gains or loses makes a list an error of the type check.
 */
const NAMES: [packages: readonly [object, object], names: string[]][] = [
  [REDIS, Object.keys({ createLazyClient: 0, ErrorReplyError: 0 } satisfies Record<keyof RedisApi, 0>)],
  [WIDTH, Object.keys({ unicodeWidth: 0 } satisfies Record<keyof CliApi, 0>)],
  [BAR, Object.keys({ ProgressBar: 0 } satisfies Record<keyof ProgressBarApi, 0>)],
  [LOG, Object.keys({ BaseHandler: 0, Logger: 0 } satisfies Record<keyof LogApi, 0>)],
  [ASSERT, Object.keys(door)],
];

Deno.test("the packages behind the doors have every value that the doors may use, and the stand-ins no other", () => {
  for (const [[behind, standin], names] of NAMES) {
    assertEquals(names.filter((name) => !(name in behind)), []);
    // one more, and a door that uses it would work here and fail on the real package
    assertEquals(Object.keys(standin).sort(), names.sort());
  }
});

/** A bar that draws into `shown`; `first` resolves when it has drawn, `next` when it draws again. */
function drawnBar(Bar: typeof BAR[0]["ProgressBar"], shown: { text: string }) {
  let drawn = () => {};
  const next = () => new Promise<void>((resolve) => drawn = resolve);
  const writable = new WritableStream<Uint8Array>({
    write(bytes) {
      shown.text += new TextDecoder().decode(bytes);
      drawn();
    },
  });
  const first = next();
  const bar = new Bar({
    writable,
    max: 10,
    value: 1,
    barLength: 5,
    clear: true,
    interval: 10,
    formatter: ({ progressBar }) => progressBar,
  });
  return { bar, first, next };
}

for (const [which, { ProgressBar }] of [["behind the door", BAR[0]], ["that stands in", BAR[1]]] as const) {
  Deno.test(`the progress bar ${which} draws at once, at its interval, and removes itself`, async () => {
    const shown = { text: "" };
    const { bar, first, next } = drawnBar(ProgressBar, shown);
    await first;
    assertEquals(shown.text, "\r\x1b[K-----");
    bar.value = 6;
    bar.max = 15;
    await next();
    await next();
    await bar.stop();
    assertEquals(shown.text.split("\r\x1b[K").slice(-2), ["##---", ""]);
    const over = shown.text;
    const later = drawnBar(ProgressBar, { text: "" });
    for (let drawings = 0; drawings < 3; drawings++) await later.next();
    await later.bar.stop();
    assertEquals(shown.text, over);
  });
}
