import { InvalidInputError, LaunchError } from "../../domain/errors.ts";
import { readWork } from "../../domain/job.ts";
import type { Outcome } from "../../domain/outcome.ts";
import { runName } from "../../domain/run_name.ts";
import type { Executor, Launch } from "../../ports/executor.ts";
import type { StartReply } from "../../ports/queue.ts";
import type { Intent } from "../../ports/spool.ts";
import type { Finisher } from "./finisher.ts";
import type { ActiveRun, RunnerParts } from "./parts.ts";
import type { Runs } from "./runs.ts";

/** A job that could not be launched in so many attempts ends, because it may be the job after all. */
const MAX_ATTEMPTS = 100;
/** The longest pause until a job that this host could not launch is given to a host again, milliseconds. */
const MAX_GIVE_BACK = 30_000;

/** An attempt that is ours. */
export type Started = StartReply & { type: "OK" | "HELD" };

/** Brings a started attempt to life: intent on disk first, then the terminal. */
export class Launcher {
  readonly #parts: RunnerParts;
  readonly #runs: Runs;
  readonly #finisher: Finisher;
  readonly #launching = new Set<Promise<void>>();
  /** Called when a launch failed because of this host. */
  onHostFailure: () => void = () => {};
  /** Boot of this host, known when the executors are open. */
  bootId = "";

  constructor(parts: RunnerParts, runs: Runs, finisher: Finisher) {
    this.#parts = parts;
    this.#runs = runs;
    this.#finisher = finisher;
  }

  /** Takes over an attempt that `start` gave us. From now on it counts among the runs; the launch itself goes on. */
  take(id: string, reply: Started): void {
    const run = this.#runName(id, reply);
    if (this.#runs.get(run) || this.#parts.spool.record(run)) return; // the id was queued twice, or a reply was lost
    const { settings, log } = this.#parts;
    const base = this.#intent(run, id, reply);
    try {
      const defaultTimeout = settings.defaultTimeoutMs === null ? null : settings.defaultTimeoutMs / 1000;
      const work = readWork(id, reply.job, defaultTimeout);
      checkFolder(reply.meta.cwd);
      for (const warning of work.warnings) log.warn("replaced a value of the job", { job: id, error: warning });
      const intent = { ...base, timeoutMs: work.timeout === null ? null : work.timeout * 1000 };
      const { executor, line } = this.#resolve(work.executor);
      const active = this.#active(intent, executor, line);
      this.#runs.add(active);
      this.#track(this.#launch(active));
    } catch (error) {
      if (!(error instanceof InvalidInputError)) throw error;
      this.#refuse(base, { kind: "failed", why: error.message });
    }
  }

  /** Ends an attempt that `start` gave us and that is not to be launched. */
  refuse(id: string, reply: Started, outcome: Outcome): void {
    this.#refuse(this.#intent(this.#runName(id, reply), id, reply), outcome);
  }

  #runName(id: string, { token }: Started): string {
    return runName({ id, token }, this.#parts.digestOf);
  }

  #intent(run: string, id: string, reply: Started): Intent {
    return {
      run,
      id,
      token: reply.token,
      attempt: reply.attempt,
      startedMs: Number(reply.meta.started_ms ?? 0),
      seq: reply.seq,
      bootId: this.bootId,
      timeoutMs: null,
      job: reply.job,
      meta: reply.meta,
    };
  }

  /** Counts a run of an earlier process among ours; its end will be reported. */
  adopt(intent: Intent): ActiveRun {
    const { executor, line } = this.#resolve(readWork(intent.id, intent.job, null).executor);
    const fresh = this.#active(intent, executor, line);
    const active = { ...fresh, adopted: true, begunMs: fresh.begunMs - this.#parts.queue.ageOf(intent.startedMs) };
    this.#runs.add(active);
    return active;
  }

  /** Launches a run of an earlier process that never came to life. */
  relaunch(active: ActiveRun): void {
    this.#track(this.#enter(active));
  }

  /** Resolves when no launch is under way. */
  async idle(): Promise<void> {
    while (this.#launching.size > 0) await Promise.all(this.#launching);
  }

  #track(launch: Promise<void>): void {
    this.#launching.add(launch);
    launch.finally(() => this.#launching.delete(launch));
  }

  #refuse(intent: Intent, outcome: Outcome): void {
    const executor = this.#parts.executors.values().next().value!;
    const active = this.#active(intent, executor, null);
    this.#runs.add(active);
    this.#finisher.finish(active, outcome);
  }

  #active(intent: Intent, executor: Executor, line: string | null): ActiveRun {
    const sinceMs = this.#parts.clock.now();
    return {
      intent,
      executor,
      line,
      adopted: false,
      ended: false,
      cancelReason: null,
      shown: 0,
      followed: false,
      sinceMs,
      begunMs: sinceMs,
    };
  }

  /** What the executor needs to know about a run. */
  launchOf(intent: Intent): Launch {
    const work = readWork(intent.id, intent.job, null);
    return {
      run: intent.run,
      id: intent.id,
      attempt: intent.attempt,
      target: work.executor,
      payload: work.payload,
      env: work.env,
      cwd: intent.meta.cwd ?? null,
      timeoutMs: intent.timeoutMs,
      title: intent.meta.title ?? "",
    };
  }

  /** Executor and line of a target; also for jobs that have not started. */
  lineOf(target: string): string | null {
    return this.#resolve(target).line;
  }

  #resolve(target: string): { executor: Executor; line: string | null } {
    const executor = this.#parts.executors.get(target.split(".", 1)[0]);
    if (!executor) {
      const kinds = [...this.#parts.executors.keys()].join(", ");
      throw new InvalidInputError(`Cannot run job: no executor ${JSON.stringify(target)}; kinds are ${kinds}`);
    }
    return { executor, line: executor.place(target).line };
  }

  async #launch(active: ActiveRun): Promise<void> {
    const { spool, checkpoint, log } = this.#parts;
    const { intent } = active;
    checkpoint("after_start");
    try {
      await spool.intend(intent);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      log.error("could not write the intent", { job: intent.id, attempt: intent.attempt, error: why });
      this.#finisher.finish(
        active,
        { kind: "failed", why: `Cannot write to the spool: ${why}` },
        null,
        giveBack(intent),
      );
      return;
    }
    checkpoint("after_intent");
    await this.#enter(active);
  }

  async #enter(active: ActiveRun): Promise<void> {
    const { checkpoint, log, spool } = this.#parts;
    const { intent } = active;
    // while the intent was written, an order came that the executor could not carry out
    if (active.ended) return await spool.settle(intent.run, "gone");
    if (active.cancelReason !== null) {
      return this.#finisher.finish(active, { kind: "cancelled", reason: active.cancelReason });
    }
    try {
      await active.executor.launch(this.launchOf(intent));
      checkpoint("after_launch");
      log.info("started", { job: intent.id, attempt: intent.attempt });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const again = !(error instanceof LaunchError) || error.cause !== undefined ? giveBack(intent) : null;
      if (again !== null) {
        log.error("launch failed", { job: intent.id, attempt: intent.attempt, error: why });
        this.onHostFailure();
      }
      this.#finisher.finish(active, { kind: "failed", why }, null, again);
    }
  }
}

/** A check of `submit` again: other programs can have written it. */
function checkFolder(cwd: string | undefined): void {
  if (cwd !== undefined && (!cwd.startsWith("/") || cwd.includes("\0"))) {
    throw new InvalidInputError("Cannot run job: its working directory is no absolute path");
  }
}

/** Milliseconds after which a job that this host could not launch, by no fault of its own, goes back to the queue. */
export function giveBack({ attempt }: Intent): number | null {
  return attempt < MAX_ATTEMPTS ? Math.min(1000 * 2 ** (attempt - 1), MAX_GIVE_BACK) : null;
}
