import { UnavailableError } from "../domain/errors.ts";
import { messageOf } from "../domain/message_of.ts";
import type { Claimed, ClaimQueue, RawId } from "../ports/queue.ts";
import type { Alarm } from "./alarms.ts";
import { allOf } from "./all_of.ts";
import type { Attempts } from "./attempts.ts";
import type { Backlog, Claim } from "./backlog.ts";
import type { ClaimGate } from "./claim_gate.ts";
import type { RunnerParts } from "./parts.ts";
import type { SerialKeys } from "./serial_keys.ts";
import type { Starter } from "./starter.ts";

/** Longest wait of one claim, milliseconds. */
const CLAIM_WAIT = 5000;
/** The same of a runner that ends when the queue is empty. */
const BURST_WAIT = 100;
/** First and longest pause after several rounds in a row that failed, milliseconds. */
const FAILED_PAUSE = [50, 1000] as const;
/** Ends a timer; without a reason an error with a stack would be made. */
const OVER = "over";

/** What a `Claimer` works with. */
export interface ClaimerWork {
  readonly attempts: Attempts;
  readonly gate: ClaimGate;
  readonly backlog: Backlog;
  readonly starter: Starter;
  /** Jobs of targets that have no serial key are claimed and started in one step. */
  readonly serialKeys: SerialKeys;
  /** Asks for a recovery after Redis could not be reached. */
  readonly recover: Alarm;
}

/** What it works with. */
type ClaimerParts = Pick<RunnerParts, "clock" | "log" | "settings" | "checkpoint"> & { readonly queue: ClaimQueue };

/** Claims ids from the queue, and starts the jobs whose slot and serial key are free. */
export class Claimer {
  readonly #parts: ClaimerParts;
  readonly #work: ClaimerWork;
  readonly #stopping = new AbortController();
  /** The claim under way, which may wait for a job. */
  #pending: Promise<readonly RawId[]> | null = null;
  /** The part of it that starts jobs. */
  #claiming: Promise<unknown> = Promise.resolve();
  /** Slots for which a claim is under way. */
  #reserved = 0;
  #failures = 0;
  #running: Promise<void> | null = null;
  /** Attempts that had been removed when the last claim that found nothing began; -1 when the last one found a job. */
  #emptyAfter = -1;

  constructor(
    parts: ClaimerParts,
    work: ClaimerWork,
  ) {
    this.#parts = parts;
    this.#work = work;
  }

  /** Why nothing runs: no job came in a claim that began after the last end, or the queue is paused; else `null`. */
  get idle(): "empty" | "paused" | null {
    const { attempts, backlog, gate } = this.#work;
    const isEmpty = this.#emptyAfter === attempts.removed && backlog.size === 0;
    if (this.#reserved + attempts.size > 0) return null;
    return gate.has("paused") ? "paused" : isEmpty ? "empty" : null;
  }

  /** Begins to claim; a second call changes nothing. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Claims nothing more. Ids that wait stay in the claim list for `release`. */
  async stop(): Promise<void> {
    this.#work.gate.close("stopping");
    this.#stopping.abort();
    this.#work.attempts.wake();
    await this.#running;
    await this.#claiming.catch(() => {}); // what it started is launched
  }

  async #run(): Promise<void> {
    const { attempts, gate } = this.#work;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const [seen, since] = [attempts.version, this.#parts.clock.now()];
      try {
        if (isUsable(gate)) await this.#round();
      } catch (error) {
        await this.#failed(error);
        continue;
      }
      if (signal.aborted) return;
      if (attempts.version === seen) await this.#pause(since);
    }
  }

  /**
   * Logs the first of several failures, and pauses from the second one on. An unreachable Redis may have lost data:
   * recovery comes first, and opens the gate as soon as Redis is back.
   */
  async #failed(error: unknown): Promise<void> {
    const { clock, log } = this.#parts;
    const isUnavailable = error instanceof UnavailableError;
    const message = messageOf(error);
    if (!isUnavailable || this.#failures === 0) log.warn("could not claim jobs", { error: message });
    if (isUnavailable) {
      this.#work.gate.close("unreachable");
      this.#work.recover.soon();
    }
    if (this.#failures++ === 0) return;
    const pause = Math.min(FAILED_PAUSE[0] * 2 ** (this.#failures - 2), FAILED_PAUSE[1]);
    await clock.sleep(pause * (0.5 + clock.random() / 2), this.#stopping.signal);
  }

  /** Starts what can start, and has one claim under way while there is room. */
  async #round(): Promise<void> {
    if (await this.#work.backlog.readReceived() > 0) this.#parts.checkpoint("after_claim");
    await this.#startReady();
    this.#claimNext();
  }

  /** Starts, in queue order and all together, every claim whose slot and serial key are free. */
  async #startReady(): Promise<void> {
    const { attempts, backlog, gate, starter } = this.#work;
    const ready = gate.isOpen && this.#room > 0 ? backlog.ready() : [];
    // a serial key can be free for one of them only, and busy for any
    if (ready.length > 1 || attempts.serialKeys().size > 0) await this.#readSerialKeys(ready);
    if (!gate.isOpen) return;
    const busy = attempts.serialKeys();
    const starts = [];
    for (const claim of ready) {
      if (this.#room === 0) break;
      if (claim.serialKey && busy.has(claim.serialKey)) continue;
      if (claim.serialKey) busy.add(claim.serialKey);
      backlog.remove(claim);
      starts.push(starter.start(claim));
    }
    this.#claimNext(); // meanwhile: it is started in the next round
    await allOf(starts);
    if (starts.length === 0) return;
    this.#failures = 0;
    attempts.wake(); // those that needed no slot have left it to others
  }

  /** Slots that are free. */
  get #room(): number {
    return Math.max(0, this.#parts.settings.concurrency - this.#work.attempts.busy - this.#reserved);
  }

  /** Jobs that may be claimed now. */
  get #limit(): number {
    return Math.min(this.#room, this.#work.backlog.capacity);
  }

  async #readSerialKeys(claims: readonly Claim[]): Promise<void> {
    const { queue } = this.#parts;
    await Promise.all(claims.map(async (claim) => {
      if (claim.serialKey === undefined) claim.serialKey = this.#work.serialKeys.of(await queue.peek(claim.id));
    }));
  }

  /** Begins a claim, unless one is under way. */
  #claimNext(): void {
    const { attempts, backlog, gate } = this.#work;
    if (this.#pending || !gate.isOpen || backlog.hasUnread || this.#limit === 0) return;
    this.#pending = this.#next();
    this.#pending.then(
      (ids) => {
        this.#failures = 0;
        this.#pending = null;
        backlog.receive(ids);
      },
      () => attempts.wake(),
    );
  }

  /** Claims what is next, waiting for it if need be. Returns the ids that are still to be started. */
  async #next(): Promise<readonly RawId[]> {
    const { queue, settings } = this.#parts;
    const { attempts, backlog, gate } = this.#work;
    for (let waited: Claim | null = null;;) {
      const limit = this.#limit;
      const claiming = this.#claimBatch(limit, waited);
      this.#claiming = claiming;
      const claimed = await claiming;
      if (claimed === "FENCED") return [];
      if (claimed.length > 0) this.#emptyAfter = -1;
      const rest = claimed.filter(({ reply }) => reply === null).map(({ raw }) => raw);
      if (rest.length > 0 || claimed.length === limit) return rest;
      const { removed } = attempts;
      const raw = await queue.wait(settings.burst ? BURST_WAIT : CLAIM_WAIT);
      this.#emptyAfter = raw === null ? removed : -1;
      if (raw === null) return [];
      waited = await backlog.read(raw);
      if (waited === null) return [];
      if (this.#limit === 0 || !gate.isOpen) return [raw]; // checked last: the slot may be another one's by now
    }
  }

  /** Claims jobs, after one that is claimed already, and accepts those that have started in the same step. */
  async #claimBatch(limit: number, waited: Claim | null): Promise<readonly Claimed[] | "FENCED"> {
    const { attempts, backlog, gate, starter, serialKeys } = this.#work;
    this.#reserved = limit;
    if (waited) attempts.starting.add(waited.id);
    try {
      const claimed = await this.#parts.queue.claim(limit - (waited ? 1 : 0), serialKeys.free, waited?.id);
      if (claimed === "FENCED") {
        if (waited) backlog.add(waited);
        gate.close("fenced"); // the next heartbeat says who owns the instance now
        return claimed;
      }
      await allOf(claimed.map(async ({ raw, reply }) => {
        const claim = reply && await backlog.read(raw);
        if (claim) await starter.handle(claim, reply);
      }));
      return claimed;
    } catch (error) {
      if (waited) backlog.add(waited);
      throw error;
    } finally {
      if (waited) attempts.starting.delete(waited.id);
      this.#reserved = 0;
      // there may be slots for those that wait, or nothing to do at all
      if (backlog.size > 0 || this.#emptyAfter >= 0) attempts.wake();
    }
  }

  /** Waits until something changes: a claim, an end, the gate, or a pause of a claim that ends. */
  async #pause(since: number): Promise<void> {
    const { attempts, backlog, gate } = this.#work;
    // what came while the gate is closed is read when it opens
    if (backlog.hasUnread && isUsable(gate)) return;
    const { clock } = this.#parts;
    const over = new AbortController();
    const waits: Promise<unknown>[] = [attempts.change(over.signal), ...(this.#pending ? [this.#pending] : [])];
    const next = backlog.nextAfter(since);
    if (next < Infinity) waits.push(clock.sleep(Math.max(next - clock.now(), 1), over.signal));
    try {
      await Promise.race(waits);
    } catch (error) {
      this.#pending = null;
      await this.#failed(error);
    } finally {
      over.abort(OVER);
    }
  }
}

/** Whether claims can be read: ids that are none become dead letters also while the queue is paused. */
function isUsable(gate: ClaimGate): boolean {
  return !(gate.has("restoring") || gate.has("fenced") || gate.has("unreachable"));
}
