import { RefusedError, UnavailableError } from "../../domain/errors.ts";
import { exitCodeOf, type Outcome, sentenceOf, stateOf } from "../../domain/outcome.ts";
import { NO_OUTPUT, type OutputSample, resultText } from "../../domain/output.ts";
import { metaNumber } from "../../domain/job_meta.ts";
import { signalOf } from "../../domain/signals.ts";
import type { Executor, RunEnd } from "../../ports/executor.ts";
import type { FinishReply, FinishRequest } from "../../ports/queue.ts";
import type { SettledEnd } from "../../ports/spool.ts";
import type { ActiveRun, RunnerParts } from "./parts.ts";
import { reassertionOf } from "./parts.ts";
import { giveBack } from "./launcher.ts";
import type { Runs } from "./runs.ts";
import { showEnd, type ShownEnd, takesNoOutput } from "./streamer.ts";

/** Pauses between tries to tell Redis, milliseconds; the last one repeats. */
const RETRY_PAUSES = [50, 100, 200, 500, 1000, 2000];

/** A job that was lost in so many attempts is not tried again by `requeue`: it may be what takes its hosts down. */
const MAX_LOST = 3;

/** What an end brings with it. */
interface Ending {
  readonly output: OutputSample;
  /** As `RunEnd.left`. */
  readonly left?: readonly string[];
  readonly retryDelayMs: number | null;
  /** As `RunEnd.agoMs`. */
  readonly agoMs?: number;
}

/** Brings ends to Redis, and goes on until Redis has answered. */
export class Finisher {
  readonly #parts: RunnerParts;
  readonly #runs: Runs;
  readonly #stopping = new AbortController();
  readonly #pending = new Set<Promise<void>>();

  /** Called with the milliseconds until a job is due for its next attempt. */
  onDelayed: (dueInMs: number) => void = () => {};
  /** Called when the end of an attempt is on record. */
  onSettled: () => void = () => {};
  /** Called when this process has told the end of a job: once, and never for one that an earlier process told. */
  onTold: (active: ActiveRun, end: FinishRequest) => void = () => {};

  constructor(parts: RunnerParts, runs: Runs) {
    this.#parts = parts;
    this.#runs = runs;
  }

  /** An executor says that a run has ended. */
  ended(end: RunEnd, executor: Executor): void {
    const active = this.#runs.get(end.run);
    if (!active) return this.#forget(end.run, executor); // it was taken away from us while it ran
    if (active.ended) return;
    this.#parts.checkpoint("after_end");
    this.#finish(active, outcomeOf(end, active), {
      output: end.output,
      left: end.left,
      retryDelayMs: this.#retryDelay(end, active),
      agoMs: end.agoMs,
    });
  }

  /** Ends a run with a given outcome. */
  finish(
    active: ActiveRun,
    outcome: Outcome,
    output: OutputSample | null = null,
    retryDelayMs: number | null = null,
  ): void {
    this.#finish(active, outcome, { output: output ?? NO_OUTPUT, retryDelayMs });
  }

  #finish(active: ActiveRun, outcome: Outcome, end: Ending): void {
    if (active.ended) return;
    this.#runs.end(active);
    const work = this.#deliver(active, outcome, end)
      .catch((error) => this.#parts.log.error("finish failed", { job: active.intent.id, error: String(error) }))
      .finally(() => this.#pending.delete(work));
    this.#pending.add(work);
  }

  /** Ends a run of which nobody knows what became. */
  lose(active: ActiveRun, why: string): void {
    this.finish(active, { kind: "lost", why }, null, this.#retryDelay({ kind: "lost", code: null }, active));
  }

  /** Resolves when no end is on its way to Redis. */
  async idle(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
  }

  /** Gives up after `ms`: what is not told then is told by the next process. */
  async stop(ms: number): Promise<void> {
    const limit = new AbortController();
    await Promise.race([Promise.all(this.#pending), this.#parts.clock.sleep(ms, limit.signal)]);
    limit.abort();
    this.#stopping.abort();
    await Promise.all(this.#pending);
  }

  async #deliver(active: ActiveRun, outcome: Outcome, { output, left, retryDelayMs, agoMs = 0 }: Ending) {
    const { queue, clock, log, checkpoint, settings } = this.#parts;
    const { intent } = active;
    const ms = Math.max(0, Math.round(clock.now() - agoMs - active.begunMs));
    const request: FinishRequest = {
      id: intent.id,
      token: intent.token,
      state: stateOf(outcome) === "finished" ? "finished" : "error",
      result: resultText(output),
      error: sentenceOf(outcome),
      exitCode: exitCodeOf(outcome),
      outputBytes: output.total,
      ...(output.truncated && { truncated: true }),
      ...(left && { left: left.join(", ") }),
      ms,
      keep: metaNumber(intent.meta.keep, settings.keep),
      retryDelayMs,
    };
    const inexact = request.result.includes("\ufffd");
    checkpoint("before_finish");
    for (let tries = 0; !this.#stopping.signal.aborted; tries++) {
      try {
        await this.#show(active, { output, retried: retryDelayMs !== null, inexact });
        let reply = await queue.finish(request);
        if (reply.type === "MISSING") reply = await this.#restore(active, request);
        checkpoint("after_finish");
        // what Redis has may be another end than this one: an earlier process told it, another program, or who gave
        // this host up
        const told = reply.type === "OK" || reply.type === "RETRY" ? null : await queue.endOf(intent);
        this.#settle(active, request, { reply, told, unsaved: output.unsaved ?? false });
        if (reply.waiters.length > 0) await this.#promote(reply.waiters);
        this.#runs.remove(active); // now: a burst is not over before those that waited are in their queues
        return;
      } catch (error) {
        if (!(error instanceof UnavailableError)) throw error;
        const pause = error instanceof RefusedError ? 30_000 : RETRY_PAUSES[Math.min(tries, RETRY_PAUSES.length - 1)];
        if (tries === 3) log.warn("end not acknowledged yet", { job: intent.id, error: error.message });
        await clock.sleep(pause, this.#stopping.signal);
      }
    }
  }

  /** Shows the end of the output, where Redis takes it. */
  async #show(active: ActiveRun, end: ShownEnd): Promise<void> {
    try {
      await showEnd(this.#parts, active, end);
    } catch (error) {
      if (!takesNoOutput(error)) throw error;
      this.#parts.log.warn("could not show the end of an output", { job: active.intent.id, error: String(error) });
    }
  }

  /** Redis lost the job: gives it back with its end. */
  async #restore(active: ActiveRun, request: FinishRequest): Promise<FinishReply> {
    const { intent } = active;
    const reply = await this.#parts.queue.restore(reassertionOf(intent), request);
    this.#parts.log.warn("restored", { job: intent.id, attempt: intent.attempt, state: reply.type });
    return reply;
  }

  #settle(
    active: ActiveRun,
    request: FinishRequest,
    { reply, told, unsaved }: {
      readonly reply: FinishReply;
      readonly told: SettledEnd | null;
      readonly unsaved: boolean;
    },
  ): void {
    const { spool, log, checkpoint } = this.#parts;
    const { intent } = active;
    const ours = reply.type === "OK" || reply.type === "ALREADY";
    const known = ours || reply.type === "RETRY";
    const noted = spool.settle(
      intent.run,
      told ?? (known
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
    this.onSettled();
    checkpoint("after_settle");
    noted.then(() => this.#forget(intent.run, active.executor));
    if (reply.type === "OK" || (reply.type === "ALREADY" && !active.adopted)) this.onTold(active, request);
    if (reply.type === "RETRY") this.onDelayed(request.retryDelayMs ?? 0);
    const state = ours ? request.state : reply.type.toLowerCase();
    const signal = signalOf(request.exitCode)?.name;
    log.info("finished", {
      job: intent.id,
      attempt: intent.attempt,
      state,
      code: request.exitCode,
      ...(signal && { signal }),
      ...(request.truncated && { truncated: true }),
      ...(request.left && { killed: request.left }),
      ms: request.ms,
    });
  }

  /** One after the other: there may be thousands. Those that are not told are found when their time comes. */
  async #promote(waiters: FinishReply["waiters"]): Promise<void> {
    try {
      for (const [runner, id] of waiters) {
        if (this.#stopping.signal.aborted) return;
        await this.#parts.queue.promote(id, { runner, force: true });
      }
    } catch (error) {
      this.#parts.log.warn("could not promote yet", { error: String(error) });
    }
  }

  #forget(run: string, executor: Executor): void {
    executor.forget(run).catch((error) =>
      this.#parts.log.warn("could not remove files of a run", { error: String(error) })
    );
  }

  /** Milliseconds until the next attempt: doubled from `backoff_from` up to `backoff_to`, 20 % either way. */
  #retryDelay(end: Pick<RunEnd, "kind" | "code">, active: ActiveRun): number | null {
    const { meta, attempt } = active.intent;
    if (end.kind === "unlaunched") return giveBack(active.intent);
    if (end.kind === "lost" && this.#parts.settings.lostPolicy === "requeue" && attempt < MAX_LOST) return 0;
    const max = metaNumber(meta.retry_max, 0);
    if (end.kind === "cancelled" || end.code === 0 || attempt > max) return null;
    const from = metaNumber(meta.backoff_from, 1);
    const to = metaNumber(meta.backoff_to, 3600);
    const seconds = Math.min(from * 2 ** (attempt - 1), to);
    return Math.round(seconds * 1000 * (0.8 + 0.4 * this.#parts.clock.random()));
  }
}

function outcomeOf(end: RunEnd, active: ActiveRun): Outcome {
  switch (end.kind) {
    case "exited":
      return { kind: "exited", code: end.code ?? 0, ...(end.why === undefined ? {} : { why: end.why }) };
    case "timed_out":
      return { kind: "timed_out", seconds: (active.intent.timeoutMs ?? 0) / 1000 };
    case "cancelled":
      return { kind: "cancelled", reason: active.cancelReason ?? active.intent.meta.cancel ?? "" };
    case "lost":
      return { kind: "lost", why: end.why ?? "its terminal went away" };
    case "unlaunched":
      return { kind: "failed", why: end.why ?? "this host could not begin it" };
  }
}
