import * as redis from "jsr:@db/redis@^0.41.2";
import * as cli from "jsr:@std/cli@^1.0.32";
import * as progressBar from "jsr:@std/cli@^1.0.32/unstable-progress-bar";
import * as log from "jsr:@std/log@^0.224.14";
import * as std from "jsr:@std/assert@^1.0.19";
import * as redisStandin from "../../scripts/npm/redis/mod.ts";
import type { RedisApi } from "../../scripts/npm/redis/api.ts";
import * as cliStandin from "../../scripts/npm/cli/mod.ts";
import * as progressBarStandin from "../../scripts/npm/cli/unstable_progress_bar.ts";
import type { CliApi, ProgressBarApi } from "../../scripts/npm/cli/api.ts";
import * as logStandin from "../../scripts/npm/log/mod.ts";
import type { LogApi } from "../../scripts/npm/log/api.ts";
import * as assertStandin from "../../scripts/npm/assert/mod.ts";
import { assertArrayIncludes, assertEquals } from "../support/assert.ts";

// Under deno.json the `jsr:` names are the real packages, under scripts/npm/deno.json the stand-ins: either way the
// type check of this file holds them to the types below. The right column is always the stand-in.
const REDIS: [RedisApi, RedisApi] = [redis, redisStandin];
const CLI: [CliApi, CliApi] = [cli, cliStandin];
const BAR: [ProgressBarApi, ProgressBarApi] = [progressBar, progressBarStandin];
const LOG: [LogApi, LogApi] = [log, logStandin];
const ASSERT: [typeof assertStandin, typeof assertStandin] = [std, assertStandin];

// A key that a type above gains or loses makes these lists an error of the type check.
const NAMES = {
  redis: Object.keys(
    {
      connect: 0,
      createLazyClient: 0,
      ConnectionClosedError: 0,
      EOFError: 0,
      ErrorReplyError: 0,
      InvalidStateError: 0,
      NotImplementedError: 0,
      SubscriptionClosedError: 0,
    } satisfies Record<keyof RedisApi, 0>,
  ),
  cli: Object.keys({ parseArgs: 0, unicodeWidth: 0 } satisfies Record<keyof CliApi, 0>),
  bar: Object.keys({ ProgressBar: 0 } satisfies Record<keyof ProgressBarApi, 0>),
  log: Object.keys(
    { BaseHandler: 0, ConsoleHandler: 0, Logger: 0, LogLevels: 0, getLogger: 0, setup: 0 } satisfies Record<
      keyof LogApi,
      0
    >,
  ),
  assert: Object.keys(assertStandin),
};

Deno.test("the packages behind the doors have every value that the doors may use", () => {
  assertArrayIncludes(Object.keys(REDIS[0]), NAMES.redis);
  assertArrayIncludes(Object.keys(CLI[0]), NAMES.cli);
  assertArrayIncludes(Object.keys(BAR[0]), NAMES.bar);
  assertArrayIncludes(Object.keys(LOG[0]), NAMES.log);
  assertArrayIncludes(Object.keys(ASSERT[0]), NAMES.assert);
});

Deno.test("the stand-ins have no value beyond what the doors may use", () => {
  // one more, and a door that uses it would work here and fail on the real package
  assertEquals(Object.keys(REDIS[1]).sort(), NAMES.redis.sort());
  assertEquals(Object.keys(CLI[1]).sort(), NAMES.cli.sort());
  assertEquals(Object.keys(BAR[1]).sort(), NAMES.bar.sort());
  assertEquals(Object.keys(LOG[1]).sort(), NAMES.log.sort());
});

for (const [which, { ProgressBar }] of [["behind the door", BAR[0]], ["that stands in", BAR[1]]] as const) {
  Deno.test(`the progress bar ${which} draws at once, at its interval, and takes itself away`, async () => {
    let text = "";
    const drawn: (() => void)[] = [];
    const writable = new WritableStream<Uint8Array>({
      write(bytes) {
        text += new TextDecoder().decode(bytes);
        drawn.shift()?.();
      },
    });
    const next = () => new Promise<void>((resolve) => drawn.push(resolve));
    const first = next();
    const bar = new ProgressBar({
      writable,
      max: 10,
      value: 1,
      barLength: 5,
      clear: true,
      interval: 10,
      formatter: ({ progressBar, value, max, time }) => `${progressBar} ${value}/${max}${time < 0 ? "early" : ""}`,
    });
    await first;
    assertEquals(text, "\r\x1b[K----- 1/10");
    bar.value = 6;
    bar.max = 12;
    await next();
    await next();
    await bar.stop();
    assertEquals(text.split("\r\x1b[K").slice(-2), ["##--- 6/12", ""]);
    const over = text;
    await new Promise((resolve) => setTimeout(resolve, 30));
    assertEquals(text, over);
  });
}
