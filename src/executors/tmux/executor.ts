import { LaunchError, SetupError } from "../../domain/errors.ts";
import type { OutputSample } from "../../domain/output.ts";
import type {
  AttemptEnd,
  Executor,
  FoundAttempt,
  Hook,
  HostFacts,
  Launch,
  Place,
  Pruning,
} from "../../ports/executor.ts";
import type { Pipe } from "../../ports/files.ts";
import type { Screen, Typed } from "../../ports/attempt_terminals.ts";
import { Endings } from "./endings/endings.ts";
import { LANES_FORMAT, refuseForeignLanes } from "./server/foreign_lanes.ts";
import { HeldPanes } from "./lanes/held_panes.ts";
import { Hooks } from "./endings/hooks.ts";
import { baseEnvironment, checkEnvironment, isProgram, writeScript } from "./lanes/job_script.ts";
import { MAX_RUN } from "./lanes/journal.ts";
import { KeptOutputs } from "./output/kept_outputs.ts";
import { KeptPanes } from "./people/kept_panes.ts";
import type { Lane } from "./lanes/lane.ts";
import { LanePool } from "./lanes/lane_pool.ts";
import { Living } from "./lanes/living.ts";
import type { TmuxOptions } from "./options.ts";
import { readEnded, readSample } from "./output/output.ts";
import { Readiness } from "./lanes/readiness.ts";
import { Recovery } from "./endings/recovery.ts";
import { Reports } from "./endings/reports.ts";
import { Run } from "./lanes/run.ts";
import { TmuxServer } from "./server/server.ts";
import { Spool } from "./spool.ts";
import { Stopper } from "./endings/stopper.ts";
import { Terminals } from "./people/terminals.ts";
import { parseTarget, placeOf } from "./target.ts";
import { Watch } from "./endings/watch.ts";

/** Limits of `close`, milliseconds: for hooks to begin, for tmux commands in progress, and for pending spool work. */
const CLOSE_LIMITS = { hooks: 1500, server: 2000, reports: 500 };

/**
 * Runs jobs in tmux: sessions, windows and panes that people can attach to.
 *
 * A pane is a *lane*: a small shell program (lane.sh) that reads runs from a pipe and executes them one after the
 * other. So a job costs no tmux command and no new file. The lane's journal records starts and ends; the output lies in
 * its terminal's log between two marks. All of it goes on without this process, and a later process adopts it.
 */
export class TmuxExecutor implements Executor {
  readonly kind = "tmux";
  readonly #options: TmuxOptions;
  readonly #spool: Spool;
  readonly #server: TmuxServer;
  readonly #pool: LanePool;
  readonly #kept: KeptPanes;
  readonly #outputs: KeptOutputs;
  readonly #hooks: Hooks;
  readonly #readiness: Readiness;
  readonly #runs = new Map<string, Run>();
  readonly #terminals: Terminals;
  readonly #living: Living;
  #base: Record<string, string>;
  #secret = "";
  /** Shell commands that apply the file mode mask and the limits of this process to a run. */
  #inherit: readonly string[] = [];
  /** Shell that runs payloads. */
  #shell = "sh";
  /** Epoch of this process. */
  #epoch = "";
  #endings!: Endings;
  #stopper!: Stopper;
  #recovery!: Recovery;
  #watch!: Watch;
  #held!: HeldPanes;
  #readers!: Reports;
  #done: Pipe | null = null;
  /** The same pipe, for `close`: its path may lead to another pipe by then. */
  #waker: Pipe | null = null;
  #reports: Promise<void> | null = null;
  #closed = false;

  constructor(options: TmuxOptions) {
    this.#options = options;
    this.#spool = new Spool(options);
    const spool = this.#spool;
    const server = this.#server = new TmuxServer(options, spool, () => this.#watch?.check());
    const isLost = async () => await this.missing() !== null;
    const pool = this.#pool = new LanePool(options, {
      server,
      spool,
      isLost,
      onEmptied: (lane) => this.#feedNext(lane),
    });
    this.#kept = new KeptPanes(options, { server, spool, pool });
    this.#outputs = new KeptOutputs(options, { spool, runs: this.#runs });
    const readiness = this.#readiness = new Readiness(options, { server, pool });
    this.#base = baseEnvironment(options.env);
    this.#hooks = new Hooks(options, { server, spool, base: this.#base });
    this.#terminals = new Terminals(options, { server, spool, readiness, runs: this.#runs });
    this.#living = new Living(options, { server, spool });
  }

  place(target: string): Place {
    return placeOf(target);
  }

  async open(onEnd: (end: AttemptEnd) => void, signal?: AbortSignal): Promise<HostFacts> {
    const { files, newId } = this.#options;
    const stop = () => this.#server.close(signal!.reason);
    signal?.addEventListener("abort", stop);
    try {
      signal?.throwIfAborted();
      await this.#spool.make();
      await files.create(this.#spool.secret, newId().replaceAll("-", ""));
      this.#secret = (await files.readText(this.#spool.secret))!;
      await refuseForeignLanes(await this.#server.query(LANES_FORMAT), this.#options);
      const host = await this.#server.open();
      const opened = Promise.withResolvers<void>();
      this.#assemble((end) => opened.promise.then(() => onEnd(end)));
      this.#pool.begin(host, (await files.list(this.#spool.lanes)).map((entry) => entry.name));
      this.#inherit = host.inherit;
      this.#shell = host.shell;
      await this.#hooks.begin(host);
      await this.#terminals.begin();
      this.#done = await files.openPipe(this.#spool.done);
      this.#waker = await files.openPipe(this.#spool.done);
      this.#reports = this.#readReports(this.#done);
      this.#epoch = this.#living.epoch = await this.#spool.newEpoch();
      await this.#recovery.findLanes(this.#epoch);
      await this.#kept.tidy();
      this.#watch.start();
      this.#readiness.soon();
      // only after this call has returned
      setTimeout(opened.resolve);
      return { bootId: host.bootId, access: this.#server.access, maxSlots: this.#pool.limit };
    } catch (error) {
      await this.close();
      signal?.throwIfAborted();
      if (error instanceof SetupError) throw error;
      const why = error instanceof Error ? error.message : String(error);
      throw new SetupError(`Cannot use tmux with spool "${this.#spool.dir}": ${why}`, { cause: error });
    } finally {
      signal?.removeEventListener("abort", stop);
    }
  }

  #assemble(onEnd: (end: AttemptEnd) => void): void {
    const [options, server, spool, pool, runs] = [this.#options, this.#server, this.#spool, this.#pool, this.#runs];
    const endings = this.#endings = new Endings(options, {
      spool,
      server,
      onEnded: (run, lane, code) => this.#kept.ended(run, lane, code),
      onLogBroken: (lane) => {
        lane.logBroken = true;
        this.#watch.check();
      },
    }, onEnd);
    const stopper = this.#stopper = new Stopper(options, { server, spool, pool, endings });
    const living = this.#living;
    const parts = { options, server, spool, pool, endings, stopper, living, runs };
    const recovery = this.#recovery = new Recovery(parts);
    const feed = (lane: Lane) => this.#feedNext(lane);
    const enter = (run: Run) => this.#enter(run);
    const watch: Watch = this.#watch = new Watch(parts, { enter, feed, tendHeld: () => held.round() });
    const held = this.#held = new HeldPanes(parts, watch);
    this.#readers = new Reports({
      ...parts,
      recovery,
      watch,
      held,
      feed,
      hooks: this.#hooks,
      readiness: this.#readiness,
      terminals: this.#terminals,
      epoch: () => this.#epoch,
      removeFilesOf: (run) => this.#removeFilesOf(run),
      wipe: (lane) => this.#wipe(lane),
    });
  }

  async recover(launches: readonly Launch[]): Promise<ReadonlyMap<string, FoundAttempt>> {
    const found = await this.#recovery.recover(launches, (launch) => new Run(launch, this.#secret));
    this.#watch.recovered = true;
    this.#readiness.soon();
    return found;
  }

  async launch(launch: Launch): Promise<void> {
    if (this.#runs.has(launch.name)) return;
    checkEnvironment(launch, this.#base);
    if (launch.name.length > MAX_RUN) {
      throw new LaunchError(
        `Cannot launch job: the name of its run has ${launch.name.length} bytes, more than ${MAX_RUN}`,
      );
    }
    const run = new Run(launch, this.#secret);
    this.#runs.set(launch.name, run);
    try {
      await this.#enter(run);
    } catch (error) {
      this.#runs.delete(launch.name);
      await this.#removeFiles(run).catch(() => {});
      if (error instanceof LaunchError) throw error;
      const why = error instanceof Error ? error.message : String(error);
      throw new LaunchError(`Cannot launch job: ${why}`, { cause: error });
    }
  }

  /** Assigns a run to a lane, which begins it at once or after the runs before it. */
  async #enter(run: Run): Promise<void> {
    const lane = await this.#pool.assign(run, parseTarget(run.launch.target));
    if (run.state === "ended") { // stopped meanwhile
      lane.release(run, this.#options.clock.now());
      return this.#feedNext(lane);
    }
    if (lane.runs[0] !== run) return;
    try {
      await this.#feed(lane);
    } catch (error) {
      lane.release(run, this.#options.clock.now());
      throw error;
    }
  }

  /** Sends the first waiting run of a lane to it, if the lane can begin one. */
  async #feed(lane: Lane): Promise<void> {
    const { files, cwd, clock, killGraceMs } = this.#options;
    const [run] = lane.runs;
    if (run?.state !== "waiting" || !lane.mayBegin) return;
    run.state = "sent";
    lane.script = run.name;
    try {
      const clean = lane.mustClean(clock.now());
      const parts = {
        clean,
        files,
        spool: this.#spool,
        base: this.#base,
        cwd,
        graceMs: killGraceMs,
        limits: this.#inherit,
        shell: this.#shell,
      };
      await writeScript(run.launch, lane.key, parts);
      await this.#stopper.expect(run);
      if (run.lane !== lane || run.state !== "sent") return; // its terminal is gone meanwhile
      await lane.send(this.#epoch);
    } catch (error) {
      run.state = "waiting";
      throw error;
    }
    this.#stopper.begin(run);
    this.#readiness.begins(lane);
  }

  /** Does the same as `#feed` for a run that waited in the lane's list. No caller waits, so a failure ends the run. */
  #feedNext(lane: Lane): void {
    const [run] = lane.runs;
    this.#feed(lane).catch((error) => {
      lane.release(run, this.#options.clock.now());
      this.#endings.refuse(run, { kind: "unlaunched", why: `it could not be given to its terminal: ${error}` });
      this.#feedNext(lane);
    });
  }

  async #readReports(done: Pipe): Promise<void> {
    const buffer = new Uint8Array(64 << 10);
    const decoder = new TextDecoder();
    let rest = "";
    while (!this.#closed) {
      const count = await done.read(buffer);
      const lines = (rest + decoder.decode(buffer.subarray(0, count), { stream: true })).split("\n");
      rest = lines.pop()!;
      for (const line of lines) {
        if (!this.#closed) this.#readers.handle(line);
      }
    }
  }

  async stop(name: string, kind: "timed_out" | "cancelled", graceMs: number): Promise<void> {
    const run = this.#runs.get(name);
    if (run) await this.#stopper.stop(run, kind, graceMs);
  }

  async read(name: string, offset: number, limit: number): Promise<Uint8Array> {
    const run = this.#runs.get(name);
    if (run && run.state !== "ended") return await run.readLive(offset, limit);
    return await readEnded(this.#options.files, this.#spool, name, offset, limit);
  }

  hook(hook: Hook): Promise<number | null> {
    return this.#hooks.run(hook);
  }

  type(run: string, typed: Typed): Promise<boolean> {
    return this.#terminals.type(run, typed);
  }

  screen(run: string): Promise<Screen | null> {
    return this.#terminals.screen(run);
  }

  locate(run: string): Promise<string | null> {
    return this.#terminals.locate(run);
  }

  reading(runs: readonly string[]): Promise<ReadonlySet<string>> {
    return this.#terminals.reading(runs);
  }

  async sweep(): Promise<void> {
    await this.#watch.sweep();
  }

  sample(name: string): Promise<OutputSample | null> {
    return readSample(this.#options.files, this.#spool, name);
  }

  async forget(name: string): Promise<void> {
    const run = this.#runs.get(name);
    if (run && run.state !== "ended") return; // it still runs: a later `recover` clears it
    this.#runs.delete(name);
    run?.lane?.unforgotten.delete(name);
    if (run) await this.#removeFiles(run);
    else await this.#removeFilesOf(name);
    if (run?.lane) await this.#pool.trim(run.lane);
  }

  /** Removes the files that a known run can have. */
  async #removeFiles({ name, launch, lane, mayBeStopped, outside }: Run): Promise<void> {
    const { files } = this.#options;
    if (isProgram(launch)) await files.remove(this.#spool.program(name));
    if (mayBeStopped) await files.remove(this.#spool.stop(name));
    if (outside) await files.remove(this.#spool.outside(name));
    if (lane?.script === name && lane.pane !== null) await this.#wipe(lane);
  }

  async #removeFilesOf(name: string): Promise<void> {
    await this.#options.files.remove(this.#spool.program(name));
    await this.#options.files.remove(this.#spool.stop(name));
    await this.#options.files.remove(this.#spool.outside(name));
  }

  /**
   * Empties a lane's script, which may hold secrets. Leaves one byte: a file without a disk block would cost more at
   * the next write.
   */
  async #wipe(lane: Lane): Promise<void> {
    lane.script = null;
    await this.#options.files.overwrite(this.#spool.laneScript(lane.key), "\n");
  }

  async prune(pruning: Pruning): Promise<void> {
    await this.#kept.tidy();
    await this.#outputs.prune(pruning);
  }

  async missing(): Promise<string | null> {
    const missing = this.#done === null || await this.#done.isStill() ? null : this.#spool.done;
    this.#spool.isLost = missing !== null;
    return missing;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#readiness.close();
    this.#living.close();
    this.#endings?.close();
    for (const run of this.#runs.values()) clearTimeout(run.timer);
    // no later process can find the lanes of a folder that is gone
    if (await this.missing() !== null) await this.#within(CLOSE_LIMITS.hooks, this.#pool.closeIdle());
    const watch = this.#watch?.stop(); // a disconnected lane would seem lost
    const lanes = this.#pool.close(); // from now on they get no input, however long the rest lasts
    await this.#within(CLOSE_LIMITS.hooks, this.#hooks.close());
    await this.#within(CLOSE_LIMITS.server, Promise.all([watch, this.#held?.idle()]));
    this.#server.close(); // rejects all calls that wait for it
    await this.#endReports();
    await this.#within(CLOSE_LIMITS.reports, Promise.all([lanes, this.#server.idle()]));
  }

  async #endReports(): Promise<void> {
    await this.#waker?.write(new TextEncoder().encode("\n"));
    await this.#within(CLOSE_LIMITS.reports, this.#reports ?? undefined);
    this.#waker?.close();
    this.#done?.close();
  }

  /** Waits for a step of `close`, at most `ms`: a frozen server must not keep this process alive. */
  async #within(ms: number, work: Promise<unknown> | undefined): Promise<void> {
    const limit = new AbortController();
    const failed = (error: unknown) => this.#failed("could not end in good order", error);
    await Promise.race([work?.catch(failed), this.#options.clock.sleep(ms, limit.signal)]);
    limit.abort();
  }

  #failed(message: string, error: unknown): void {
    this.#options.log.warn(message, { error: String(error) });
  }
}
