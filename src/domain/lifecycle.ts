/**
 * The life of a job: its states, and every event that may change it.
 *
 * An event has the same name in all places; a test compares them. These are this table, a method of the queue ports,
 * the Lua file `src/redis/scripts/EVENT.lua`, its caller in `src/client` or `src/runner`, and the stream `rr:events`.
 *
 * @module
 */

/** Value of a job's `status` field in Redis. `finished` means exit code 0; every other end is `error`. */
export type JobState = "dispatched" | "started" | "finished" | "error";

/**
 * States of an ended job. Only an explicit `retry` changes them, and `reassert`, when Redis went back to the end of an
 * older attempt.
 */
export const FINAL_STATES: readonly JobState[] = ["finished", "error"];

/**
 * One row of the lifecycle; a test drives each event from each state. A job that is stored as a JSON string, or that a
 * foreign program wrote back while it ran, is `dispatched`; one that Redis does not have is `absent`. `claim`,
 * `release` and `dead_letter` move an id and leave its job as it is, whatever its state: `start` drops one that has
 * ended.
 */
export interface LifecycleEvent {
  /** States in which the event may find the job. In any other it changes and reports nothing of it. */
  readonly from: readonly (JobState | "absent")[];
  /** States in which the event may leave it. */
  readonly to: readonly (JobState | "absent")[];
  /** Effect of the event, in one clause. */
  readonly does: string;
  /** Whether it happens only within other events, so that it has no script of its own. */
  readonly within?: true;
}

/** Every event in the life of a job. */
export const LIFECYCLE = {
  submit: {
    from: ["absent"],
    to: ["dispatched", "error"],
    does: "writes the job and queues or delays its id, or ends it when a job for which it waits has failed",
  },
  promote: {
    from: ["dispatched"],
    to: ["dispatched", "error"],
    does: "moves a delayed job into the queue when it is due, or when all jobs for which it waits have ended",
  },
  settle: {
    from: ["dispatched"],
    to: ["dispatched", "error"],
    does: "goes on with the jobs that wait for an ended one: queues, delays or skips them; ends members of a batch",
  },
  skipped: {
    from: ["dispatched"],
    to: ["error"],
    does: "ends a job that can never start, because of a job for which it waits",
    within: true,
  },
  claim: {
    from: ["dispatched"],
    to: ["dispatched"],
    does: "moves an id from the queue to the list of one runner instance",
  },
  release: {
    from: ["dispatched"],
    to: ["dispatched"],
    does: "gives a claimed id back to the queue, next to run",
  },
  reroute: {
    from: ["dispatched"],
    to: ["dispatched", "error"],
    does: "moves a claimed id to the queue of the runner that the job names, once",
  },
  convert: {
    from: ["dispatched"],
    to: ["dispatched"],
    does: "turns a job that was stored as a JSON string into a hash",
  },
  dead_letter: {
    from: ["absent"],
    to: ["absent"],
    does: "moves an id that is no runnable job to the dead letters, with the reason",
  },
  start: {
    from: ["dispatched"],
    to: ["started", "error"],
    does: "makes one instance the owner of a new attempt, or ends a job that was cancelled before",
  },
  park: {
    from: ["dispatched"],
    to: ["dispatched"],
    does: "keeps a job whose limit is reached apart from its queue, until a permit is returned",
    within: true,
  },
  finish: {
    from: ["dispatched", "started"],
    to: ["finished", "error", "dispatched"],
    does: "writes the end of an attempt once, or delays the job for its next attempt",
  },
  input_required: {
    from: ["started"],
    to: ["started"],
    does: "says that a job waits for somebody to type",
  },
  input_resolved: {
    from: ["started"],
    to: ["started"],
    does: "says that a job does not wait for somebody to type any more",
  },
  cancel: {
    from: ["dispatched", "started"],
    to: ["error", "started"],
    does: "ends a job that waits, or asks its runner to stop it",
  },
  retry: {
    from: ["finished", "error"],
    to: ["dispatched"],
    does: "puts an ended job back into its queue, for a new attempt",
  },
  reassert: {
    from: ["absent", "dispatched", "started", "finished", "error"],
    to: ["started"],
    does: "restores in Redis a job that runs, or recently ran, on a host after Redis lost data",
  },
  reap: {
    from: ["dispatched", "started"],
    to: ["dispatched", "error"],
    does: "takes an id from an instance whose lease has ended",
  },
  schedule_fired: {
    from: ["absent"],
    to: ["dispatched"],
    does: "submits the job of a schedule for one of its times, and plans the next one",
  },
} as const satisfies Record<string, LifecycleEvent>;

/** Name of an event in the life of a job. */
export type LifecycleEventName = keyof typeof LIFECYCLE;

/** Events in the life of a runner instance; each is a Lua file as well. */
export const INSTANCE_EVENTS = {
  register: "makes a process the owner of its instance",
  heartbeat: "extends the lease and carries orders back",
  retire: "forgets an instance that left, or whose lease ended, and that holds nothing",
} as const;

/** Events in the life of a schedule; each is a Lua file as well. */
export const SCHEDULE_EVENTS = {
  schedule_add: "adds a schedule, or replaces the one of its name",
  schedule_pause: "pauses a schedule, or resumes it",
  schedule_remove: "removes a schedule, and keeps its last firing on record",
  schedule_restore: "restores a schedule from the copy of a host after Redis lost data",
} as const;

/** Events in the life of a batch; each is a Lua file as well. */
export const BATCH_EVENTS = {
  batch_submit: "writes the next members of a batch and queues or delays them",
  batch_cancel: "marks a batch, so that settle cancels its members, page by page",
} as const;

/** Events in the life of a limit; each is a Lua file as well. */
export const LIMIT_EVENTS = {
  limit_set: "sets how many jobs run at the same time",
  limit_remove: "removes what was set",
  unpark: "queues parked jobs again for which there are permits; other events that return permits do so as well",
} as const;

/** Events that the script of another one reports. */
export const REPORTED_EVENTS = {
  /** Its state is `missed` or `running`: no runner was there in time, or the job of the last firing had not ended. */
  schedule_skipped: "schedule_fired",
  /** All members of a batch have ended; its state is that of a job that finished, or did not, when all members have. */
  batch_ended: "lib/batch",
  /** A parked job is at the front of its queue again. */
  unpark: "lib/limits",
} as const;

/** Returns whether a status is final, that is, the job has ended. */
export function isFinal(state: string): boolean {
  return (FINAL_STATES as readonly string[]).includes(state);
}
