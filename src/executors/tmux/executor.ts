import { LaunchError } from "../../domain/errors.ts";
import type { Channel } from "../../domain/channel.ts";
import { inTime } from "../../domain/in_time.ts";
import { messageOf } from "../../domain/message_of.ts";
import type { OutputPart, OutputSample } from "../../domain/output.ts";
import type { AttemptEnd, Executor, FoundAttempt, Hook, Launch, Place, Pruning } from "../../ports/executor.ts";
import type { Screen, Typed } from "../../ports/attempt_terminals.ts";
import type { Hooks } from "./endings/hooks.ts";
import type { EndingParts } from "./endings/parts.ts";
import type { Recovery } from "./endings/recovery.ts";
import type { ReportPipe } from "./endings/report_pipe.ts";
import type { Watch } from "./endings/watch.ts";
import type { Feeder } from "./lanes/feeder.ts";
import type { HeldPanes } from "./lanes/held_panes.ts";
import { checkEnvironment } from "./lanes/job_script.ts";
import { MAX_RUN } from "./lanes/journal.ts";
import type { Readiness } from "./lanes/readiness.ts";
import { Run } from "./lanes/run.ts";
import type { RunFiles } from "./lanes/run_files.ts";
import type { TmuxOptions } from "./options.ts";
import type { KeptOutputs } from "./output/kept_outputs.ts";
import { readEnded, readSample } from "./output/output.ts";
import type { KeptPanes } from "./people/kept_panes.ts";
import type { Terminals } from "./people/terminals.ts";
import { placeOf } from "./target.ts";

/** Limits of `close`, milliseconds: for hooks to begin, for tmux commands in progress, and for pending spool work. */
const CLOSE_LIMITS = { hooks: 1500, server: 2000, reports: 500 };

/** The rooms of an executor; `openTmux` makes them. */
export interface TmuxParts extends EndingParts {
  /** Basic environment of all runs. */
  readonly base: Readonly<Record<string, string>>;
  readonly ends: Channel<AttemptEnd>;
  readonly pipe: ReportPipe;
  /** Secret in the marks of runs. */
  readonly secret: string;
  readonly kept: KeptPanes;
  readonly outputs: KeptOutputs;
  readonly hooks: Hooks;
  readonly readiness: Readiness;
  readonly terminals: Terminals;
  readonly runFiles: RunFiles;
  readonly feeder: Feeder;
  readonly recovery: Recovery;
  readonly held: HeldPanes;
  readonly watch: Watch;
}

/**
 * Runs jobs in tmux: sessions, windows and panes that people can attach to.
 *
 * A pane is a *lane*: a small shell program (lane.sh) that reads runs from a pipe and executes them one after the
 * other. So a job costs no tmux command and no new file. The lane's journal records starts and ends; the output lies in
 * its terminal's log between two marks. All of it goes on without this process, and a later process adopts it.
 */
export class TmuxExecutor implements Executor {
  readonly kind = "tmux";
  readonly #parts: TmuxParts;
  #closed = false;

  constructor(parts: TmuxParts) {
    this.#parts = parts;
  }

  get ends(): AsyncIterable<AttemptEnd> {
    return this.#parts.ends;
  }

  place(target: string): Place {
    return placeOf(target);
  }

  async recover(launches: readonly Launch[]): Promise<ReadonlyMap<string, FoundAttempt>> {
    const { recovery, readiness, secret } = this.#parts;
    const found = await recovery.recover(launches, (launch) => new Run(launch, secret));
    readiness.soon();
    return found;
  }

  async launch(launch: Launch): Promise<void> {
    const { runs, base, secret, feeder, runFiles } = this.#parts;
    if (runs.has(launch.name)) return;
    checkEnvironment(launch, base);
    if (launch.name.length > MAX_RUN) {
      throw new LaunchError(
        `Cannot launch job: the name of its run has ${launch.name.length} bytes, more than ${MAX_RUN}`,
      );
    }
    const run = new Run(launch, secret);
    runs.set(launch.name, run);
    try {
      await feeder.enter(run);
    } catch (error) {
      runs.delete(launch.name);
      await runFiles.remove(run).catch(() => {});
      if (error instanceof LaunchError) throw error;
      const why = messageOf(error);
      throw new LaunchError(`Cannot launch job: ${why}`, { cause: error });
    }
  }

  async stop(name: string, kind: "timed_out" | "cancelled", graceMs: number): Promise<void> {
    const run = this.#parts.runs.get(name);
    if (run) await this.#parts.stopper.stop(run, kind, graceMs);
  }

  async read(name: string, offset: number, limit: number): Promise<OutputPart> {
    const { runs, options, spool } = this.#parts;
    const run = runs.get(name);
    if (run && !run.isStored) return await run.readLive(offset, limit);
    return await readEnded(options.files, spool, name, { offset, limit });
  }

  hook(hook: Hook): Promise<number | null> {
    return this.#parts.hooks.run(hook);
  }

  type(run: string, typed: Typed): Promise<boolean> {
    return this.#parts.terminals.type(run, typed);
  }

  screen(run: string): Promise<Screen | null> {
    return this.#parts.terminals.screen(run);
  }

  locate(run: string): Promise<string | null> {
    return this.#parts.terminals.locate(run);
  }

  reading(runs: readonly string[]): Promise<ReadonlySet<string>> {
    return this.#parts.terminals.reading(runs);
  }

  async sweep(): Promise<void> {
    await this.#parts.watch.sweep();
  }

  sample(name: string): Promise<OutputSample | null> {
    return readSample(this.#parts.options.files, this.#parts.spool, name);
  }

  async forget(name: string, { keepOutput = false }: { readonly keepOutput?: boolean } = {}): Promise<void> {
    const { runs, runFiles, pool, feeder, outputs } = this.#parts;
    const run = runs.get(name);
    if (run && run.state !== "ended") return; // it still runs: a later `recover` clears it
    try {
      // while the run is known, no round of `prune` reads what is half written
      if (keepOutput) await outputs.keep(name, run?.launch.keep ?? null);
    } finally {
      runs.delete(name);
      run?.lane?.unforgotten.delete(name);
    }
    if (run) await runFiles.remove(run);
    else await runFiles.removeAll(name);
    if (run?.lane && await pool.trim(run.lane)) feeder.feed(run.lane);
  }

  async prune(pruning: Pruning): Promise<void> {
    await this.#parts.kept.tidy();
    await this.#parts.outputs.prune(pruning);
  }

  missing(): Promise<string | null> {
    return this.#parts.pipe.missing();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const { readiness, living, endings, runs, pool, watch, hooks, held, server, pipe } = this.#parts;
    pipe.stop();
    readiness.close();
    living.close();
    endings.close();
    for (const run of runs.values()) clearTimeout(run.timer);
    // no later process can find the lanes of a folder that is gone
    if (await pipe.missing() !== null) await this.#within(CLOSE_LIMITS.hooks, pool.closeIdle());
    const watched = watch.stop(); // a disconnected lane would seem lost
    const lanes = pool.close(); // from now on they get no input, however long the rest lasts
    await this.#within(CLOSE_LIMITS.hooks, hooks.close());
    await this.#within(CLOSE_LIMITS.server, Promise.all([watched, held.idle()]));
    server.close(); // rejects all calls that wait for it
    await this.#within(CLOSE_LIMITS.reports, pipe.end());
    pipe.close();
    await this.#within(CLOSE_LIMITS.reports, Promise.all([lanes, server.idle()]));
  }

  async #within(ms: number, work: Promise<unknown>): Promise<void> {
    await within(ms, work, this.#parts.options);
  }
}

/** Waits for a step of a close, at most `ms`: a frozen server must not keep this process alive. */
export async function within(
  ms: number,
  work: Promise<unknown>,
  { clock, log }: Pick<TmuxOptions, "clock" | "log">,
): Promise<void> {
  const failed = (error: unknown) => log.warn("could not end in good order", { error: String(error) });
  await inTime(work.catch(failed), { clock, ms });
}
