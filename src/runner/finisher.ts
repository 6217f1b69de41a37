import { RefusedError, UnavailableError } from "../domain/errors.ts";
import { exitCodeOf, type Outcome, sentenceOf, stateOf } from "../domain/outcome.ts";
import { isExact, NO_OUTPUT, type OutputSample, resultText } from "../domain/output.ts";
import { metaNumber } from "../domain/job_meta.ts";
import { signalOf } from "../domain/signals.ts";
import { inTime } from "../domain/in_time.ts";
import type { AttemptEnd, Executor } from "../ports/executor.ts";
import type { AttemptQueue, DelayedQueue, FinishReply, FinishRequest, LiveAttempts } from "../ports/queue.ts";
import type { SettledEnd } from "../ports/attempt_journal.ts";
import type { Alarms } from "./alarms.ts";
import type { Hooks } from "./hooks.ts";
import { EARLY_AFTER } from "./janitor.ts";
import type { ActiveAttempt, RunnerParts } from "./parts.ts";
import { reassertionOf } from "./parts.ts";
import { giveBack } from "./give_back.ts";
import type { Attempts } from "./attempts.ts";
import { rejectsOutput, showEnd, type ShownEnd } from "./streamer.ts";
import { settleWaiting } from "./settle_waiting.ts";

/** Pauses between tries to report an end to Redis, milliseconds; the last one repeats. */
const RETRY_PAUSES = [50, 100, 200, 500, 1000, 2000];

/** Number of lost attempts after which `requeue` does not try a job again: the job may be what crashes its hosts. */
const MAX_LOST = 3;

/** Details of an attempt's end. */
interface Ending {
  readonly output: OutputSample;
  /** As `AttemptEnd.left`. */
  readonly left?: readonly string[];
  readonly retryDelayMs: number | null;
  /** As `AttemptEnd.agoMs`. */
  readonly agoMs?: number;
}

/** Alarms for what an end makes necessary. */
type FinisherAlarms = Pick<Alarms, "janitor" | "promote">;

/** What it works with. */
type FinisherParts = Pick<RunnerParts, "clock" | "log" | "checkpoint" | "settings" | "journal"> & {
  readonly queue: AttemptQueue & DelayedQueue & LiveAttempts;
};

/** Brings ends to Redis, and goes on until Redis has answered. */
export class Finisher {
  readonly #parts: FinisherParts;
  readonly #attempts: Attempts;
  readonly #hooks: Pick<Hooks, "ended" | "lost">;
  readonly #alarms: FinisherAlarms;
  readonly #stopping = new AbortController();
  readonly #pending = new Set<Promise<void>>();

  /** Attempts whose ends are on record. */
  #settledCount = 0;

  /** @param work.hooks Gets each end that this process has reported: once, and none of an earlier process. */
  constructor(
    parts: FinisherParts,
    work: { attempts: Attempts; hooks: Pick<Hooks, "ended" | "lost">; alarms: FinisherAlarms },
  ) {
    this.#parts = parts;
    this.#attempts = work.attempts;
    this.#hooks = work.hooks;
    this.#alarms = work.alarms;
  }

  /** Handles the end of an attempt that an executor reports. */
  ended(end: AttemptEnd, executor: Executor): void {
    const active = this.#attempts.get(end.name);
    if (!active) return this.#forget(end.name, executor); // another instance became its owner meanwhile
    if (active.ended) return;
    this.#parts.checkpoint("after_end");
    this.#finish(active, outcomeOf(end, active), {
      output: end.output,
      left: end.left,
      retryDelayMs: this.#retryDelay(end, active),
      agoMs: end.agoMs,
    });
  }

  /** Ends an attempt with a given outcome. */
  finish(
    active: ActiveAttempt,
    outcome: Outcome,
    output: OutputSample | null = null,
    retryDelayMs: number | null = null,
  ): void {
    this.#finish(active, outcome, { output: output ?? NO_OUTPUT, retryDelayMs });
  }

  #finish(active: ActiveAttempt, outcome: Outcome, end: Ending): void {
    if (active.ended) return;
    this.#attempts.end(active);
    const work = this.#deliver(active, outcome, end)
      .catch((error) => this.#parts.log.error("finish failed", { job: active.attempt.id, error: String(error) }))
      .finally(() => this.#pending.delete(work));
    this.#pending.add(work);
  }

  /** Ends an attempt whose outcome is unknown. */
  lose(active: ActiveAttempt, why: string): void {
    this.finish(active, { kind: "lost", why }, null, this.#retryDelay({ kind: "lost", code: null }, active));
  }

  /** Resolves when no report of an end is pending. */
  async idle(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
  }

  /** Stops after `ms`: the next process reports the ends that are still pending then. */
  async stop(ms: number): Promise<void> {
    await inTime(Promise.all(this.#pending), { clock: this.#parts.clock, ms });
    this.#stopping.abort();
    await Promise.all(this.#pending);
  }

  async #deliver(active: ActiveAttempt, outcome: Outcome, { output, left, retryDelayMs, agoMs = 0 }: Ending) {
    const { queue, clock, log, checkpoint, settings } = this.#parts;
    const { attempt } = active;
    const ms = Math.max(0, Math.round(clock.now() - agoMs - active.begunMs));
    const request: FinishRequest = {
      id: attempt.id,
      token: attempt.token,
      state: stateOf(outcome) === "finished" ? "finished" : "error",
      result: resultText(output),
      error: sentenceOf(outcome),
      exitCode: exitCodeOf(outcome),
      outputBytes: output.total,
      ...(output.truncated && { truncated: true }),
      ...(left && { left: left.join(", ") }),
      ms,
      keep: metaNumber(attempt.meta.keep, settings.keep),
      retryDelayMs,
    };
    const inexact = !isExact(request.result);
    checkpoint("before_finish");
    for (let tries = 0; !this.#stopping.signal.aborted; tries++) {
      try {
        await this.#show(active, { output, retried: retryDelayMs !== null, inexact });
        let reply = await queue.finish(request);
        if (reply.type === "MISSING") reply = await this.#restore(active, request);
        checkpoint("after_finish");
        // the end in Redis may differ from this one: it came from an earlier process, another program, or the instance
        // that declared this host lost
        const reported = reply.type === "OK" || reply.type === "RETRY" ? null : await queue.endOf(attempt);
        this.#settle(active, request, { reply, reported, unsaved: output.unsaved ?? false });
        if (outcome.kind === "lost" && (reply.type === "RETRY" || isReported(reply, active))) {
          this.#hooks.lost(active, request.error);
        }
        await this.#settleWaiting(reply.open);
        this.#attempts.remove(active); // not earlier: a burst ends only when jobs that waited are in their queues
        return;
      } catch (error) {
        if (!(error instanceof UnavailableError)) throw error;
        const pause = error instanceof RefusedError ? 30_000 : RETRY_PAUSES[Math.min(tries, RETRY_PAUSES.length - 1)];
        if (tries === 3) log.warn("end not acknowledged yet", { job: attempt.id, error: error.message });
        await clock.sleep(pause, this.#stopping.signal);
      }
    }
  }

  /** Publishes the end of the output, unless Redis rejects it. */
  async #show(active: ActiveAttempt, end: ShownEnd): Promise<void> {
    try {
      await showEnd(this.#parts, active, end);
    } catch (error) {
      if (!rejectsOutput(error)) throw error;
      this.#parts.log.warn("could not show the end of an output", { job: active.attempt.id, error: String(error) });
    }
  }

  /** Restores a job that Redis lost, together with its end. */
  async #restore(active: ActiveAttempt, request: FinishRequest): Promise<FinishReply> {
    const { attempt } = active;
    const reply = await this.#parts.queue.restore(reassertionOf(attempt), request);
    this.#parts.log.warn("restored", { job: attempt.id, attempt: attempt.number, state: reply.type });
    return reply;
  }

  #settle(
    active: ActiveAttempt,
    request: FinishRequest,
    { reply, reported, unsaved }: {
      readonly reply: FinishReply;
      readonly reported: SettledEnd | null;
      readonly unsaved: boolean;
    },
  ): void {
    const { journal, log, checkpoint } = this.#parts;
    const { attempt } = active;
    const ours = reply.type === "OK" || reply.type === "ALREADY";
    const known = ours || reply.type === "RETRY";
    const noted = journal.settle(
      attempt.name,
      reported ?? (known
        ? {
          state: request.state,
          error: request.error,
          exitCode: request.exitCode,
          outputBytes: request.outputBytes,
          ...(request.truncated && { truncated: true }),
          ...(request.left && { left: request.left }),
          ms: request.ms,
          ...(unsaved && { result: request.result }),
          ...(reply.type === "RETRY" && { retry: true as const }),
        }
        : "gone"),
    );
    if (++this.#settledCount % EARLY_AFTER === 0) this.#alarms.janitor.soon();
    checkpoint("after_settle");
    noted.then(() => this.#forget(attempt.name, active.executor, reply.type === "RETRY"));
    if (isReported(reply, active)) this.#hooks.ended(active, request);
    if (reply.type === "RETRY") this.#alarms.promote.soon(request.retryDelayMs ?? 0);
    const state = ours ? request.state : reply.type.toLowerCase();
    const signal = signalOf(request.exitCode)?.name;
    log.info("finished", {
      job: attempt.id,
      attempt: attempt.number,
      state,
      code: request.exitCode,
      ...(signal && { signal }),
      ...(request.truncated && { truncated: true }),
      ...(request.left && { killed: request.left }),
      ms: request.ms,
    });
  }

  /** Settles what waits for ended jobs; what is missed, any runner settles within a minute. */
  async #settleWaiting(ended: readonly string[]): Promise<void> {
    try {
      await settleWaiting(this.#parts.queue, ended, this.#stopping.signal);
    } catch (error) {
      this.#parts.log.warn("could not settle yet", { error: String(error) });
    }
  }

  #forget(name: string, executor: Executor, keepOutput = false): void {
    executor.forget(name, { keepOutput }).catch((error) =>
      this.#parts.log.warn("could not remove files of a run", { error: String(error) })
    );
  }

  /**
   * Returns the milliseconds until the next attempt: doubled from `backoff_from` up to `backoff_to`, 20 % either way.
   * Returns `null` when there is none.
   */
  #retryDelay(end: Pick<AttemptEnd, "kind" | "code">, active: ActiveAttempt): number | null {
    const { meta, number: attempt } = active.attempt;
    if (end.kind === "unlaunched") return giveBack(active.attempt);
    if (end.kind === "lost" && this.#parts.settings.lostPolicy === "requeue" && attempt < MAX_LOST) return 0;
    const max = metaNumber(meta.retry_max, 0);
    if (end.kind === "cancelled" || end.code === 0 || attempt > max) return null;
    const from = metaNumber(meta.backoff_from, 1);
    const to = metaNumber(meta.backoff_to, 3600);
    const seconds = Math.min(from * 2 ** (attempt - 1), to);
    return Math.round(seconds * 1000 * (0.8 + 0.4 * this.#parts.clock.random()));
  }
}

/** Returns whether this process has reported the end: an earlier one may have reported that of an adopted attempt. */
function isReported(reply: FinishReply, { adopted }: ActiveAttempt): boolean {
  return reply.type === "OK" || reply.type === "ALREADY" && !adopted;
}

function outcomeOf(end: AttemptEnd, active: ActiveAttempt): Outcome {
  switch (end.kind) {
    case "exited":
      return { kind: "exited", code: end.code ?? 0, ...(end.why === undefined ? {} : { why: end.why }) };
    case "timed_out":
      return { kind: "timed_out", seconds: (active.attempt.timeoutMs ?? 0) / 1000 };
    case "cancelled":
      return { kind: "cancelled", reason: active.cancelReason ?? active.attempt.meta.cancel ?? "" };
    case "lost":
      return { kind: "lost", why: end.why ?? "its terminal went away" };
    case "unlaunched":
      return { kind: "failed", why: end.why ?? "this host could not begin it" };
  }
}
