import { NO_OUTPUT, type OutputSample } from "../../../domain/output.ts";
import type { Channel } from "../../../domain/channel.ts";
import type { AttemptEnd } from "../../../ports/executor.ts";
import { OUTSIDE } from "../lanes/job_script.ts";
import type { Lane } from "../lanes/lane.ts";
import type { KeptPanes } from "../people/kept_panes.ts";
import type { TmuxOptions } from "../options.ts";
import { CHUNK, OutputWriter } from "../output/output.ts";
import { RunReader } from "../output/run_reader.ts";
import type { Run } from "../lanes/run.ts";
import type { TmuxServer } from "../server/server.ts";
import type { Spool } from "../spool.ts";

/** How long the log of a living terminal may stall before the end mark, milliseconds. */
const MARK_LIMIT = 3000;
/** How long the log of a terminal that is gone may stall before it counts as complete, milliseconds. */
const LOG_LIMIT = 100;
/** Size of the first read, bytes: most outputs are small. */
const FIRST_READ = 16 << 10;

/** Longest delay of output from a terminal whose server does not respond, milliseconds. */
const FROZEN_LIMIT = 30_000;

/** How a run ended, before its output and its stop order are considered. */
export type Verdict =
  /**
   * Its lane reports it; `code` is `null` when its shell never started, `left` lists the background programs that were
   * killed.
   */
  | { readonly code: number | null; readonly left?: readonly string[] }
  /** Only the end mark in the log can give the code. */
  | { readonly why: string };

/** What `Endings` works with. */
export interface EndingsWork {
  readonly spool: Spool;
  readonly server: Pick<TmuxServer, "responds">;
  /** Is asked first when a run has ended in a lane that lives. */
  readonly kept: Pick<KeptPanes, "ended">;
  /** Requests for a check of the panes. */
  readonly checks: Channel<void>;
  /** Gets the ends. */
  readonly ends: Channel<AttemptEnd>;
}

/** Reports the end of each run once, with its output. */
export class Endings {
  readonly #options: TmuxOptions;
  readonly #work: EndingsWork;
  #closed = false;

  constructor(options: TmuxOptions, work: EndingsWork) {
    this.#options = options;
    this.#work = work;
  }

  /** Stops reporting; the next process finds the ends. */
  close(): void {
    this.#closed = true;
    this.#work.ends.close();
  }

  /** Settles the end of a run that was in a lane. */
  async settle(run: Run, lane: Lane, verdict: Verdict): Promise<void> {
    if (run.state === "ended") return;
    run.state = "ended";
    clearTimeout(run.timer);
    run.mayBeStopped ||= run.overdue(this.#options.clock.now());
    lane.release(run, this.#options.clock.now());
    // a killed run could not restore its terminal
    if (!("code" in verdict) || (verdict.code ?? 128) >= 128) lane.dirty = true;
    const expected = "code" in verdict && lane.pane !== null;
    if (expected) this.#work.kept.ended(run, lane, verdict.code);
    let output: OutputSample;
    let known = verdict;
    const writer = new OutputWriter(this.#options.files, this.#work.spool, run);
    try {
      const { sample, marks } = await lane.reads.run(() => this.#collect(run, lane, { writer, expected }));
      output = sample;
      if ("why" in verdict && marks.complete) known = { code: marks.code };
    } catch (error) {
      this.#options.log.error("could not read the output of a run", { job: run.launch.id, error: String(error) });
      output = { ...NO_OUTPUT, truncated: true };
    } finally {
      writer.close();
      run.isStored = true;
    }
    const stopped = run.mayBeStopped ? await this.#stopReason(run, "code" in known ? known.code : null) : null;
    const ago = run.endedAt === null ? {} : { agoMs: this.#options.clock.now() - run.endedAt };
    const end = { name: run.name, output, ...ago, ...outcome(known, stopped) };
    const why = end.kind === "exited" && end.code === OUTSIDE ? await this.#whyOutside(run) : null;
    if (!this.#closed) this.#work.ends.push(why === null ? end : { ...end, why });
  }

  /**
   * Returns why a run could not enter its working directory; `null` when its program itself returned that exit code.
   */
  async #whyOutside(run: Run): Promise<string | null> {
    run.outside = await this.#options.files.stat(this.#work.spool.outside(run.name)).then(
      (stat) => stat !== null,
      () => false,
    );
    if (!run.outside) return null;
    const { cwd } = run.launch;
    return cwd === null
      ? `the folder ${
        JSON.stringify(this.#options.cwd)
      } in which its runner was started is not there, or may not be entered`
      : `its working directory ${JSON.stringify(cwd)} is not there on this host, or may not be entered`;
  }

  /** Settles the end of a run that no lane has begun or ever will begin. */
  refuse(
    run: Run,
    end: { readonly kind: "timed_out" | "cancelled" } | { readonly kind: "lost" | "unlaunched"; readonly why: string },
  ): void {
    if (run.state === "ended") return;
    run.state = "ended";
    run.isStored = true;
    clearTimeout(run.timer);
    if (!this.#closed) this.#work.ends.push({ name: run.name, output: NO_OUTPUT, code: null, ...end });
  }

  async #stopReason(run: Run, code: number | null): Promise<"timed_out" | "cancelled" | null> {
    // an unreadable file is handled as an empty one
    const text = await this.#options.files.readText(this.#work.spool.stop(run.name)).catch(() => "");
    const [reason] = text?.split("\n", 1) ?? [];
    if (reason === "timed_out" || reason === "cancelled") return reason;
    // on a full disk the file is empty or was not created, and it goes with its folder
    const isStopped = run.order?.givenAt != null && (code === 128 + 15 || code === 128 + 9);
    return reason === "" || this.#work.spool.isLost || isStopped ? run.order?.kind ?? null : null;
  }

  /** Copies the output from the lane's log into a file of its own. */
  async #collect(
    run: Run,
    lane: Lane,
    { writer, expected }: { readonly writer: OutputWriter; readonly expected: boolean },
  ): Promise<{ sample: OutputSample; marks: RunReader["marks"] }> {
    const { clock } = this.#options;
    // runs of earlier processes are settled in any order; runs of this process in the order in which the lane writes
    const reader = new RunReader(lane.log, { position: run.adopted ? 0 : lane.position, token: run.token });
    const { marks } = reader;
    let buffer = new Uint8Array(FIRST_READ);
    const since = clock.now();
    let quietSince = since;
    for (let reads = 0, asked = false; !this.#closed; reads++) {
      const part = await reader.next(buffer);
      if (part !== null) {
        await writer.add(part);
        if (marks.complete) break;
        if (2 * part.bytes.length >= buffer.length && buffer.length < CHUNK) buffer = new Uint8Array(CHUNK);
        quietSince = clock.now();
        asked = false;
        continue;
      }
      const awaited = expected && lane.pane !== null;
      if (clock.now() - quietSince > (awaited ? MARK_LIMIT : LOG_LIMIT)) {
        if (!awaited || asked || clock.now() - since > FROZEN_LIMIT) break;
        // after a stop of the server, the rest of the output comes right after its reply
        asked = await this.#work.server.responds();
        quietSince = clock.now();
      }
      await clock.sleep(Math.min(20, reads >> 1));
    }
    // the next process finds this end, and reads all of the output
    if (this.#closed) return { sample: NO_OUTPUT, marks };
    if (marks.complete) {
      lane.position = Math.max(lane.position, reader.position);
      // an end mark with a bare line feed shows that the terminal no longer translates line feeds
      if (!marks.translated) lane.dirty = true;
    } else {
      await writer.add(reader.rest());
      if (marks.begun) lane.position = Math.max(lane.position, reader.position);
      lane.dirty = true;
      if (expected) {
        lane.logBroken = true;
        this.#work.checks.push();
      }
    }
    return { sample: await writer.end(!marks.complete || run.cut), marks };
  }
}

function outcome(verdict: Verdict, stopped: "timed_out" | "cancelled" | null): Omit<AttemptEnd, "name" | "output"> {
  const code = "code" in verdict ? verdict.code : null;
  if (stopped !== null) return { kind: stopped, code };
  const left = "code" in verdict && verdict.left?.length ? { left: verdict.left } : {};
  if (code !== null) return { kind: "exited", code, ...left };
  return { kind: "lost", code, why: "why" in verdict ? verdict.why : "its script could not be started" };
}

/** Returns how a run ended whose idle lane has recorded its start only. */
export function verdictOf({ last }: Lane, run: Run) {
  if (last?.run === run.name && last.code !== "declined") return { code: last.code };
  return { why: "its terminal has no record of its end" };
}
