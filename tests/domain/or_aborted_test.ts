import { orAborted } from "../../src/domain/or_aborted.ts";
import { assertEquals, assertRejects } from "../support/assert.ts";

const STOPPED = new Error("stopped");
const FAILED = new Error("failed");

/** Yields until every promise that can settle has settled. */
async function turns() {
  for (let i = 0; i < 10; i++) await Promise.resolve();
}

/** A signal that never aborts, with the listeners that it has. */
function counted() {
  const listeners = new Set<unknown>();
  const signal: Pick<AbortSignal, "aborted" | "addEventListener" | "removeEventListener"> = {
    aborted: false,
    addEventListener: (_: string, listener: unknown) => void listeners.add(listener),
    removeEventListener: (_: string, listener: unknown) => void listeners.delete(listener),
  };
  return { signal: signal as AbortSignal, listeners };
}

Deno.test("orAborted settles as the work does when nothing is aborted", async () => {
  const { signal } = new AbortController();
  for (const value of [7, undefined, null, ""]) assertEquals(await orAborted(Promise.resolve(value), signal), value);
  assertEquals(await assertRejects(() => orAborted(Promise.reject(FAILED), signal)), FAILED);
});

Deno.test("orAborted rejects with the reason when the signal aborts first, whatever becomes of the work", async () => {
  for (const end of ["resolve", "reject"] as const) {
    const stop = new AbortController();
    const work = Promise.withResolvers<number>();
    const result = orAborted(work.promise, stop.signal);
    stop.abort(STOPPED);
    if (end === "resolve") work.resolve(7);
    else work.reject(FAILED);
    assertEquals(await assertRejects(() => result), STOPPED, end);
    // a rejection without a handler would fail this test
    await turns();
  }
});

Deno.test("orAborted keeps what the work gave when the signal aborts after it", async () => {
  const stop = new AbortController();
  const result = orAborted(Promise.resolve(7), stop.signal);
  await turns();
  stop.abort(STOPPED);
  assertEquals(await result, 7);
});

Deno.test("orAborted rejects when the signal was aborted before, even when the work is done", async () => {
  const signal = AbortSignal.abort(STOPPED);
  for (const work of [Promise.resolve(7), Promise.reject(FAILED), new Promise(() => {})]) {
    assertEquals(await assertRejects(() => orAborted(work, signal)), STOPPED);
  }
});

Deno.test("orAborted gives any reason unchanged, and the platform's when none was said", async () => {
  for (const reason of ["text", null, 0]) {
    const result = orAborted(new Promise(() => {}), AbortSignal.abort(reason));
    assertEquals(await result.catch((error) => [error]), [reason]);
  }
  const { name } = await assertRejects(() => orAborted(new Promise(() => {}), AbortSignal.abort()), DOMException);
  assertEquals(name, "AbortError");
});

Deno.test("orAborted has one listener at the signal while it waits, and none after", async () => {
  const { signal, listeners } = counted();
  const good = Promise.withResolvers<void>();
  const bad = Promise.withResolvers<void>();
  const results = Promise.allSettled([orAborted(good.promise, signal), orAborted(bad.promise, signal)]);
  assertEquals(listeners.size, 2);
  good.resolve();
  await turns();
  assertEquals(listeners.size, 1);
  bad.reject(FAILED);
  await results;
  await turns();
  assertEquals(listeners.size, 0);
});

Deno.test("orAborted leaves no listener on a signal that was aborted before", async () => {
  const signal = AbortSignal.abort("x");
  let count = 0;
  const { addEventListener } = signal;
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    count++;
    addEventListener.apply(signal, args);
  };
  await assertRejects(
    async () => {
      await orAborted(new Promise(() => {}), signal).catch((reason) => Promise.reject(new Error(String(reason))));
    },
    Error,
    "x",
  );
  assertEquals(count, 0);
});

Deno.test("orAborted without a signal is the work itself", async () => {
  const work = Promise.resolve(7);
  assertEquals(await orAborted(work, undefined), 7);
  assertEquals(await assertRejects(() => orAborted(Promise.reject(FAILED), undefined)), FAILED);
});
