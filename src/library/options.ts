/**
 * Address of Redis and the namespace to use. Defaults are those of the command line without environment variables.
 *
 * ```ts no-eval
 * import { Client, type ConnectionOptions } from "@hero/runner";
 *
 * const there: ConnectionOptions = { redisUrl: "rediss://me:secret@redis.example/1", namespace: "production" };
 * await using client = await Client.connect(there);
 * ```
 */
export interface ConnectionOptions {
  /** `host:port`, `redis://[user:password@]host[:port][/db]` or `rediss://...`; default `127.0.0.1:6379`. */
  readonly redisUrl?: string;
  /** Namespace, the prefix of all keys; `production` and `production:` are the same. Default: none. */
  readonly namespace?: string;
  /** Timeout of a call to Redis, seconds; default 3. */
  readonly redisTimeout?: number;
  /**
   * Spool folder of runners on this host, from which `follow` reads complete outputs of their jobs. Default: `follow`
   * reads Redis only.
   */
  readonly spool?: string;
}

/**
 * Options of `Client.follow`.
 *
 * ```ts no-eval
 * import { Client, type FollowOptions } from "@hero/runner";
 *
 * const options: FollowOptions = { gap: (bytes) => console.error(`${bytes} bytes are missing here`) };
 * await using client = await Client.connect();
 * await client.follow("7", (bytes) => void Deno.stdout.writeSync(bytes), options);
 * ```
 */
export interface FollowOptions {
  /** Ends the call; the job is then returned in its current state. */
  readonly signal?: AbortSignal;
  /** Called where output is missing and no longer available, with the number of bytes. */
  readonly gap?: (bytes: number) => void | Promise<void>;
  /** Called where the output of another attempt begins, with the number of that attempt. */
  readonly attempt?: (attempt: number) => void | Promise<void>;
}
