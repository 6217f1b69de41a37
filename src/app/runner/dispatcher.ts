import { UnavailableError } from "../../domain/errors.ts";
import { readJobId } from "../../domain/job_id.ts";
import { readJsonJob } from "../../domain/json_job.ts";
import { LOOK_AHEAD } from "../../domain/limits.ts";
import type { Claimed, RawId, StartReply } from "../../ports/queue.ts";
import { allOf } from "./all_of.ts";
import type { Launcher } from "./launcher.ts";
import { SerialKeys } from "./serial_keys.ts";
import type { RunnerParts } from "./parts.ts";
import type { Attempts } from "./attempts.ts";

/** Longest wait of one claim, milliseconds. */
const CLAIM_WAIT = 5000;
/** The same of a runner that ends when the queue is empty. */
const BURST_WAIT = 100;
/** Pauses before an id whose job is not there, or not readable, becomes a dead letter, milliseconds. */
const PATIENCE = [100, 300, 1000, 3000];
/** Claimed ids at the most, those included that are given time because their job is not there. */
const MAX_CLAIMS = 2048;
/** Ends a timer; without a reason an error with a stack would be made. */
const OVER = "over";
/** First and longest pause after Redis could not be reached, milliseconds. */
const OUTAGE_PAUSE = [50, 1000] as const;

/** A claimed id that has not started. */
interface Waiting {
  readonly raw: RawId;
  readonly id: string;
  /** Place in the order of the claims. */
  readonly order: number;
  /** Line of its target; `undefined` as long as nobody asked. */
  serialKey: string | null | undefined;
  tries: number;
  /** Monotonic time before which it is left alone. */
  notBefore: number;
}

/** Takes ids from the queue and starts the jobs whose slot and line are free. */
export class Dispatcher {
  readonly #parts: RunnerParts;
  readonly #attempts: Attempts;
  readonly #launcher: Launcher;
  readonly #stopping = new AbortController();
  #waiting: Waiting[] = [];
  #claim: Promise<readonly RawId[]> | null = null;
  #claimed: readonly RawId[] | null = null;
  /** Slots for which Redis is asked for jobs just now. */
  #reserved = 0;
  #claiming: Promise<unknown> = Promise.resolve();
  /** Jobs of executors that it knows to be free are claimed and started in one step. */
  readonly #serialKeys: SerialKeys;
  #count = 0;
  #outages = 0;
  /** Redis could not be reached, and may have lost data: nothing is taken from it. */
  #unsure = false;
  #running: Promise<void> | null = null;
  #paused = false;
  #held = false;
  #fenced = false;
  /** How many runs had been removed when the last look began that found nothing; -1 when it found something. */
  #emptyAfter = -1;

  /** Called when Redis could not be reached; answers whether it is known what became of our data. */
  onOutage: () => Promise<boolean> = () => Promise.resolve(true);

  constructor(parts: RunnerParts, attempts: Attempts, launcher: Launcher) {
    this.#parts = parts;
    this.#attempts = attempts;
    this.#launcher = launcher;
    this.#serialKeys = new SerialKeys((target) => launcher.serialKeyOf(target));
  }

  /** The queue is paused: nothing is claimed. */
  set paused(value: boolean) {
    if (value !== this.#paused) this.#parts.log.info(value ? "paused" : "resumed");
    this.#paused = value;
    this.#attempts.wake();
  }

  /** We may not claim now: Redis is being reconciled. */
  set held(value: boolean) {
    this.#held = value;
    this.#attempts.wake();
  }

  /** A heartbeat was answered: the instance is ours after all. */
  confirmed(): void {
    if (!this.#fenced) return;
    this.#fenced = false;
    this.#attempts.wake();
  }

  /** Claimed ids that wait here. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Why nothing runs: no job came at a look that began after the last end, or none may be taken; else `null`. */
  get idle(): "empty" | "paused" | null {
    const isEmpty = this.#emptyAfter === this.#attempts.removed && this.#waiting.length === 0;
    if (this.#reserved + this.#attempts.size > 0) return null;
    return this.#paused ? "paused" : isEmpty ? "empty" : null;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Takes nothing any more; ids that it holds stay in the claim list for `release`. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#attempts.wake();
    await this.#running;
    await this.#claiming.catch(() => {}); // what it started is launched
  }

  /** Replaces what it believes to hold by what Redis says. */
  async reconcile(): Promise<void> {
    const known = new Map(this.#waiting.map((entry) => [entry.id, entry]));
    const truth = await this.#parts.queue.claimed();
    const reported = new Set(truth.map(String));
    this.#claimed = this.#claimed?.filter((raw) => !reported.has(String(raw))) ?? null;
    this.#waiting = [];
    for (const raw of truth) {
      const entry = await this.#read(raw);
      if (entry && !this.#attempts.starting.has(entry.id)) this.#waiting.push(known.get(entry.id) ?? entry);
    }
    this.#attempts.wake();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const [seen, since] = [this.#attempts.version, this.#parts.clock.now()];
      try {
        if (this.#unsure && !await this.#sure()) continue;
        if (!this.#held && !this.#fenced) await this.#round();
        this.#outages = 0;
      } catch (error) {
        await this.#failed(error);
        continue;
      }
      if (signal.aborted) return;
      if (this.#attempts.version === seen) await this.#pause(since);
    }
  }

  async #failed(error: unknown): Promise<void> {
    const unavailable = error instanceof UnavailableError;
    const message = error instanceof Error ? error.message : String(error);
    if (!unavailable || this.#outages === 0) this.#parts.log.warn("could not take jobs", { error: message });
    if (unavailable) this.#unsure = true;
    await this.#rest();
  }

  async #rest(): Promise<void> {
    const { clock } = this.#parts;
    const pause = Math.min(OUTAGE_PAUSE[0] * 2 ** this.#outages++, OUTAGE_PAUSE[1]);
    await clock.sleep(pause * (0.5 + clock.random() / 2), this.#stopping.signal);
  }

  /** Asks what became of our data, and waits a while when nobody knows. */
  async #sure(): Promise<boolean> {
    this.#unsure = !await this.onOutage();
    if (this.#unsure) await this.#rest();
    return !this.#unsure;
  }

  /** One look at what waits, and one claim in flight when there is room. */
  async #round(): Promise<void> {
    const claimed = this.#claimed;
    this.#claimed = null;
    if (claimed?.length) this.#parts.checkpoint("after_claim");
    for (const raw of claimed ?? []) {
      const entry = await this.#read(raw);
      if (entry) this.#enlist(entry);
    }
    await this.#startWaiting();
    this.#requestWait();
  }

  /** Starts, in queue order, every waiting job whose slot and line are free; all together. */
  async #startWaiting(): Promise<void> {
    const ready = this.#ready();
    // a line can be free for one of them only, and busy for any
    if (ready.length > 1 || this.#attempts.serialKeys().size > 0) await this.#readSerialKeys(ready);
    if (!this.#mayStart) return;
    const lines = this.#attempts.serialKeys();
    const starts = [];
    for (const entry of ready) {
      if (this.#room === 0) break;
      if (entry.serialKey && lines.has(entry.serialKey)) continue;
      if (entry.serialKey) lines.add(entry.serialKey);
      this.#waiting.splice(this.#waiting.indexOf(entry), 1);
      starts.push(this.#start(entry));
    }
    this.#requestWait(); // meanwhile: it is started in the next round
    await allOf(starts);
    if (starts.length > 0) this.#attempts.wake(); // those that took no slot have left it to others that wait
  }

  get #mayStart(): boolean {
    return !(this.#stopping.signal.aborted || this.#held || this.#fenced || this.#paused);
  }

  /** Those that wait for nothing but a slot and their line; none when there is no slot. */
  #ready(): Waiting[] {
    if (!this.#mayStart || this.#room === 0) return [];
    return this.#waiting.filter((entry) => entry.notBefore <= this.#parts.clock.now());
  }

  /** Slots that are free. */
  get #room(): number {
    return Math.max(0, this.#parts.settings.concurrency - this.#attempts.busy - this.#reserved);
  }

  async #readSerialKeys(entries: readonly Waiting[]): Promise<void> {
    await Promise.all(entries.map(async (entry) => {
      if (entry.serialKey === undefined) entry.serialKey = this.#serialKeys.of(await this.#parts.queue.peek(entry.id));
    }));
  }

  async #start(entry: Waiting): Promise<void> {
    this.#attempts.starting.add(entry.id);
    try {
      const reply = await this.#parts.queue.start(entry.id);
      // later ones start when they are claimed
      if (reply.type === "OK") this.#serialKeys.of(reply.job.executor ?? null);
      await this.#handle(entry, reply);
    } catch (error) {
      this.#enlist(entry);
      throw error;
    } finally {
      this.#attempts.starting.delete(entry.id);
    }
  }

  /** Does what the answer to a start asks for. */
  async #handle(entry: Waiting, reply: StartReply): Promise<void> {
    const { queue, log, settings } = this.#parts;
    switch (reply.type) {
      case "OK":
      case "HELD":
        return this.#launcher.accept(entry.id, reply);
      case "MISSING":
        return await this.#again(entry, "there is no job with this id");
      case "BADSTATUS":
        return await this.#again(entry, `the job has the unknown status ${JSON.stringify(reply.status)}`);
      case "BADTYPE":
        return await this.#deadLetter(entry.raw, `the job is a Redis ${reply.redisType}, not a hash`);
      case "JSON": {
        const fields = settings.jsonJobs === "convert" ? readJsonJob(reply.raw) : null;
        if (!fields) return await this.#deadLetter(entry.raw, "the job is a string, not a hash");
        await queue.convert(entry.id, reply.raw, fields);
        entry.serialKey = undefined; // the line of a string is not known: it is no reason to take a slot
        if (++entry.tries > PATIENCE.length) return await this.#deadLetter(entry.raw, "the job changes all the time");
        return this.#enlist(entry);
      }
      case "OTHER":
        return await this.#other(entry, reply.runner);
      case "FENCED":
        this.#enlist(entry);
        this.#fenced = true; // the next heartbeat says who owns our instance now
        return;
      default:
        log.info("skipped", { job: entry.id, state: reply.type.toLowerCase() });
    }
  }

  /** The job names another runner. */
  async #other(entry: Waiting, runner: string): Promise<void> {
    const { queue, settings } = this.#parts;
    if (settings.otherRunner === "reroute") {
      this.#parts.log.info("rerouted", { job: entry.id, runner });
      await queue.reroute(entry.id, runner);
      return;
    }
    const reply = await queue.start(entry.id, { anyRunner: true });
    if (reply.type !== "OK" && reply.type !== "HELD") return await this.#handle(entry, reply);
    if (settings.otherRunner === "run") return this.#launcher.accept(entry.id, reply);
    const why = `Cannot run job: it names runner ${JSON.stringify(runner)}, and this is ${
      JSON.stringify(settings.name)
    }`;
    this.#launcher.refuse(entry.id, reply, { kind: "failed", why });
  }

  /** Puts a claim among those that wait, in order, and once: a list of all claims may come before the reply. */
  #enlist(entry: Waiting): void {
    if (this.#waiting.some(({ id }) => id === entry.id)) return;
    const at = this.#waiting.findIndex((other) => other.order > entry.order);
    this.#waiting.splice(at === -1 ? this.#waiting.length : at, 0, entry);
  }

  /** Leaves an id alone for a while; puts it aside when patience ends. Holds no slot. */
  async #again(entry: Waiting, reason: string): Promise<void> {
    if (entry.tries >= PATIENCE.length) return await this.#deadLetter(entry.raw, reason);
    entry.notBefore = this.#parts.clock.now() + PATIENCE[entry.tries++];
    this.#waiting.push(entry);
  }

  async #deadLetter(raw: RawId, reason: string): Promise<void> {
    await this.#parts.queue.deadLetter(raw, reason);
    this.#parts.log.warn("dead letter", { job: new TextDecoder().decode(raw.subarray(0, 100)), error: reason });
  }

  async #read(raw: RawId): Promise<Waiting | null> {
    const read = readJobId(raw);
    if ("id" in read) return { raw, id: read.id, order: this.#count++, serialKey: undefined, tries: 0, notBefore: 0 };
    await this.#deadLetter(raw, read.reason);
    return null;
  }

  /** Jobs that may be claimed. */
  get #limit(): number {
    if (this.#waiting.length >= MAX_CLAIMS) return 0;
    // ids whose job is not there are no reason to look at fewer others
    const ahead = LOOK_AHEAD - this.#waiting.filter((entry) => entry.tries === 0).length;
    return Math.max(0, Math.min(this.#room, ahead));
  }

  #requestWait(): void {
    if (this.#claim || this.#paused || this.#held || this.#fenced || this.#stopping.signal.aborted) return;
    if (this.#claimed || this.#limit === 0) return;
    this.#claim = this.#next();
    this.#claim.then(
      (ids) => {
        this.#claim = null;
        this.#claimed = ids;
        this.#attempts.wake();
      },
      () => this.#attempts.wake(),
    );
  }

  /** Claims what is next, waiting for it if need be; answers the ids that are still to be started. */
  async #next(): Promise<readonly RawId[]> {
    const { queue, settings } = this.#parts;
    for (let waited: Waiting | null = null;;) {
      const limit = this.#limit;
      const taking = this.#claiming = this.#claimBatch(limit, waited);
      const taken = await taking;
      if (taken === "FENCED") return [];
      if (taken.length > 0) this.#emptyAfter = -1;
      const rest = taken.filter(({ reply }) => reply === null).map(({ raw }) => raw);
      if (rest.length > 0 || taken.length === limit) return rest;
      const { removed } = this.#attempts;
      const raw = await queue.wait(settings.burst ? BURST_WAIT : CLAIM_WAIT);
      this.#emptyAfter = raw === null ? removed : -1;
      if (raw === null) return [];
      waited = await this.#read(raw);
      if (waited === null) return [];
      if (this.#limit === 0 || !this.#mayStart) return [raw]; // asked last: the slot may just have gone to another one
    }
  }

  /** Claims jobs, after one that is claimed already, and takes over those that have started in the same step. */
  async #claimBatch(limit: number, waited: Waiting | null): Promise<readonly Claimed[] | "FENCED"> {
    this.#reserved = limit;
    if (waited) this.#attempts.starting.add(waited.id);
    try {
      const taken = await this.#parts.queue.claim(limit - (waited ? 1 : 0), this.#serialKeys.free, waited?.id);
      if (taken === "FENCED") {
        if (waited) this.#enlist(waited);
        this.#fenced = true; // the next heartbeat says who owns our instance now
        return taken;
      }
      await allOf(taken.map(async ({ raw, reply }) => {
        const entry = reply && await this.#read(raw);
        if (entry) await this.#handle(entry, reply);
      }));
      return taken;
    } catch (error) {
      if (waited) this.#enlist(waited);
      throw error;
    } finally {
      if (waited) this.#attempts.starting.delete(waited.id);
      this.#reserved = 0;
      // there may be slots for those that wait, or nothing to do at all
      if (this.#waiting.length > 0 || this.#emptyAfter >= 0) this.#attempts.wake();
    }
  }

  /** Until something changes: a claim, an end, or an id whose pause was not over at the last look. */
  async #pause(since: number): Promise<void> {
    // what came while nothing may be taken waits until it may: to look at once would be to look for ever
    if (this.#claimed && !this.#held && !this.#fenced) return;
    const { clock } = this.#parts;
    const over = new AbortController();
    const waits: Promise<unknown>[] = [this.#attempts.change(over.signal), ...(this.#claim ? [this.#claim] : [])];
    const next = Math.min(...this.#waiting.map((e) => e.notBefore).filter((at) => at > since));
    if (next < Infinity) waits.push(clock.sleep(Math.max(next - clock.now(), 1), over.signal));
    try {
      await Promise.race(waits);
    } catch (error) {
      this.#claim = null;
      await this.#failed(error);
    } finally {
      over.abort(OVER);
    }
  }
}
