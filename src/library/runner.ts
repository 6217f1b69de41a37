import { compose } from "../compose/compose.ts";
import type { OpenedRunner, RunnerOptions } from "../compose/contract.ts";
import { InvalidInputError } from "../domain/errors.ts";
import { GLOBAL_ROWS, RUN_ROWS } from "../settings/options.ts";
import { checkOption, resolveSettings } from "../settings/settings.ts";

const { color: _color, help: _help, ...CONNECTION_ROWS } = GLOBAL_ROWS;
const RUNNER_ROWS = { ...CONNECTION_ROWS, ...RUN_ROWS };

/** The defaults of all options, without environment and configuration file. */
export const defaults = resolveSettings(RUNNER_ROWS, {
  typed: new Map(),
  environment: { get: () => undefined, readFile: () => Promise.resolve(null), openFile: () => Promise.resolve(null) },
  file: null,
}).values;

/**
 * A runner inside another program, equal to the one that `runner run` starts. It logs to standard error and needs tmux.
 *
 * ```ts no-eval
 * import { Runner } from "@hero/runner";
 *
 * const runner = await Runner.open({ name: "build", concurrency: 2 });
 * await runner.start();
 * Deno.addSignalListener("SIGTERM", async () => {
 *   const { running } = await runner.stop();
 *   console.error(`${running.length} jobs go on in tmux`);
 * });
 * ```
 */
export class Runner {
  readonly #runner: OpenedRunner;

  private constructor(runner: OpenedRunner) {
    this.#runner = runner;
  }

  /**
   * Acquires the spool of this host; does not connect to Redis yet.
   *
   * @param options Options of `runner run`, with the same defaults and limits; durations are in seconds.
   * @throws {InvalidInputError} There is no such option, or it has an invalid value.
   * @throws {SetupError} Another runner of that name holds the spool, or the spool cannot be used.
   */
  static async open(options: Partial<RunnerOptions> = {}): Promise<Runner> {
    const given = Object.entries(options).filter(([, value]) => value !== undefined).map(([key, value]) => {
      const name = `option ${JSON.stringify(key)}`;
      if (!Object.hasOwn(RUNNER_ROWS, key)) {
        throw new InvalidInputError(`Cannot use ${name}: there is none; see RunnerOptions`);
      }
      return [key, checkOption(RUNNER_ROWS[key as keyof typeof RUNNER_ROWS], value, name)];
    });
    return new Runner(await compose.openRunner({ ...defaults, ...Object.fromEntries(given) }));
  }

  /**
   * Recovers attempts of earlier processes, and starts to claim jobs.
   *
   * @throws {SetupError} This host or its spool cannot be used.
   * @throws {UnavailableError} Redis cannot be reached, refuses us or is not fit for use.
   */
  async start(): Promise<void> {
    await this.#runner.start();
  }

  /** Resolves when the queue is empty, with the option `burst`; rejects when the runner cannot continue. */
  async ended(): Promise<void> {
    await this.#runner.ended();
  }

  /** Returns the ids of the jobs that run here now. */
  running(): readonly string[] {
    return this.#runner.running();
  }

  /**
   * Stops claiming jobs, and releases the spool. Running jobs keep running in tmux, and the next runner of this name
   * finishes them.
   *
   * @returns Ids of the jobs that keep running.
   */
  async stop(): Promise<{ readonly running: readonly string[] }> {
    return await this.#runner.stop();
  }
}
