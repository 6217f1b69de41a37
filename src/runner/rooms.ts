import type { InstanceInfo } from "../ports/queue.ts";
import { Alarms } from "./alarms.ts";
import type { Attempts } from "./attempts.ts";
import { Backlog } from "./backlog.ts";
import { ClaimGate } from "./claim_gate.ts";
import { Claimer } from "./claimer.ts";
import { Finisher } from "./finisher.ts";
import { Heartbeat } from "./heartbeat.ts";
import { Hooks } from "./hooks.ts";
import { INPUT_EVERY, InputWatch } from "./input_watch.ts";
import { Janitor } from "./janitor.ts";
import { Launcher } from "./launcher.ts";
import { Membership } from "./membership.ts";
import type { RunnerParts } from "./parts.ts";
import { Promoter } from "./promoter.ts";
import { Reaper } from "./reaper.ts";
import { Recovery } from "./recovery.ts";
import { Requests } from "./requests.ts";
import { Scheduler } from "./scheduler.ts";
import { SerialKeys } from "./serial_keys.ts";
import { Loop, type LoopOptions } from "./service.ts";
import { SPOOL_EVERY, SpoolWatch } from "./spool_watch.ts";
import { Starter } from "./starter.ts";
import { STREAM_EVERY, Streamer } from "./streamer.ts";
import { Superseded } from "./superseded.ts";
import { Unparker } from "./unparker.ts";

/** How often terminals are checked for ends that were not reported, milliseconds. */
const SWEEP_EVERY = 2000;
/** How often old records and files are removed, milliseconds. */
const JANITOR_EVERY = 60_000;
/** How often parked jobs are queued again for which there are permits, milliseconds. */
const UNPARK_EVERY = 60_000;
/** The shortest pause between two rounds of recovery, milliseconds: a Redis that is back is to be used at once. */
const RECOVER_GAP = 20;

/** What the rooms of a runner are made with, besides its parts. */
export interface RoomsOptions {
  readonly attempts: Attempts;
  /** What others may see of this instance. */
  readonly info: InstanceInfo;
  /** Aborts when the runner stops. */
  readonly stopping: AbortSignal;
  /** Ends the runner: it cannot go on. */
  readonly fail: (error: unknown) => void;
}

/** Everything that a runner does, each complete; what two of them share was made before both. */
export type Rooms = ReturnType<typeof makeRooms>;

/** Makes the rooms of a runner whose executors are open. */
export function makeRooms(parts: RunnerParts, { attempts, info, stopping, fail }: RoomsOptions) {
  const alarms = new Alarms(parts.clock);
  const gate = new ClaimGate(attempts, parts.log);
  const membership = new Membership(parts, { info, gate, stopping, limits: alarms.limits });
  const hooks = new Hooks(parts);
  const finisher = new Finisher(parts, { attempts, hooks, alarms });
  const launcher = new Launcher(parts, { attempts, finisher, hooks, spool: alarms.spool, bootId: info.bootId });
  const serialKeys = new SerialKeys((target) => launcher.serialKeyOf(target));
  const backlog = new Backlog(parts, attempts);
  const starter = new Starter(parts, { attempts, gate, backlog, launcher, serialKeys });
  const claimer = new Claimer(parts, { attempts, gate, backlog, starter, serialKeys, recover: alarms.recover });
  const recovery = new Recovery(parts, { attempts, gate, membership, backlog, launcher, finisher, alarms, fail });
  const scheduler = new Scheduler(parts, { gate, alarm: alarms.schedules });
  const heartbeat = new Heartbeat(parts, { attempts, gate, membership, backlog, recovery, scheduler, alarms, fail });
  const inputWatch = new InputWatch(parts, attempts, hooks);
  const requests = new Requests(parts, attempts, inputWatch);
  const spoolWatch = new SpoolWatch(parts);
  const loops = makeLoops(parts, { attempts, alarms, hooks, recovery, heartbeat, scheduler, inputWatch, spoolWatch });
  return {
    alarms,
    gate,
    membership,
    hooks,
    finisher,
    launcher,
    backlog,
    claimer,
    recovery,
    heartbeat,
    scheduler,
    inputWatch,
    requests,
    spoolWatch,
    loops,
  };
}

function makeLoops(
  parts: RunnerParts,
  { attempts, alarms, hooks, recovery, heartbeat, scheduler, inputWatch, spoolWatch }: {
    attempts: Attempts;
    alarms: Alarms;
    hooks: Hooks;
    recovery: Recovery;
    heartbeat: Heartbeat;
    scheduler: Scheduler;
    inputWatch: InputWatch;
    spoolWatch: SpoolWatch;
  },
): Loop[] {
  const { clock, log, settings, executors } = parts;
  const loop = (
    name: string,
    service: { tick(signal?: AbortSignal): Promise<void> },
    how: Omit<LoopOptions, "name" | "clock" | "log" | "onOutage">,
  ) =>
    new Loop((signal) => service.tick(signal), {
      ...{ name, clock, log, ...how },
      onOutage: () => alarms.recover.soon(),
    });
  const sweeper = {
    tick: async () => {
      for (const executor of executors.values()) await executor.sweep();
    },
  };
  const work = () => attempts.some();
  const heartbeats = { everyMs: settings.heartbeatMs, jitter: 0.2 };
  // the heartbeat and the claim are all that an idle runner asks of Redis: everything else follows from their replies
  return [
    loop("heartbeat", heartbeat, { ...heartbeats, alarm: alarms.heartbeat }),
    loop("promote", new Promoter(parts, alarms.heartbeat), { everyMs: Infinity, alarm: alarms.promote }),
    loop("reap", new Reaper(parts, hooks), { everyMs: Infinity, alarm: alarms.reap }),
    loop("recover", recovery, { everyMs: Infinity, alarm: alarms.recover, gapMs: RECOVER_GAP }),
    loop("schedules", scheduler, { everyMs: Infinity, alarm: alarms.schedules }),
    loop("limits", new Unparker(parts, alarms.limits), { everyMs: UNPARK_EVERY, jitter: 0.2, alarm: alarms.limits }),
    loop("superseded", new Superseded(parts), heartbeats),
    loop("sweep", sweeper, { everyMs: SWEEP_EVERY, work }),
    loop("stream", new Streamer(parts, attempts), { everyMs: STREAM_EVERY, work }),
    loop("input", inputWatch, { everyMs: INPUT_EVERY, work }),
    loop("spool watch", spoolWatch, { everyMs: SPOOL_EVERY, alarm: alarms.spool }),
    loop("janitor", new Janitor(parts), { everyMs: JANITOR_EVERY, jitter: 0.2, alarm: alarms.janitor }),
  ];
}
