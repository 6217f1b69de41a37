import { EXIT } from "../domain/exit_codes.ts";
import { DEFAULT_EXECUTOR } from "../domain/limits.ts";
import { signalOf } from "../domain/signals.ts";
import { messageOf } from "../domain/message_of.ts";
import type { Executor, Hook } from "../ports/executor.ts";
import type { FinishRequest } from "../ports/queue.ts";
import type { ActiveAttempt, RunnerParts } from "./parts.ts";

/** Hooks that run at the same time: slow ones must not fill the host. */
const SIDE_BY_SIDE = 4;
/** Hooks that may wait; further ones are dropped. */
const MAX_WAITING = 1000;
/** Characters of a value in a hook's environment at most. */
const MAX_VALUE = 4096;

interface Waiting {
  readonly job: string;
  readonly attempt: number;
  readonly executor: Executor;
  readonly hook: Hook;
}

/** What it works with. */
type HooksParts = Pick<RunnerParts, "log" | "settings" | "digestOf">;

/** Runs the operator's command after the end of a job. No job waits for it. */
export class Hooks {
  readonly #parts: HooksParts;
  readonly #waiting: Waiting[] = [];
  #running = 0;
  #dropped = 0;
  #stopped = false;
  #onBegun = () => {};

  constructor(parts: HooksParts) {
    this.#parts = parts;
  }

  /** Adds the hook of a job whose end this runner has reported. */
  ended({ attempt, executor }: ActiveAttempt, end: FinishRequest): void {
    const { log, settings } = this.#parts;
    if (settings.onEnd === null) return;
    if (this.#waiting.length >= MAX_WAITING) {
      // logs one line at the first dropped hook, and one with the count of all
      if (this.#dropped++ === 0) log.warn("hooks are slower than jobs; dropping some", { job: attempt.id });
      return;
    }
    const { command, limitMs } = settings.onEnd;
    const hook = { name: attempt.name, command, limitMs, env: environmentOf(attempt, end, settings) };
    this.#waiting.push({ job: attempt.id, attempt: attempt.number, executor, hook });
    this.#next();
  }

  #next(): void {
    while (!this.#stopped && this.#running < SIDE_BY_SIDE && this.#waiting.length > 0) {
      this.#running++;
      this.#run(this.#waiting.shift()!).finally(() => {
        this.#running--;
        this.#next();
      });
    }
    if (this.#waiting.length > 0) return;
    if (this.#dropped > 0) this.#parts.log.warn("dropped hooks", { count: this.#dropped });
    this.#dropped = 0;
    this.#onBegun();
  }

  async #run({ job, attempt, executor, hook }: Waiting): Promise<void> {
    const { log } = this.#parts;
    try {
      const code = await executor.hook(hook);
      if (code === EXIT.ok || this.#stopped) return;
      log.warn("hook failed", { job, attempt, ...(code === null ? { error: "its end is not known" } : { code }) });
    } catch (error) {
      log.warn("hook failed", { job, attempt, error: messageOf(error) });
    }
  }

  /** Resolves when no hook waits for its start. */
  async begun(): Promise<void> {
    while (this.#waiting.length > 0) await new Promise<void>((resolve) => this.#onBegun = resolve);
  }

  /** Starts no more hooks; those that run continue. */
  stop(): void {
    this.#stopped = true;
    const count = this.#waiting.length;
    if (count > 0) this.#parts.log.warn("left hooks that had not begun", { count });
    this.#waiting.length = 0;
    this.#onBegun();
  }
}

/**
 * Returns a hook's environment. It lacks RUNNER_RUN: that marks the processes of a job for the program that stops them.
 */
function environmentOf(
  { id, number: attempt, job, meta }: ActiveAttempt["attempt"],
  end: FinishRequest,
  { name, namespace }: RunnerParts["settings"],
): Record<string, string> {
  const facts = {
    RUNNER_JOB_ID: id,
    RUNNER_ATTEMPT: String(attempt),
    RUNNER_STATE: end.state,
    RUNNER_EXIT_CODE: String(end.exitCode),
    RUNNER_SIGNAL: signalOf(end.exitCode)?.name ?? "",
    RUNNER_ERROR: end.error,
    RUNNER_TRUNCATED: end.truncated ? "1" : "",
    RUNNER_SECONDS: String(end.ms / 1000),
    RUNNER_EXECUTOR: job.executor || DEFAULT_EXECUTOR,
    RUNNER_TITLE: meta.title ?? "",
    RUNNER_CALLER_ID: job.caller_id ?? "",
    RUNNER_CONTEXT_ID: job.context_id ?? "",
    RUNNER_NAME: name,
    RUNNER_NAMESPACE: namespace,
  };
  return Object.fromEntries(Object.entries(facts).map(([key, value]) => [key, value.slice(0, MAX_VALUE)]));
}
