import { SetupError } from "../../domain/errors.ts";
import type { InstanceInfo, RawId, RegisterOptions } from "../../ports/queue.ts";
import { untilIdle } from "./burst.ts";
import { Dispatcher } from "./dispatcher.ts";
import { Finisher } from "./finisher.ts";
import { Heartbeat } from "./heartbeat.ts";
import { Hooks } from "./hooks.ts";
import { INPUT_EVERY, InputWatch } from "./input_watch.ts";
import { EARLY_AFTER, Janitor } from "./janitor.ts";
import { Launcher } from "./launcher.ts";
import { patiently } from "./patience.ts";
import type { RunnerParts } from "./parts.ts";
import { Promoter } from "./promoter.ts";
import { Reaper } from "./reaper.ts";
import { Reconciler, type Registered } from "./reconciler.ts";
import { Requests } from "./requests.ts";
import { Attempts } from "./attempts.ts";
import { Loop, type LoopOptions } from "./service.ts";
import { SPOOL_EVERY, SpoolWatch } from "./spool_watch.ts";
import { StopTime } from "./stop_time.ts";
import { STREAM_EVERY, Streamer } from "./streamer.ts";
import { Superseded } from "./superseded.ts";

/** Pause between two looks at the terminals for runs that went away unseen, milliseconds. */
const SWEEP_EVERY = 2000;
/** Pause between two rounds of the janitor, milliseconds. */
const JANITOR_EVERY = 60_000;
/** The most that a stop takes altogether, whatever is frozen, milliseconds. */
const STOP_LIMIT = 8000;
/** The most that it waits for each of its parts, milliseconds. */
const PART_LIMITS = { rounds: 2000, launches: 1500, ends: 2000, hooks: 1500, terminals: 4000, redis: 2000, disk: 1000 };

/** What a stopped runner left behind. */
export interface Leftover {
  /** Jobs that go on in their terminals; the next runner finishes them. */
  readonly running: readonly string[];
}

/** The worker: takes jobs of one queue, runs them, and brings their ends back. */
export class Runner {
  readonly #parts: RunnerParts;
  readonly #attempts = new Attempts();
  readonly #finisher: Finisher;
  readonly #launcher: Launcher;
  readonly #dispatcher: Dispatcher;
  readonly #reconciler: Reconciler;
  readonly #heartbeat: Heartbeat;
  readonly #hooks: Hooks;
  readonly #inputWatch: InputWatch;
  readonly #requests: Requests;
  readonly #loops: Loop[];
  readonly #stopping = new AbortController();
  readonly #spoolWatch: SpoolWatch;
  readonly #over = Promise.withResolvers<void>();
  #info: InstanceInfo | null = null;
  #registered = false;
  /** What a start waits for just now. */
  waitsFor: "tmux" | "Redis" = "tmux";
  /** The next process will not find what runs here. */
  #spoolGone = false;
  /** Attempts whose ends are on record. */
  #settled = 0;
  /** Asks for a heartbeat. */
  #wakeUp = () => {};

  constructor(parts: RunnerParts) {
    this.#parts = parts;
    this.#finisher = new Finisher(parts, this.#attempts);
    this.#hooks = new Hooks(parts);
    this.#finisher.onReported = (active, end) => this.#hooks.ended(active, end);
    this.#launcher = new Launcher(parts, this.#attempts, this.#finisher);
    this.#dispatcher = new Dispatcher(parts, this.#attempts, this.#launcher);
    this.#reconciler = new Reconciler(parts, this.#attempts, {
      launcher: this.#launcher,
      finisher: this.#finisher,
      dispatcher: this.#dispatcher,
      holdChanged: () => this.#wakeUp(),
    });
    this.#heartbeat = new Heartbeat(parts, this.#attempts, this.#dispatcher, this.#reconciler);
    this.#reconciler.state = () => this.#heartbeat.reported;
    this.#reconciler.register = (state) => this.#register(state);
    this.#dispatcher.onOutage = async () => {
      try {
        return await this.#reconciler.afterOutage();
      } catch (error) {
        this.#over.reject(error);
        return false;
      }
    };
    this.#heartbeat.onFenced = () => {
      this.#over.reject(
        new SetupError(
          "Cannot go on: another process took this runner's instance over; give each runner on a host a name or a spool of its own",
        ),
      );
    };
    this.#inputWatch = new InputWatch(parts, this.#attempts);
    this.#requests = new Requests(parts, this.#attempts);
    this.#requests.onTyped = (active) => this.#inputWatch.typed(active);
    this.#spoolWatch = new SpoolWatch(parts);
    this.#spoolWatch.onLost = (path, isWhole) => void this.#leaveSpool(path, isWhole);
    this.#loops = this.#makeLoops();
  }

  #makeLoops(): Loop[] {
    const { clock, log, settings, executors } = this.#parts;
    const loop = (
      name: string,
      service: { tick(signal?: AbortSignal): Promise<void> },
      how: Pick<LoopOptions, "everyMs" | "jitter" | "work">,
    ) =>
      new Loop((signal) => service.tick(signal), {
        name,
        clock,
        log,
        onOutage: () => void this.#dispatcher.onOutage(),
        ...how,
      });
    const sweeper = {
      tick: async () => {
        for (const executor of executors.values()) await executor.sweep();
      },
    };
    const work = () => this.#attempts.some();
    const promoter = new Promoter(this.#parts);
    const heartbeat = loop("heartbeat", this.#heartbeat, { everyMs: settings.heartbeatMs, jitter: 0.2 });
    const promote = loop("promote", promoter, { everyMs: Infinity });
    const reap = loop("reap", new Reaper(this.#parts), { everyMs: Infinity });
    const watch = loop("spool watch", this.#spoolWatch, { everyMs: SPOOL_EVERY });
    this.#launcher.onHostFailure = () => watch.soon();
    const janitor = loop("janitor", new Janitor(this.#parts), { everyMs: JANITOR_EVERY, jitter: 0.2 });
    this.#finisher.onSettled = () => {
      if (++this.#settled % EARLY_AFTER === 0) janitor.soon();
    };
    // a heartbeat is the only look at Redis that an idle runner takes besides its claim: everything else follows from
    // its answer
    this.#wakeUp = () => heartbeat.soon();
    promoter.onDone = () => heartbeat.soon();
    this.#heartbeat.onOverdue = () => reap.soon();
    this.#heartbeat.onDelayed = this.#finisher.onDelayed = (dueInMs) => promote.soon(dueInMs);
    return [
      heartbeat,
      promote,
      reap,
      loop("superseded", new Superseded(this.#parts), { everyMs: settings.heartbeatMs, jitter: 0.2 }),
      loop("sweep", sweeper, { everyMs: SWEEP_EVERY, work }),
      loop("stream", new Streamer(this.#parts, this.#attempts), { everyMs: STREAM_EVERY, work }),
      loop("input", this.#inputWatch, { everyMs: INPUT_EVERY, work }),
      watch,
      janitor,
    ];
  }

  /**
   * Registers, takes up what earlier processes left, and begins to take jobs. Waits as long as Redis cannot be reached.
   *
   * @throws {SetupError} Another process owns the instance, or the host cannot run an executor.
   */
  async start(): Promise<void> {
    const { executors, settings, log } = this.#parts;
    for (const executor of executors.values()) {
      const facts = await executor.open((end) => this.#finisher.ended(end, executor), this.#stopping.signal);
      this.#launcher.bootId = facts.bootId;
      if (facts.maxSlots < settings.concurrency) {
        throw new SetupError(
          `Cannot run ${settings.concurrency} jobs side by side: this host's limits allow ${facts.maxSlots}; raise ulimit -n or lower --concurrency`,
        );
      }
      this.#info = {
        bootId: facts.bootId,
        host: settings.host,
        pid: settings.pid,
        version: settings.version,
        slots: settings.concurrency,
        attach: facts.attach,
      };
    }
    this.#stopping.signal.throwIfAborted();
    this.waitsFor = "Redis";
    let registered: Registered | null = await this.patiently(() => this.#register());
    this.#parts.checkpoint("after_register");
    await this.patiently(async () => {
      const known = registered ?? await this.#register(); // a Redis that was away may be empty
      registered = null;
      await this.#reconciler.recover(known);
    });
    this.#inputWatch.adopt();
    await this.patiently(() => this.#heartbeat.tick());
    for (const loop of this.#loops) loop.start();
    this.#parts.queue.onWakeUp(this.#wakeUp);
    this.#requests.start();
    this.#dispatcher.start();
    log.info("ready", { runner: settings.name, count: settings.concurrency });
  }

  /** Does a piece of work that needs Redis; waits for it as long as it is away. */
  patiently<T>(work: () => Promise<T>): Promise<T> {
    const { clock, log } = this.#parts;
    return patiently(work, { clock, log, signal: this.#stopping.signal });
  }

  async #register(state: Pick<RegisterOptions, "restored" | "unmixed"> = {}): Promise<Registered> {
    const { queue, clock, settings, log, ownership } = this.#parts;
    const claim = await ownership.claim(this.#info!.bootId);
    for (let tries = 0;; tries++) {
      const reply = await queue.register(this.#info!, { ...claim, ...state });
      if (reply.type === "OK") {
        this.#registered = true;
        await ownership.won();
        return reply;
      }
      // its lease was renewed while this process waited for its end
      if (tries > 0) {
        throw new SetupError(
          `Cannot run "${settings.name}": its spool folder, or a copy of it, is in use on host "${reply.host}"; ` +
            "give this runner a spool folder of its own with --spool",
        );
      }
      log.warn("waiting for the lease of another process to end", { ms: reply.msLeft });
      await clock.sleep(reply.msLeft + 100, this.#stopping.signal);
      if (this.#stopping.signal.aborted) throw new SetupError("Cannot start: the runner is being stopped");
    }
  }

  /** Resolves when a burst is over; rejects when the runner cannot go on. Never resolves otherwise. */
  async ended(): Promise<void> {
    if (!this.#parts.settings.burst) return await this.#over.promise;
    // to wait for a resume could be to wait for ever
    if (await untilIdle(this.#dispatcher, this.#attempts, this.#over.promise) === "paused") await this.#sayPaused();
    await Promise.race([this.#hooks.begun(), this.#over.promise]);
  }

  async #sayPaused(): Promise<void> {
    const { queue, settings, log } = this.#parts;
    const count = await queue.length().then((length) => length + this.#dispatcher.waiting, () => undefined);
    log.warn("the queue is paused: ends without its jobs", { runner: settings.name, count });
  }

  /** The spool folder went away: what runs here is brought to its end when no later process will find it. */
  async #leaveSpool(path: string, isWhole: boolean): Promise<void> {
    const error = new SetupError(
      `Cannot go on: "${path}" is not the file that this runner opened, so its spool folder was removed or replaced; ` +
        "keep the folder from being cleaned up, and start the runner again",
    );
    this.#spoolGone = !isWhole;
    const how = isWhole ? "takes no more jobs and ends" : "takes no more jobs and ends when those that run have ended";
    this.#parts.log.error(how, { error: error.message, count: this.running().length });
    if (!isWhole) await this.drain(this.#stopping.signal).catch(() => {}); // whatever that was, it ends
    this.#over.reject(error);
  }

  /** Jobs that run here now. */
  running(): string[] {
    return this.#attempts.all().filter((attempt) => !attempt.ended).map((attempt) => attempt.attempt.id);
  }

  /** Takes no new jobs; resolves when those that run have ended. */
  async drain(signal: AbortSignal): Promise<void> {
    this.#heartbeat.state = "draining";
    await this.#dispatcher.stop();
    while (this.running().length > 0 && !signal.aborted) {
      // again and again: a claim that was under way may still have taken an id
      const claims = new StopTime(PART_LIMITS.redis, this.#parts);
      await claims.give("give claims back", PART_LIMITS.redis, this.#giveBack());
      const round = new AbortController();
      const stop = () => round.abort();
      signal.addEventListener("abort", stop, { once: true });
      const { clock, settings } = this.#parts;
      await Promise.race([this.#attempts.change(round.signal), clock.sleep(settings.heartbeatMs, round.signal)]);
      signal.removeEventListener("abort", stop);
      stop();
    }
  }

  /**
   * Stops: gives back what has not started, tells what has ended, and leaves running jobs to the next runner. Takes no
   * longer than `STOP_LIMIT`; what is not done by then is named, and the next process does it.
   */
  async stop(): Promise<Leftover> {
    const { executors, queue, journal } = this.#parts;
    const time = new StopTime(STOP_LIMIT, this.#parts);
    this.#stopping.abort();
    await Promise.all([
      time.give("end the claims", PART_LIMITS.rounds, this.#dispatcher.stop()),
      time.give("answer requests", PART_LIMITS.rounds, this.#requests.stop()),
      ...this.#loops.map((loop) => time.give(`end the round "${loop.name}"`, PART_LIMITS.rounds, loop.stop())),
    ]);
    await time.give("launch what was started", PART_LIMITS.launches, this.#launcher.idle());
    await time.give("report all ends", PART_LIMITS.ends + 200, this.#finisher.stop(PART_LIMITS.ends));
    await time.give("begin all hooks", PART_LIMITS.hooks, this.#hooks.begun());
    this.#hooks.stop();
    const running = this.running();
    const closed = [...executors.values()].map((executor) => executor.close());
    await time.give("let go of the terminals", PART_LIMITS.terminals, Promise.all(closed));
    if (this.#registered) await time.give("give claims back", PART_LIMITS.redis, this.#leave());
    queue.close();
    await time.give("close the journal", PART_LIMITS.disk, journal.close());
    if (running.length > 0) this.#sayLeft(running.length);
    time.close();
    return { running };
  }

  #sayLeft(count: number): void {
    const { log } = this.#parts;
    if (!this.#spoolGone) log.info("left running jobs to the next runner", { count });
    else log.error("left running jobs that the next runner cannot find: their spool folder is gone", { count });
  }

  async #leave(): Promise<void> {
    await this.#giveBack();
    await this.#sayGoodbye();
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

  async #sayGoodbye(): Promise<void> {
    this.#heartbeat.state = "detached";
    await this.#heartbeat.tick();
    if (this.#attempts.size === 0) await this.#parts.queue.retire();
  }
}
