import type { HookEvent } from "../domain/hook_event.ts";
import { labelsOf } from "../domain/job_meta.ts";
import { EXIT } from "../domain/exit_codes.ts";
import { DEFAULT_EXECUTOR } from "../domain/limits.ts";
import { signalOf } from "../domain/signals.ts";
import { messageOf } from "../domain/message_of.ts";
import type { Executor, Hook } from "../ports/executor.ts";
import type { FinishRequest, OwnedAttempt } from "../ports/queue.ts";
import type { ActiveAttempt, RunnerParts } from "./parts.ts";

/** Hooks that run at the same time: slow ones must not fill the host. */
const SIDE_BY_SIDE = 4;
/** Hooks that may wait; further ones are dropped. */
const MAX_WAITING = 1000;
/** Characters of a value in a hook's environment at most. */
const MAX_VALUE = 4096;

/** What a hook is about. */
interface Subject {
  /** Name of the attempt. */
  readonly name: string;
  /** Id of the job. */
  readonly id: string;
  readonly attempt: number;
  readonly executor: Executor;
}

interface Waiting {
  readonly job: string;
  readonly attempt: number;
  readonly executor: Executor;
  readonly hook: Hook;
}

/** What it works with. */
type HooksParts = Pick<RunnerParts, "log" | "settings" | "executors" | "digestOf">;

/** Runs the operator's commands after events of jobs. No job waits for them. */
export class Hooks {
  readonly #parts: HooksParts;
  readonly #waiting: Waiting[] = [];
  #running = 0;
  #dropped = 0;
  #count = 0;
  #stopped = false;
  #onBegun = () => {};

  constructor(parts: HooksParts) {
    this.#parts = parts;
  }

  /** Adds the hooks of a job that this runner has started. */
  started(active: ActiveAttempt): void {
    this.#add("start", active, {});
  }

  /** Adds the hooks of a job whose end this runner has reported. */
  ended(active: ActiveAttempt, end: FinishRequest): void {
    this.#add("end", active, factsOf(end));
  }

  /** Adds the hooks of a job that waits for input; `line` is the terminal line that prompts for it. */
  inputRequired(active: ActiveAttempt, line: string): void {
    this.#add("input_required", active, { line });
  }

  /** Adds the hooks of a job whose attempt was lost. */
  lost(active: ActiveAttempt, error: string): void {
    this.#add("lost", active, { error });
  }

  /** Adds the hooks of an attempt of another instance, whose host this runner has given up. */
  lostElsewhere({ id, token }: OwnedAttempt, state: string): void {
    const [executor] = this.#parts.executors.values();
    const name = `${this.#parts.digestOf(id)}.${token}`;
    const { runner, namespace } = runnerFacts(this.#parts.settings);
    const attempt = Number.parseInt(token) || 0;
    const error = state === "requeued" ? "its host was lost; it is queued again" : "its host was lost";
    // no more is known of it here
    this.#queue("lost", { name, id, attempt, executor }, { event: "lost", id, attempt, runner, namespace, error });
  }

  #add(event: HookEvent, { attempt, executor }: ActiveAttempt, facts: Facts): void {
    const { name, id, number } = attempt;
    const all = { ...commonFacts(event, attempt, this.#parts.settings), ...facts };
    this.#queue(event, { name, id, attempt: number, executor }, all);
  }

  #queue(event: HookEvent, { name, id, attempt, executor }: Subject, facts: Facts): void {
    const { log, settings } = this.#parts;
    for (const [i, { on, command }] of settings.hooks.entries()) {
      if (on !== event) continue;
      if (this.#waiting.length >= MAX_WAITING) {
        // logs one line at the first dropped hook, and one with the count of all
        if (this.#dropped++ === 0) log.warn("hooks are slower than jobs; dropping some", { job: id });
        continue;
      }
      const unique = `${name}.${i}.${++this.#count}`;
      const limitMs = settings.hookLimitMs;
      const hook = { name: unique, command, limitMs, env: environmentOf(facts), input: inputOf(facts) };
      this.#waiting.push({ job: id, attempt, executor, hook });
      this.#next();
    }
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
    while (this.#waiting.length > 0) {
      const earlier = this.#onBegun;
      await new Promise<void>((resolve) =>
        this.#onBegun = () => {
          earlier();
          resolve();
        }
      );
    }
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

/** Variables that are named otherwise than in JSON. */
const VARIABLES: Readonly<Record<string, string>> = { id: "JOB_ID", runner: "NAME" };

/** Values that describe an event, by their names in JSON. */
type Facts = Readonly<Record<string, string | number | boolean | Readonly<Record<string, string>>>>;

function commonFacts(
  event: HookEvent,
  { id, number: attempt, job, meta }: ActiveAttempt["attempt"],
  settings: RunnerParts["settings"],
): Facts {
  return {
    event,
    id,
    attempt,
    executor: job.executor || DEFAULT_EXECUTOR,
    title: meta.title ?? "",
    caller_id: job.caller_id ?? "",
    context_id: job.context_id ?? "",
    labels: labelsOf(meta),
    ...runnerFacts(settings),
  };
}

function runnerFacts({ name: runner, namespace }: RunnerParts["settings"]) {
  return { runner, namespace };
}

function factsOf({ state, exitCode, error, truncated = false, ms }: FinishRequest): Facts {
  const signal = signalOf(exitCode)?.name ?? "";
  return { state, exit_code: exitCode, signal, error, truncated, seconds: ms / 1000 };
}

/**
 * Returns a hook's environment. It lacks RUNNER_RUN: that marks the processes of a job for the program that stops them.
 */
function environmentOf(facts: Facts): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(facts)) {
    if (typeof value === "object") continue;
    const text = typeof value === "boolean" ? (value ? "1" : "") : String(value);
    env[`RUNNER_${VARIABLES[name] ?? name.toUpperCase()}`] = shortened(text);
  }
  return env;
}

/** Cuts a value, and never within a character. */
function shortened(text: string): string {
  return text.slice(0, MAX_VALUE).replace(/[\ud800-\udbff]$/, "");
}

/** Returns a hook's input: the same facts and the labels, as JSON in one line. */
function inputOf(facts: Facts): string {
  const short = (value: unknown) => typeof value === "string" ? shortened(value) : value;
  return JSON.stringify(facts, (_name, value) => short(value));
}
