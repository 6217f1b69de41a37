import { MAX_LIVE_OUTPUT } from "../domain/limits.ts";

/**
 * Every key in Redis, one method each, with its Redis type and content. `job` and `queue` are shared with other
 * programs.
 */
export class Keys {
  readonly #ns: string;

  /** @param namespace Raw prefix of all keys, such as `production:`; may be empty. */
  constructor(namespace: string) {
    this.#ns = namespace;
  }

  /**
   * HASH, the job: the fields `JOB_FIELDS` and no others. A foreign program may have stored a STRING with a JSON
   * object.
   */
  job(id: string): string {
    return `${this.#ns}job_${id}`;
  }

  /** LIST of ids that wait for a runner; taken from the right. */
  queue(runner: string): string {
    return `${this.#ns}runner:${runner}`;
  }

  /** LIST of ids of low priority: taken from the right when `queue` is empty. */
  low(runner: string): string {
    return `${this.#ns}rr:low:${runner}`;
  }

  /** ZSET id -> Unix ms: jobs that are not to start before, jobs that wait for another one, and further attempts. */
  delay(runner: string): string {
    return `${this.#ns}rr:delay:${runner}`;
  }

  /** STRING, present while the queue is paused: since when, Unix ms. */
  paused(runner: string): string {
    return `${this.#ns}rr:paused:${runner}`;
  }

  /** LIST of ids that an instance took and has not started; the right-most is next. */
  claim(runner: string, instance: string): string {
    return `${this.#ns}rr:claim:${runner}:${instance}`;
  }

  /** HASH id -> token: attempts that an instance owns and has not finished. */
  attempts(runner: string, instance: string): string {
    return `${this.#ns}rr:attempts:${runner}:${instance}`;
  }

  /** ZSET instance -> Unix ms at which its lease ends. */
  lease(runner: string): string {
    return `${this.#ns}rr:lease:${runner}`;
  }

  /**
   * HASH nonce, boot_id, host, pid, version, slots, attach, state, since, ttl: the process that owns an instance;
   * `seq`: rises with each heartbeat and each start, so that a Redis that went back is found out. Of an instance that
   * left:
   * `left` for nonce, for `LEFT_MS`.
   */
  instance(runner: string, instance: string): string {
    return `${this.#ns}rr:instance:${runner}:${instance}`;
  }

  /** HASH, our bookkeeping of a job: the fields of `SideRecord`; leaves Redis together with the job. */
  meta(id: string): string {
    return `${this.#ns}rr:meta:${id}`;
  }

  /**
   * STREAM a, o, d: pieces of live output: attempt, offset in bytes, bytes. At most `OUTPUT_PIECES` of `OUTPUT_PIECE`
   * bytes, oldest out first; leaves Redis together with the job.
   */
  output(id: string): string {
    return `${this.#ns}rr:out:${id}`;
  }

  /**
   * LIST of requests about the terminals of an instance's jobs, taken from the right: `UNTIL\nREQUEST`, Unix ms and
   * JSON `replyTo`, `id`, `token`, `request`. At most 64; whoever gives up takes his out, and 5 s later the list leaves
   * Redis. Also a channel: a message for each.
   */
  requests(runner: string, instance: string): string {
    return `${this.#ns}rr:requests:${runner}:${instance}`;
  }

  /** LIST of one entry, JSON: the answer to a request, for 10 s at the most. */
  reply(request: string): string {
    return `${this.#ns}rr:reply:${request}`;
  }

  /**
   * SET of `RUNNER\nID`: jobs that start when this one has finished. Emptied as they are promoted; gone a day after its
   * end.
   */
  after(id: string): string {
    return `${this.#ns}rr:after:${id}`;
  }

  /**
   * ZSET `REASON\nID` -> Unix ms: dead letters: ids that are no runnable jobs; the newest 1,000, for
   * `DEAD_MS`.
   */
  dead(): string {
    return `${this.#ns}rr:dead`;
  }

  /** ZSET id -> Unix ms of creation: index for listing. */
  jobs(): string {
    return `${this.#ns}rr:jobs`;
  }

  /**
   * HASH instance -> history of Redis' data for which it has brought back what it runs; `whole` -> the history when all
   * of them had the time for that. With another one the data may be older than what was known, and who is new waits,
   * too. Stays for `LEFT_MS` after the last instance.
   */
  history(runner: string): string {
    return `${this.#ns}rr:history:${runner}`;
  }

  /**
   * SET of runner names that are in use: something waits or runs there, or a runner served it within the last
   * `LEFT_MS`.
   */
  names(): string {
    return `${this.#ns}rr:names`;
  }

  /**
   * STREAM of what happened, about the newest 10,000; `XREAD` follows it. Fields: `e` the event
   * (src/domain/lifecycle.ts), `id` the job, `s` its state afterwards (`late`: the end of an attempt of a job that had
   * ended already); where they apply `n` the runner, `i` its instance, `a` the attempt. The id of an entry begins with
   * Redis' clock in ms.
   */
  events(): string {
    return `${this.#ns}rr:events`;
  }

  /** Channel, not a key: a message whenever the job changed; its text is the state and only a hint. */
  channel(id: string): string {
    return `${this.#ns}rr:ev:${id}`;
  }

  /** Channel, not a key: a message whenever the job has written something. */
  outputChannel(id: string): string {
    return `${this.channel(id)}:output`;
  }

  /**
   * Channel, not a key: a message when something may wait for the runners of that name which their next heartbeat would
   * tell them.
   */
  wakeUp(runner: string): string {
    return `${this.#ns}rr:wake:${runner}`;
  }

  /** Everything below these patterns is ours to read and write: for access rules. */
  patterns(): { readonly keys: readonly string[]; readonly channels: readonly string[] } {
    const ns = this.#ns.replace(/[*?[\]\\]/g, "\\$&");
    return { keys: [`${ns}job_*`, `${ns}runner:*`, `${ns}rr:*`], channels: [`${ns}rr:*`] };
  }
}

/** Bytes of one piece of live output. */
export const OUTPUT_PIECE = 16 << 10;
/** Pieces of live output that Redis keeps of one job. */
export const OUTPUT_PIECES = MAX_LIVE_OUTPUT / OUTPUT_PIECE;
/**
 * How long the node of an instance stays that left, milliseconds: longer than its spool keeps ends to tell them again.
 */
export const LEFT_MS = 15 * 60_000;
/** How long a dead letter is kept, milliseconds. */
export const DEAD_MS = 86_400_000;
