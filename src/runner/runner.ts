import { SetupError } from "../domain/errors.ts";
import { inTime } from "../domain/in_time.ts";
import { orAborted } from "../domain/or_aborted.ts";
import type { Executor, HostFacts } from "../ports/executor.ts";
import type { InstanceInfo, RawId } from "../ports/queue.ts";
import { Attempts } from "./attempts.ts";
import { untilIdle } from "./burst.ts";
import type { Registered } from "./membership.ts";
import { patiently } from "./patience.ts";
import type { RunnerSetup } from "./parts.ts";
import { makeRooms, type Rooms } from "./rooms.ts";
import type { LostSpool } from "./spool_watch.ts";
import { StopTime } from "./stop_time.ts";

/** Longest duration of a stop, whatever is frozen, milliseconds. */
const STOP_LIMIT = 8000;
/** Longest wait for each step of a stop, milliseconds. */
const PART_LIMITS = { rounds: 2000, launches: 1500, ends: 2000, hooks: 1500, terminals: 4000, redis: 2000, disk: 1000 };

/** Work that a stopped runner leaves behind. */
export interface Leftover {
  /** Jobs that continue in their terminals; the next runner finishes them. */
  readonly running: readonly string[];
}

/** Runs the jobs of one queue, and reports their ends. */
export class Runner {
  readonly #parts: RunnerSetup;
  readonly #attempts = new Attempts();
  readonly #stopping = new AbortController();
  readonly #over = Promise.withResolvers<never>();
  readonly #made = Promise.withResolvers<Rooms>();
  #executors: ReadonlyMap<string, Executor> = new Map();
  /** What it does; made when the executors are open. */
  #rooms: Rooms | null = null;
  #isDraining = false;
  /** What a start waits for. */
  waitsFor: "terminals" | "Redis" = "terminals";
  /** The next process will not find what runs here. */
  #isSpoolGone = false;

  constructor(parts: RunnerSetup) {
    this.#parts = parts;
    this.#over.promise.catch(() => {}); // a program need not wait for the end
  }

  /**
   * Registers, adopts what earlier processes left, and begins to claim jobs. Waits as long as Redis cannot be reached.
   *
   * @throws {SetupError} Another process owns the instance, or the host cannot run an executor.
   */
  async start(): Promise<void> {
    const { settings, log } = this.#parts;
    const info = await this.#openExecutors();
    const rooms = this.#rooms = makeRooms({ ...this.#parts, executors: this.#executors }, {
      attempts: this.#attempts,
      info,
      stopping: this.#stopping.signal,
      fail: (error) => this.#over.reject(error),
    });
    this.#made.resolve(rooms);
    for (const executor of this.#executors.values()) void passEnds(executor, rooms);
    if (this.#isDraining) await stopClaims(rooms);
    rooms.spoolWatch.lost.then((lost) => this.#leaveSpool(lost));
    this.#stopping.signal.throwIfAborted();
    this.waitsFor = "Redis";
    let registered: Registered | null = await this.patiently(() => rooms.membership.register());
    this.#parts.checkpoint("after_register");
    await this.patiently(async () => {
      const reply = registered ?? await rooms.membership.register(); // a Redis that was away may be empty
      registered = null;
      await rooms.recovery.recover(reply);
    });
    rooms.inputWatch.adopt();
    await this.patiently(() => rooms.heartbeat.tick());
    for (const loop of rooms.loops) loop.start();
    rooms.alarms.janitor.soon(); // an earlier process may have died before all that waited for an ended job was settled
    this.#parts.queue.onWakeUp(() => rooms.alarms.heartbeat.soon());
    rooms.requests.start();
    rooms.claimer.start();
    log.info("ready", { runner: settings.name, count: settings.concurrency });
  }

  /** Opens the executors. Returns what others may see of this instance. */
  async #openExecutors(): Promise<InstanceInfo> {
    const { settings } = this.#parts;
    const { signal } = this.#stopping;
    const opened = await this.#parts.openExecutors(signal);
    this.#executors = new Map(opened.map(({ executor }) => [executor.kind, executor]));
    if (signal.aborted) await this.#closeExecutors(); // `stop` came before they were known
    signal.throwIfAborted();
    let last: HostFacts | null = null;
    for (const { facts } of opened) {
      last = facts;
      if (facts.maxSlots < settings.concurrency) {
        throw new SetupError(
          `Cannot run ${settings.concurrency} jobs side by side: this host's limits allow ${facts.maxSlots}; ` +
            `raise ulimit -n or lower --concurrency`,
        );
      }
    }
    const { host, pid, version, concurrency: slots } = settings;
    return { bootId: last?.bootId ?? "", host, pid, version, slots, access: last?.access ?? { kind: "none" } };
  }

  /** Runs a function that needs Redis; retries it while Redis is unavailable. */
  patiently<T>(work: () => Promise<T>): Promise<T> {
    const { clock, log } = this.#parts;
    return patiently(work, { clock, log, signal: this.#stopping.signal });
  }

  /** Resolves when a burst is over; rejects when the runner cannot go on. Never resolves otherwise. */
  async ended(): Promise<void> {
    if (!this.#parts.settings.burst) return await this.#over.promise;
    const rooms = await Promise.race([this.#made.promise, this.#over.promise]);
    // to wait for a resume could be to wait for ever
    const idle = await untilIdle(rooms.claimer, this.#attempts, { ...this.#parts, failed: this.#over.promise });
    if (idle === "paused") await this.#sayPaused(rooms);
    await Promise.race([rooms.hooks.begun(), this.#over.promise]);
  }

  async #sayPaused({ backlog }: Rooms): Promise<void> {
    const { queue, settings, log } = this.#parts;
    const count = await queue.length().then((length) => length + backlog.size, () => undefined);
    log.warn("the queue is paused: ends without its jobs", { runner: settings.name, count });
  }

  /** The spool folder went away: what runs here is brought to its end when no later process will find it. */
  async #leaveSpool({ path, isWhole }: LostSpool): Promise<void> {
    const error = new SetupError(
      `Cannot go on: "${path}" is not the file that this runner opened, so its spool folder was removed or replaced; ` +
        "keep the folder from being cleaned up, and start the runner again",
    );
    this.#isSpoolGone = !isWhole;
    const how = isWhole
      ? "claims no more jobs and ends"
      : "claims no more jobs and ends when those that run have ended";
    this.#parts.log.error(how, { error: error.message, count: this.running().length });
    if (!isWhole) await this.drain(this.#stopping.signal).catch(() => {}); // the runner ends even when this fails
    this.#over.reject(error);
  }

  /** Returns the ids of the jobs that run here now. */
  running(): string[] {
    return this.#attempts.all().filter((attempt) => !attempt.ended).map((attempt) => attempt.attempt.id);
  }

  /** Stops the claims; resolves when the running jobs have ended. */
  async drain(signal: AbortSignal): Promise<void> {
    this.#isDraining = true;
    if (this.#rooms) await stopClaims(this.#rooms);
    while (this.running().length > 0 && !signal.aborted) {
      // repeated, because a claim in flight may still have received an id
      const claims = new StopTime(PART_LIMITS.redis, this.#parts);
      await claims.give("give claims back", PART_LIMITS.redis, this.#giveBack());
      const round = new AbortController();
      const { clock, settings } = this.#parts;
      const change = inTime(this.#attempts.change(round.signal), { clock, ms: settings.heartbeatMs });
      await orAborted(change, signal).catch(() => {}); // no longer than the signal lets it
      round.abort();
    }
  }

  /**
   * Stops the runner: gives back claims, reports ends, and leaves running jobs to the next runner. Lasts `STOP_LIMIT`
   * at most; steps that do not finish are logged, and the next process does them.
   */
  async stop(): Promise<Leftover> {
    const { queue, journal } = this.#parts;
    const rooms = this.#rooms;
    const time = new StopTime(STOP_LIMIT, this.#parts);
    this.#stopping.abort();
    if (rooms !== null) await endRooms(rooms, time);
    const running = this.running();
    await time.give("let go of the terminals", PART_LIMITS.terminals, this.#closeExecutors());
    if (rooms?.membership.isRegistered) await time.give("give claims back", PART_LIMITS.redis, this.#leave(rooms));
    queue.close();
    await time.give("close the journal", PART_LIMITS.disk, journal.close());
    if (running.length > 0) this.#logLeft(running.length);
    time.close();
    return { running };
  }

  async #closeExecutors(): Promise<void> {
    await Promise.all([...this.#executors.values()].map((executor) => executor.close()));
  }

  #logLeft(count: number): void {
    const { log } = this.#parts;
    if (!this.#isSpoolGone) log.info("left running jobs to the next runner", { count });
    else log.error("left running jobs that the next runner cannot find: their spool folder is gone", { count });
  }

  /** Gives the claims back, and reports that what runs goes on without a runner. */
  async #leave({ membership, heartbeat }: Rooms): Promise<void> {
    await this.#giveBack();
    membership.leave("detached");
    await heartbeat.tick();
    if (this.#attempts.size === 0) await this.#parts.queue.retire();
  }

  async #giveBack(): Promise<void> {
    const { queue, checkpoint } = this.#parts;
    queue.stopWaiting();
    checkpoint("before_release");
    // The last one first: each goes to the head of the queue, so the first claimed is next to run again.
    const claims: RawId[] = [...await queue.claimed()];
    for (const raw of claims.reverse()) await queue.release(raw);
    checkpoint("after_release");
  }
}

/** Passes the ends of attempts on, until the executor is closed. */
async function passEnds(executor: Executor, { finisher }: Rooms): Promise<void> {
  for await (const end of executor.ends) finisher.ended(end, executor);
}

/** Claims nothing more, and reports that what runs is waited for. */
async function stopClaims({ membership, claimer }: Rooms): Promise<void> {
  membership.leave("draining");
  await claimer.stop();
}

/** Ends what the rooms do, each part within its time. */
async function endRooms(rooms: Rooms, time: StopTime): Promise<void> {
  await Promise.all([
    time.give("end the claims", PART_LIMITS.rounds, rooms.claimer.stop()),
    time.give("answer requests", PART_LIMITS.rounds, rooms.requests.stop()),
    ...rooms.loops.map((loop) => time.give(`end the round "${loop.name}"`, PART_LIMITS.rounds, loop.stop())),
  ]);
  await time.give("launch what was started", PART_LIMITS.launches, rooms.launcher.idle());
  await time.give("report all ends", PART_LIMITS.ends + 200, rooms.finisher.stop(PART_LIMITS.ends));
  await time.give("begin all hooks", PART_LIMITS.hooks, rooms.hooks.begun());
  rooms.hooks.stop();
}
