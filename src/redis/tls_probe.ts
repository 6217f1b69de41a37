import type { RedisUrl } from "./url.ts";

/**
 * A fatal TLS alert. A TLS server replies to it or closes the connection; another server waits for the rest of a line.
 */
const ALERT = new Uint8Array([0x15, 3, 3, 0, 2, 2, 40]);

/** The most probes in a row: after a quarter of an hour of them one handshake is tried in any case. */
const MAX_PROBES = 300;

/** Servers that left a handshake without a reply, and how many more probes they get. */
const silent = new WeakMap<RedisUrl, number>();

/**
 * Guards TLS handshakes. Deno leaks the socket of a handshake that never gets a reply, also when it is closed: each
 * attempt to connect would cost one. So a server that left one without a reply is first probed by a plain connection,
 * which can be closed.
 */
export const handshakes = {
  /** Records that a connection was not ready in time. */
  unanswered(url: RedisUrl): void {
    if (!silent.has(url)) silent.set(url, MAX_PROBES);
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
