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

  /** LIST of ids that wait for a runner; claimed from the right. */
  queue(runner: string): string {
    return `${this.#ns}runner:${runner}`;
  }

  /** LIST of ids of low priority; claimed from the right when `queue` is empty. */
  low(runner: string): string {
    return `${this.#ns}rr:low:${runner}`;
  }

  /** ZSET id -> due time, Unix ms: jobs with a start time, jobs that wait for another one, and further attempts. */
  delay(runner: string): string {
    return `${this.#ns}rr:delay:${runner}`;
  }

  /** STRING, present while the queue is paused: since when, Unix ms. */
  paused(runner: string): string {
    return `${this.#ns}rr:paused:${runner}`;
  }

  /** LIST of ids that an instance has claimed and not started; the right-most is next. */
  claim(runner: string, instance: string): string {
    return `${this.#ns}rr:claim:${runner}:${instance}`;
  }

  /** HASH id -> token: attempts that an instance owns and has not finished. */
  attempts(runner: string, instance: string): string {
    return `${this.#ns}rr:attempts:${runner}:${instance}`;
  }

  /** HASH id -> permits of the attempt that an instance owns, as `permits` in `JobMeta`; only of jobs with limits. */
  held(runner: string, instance: string): string {
    return `${this.#ns}rr:held:${runner}:${instance}`;
  }

  /** ZSET instance -> Unix ms at which its lease ends. */
  lease(runner: string): string {
    return `${this.#ns}rr:lease:${runner}`;
  }

  /**
   * HASH nonce, boot_id, host, pid, version, slots, access, state, since, ttl, limited: the process that owns an
   * instance. `seq` rises with each heartbeat and each start, so that a Redis that went back is detected. `mixed` is
   * set when another spool folder may have used the instance. An instance that left has `left` in place of `nonce`, for
   * `LEFT_MS`.
   */
  instance(runner: string, instance: string): string {
    return `${this.#ns}rr:instance:${runner}:${instance}`;
  }

  /** HASH, the job metadata: the fields of `JobMeta`; leaves Redis together with the job. */
  meta(id: string): string {
    return `${this.#ns}rr:meta:${id}`;
  }

  /**
   * STREAM a, o, d: pieces of live output: attempt, offset in bytes, bytes. Holds at most `OUTPUT_PIECES` of
   * `OUTPUT_PIECE` bytes and drops the oldest first; leaves Redis together with the job.
   */
  output(id: string): string {
    return `${this.#ns}rr:out:${id}`;
  }

  /**
   * LIST of requests that only read (screen, location, output), served from the right: `UNTIL\nENVELOPE`, Unix ms and
   * JSON `v` (1), `request_id`, `job`, `token`, `request`. Holds at most 64. A sender that gives up removes its
   * request; the list expires 5 s after the last one is due. Also a channel: a message for each request.
   */
  view(runner: string, instance: string): string {
    return `${this.#ns}rr:view:${runner}:${instance}`;
  }

  /** LIST of requests that change something (keys for a terminal), otherwise as `view`. */
  control(runner: string, instance: string): string {
    return `${this.#ns}rr:control:${runner}:${instance}`;
  }

  /** LIST of one entry, JSON: the reply to a request, for at most 10 s. */
  reply(request: string): string {
    return `${this.#ns}rr:reply:${request}`;
  }

  /**
   * SET of `RUNNER\nID`: jobs that wait for the end of this one, which empties it. Expires a day after the end of this
   * job; a job that still waits then is found by its due time.
   */
  after(id: string): string {
    return `${this.#ns}rr:after:${id}`;
  }

  /** SET of ids: jobs that were skipped because of this one, for `retry --cascade`; expires as they do by default. */
  skipped(id: string): string {
    return `${this.#ns}rr:skipped:${id}`;
  }

  /** SET of ids: ended jobs for which so many others waited that one event could not queue or end all of these. */
  unsettled(): string {
    return `${this.#ns}rr:unsettled`;
  }

  /**
   * ZSET `REASON\nID` -> Unix ms: dead letters, which are ids of no runnable job; the newest 1,000, for `DEAD_MS`.
   */
  dead(): string {
    return `${this.#ns}rr:dead`;
  }

  /** ZSET id -> Unix ms of creation: index for listing. */
  jobs(): string {
    return `${this.#ns}rr:jobs`;
  }

  /**
   * HASH instance -> history of Redis' data for which it has restored its attempts; `whole` -> the history when all
   * instances had the time for that. With another history the data may be older than recorded, so that a new instance
   * waits, too. Stays for `LEFT_MS` after the last instance.
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
   * STREAM of events, about the newest 10,000; `XREAD` follows it. Fields: `e` the event (src/domain/lifecycle.ts),
   * `id` the job, `s` its state afterwards (`late`: the end of an attempt of a job that had ended already); where they
   * apply `n` the runner, `i` its instance, `a` the attempt. The id of an entry begins with Redis' clock in ms.
   */
  events(): string {
    return `${this.#ns}rr:events`;
  }

  /**
   * HASH, the state of all schedules: `birth` when the first one was added, `version` of their last change, `due` when
   * the first one is to be checked, `hold` until when none fires; Unix ms.
   */
  schedules(): string {
    return `${this.#ns}rr:schedules`;
  }

  /** ZSET name of a schedule -> Unix ms when it is to be checked; infinite for a paused or removed one. */
  scheduleDue(): string {
    return `${this.#ns}rr:schedule_due`;
  }

  /**
   * HASH, a schedule: `text` its definition in JSON, `times` zone and expression, `rev`, `overlap`, `catch_up` in ms,
   * `next` and `last` firing, `job` of the last one, `held` the firing that waits for the end of that job, `waited`
   * until when one did, `skipped` the last skipped firing and why, `paused` since when. A removed one has `removed`,
   * and expires `keep` ms later. Times are Unix ms.
   */
  schedule(name: string): string {
    return `${this.#ns}rr:schedule:${name}`;
  }

  /**
   * HASH, a batch: `digest` of its submission, `size`, `stored` members, `closed` when it gets no more, `runner`,
   * `params` (JSON list of names of variables that are shown), `of:NAME` what the members share of their metadata,
   * `n:STATE` numbers of members by the state under which they are counted (`n:failed:CODE` by exit code), `failures`,
   * `stop_after`, `recent` indexes of members that did not succeed, newest first, `created_ms`, `begun_ms`, `ended_ms`,
   * `till` when its last member expires. While members are to end: `stopping` (cancel or skip), `reason`, `cursor`;
   * afterwards `stopped`. `rebuilt`: Redis had lost it. Expires with its last member.
   */
  batch(id: string): string {
    return `${this.#ns}rr:batch:${id}`;
  }

  /** ZSET id of a batch -> Unix ms of creation. */
  batches(): string {
    return `${this.#ns}rr:batches`;
  }

  /**
   * HASH limit -> `N REVISION` of each that is set or in use; the revision is Unix ms, or 0 for one that was never set.
   */
  limits(): string {
    return `${this.#ns}rr:limits`;
  }

  /**
   * HASH, the state of all limits: `history` of Redis' data, `hold` until when no job with a limit starts, `checked`
   * when they were repaired last, Unix ms; `rank` counts the jobs with limits that were queued.
   */
  limitState(): string {
    return `${this.#ns}rr:limit_state`;
  }

  /** ZSET `NAME:INST\nTOKEN\nID` -> number of its permit: attempts that hold permits of a limit. */
  permits(limit: string): string {
    return `${this.#ns}rr:permits:${limit}`;
  }

  /** SET of runner names: queues with jobs that are parked because of a limit. */
  parking(limit: string): string {
    return `${this.#ns}rr:parking:${limit}`;
  }

  /** ZSET `LIMIT\nRANK\nID`, all with score 0: jobs of a queue that are parked because of a limit, oldest first. */
  parked(runner: string): string {
    return `${this.#ns}rr:parked:${runner}`;
  }

  /** Channel, not a key: a message whenever the job changes; its text is the state, which is only a hint. */
  channel(id: string): string {
    return `${this.#ns}rr:ev:${id}`;
  }

  /** Channel, not a key: a message whenever the job has written output. */
  outputChannel(id: string): string {
    return `${this.channel(id)}:output`;
  }

  /** Channel, not a key: a message asks the runners of this name to send their heartbeat now. */
  wakeUp(runner: string): string {
    return `${this.#ns}rr:wake:${runner}`;
  }

  /** Returns patterns of all keys and channels that this program reads and writes, for access rules. */
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
 * How long the record of an instance that left stays, milliseconds: longer than its spool keeps ends to report again.
 */
export const LEFT_MS = 15 * 60_000;
/** How long a dead letter is kept, milliseconds. */
export const DEAD_MS = 86_400_000;
