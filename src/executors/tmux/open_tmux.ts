import { Channel } from "../../domain/channel.ts";
import { SetupError } from "../../domain/errors.ts";
import { messageOf } from "../../domain/message_of.ts";
import type { AttemptEnd, OpenedExecutor } from "../../ports/executor.ts";
import { Endings } from "./endings/endings.ts";
import { Hooks } from "./endings/hooks.ts";
import { Recovery } from "./endings/recovery.ts";
import { ReportPipe } from "./endings/report_pipe.ts";
import { Reports } from "./endings/reports.ts";
import { Stopper } from "./endings/stopper.ts";
import { Watch } from "./endings/watch.ts";
import { TmuxExecutor, within } from "./executor.ts";
import { Feeder } from "./lanes/feeder.ts";
import { HeldPanes } from "./lanes/held_panes.ts";
import { baseEnvironment } from "./lanes/job_script.ts";
import { LanePool } from "./lanes/lane_pool.ts";
import { Living } from "./lanes/living.ts";
import { Readiness } from "./lanes/readiness.ts";
import type { Run } from "./lanes/run.ts";
import { RunFiles } from "./lanes/run_files.ts";
import type { TmuxOptions } from "./options.ts";
import { KeptOutputs } from "./output/kept_outputs.ts";
import { KeptPanes } from "./people/kept_panes.ts";
import { Terminals } from "./people/terminals.ts";
import { LANES_FORMAT, refuseForeignLanes } from "./server/foreign_lanes.ts";
import { type HostReply, TmuxServer } from "./server/server.ts";
import { Spool } from "./spool.ts";

/** How long a failed opening waits for tmux commands in progress, milliseconds. */
const IDLE_LIMIT = 500;

/** What the rooms of an executor share: made first, and complete. */
interface Ground {
  readonly spool: Spool;
  readonly server: TmuxServer;
  /** Requests for a check of the panes. */
  readonly checks: Channel<void>;
  readonly host: HostReply;
  /** Names of the folders of all existing lanes. */
  readonly folders: readonly string[];
  readonly pipe: ReportPipe;
  readonly epoch: string;
  /** Secret in the marks of runs. */
  readonly secret: string;
}

/**
 * Opens the executor of tmux: makes its files, reaches or starts the server, and finds what earlier processes left.
 *
 * @throws {SetupError} The host cannot run it, or does not respond. Rejects with the reason of `signal` when that
 * aborts.
 */
export async function openTmux(options: TmuxOptions, signal?: AbortSignal): Promise<OpenedExecutor> {
  let server: TmuxServer | null = null;
  const stop = () => server?.close(signal!.reason);
  signal?.addEventListener("abort", stop);
  try {
    signal?.throwIfAborted();
    const spool = await Spool.make(options);
    const checks = new Channel<void>();
    server = new TmuxServer(options, spool, checks);
    signal?.throwIfAborted();
    return await open(options, await prepare(options, { spool, server, checks }));
  } catch (error) {
    server?.close();
    if (server) await within(IDLE_LIMIT, server.idle(), options);
    signal?.throwIfAborted();
    if (error instanceof SetupError) throw error;
    const why = messageOf(error);
    throw new SetupError(`Cannot use tmux with spool "${options.spool}": ${why}`, { cause: error });
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}

async function prepare(
  options: TmuxOptions,
  { spool, server, checks }: Pick<Ground, "spool" | "server" | "checks">,
): Promise<Ground> {
  const { files, newId } = options;
  await files.create(spool.secret, newId().replaceAll("-", ""));
  const secret = (await files.readText(spool.secret))!;
  await refuseForeignLanes(await server.query(LANES_FORMAT), options);
  const host = await server.open();
  const folders = (await files.list(spool.lanes)).map((entry) => entry.name);
  const pipe = await ReportPipe.open(files, spool);
  const epoch = await spool.newEpoch().catch((error) => {
    pipe.close();
    throw error;
  });
  return { spool, server, checks, host, folders, pipe, epoch, secret };
}

/** Makes the rooms in their order, then adopts the lanes of earlier processes. */
async function open(options: TmuxOptions, ground: Ground): Promise<OpenedExecutor> {
  const { server, host, pipe, epoch } = ground;
  const runs = new Map<string, Run>();
  const ends = new Channel<AttemptEnd>();
  const base = baseEnvironment(options.env);
  const pool = new LanePool(options, ground);
  const kept = new KeptPanes(options, { ...ground, pool });
  const outputs = new KeptOutputs(options, { ...ground, runs });
  const hooks = new Hooks(options, { ...ground, base });
  const readiness = new Readiness(options, { server, pool });
  const terminals = new Terminals(options, { ...ground, readiness, runs });
  const living = new Living(options, ground);
  const endings = new Endings(options, { ...ground, kept, ends });
  const stopper = new Stopper(options, { ...ground, pool, endings });
  const runFiles = new RunFiles(options.files, ground.spool);
  const feeder = new Feeder(options, { ...ground, pool, endings, stopper, readiness, base });
  const shared = { options, ...ground, pool, endings, stopper, living, runs };
  const recovery = new Recovery(shared);
  const held = new HeldPanes(shared, feeder);
  const watch = new Watch({ ...shared, recovery, feeder, held });
  const people = { hooks, readiness, terminals };
  const reports = new Reports({ ...shared, ...people, recovery, watch, held, feeder, runFiles });
  const executor = new TmuxExecutor({
    ...shared,
    ...people,
    ...{ base, ends, kept, outputs, runFiles, feeder, recovery, held, watch },
  });
  try {
    await hooks.begin();
    await terminals.begin();
    pipe.read((line) => reports.handle(line));
    await recovery.findLanes(epoch);
    await kept.tidy();
    watch.start();
    readiness.soon();
    return { executor, facts: { bootId: host.bootId, access: server.access, maxSlots: pool.limit } };
  } catch (error) {
    await executor.close();
    throw error;
  }
}
