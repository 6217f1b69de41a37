import { RESULT_PART } from "../../src/domain/limits.ts";
import type { OutputSample } from "../../src/domain/output.ts";
import type { Condition } from "../../src/ports/queue.ts";
import { showEnd, Streamer } from "../../src/runner/streamer.ts";
import { assertEquals } from "../support/assert.ts";
import { unavailable } from "../support/unavailable.ts";

/** Shows the end of an attempt that wrote so many bytes; returns the pieces, `start-end`, and the questions, `?`. */
async function shownOf(
  total: number,
  how: {
    shown?: number;
    retried?: boolean;
    inexact?: boolean;
    followers?: number;
    unsaved?: boolean;
    /** Where bytes are gone: from and up to an offset. */
    gap?: [number, number];
  } = {},
): Promise<string[]> {
  const { shown = 0, retried = false, inexact = false, followers = 0, unsaved = false, gap = [0, 0] } = how;
  const calls: string[] = [];
  const file = new Uint8Array(total).map((_, i) => i % 251);
  const queue = {
    appendOutput: (_: unknown, offset: number, bytes: Uint8Array) => {
      assertEquals(bytes.every((byte, i) => byte === (offset + i) % 251), true);
      calls.push(bytes.length === 0 ? "?" : `${offset}-${offset + bytes.length}`);
      return Promise.resolve(followers);
    },
  };
  const executor = {
    read: (_: string, from: number, limit: number) => {
      const offset = from >= gap[0] && from < gap[1] ? gap[1] : from;
      const end = offset < gap[0] ? Math.min(gap[0], offset + limit) : offset + limit;
      return Promise.resolve({ offset, bytes: unsaved ? new Uint8Array() : file.subarray(offset, end) });
    },
  };
  const isWhole = total <= 2 * RESULT_PART;
  const output: OutputSample = {
    total,
    head: file.subarray(0, isWhole ? total : RESULT_PART),
    tail: isWhole ? new Uint8Array() : file.subarray(-RESULT_PART),
    truncated: false,
  };
  const active = { attempt: { id: "a", token: "1.n", name: "r" }, executor, shown, followed: false };
  await showEnd({ queue } as never, active as never, { output, retried, inexact });
  return calls;
}

Deno.test("the end of an output that its result holds costs no command", async () => {
  for (const total of [0, 1, 2 * RESULT_PART]) assertEquals(await shownOf(total), [], String(total));
  assertEquals(await shownOf(300_000, { shown: 300_000 - RESULT_PART }), []);
  assertEquals(await shownOf(300_000, { shown: 300_000, inexact: true, retried: true }), []);
});

Deno.test("the end of an output shows what the result will not, and all to those who follow it", async () => {
  const [part, mega] = [RESULT_PART, 1 << 20];
  assertEquals(await shownOf(300_000), ["?"]);
  assertEquals(await shownOf(300_000, { followers: 1, shown: 9 }), ["?", "9-300000"]);
  const long = 6 * mega;
  const pieces = [2, 3, 4, 5].map((from) => `${from * mega}-${(from + 1) * mega}`);
  assertEquals(await shownOf(long, { followers: 2, shown: part }), ["?", ...pieces]);
  assertEquals(await shownOf(300_000, { followers: 1, gap: [9, 200_000] }), ["?", "0-9", "200000-300000"]);
  assertEquals(await shownOf(100_000, { inexact: true, shown: 10 }), ["10-100000"]);
  assertEquals(await shownOf(300_000, { inexact: true }), ["?", `0-${part}`, `${300_000 - part}-300000`]);
  assertEquals(await shownOf(300_000, { inexact: true, shown: 290_000 }), ["?", "290000-300000"]);
  assertEquals(await shownOf(100_000, { retried: true }), ["0-100000"]);
  assertEquals(await shownOf(300_000, { retried: true, inexact: true }), ["?", `${300_000 - part}-300000`]);
});

Deno.test("the end of an output that a full disk refused is shown to those who follow it as to all", async () => {
  const [part, total] = [RESULT_PART, 300_000];
  const unsaved = { followers: 1, unsaved: true };
  assertEquals(await shownOf(total, { ...unsaved, retried: true }), ["?", `${total - part}-${total}`]);
  assertEquals(await shownOf(total, { ...unsaved, inexact: true }), ["?", `0-${part}`, `${total - part}-${total}`]);
  assertEquals(await shownOf(total, unsaved), ["?"]);
});

Deno.test("an output that Redis does not accept holds up no other one", async () => {
  const shown: string[] = [];
  const queue = {
    appendOutput: ({ id }: { id: string }) => {
      shown.push(id);
      const condition: Condition = id === "a" ? "unfit" : "full";
      return id === "c" ? Promise.resolve(0) : Promise.reject(unavailable(condition, { condition }));
    },
  };
  const executor = { read: () => Promise.resolve({ offset: 0, bytes: new Uint8Array(1) }) };
  const attempts = ["a", "b", "c"].map((id) => ({
    attempt: { id, token: "1.n", name: id },
    executor,
    shown: 0,
    sinceMs: 0,
  }));
  const parts = { queue, clock: { now: () => 1000 } };
  await new Streamer(parts as never, { all: () => attempts } as never).tick();
  assertEquals(shown, ["a", "b", "c"]);
});
