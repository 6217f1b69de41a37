import { InvalidInputError, LaunchError } from "../domain/errors.ts";
import { readWork } from "../domain/job.ts";
import type { Outcome } from "../domain/outcome.ts";
import { permitsOf } from "../domain/limit_key.ts";
import { attemptName } from "../domain/attempt_name.ts";
import { messageOf } from "../domain/message_of.ts";
import { metaNumber } from "../domain/job_meta.ts";
import type { Executor, Launch } from "../ports/executor.ts";
import type { DataHistory } from "../ports/data_history.ts";
import type { StartReply } from "../ports/queue.ts";
import type { Attempt } from "../ports/attempt_journal.ts";
import type { Alarm } from "./alarms.ts";
import type { Hooks } from "./hooks.ts";
import type { Finisher } from "./finisher.ts";
import { giveBack } from "./give_back.ts";
import type { ActiveAttempt, RunnerParts } from "./parts.ts";
import type { Attempts } from "./attempts.ts";

/** Reply to a start that makes this process the owner of the attempt. */
export type Started = StartReply & { type: "OK" | "HELD" };

/** What a `Launcher` works with. */
interface LauncherWork {
  readonly attempts: Attempts;
  readonly finisher: Finisher;
  readonly hooks: Pick<Hooks, "started">;
  /** Asks for a check of the spool when a launch failed because of this host. */
  readonly spool: Alarm;
  readonly bootId: string;
}

/** What it works with. */
type LauncherParts =
  & Pick<RunnerParts, "executors" | "journal" | "clock" | "log" | "settings" | "digestOf" | "checkpoint">
  & { readonly queue: DataHistory };

/** Launches started attempts: first the record in the journal, then the terminal. */
export class Launcher {
  readonly #parts: LauncherParts;
  readonly #attempts: Attempts;
  readonly #finisher: Finisher;
  readonly #hooks: Pick<Hooks, "started">;
  readonly #spool: Alarm;
  readonly #launching = new Set<Promise<void>>();
  /** Boot of this host. */
  readonly bootId: string;

  constructor(parts: LauncherParts, work: LauncherWork) {
    this.#parts = parts;
    this.#attempts = work.attempts;
    this.#finisher = work.finisher;
    this.#hooks = work.hooks;
    this.#spool = work.spool;
    this.bootId = work.bootId;
  }

  /** Accepts an attempt that `start` returned. It counts as active at once; the launch continues in the background. */
  accept(id: string, reply: Started): void {
    const name = this.#nameOf(id, reply);
    // the id was queued twice, or a reply was lost
    if (this.#attempts.get(name) || this.#parts.journal.find(name)) return;
    const { settings, log } = this.#parts;
    const base = this.#attemptOf(name, id, reply);
    try {
      const defaultTimeout = settings.defaultTimeoutMs === null ? null : settings.defaultTimeoutMs / 1000;
      const work = readWork(id, reply.job, defaultTimeout);
      checkFolder(reply.meta.cwd);
      for (const warning of work.warnings) log.warn("replaced a value of the job", { job: id, error: warning });
      const timeoutMs = work.timeout === null ? null : work.timeout * 1000;
      const attempt = { ...base, timeoutMs, slot: this.#attempts.freeSlot() };
      const { executor, serialKey } = this.#resolve(work.executor);
      const active = this.#active(attempt, executor, serialKey);
      this.#attempts.add(active);
      this.#track(this.#launch(active));
    } catch (error) {
      if (!(error instanceof InvalidInputError)) throw error;
      this.#refuse(base, { kind: "failed", why: error.message });
    }
  }

  /** Ends an attempt that `start` returned and that must not be launched. */
  refuse(id: string, reply: Started, outcome: Outcome): void {
    this.#refuse(this.#attemptOf(this.#nameOf(id, reply), id, reply), outcome);
  }

  #nameOf(id: string, { token }: Started): string {
    return attemptName({ id, token }, this.#parts.digestOf);
  }

  #attemptOf(name: string, id: string, reply: Started): Attempt {
    return {
      name,
      id,
      token: reply.token,
      number: reply.attempt,
      startedMs: metaNumber(reply.meta.started_ms, 0),
      seq: reply.seq,
      bootId: this.bootId,
      timeoutMs: null,
      job: reply.job,
      meta: reply.meta,
    };
  }

  /** Adds an attempt of an earlier process to the active ones; this process reports its end. */
  adopt(attempt: Attempt): ActiveAttempt {
    const { executor, serialKey } = this.#resolve(readWork(attempt.id, attempt.job, null).executor);
    const fresh = this.#active(attempt, executor, serialKey);
    const active = { ...fresh, adopted: true, begunMs: fresh.begunMs - this.#parts.queue.ageOf(attempt.startedMs) };
    this.#attempts.add(active);
    return active;
  }

  /** Launches an attempt that an earlier process started but never launched. */
  relaunch(active: ActiveAttempt): void {
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

  #refuse(attempt: Attempt, outcome: Outcome): void {
    const executor = this.#parts.executors.values().next().value!;
    const active = this.#active(attempt, executor, null);
    this.#attempts.add(active);
    this.#finisher.finish(active, outcome);
  }

  #active(attempt: Attempt, executor: Executor, serialKey: string | null): ActiveAttempt {
    const sinceMs = this.#parts.clock.now();
    return {
      attempt,
      executor,
      serialKey,
      adopted: false,
      ended: false,
      cancelReason: null,
      shown: 0,
      followed: false,
      sinceMs,
      begunMs: sinceMs,
    };
  }

  /** Returns what the executor needs to launch an attempt. */
  launchOf(attempt: Attempt): Launch {
    const work = readWork(attempt.id, attempt.job, null);
    return {
      name: attempt.name,
      id: attempt.id,
      attempt: attempt.number,
      target: work.executor,
      payload: work.payload,
      env: work.env,
      cwd: attempt.meta.cwd ?? null,
      timeoutMs: attempt.timeoutMs,
      title: attempt.meta.title ?? "",
      keep: attempt.meta.keep === undefined ? null : metaNumber(attempt.meta.keep, this.#parts.settings.keep),
      slots: slotsOf(attempt),
    };
  }

  /** Returns the serial key of a target; jobs that have not started may be asked for too. */
  serialKeyOf(target: string): string | null {
    return this.#resolve(target).serialKey;
  }

  #resolve(target: string): { executor: Executor; serialKey: string | null } {
    const executor = this.#parts.executors.get(target.split(".", 1)[0]);
    if (!executor) {
      const kinds = [...this.#parts.executors.keys()].join(", ");
      throw new InvalidInputError(`Cannot run job: no executor ${JSON.stringify(target)}; kinds are ${kinds}`);
    }
    return { executor, serialKey: executor.place(target).serialKey };
  }

  async #launch(active: ActiveAttempt): Promise<void> {
    const { journal, checkpoint, log } = this.#parts;
    const { attempt } = active;
    checkpoint("after_start");
    try {
      await journal.begin(attempt);
    } catch (error) {
      const why = messageOf(error);
      log.error("could not write the attempt into the journal", {
        job: attempt.id,
        attempt: attempt.number,
        error: why,
      });
      this.#finisher.finish(
        active,
        { kind: "failed", why: `Cannot write to the spool: ${why}` },
        null,
        giveBack(attempt),
      );
      return;
    }
    checkpoint("after_journal");
    await this.#enter(active);
  }

  async #enter(active: ActiveAttempt): Promise<void> {
    const { checkpoint, log, journal } = this.#parts;
    const { attempt } = active;
    // while the record was written, a stop request came that the executor could not carry out yet
    if (active.ended) return await journal.settle(attempt.name, "gone");
    if (active.cancelReason !== null) {
      return this.#finisher.finish(active, { kind: "cancelled", reason: active.cancelReason });
    }
    try {
      await active.executor.launch(this.launchOf(attempt));
      checkpoint("after_launch");
      if (active.ended) return; // it was stopped before its terminal had begun it
      this.#hooks.started(active);
      log.info("started", { job: attempt.id, attempt: attempt.number });
    } catch (error) {
      const why = messageOf(error);
      const again = !(error instanceof LaunchError) || error.cause !== undefined ? giveBack(attempt) : null;
      if (again !== null) {
        log.error("launch failed", { job: attempt.id, attempt: attempt.number, error: why });
        this.#spool.soon();
      }
      this.#finisher.finish(active, { kind: "failed", why }, null, again);
    }
  }
}

/** Returns the numbers of the permits of the limits that a job names; without limits the number of its slot. */
function slotsOf({ meta, slot = 0 }: Attempt): number[] {
  const named = new Set(meta.limits?.split("\n"));
  const numbers = permitsOf(meta.permits).filter(({ key }) => named.has(key)).map(({ number }) => number);
  return numbers.length > 0 ? numbers : [slot];
}

/** Repeats a check of `submit`, because other programs can write jobs too. */
function checkFolder(cwd: string | undefined): void {
  if (cwd !== undefined && (!cwd.startsWith("/") || cwd.includes("\0"))) {
    throw new InvalidInputError("Cannot run job: its working directory is no absolute path");
  }
}
