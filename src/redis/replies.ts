import { JOB_FIELDS, type JobFields } from "../domain/job.ts";
import type { HeartbeatReply, OwnedAttempt, StartReply } from "../ports/queue.ts";
import type { SchedulePlans } from "../ports/schedules.ts";
import { type Items, itemsOf, recordOf } from "./items.ts";

/** Reads the values of the fields of a job, in the order of `JOB_FIELDS`, from an element of a reply on. */
export function fieldsOf(items: Items, from: number): JobFields {
  const fields: JobFields = {};
  JOB_FIELDS.forEach((name, index) => {
    const value = items[from + index];
    if (value !== null && value !== undefined) fields[name] = String(value);
  });
  return fields;
}

/**
 * Reads the text of the reply of `claim`: the jobs that were started, and whether the limit of the queue is reached.
 */
export function readClaim(text: string): { readonly isFull: boolean; readonly started: readonly [string, Items][] } {
  const isFull = text.startsWith("FULL");
  const started = JSON.parse(isFull ? text.slice("FULL".length) : text) as [string, (string | number | false)[]][];
  return { isFull, started: started.map(([id, reply]) => [id, itemsOf(reply)]) };
}

/** Reads the reply of `start`, as its script documents it. */
export function readStart(items: Items): StartReply {
  const type = items[0] as StartReply["type"];
  const word = String(items[1]);
  switch (type) {
    case "OK":
    case "HELD":
      return {
        type,
        token: word,
        attempt: Number(items[2]),
        seq: Number(items[3]),
        job: fieldsOf(items, 4),
        meta: recordOf(items, 4 + JOB_FIELDS.length),
      };
    case "JSON":
      return { type, raw: word };
    case "BADTYPE":
      return { type, redisType: word };
    case "BADSTATUS":
      return { type, status: word };
    case "PARKED":
      return { type, limit: word };
    case "OTHER":
      return { type, runner: word };
    default:
      return { type };
  }
}

/** Reads the reply of `heartbeat`, as its script documents it. */
export function readHeartbeat(items: Items): HeartbeatReply {
  const type = items[0] as HeartbeatReply["type"];
  if (type !== "OK") return { type };
  const fenced: OwnedAttempt[] = [];
  const unknown: string[] = [];
  const cancel: { id: string; reason: string }[] = [];
  for (let i = 10; i + 2 < items.length; i += 3) {
    const id = String(items[i + 1]);
    if (items[i] === "fenced") fenced.push({ id, token: String(items[i + 2]) });
    else if (items[i] === "unknown") unknown.push(id);
    else cancel.push({ id, reason: String(items[i + 2]) });
  }
  const [extra, paused, overdue] = [items[3] === 1, items[4] === 1, items[5] !== 0];
  const dueInMs = items[6] === "" ? null : Number(items[6]);
  const schedules = readPlans(String(items[9]));
  return { type, fenced, unknown, cancel, claims: Number(items[2]), extra, paused, overdue, dueInMs, schedules };
}

/** Reads what a heartbeat reports of the schedules. */
function readPlans(text: string): SchedulePlans {
  const [birth, version, due] = text.split(" ");
  return { mark: text === "" ? "" : `${birth} ${version}`, dueInMs: due ? Number(due) : null };
}
