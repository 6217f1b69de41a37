import { UnavailableError } from "../../src/domain/errors.ts";
import type { Trouble } from "../../src/ports/queue.ts";
import type { Target } from "../../src/redis/client.ts";
import { Link } from "../../src/redis/link.ts";
import { parseRedisUrl } from "../../src/redis/url.ts";
import { systemClock } from "../../src/system/clock.ts";
import { assertInstanceOf, assertMatch } from "../support/assert.ts";

/** A link that ends with the test. */
class TestLink extends Link implements Disposable {
  [Symbol.dispose](): void {
    this.close();
  }
}

/** Returns a link to a server. */
export function linkTo(address: string, more: Partial<Target> = {}): TestLink {
  return new TestLink({ url: parseRedisUrl(address), ...more }, systemClock);
}

/** The error of a command that could not be run. */
export type Failure = UnavailableError & Trouble;

/** Returns the error of a command that must fail. */
export async function failureOf(promise: Promise<unknown>): Promise<Failure> {
  const error = await promise.then(() => null, (error) => error);
  assertInstanceOf(error, UnavailableError);
  assertMatch(error.message, /^Cannot run [^\n]*[^.\n]$/);
  return error as Failure;
}

/** A server that replies to PING, and to everything else with one fixed reply; `null`: never. */
export function fakeRedis(reply: string | null, pong: string | null = "+PONG\r\n") {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.Conn>();
  let accepted = 0;
  let over = false;
  const serve = async (conn: Deno.Conn) => {
    const buffer = new Uint8Array(1 << 16);
    try {
      for (let count; (count = await conn.read(buffer)) !== null;) {
        const text = new TextDecoder().decode(buffer.subarray(0, count));
        const answer = text.includes("PING") ? pong : reply;
        if (answer !== null) await conn.write(new TextEncoder().encode(answer));
      }
      conn.close();
    } catch {
      // closed
    }
    open.delete(conn);
  };
  const serving = (async () => {
    const all: Promise<void>[] = [];
    for await (const conn of listener) {
      accepted++;
      if (over) conn.close(); // it came while the others were closed
      open.add(conn);
      all.push(serve(conn));
    }
    await Promise.all(all);
  })();
  return {
    address: `127.0.0.1:${(listener.addr as Deno.NetAddr).port}`,
    accepted: () => accepted,
    async [Symbol.asyncDispose]() {
      over = true;
      listener.close();
      for (const conn of open) conn.close();
      await serving;
    },
  };
}
