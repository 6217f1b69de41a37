import type { RedisUrl } from "./url.ts";

/**
 * A fatal alert of TLS, which a server of TLS answers or closes on; one of another kind waits for the rest of a line.
 */
const ALERT = new Uint8Array([0x15, 3, 3, 0, 2, 2, 40]);

/** Probes in a row that are believed: after a quarter of an hour of them one handshake is tried in any case. */
const BELIEVED = 300;

/** Servers that left a handshake without an answer, and how many more probes of them are believed. */
const silent = new WeakMap<RedisUrl, number>();

/**
 * A handshake that is never answered keeps its socket in Deno, also when it is closed: each try to connect would cost
 * one. So a server that left one unanswered is asked with a plain connection first, which can be closed.
 */
export const handshakes = {
  /** A connection was not ready in time. */
  unanswered(url: RedisUrl): void {
    if (!silent.has(url)) silent.set(url, BELIEVED);
  },

  answered(url: RedisUrl): void {
    silent.delete(url);
  },

  /**
   * Resolves when a handshake may be tried: at once, or when the server shows that it speaks TLS. Rejects when the
   * signal aborts.
   */
  async probe(url: RedisUrl, signal: AbortSignal): Promise<void> {
    const left = silent.get(url);
    if (left === undefined) return;
    if (left === 0) return void silent.delete(url);
    silent.set(url, left - 1);
    const conn = await Deno.connect({ hostname: url.hostname, port: url.port });
    const close = () => conn.close();
    if (signal.aborted) return close();
    signal.addEventListener("abort", close, { once: true });
    try {
      await conn.write(ALERT);
      await conn.read(new Uint8Array(64));
    } catch (error) {
      // a server may end it with a reset
      if (signal.aborted || !(error instanceof Deno.errors.ConnectionReset)) throw error;
    } finally {
      signal.removeEventListener("abort", close);
      if (!signal.aborted) close();
    }
  },
};
