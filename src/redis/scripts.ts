import { EXIT } from "../domain/exit_codes.ts";
import { JOB_FIELDS } from "../domain/job.ts";
import { DEFAULT_KEEP, MAX_DETAILS, MAX_ID, MAX_JSON_JOB, MAX_RUN_PAYLOAD } from "../domain/limits.ts";
import base from "./scripts/lib/base.lua" with { type: "text" };
import batch from "./scripts/lib/batch.lua" with { type: "text" };
import job from "./scripts/lib/job.lua" with { type: "text" };
import limitLib from "./scripts/lib/limits.lua" with { type: "text" };
import permits from "./scripts/lib/permits.lua" with { type: "text" };
import waiting from "./scripts/lib/waiting.lua" with { type: "text" };
import stop from "./scripts/lib/stop.lua" with { type: "text" };
import submit from "./scripts/submit.lua" with { type: "text" };
import promote from "./scripts/promote.lua" with { type: "text" };
import release from "./scripts/release.lua" with { type: "text" };
import settle from "./scripts/settle.lua" with { type: "text" };
import reroute from "./scripts/reroute.lua" with { type: "text" };
import convert from "./scripts/convert.lua" with { type: "text" };
import deadLetter from "./scripts/dead_letter.lua" with { type: "text" };
import claim from "./scripts/claim.lua" with { type: "text" };
import peek from "./scripts/peek.lua" with { type: "text" };
import start from "./scripts/start.lua" with { type: "text" };
import finish from "./scripts/finish.lua" with { type: "text" };
import cancel from "./scripts/cancel.lua" with { type: "text" };
import retry from "./scripts/retry.lua" with { type: "text" };
import reassert from "./scripts/reassert.lua" with { type: "text" };
import restore from "./scripts/restore.lua" with { type: "text" };
import reap from "./scripts/reap.lua" with { type: "text" };
import register from "./scripts/register.lua" with { type: "text" };
import heartbeat from "./scripts/heartbeat.lua" with { type: "text" };
import show from "./scripts/show.lua" with { type: "text" };
import inputRequired from "./scripts/input_required.lua" with { type: "text" };
import inputResolved from "./scripts/input_resolved.lua" with { type: "text" };
import request from "./scripts/request.lua" with { type: "text" };
import serve from "./scripts/serve.lua" with { type: "text" };
import reply from "./scripts/reply.lua" with { type: "text" };
import retire from "./scripts/retire.lua" with { type: "text" };
import list from "./scripts/list.lua" with { type: "text" };
import purge from "./scripts/purge.lua" with { type: "text" };
import sweep from "./scripts/sweep.lua" with { type: "text" };
import forget from "./scripts/forget.lua" with { type: "text" };
import queues from "./scripts/queues.lua" with { type: "text" };
import instances from "./scripts/instances.lua" with { type: "text" };
import schedule from "./scripts/lib/schedule.lua" with { type: "text" };
import scheduleAdd from "./scripts/schedule_add.lua" with { type: "text" };
import scheduleFired from "./scripts/schedule_fired.lua" with { type: "text" };
import schedulePause from "./scripts/schedule_pause.lua" with { type: "text" };
import scheduleRemove from "./scripts/schedule_remove.lua" with { type: "text" };
import scheduleRestore from "./scripts/schedule_restore.lua" with { type: "text" };
import schedules from "./scripts/schedules.lua" with { type: "text" };
import batchSubmit from "./scripts/batch_submit.lua" with { type: "text" };
import batchCancel from "./scripts/batch_cancel.lua" with { type: "text" };
import batchCheck from "./scripts/batch_check.lua" with { type: "text" };
import batchPurge from "./scripts/batch_purge.lua" with { type: "text" };
import limitSet from "./scripts/limit_set.lua" with { type: "text" };
import limitRemove from "./scripts/limit_remove.lua" with { type: "text" };
import unpark from "./scripts/unpark.lua" with { type: "text" };
import limits from "./scripts/limits.lua" with { type: "text" };
import { Keys } from "./keys.ts";
import { Script, stepOf } from "./script.ts";

/** Makes a script that is not about one job. */
const plain = (name: string, text: string) => new Script(name, base, [text]);

/** The names of keys without their namespace, for jobs that only a script finds; and constants of the domain. */
const KEYS = new Keys("");
/** Keys of an instance: what precedes `NAME:INST`. */
const beforeOwner = (key: string) => key.slice(0, -1);
const NAMES = {
  ...{ job: KEYS.job(""), meta: KEYS.meta(""), output: KEYS.output(""), channel: KEYS.channel("") },
  ...{ after: KEYS.after(""), skipped: KEYS.skipped(""), unsettled: KEYS.unsettled() },
  ...{ queue: KEYS.queue(""), low: KEYS.low(""), delay: KEYS.delay(""), lease: KEYS.lease(""), wake: KEYS.wakeUp("") },
  ...{ paused: KEYS.paused(""), parked: KEYS.parked(""), limits: KEYS.limits(), limit_state: KEYS.limitState() },
  ...{ names: KEYS.names() },
  ...{ permits: KEYS.permits(""), parking: KEYS.parking(""), batch: KEYS.batch(""), batches: KEYS.batches() },
  ...{ attempts: beforeOwner(KEYS.attempts("", "")), claim: beforeOwner(KEYS.claim("", "")) },
  ...{ instance: beforeOwner(KEYS.instance("", "")), held: beforeOwner(KEYS.held("", "")) },
};
const NAMED = `local NAMED = { ${Object.entries(NAMES).map(([name, key]) => `${name} = '${key}'`).join(", ")} }
local DEFAULT_KEEP, SKIPPED = ${DEFAULT_KEEP * 1_000}, ${EXIT.skipped}
`;
/** Returns how a script names the keys of a namespace, which it reads from its keys and arguments. */
const keysIn = (namespace: string, events: string) =>
  `local NAMESPACE, EVENTS = ${namespace}, ${events}
local function key_of(kind, name) return NAMESPACE .. NAMED[kind] .. name end
`;
/** What precedes a script about one job: its first five keys and three arguments are those of `Steps.job`. */
const OF_JOB = keysIn("string.sub(KEYS[1], 1, #KEYS[1] - #ARGV[1] - #NAMED.job)", "KEYS[5]");
const JOB = [NAMED, OF_JOB, batch, job, limitLib, permits, waiting];
const about = (name: string, text: string) => new Script(name, base, [...JOB, text]);
/** Makes a script about limits, which begins with the names of keys. */
const LIMITS = [NAMED, keysIn("ARGV[1]", "KEYS[2]"), limitLib];
const limiting = (name: string, text: string) => new Script(name, base, [...LIMITS, text]);
/** The same part for `claim`. */
const CLAIM = [NAMED, keysIn("string.sub(ARGV[6], 1, #ARGV[6] - #NAMED.job)", "KEYS[7]"), limitLib];
/** The same part for `register`. */
const REGISTER = [NAMED, keysIn("string.sub(KEYS[6], 1, #KEYS[6] - #NAMED.limit_state)", "nil"), limitLib];
/** Makes a script about one schedule. */
const planning = (name: string, text: string) => new Script(name, base, [schedule, text]);

/** Constants of the domain in the Lua text of `start`, so that no call has to send them. */
const START = `local FIELDS = {${JOB_FIELDS.map((name) => `'${name}'`).join(",")}}
local LIMIT, DETAILS, STRING = ${MAX_RUN_PAYLOAD}, ${MAX_DETAILS}, ${MAX_JSON_JOB}
`;

/** The fields for the Lua text of `list`: those that are neither large nor secret. */
const LIST_FIELDS = JOB_FIELDS.filter((name) => name !== "result" && name !== "env_vars");
const LIST = `local FIELDS = {${LIST_FIELDS.map((name) => `'${name}'`).join(",")}}\n`;

/**
 * Every script, by the name of its event. `restore` is two events at once. These are no events: `show`, `peek`, `list`,
 * `purge`, `sweep`, `forget`, `queues`, `instances`, `schedules`, `limits`, `batch_check`, `batch_purge`, `request`,
 * `serve`, `reply`.
 */
export const SCRIPTS = {
  submit: about("submit", submit),
  promote: about("promote", promote),
  settle: new Script("settle", base, [...JOB, stop, settle]),
  release: plain("release", release),
  reroute: about("reroute", reroute),
  convert: plain("convert", convert),
  dead_letter: plain("dead_letter", deadLetter),
  claim: new Script("claim", base, [
    stepOf([...JOB, START, start]),
    ...CLAIM,
    `local MAX_ID = ${MAX_ID}\n`,
    claim,
  ]),
  peek: plain("peek", peek),
  start: new Script("start", base, [...JOB, START, start]),
  finish: about("finish", finish),
  cancel: about("cancel", cancel),
  retry: about("retry", retry),
  show: about("show", show),
  input_required: about("input_required", inputRequired),
  input_resolved: about("input_resolved", inputResolved),
  reassert: about("reassert", reassert),
  restore: new Script("restore", base, [
    stepOf([...JOB, reassert], "reassert"),
    stepOf([...JOB, finish], "finish"),
    restore,
  ]),
  reap: about("reap", reap),
  register: new Script("register", base, [...REGISTER, register]),
  heartbeat: plain("heartbeat", heartbeat),
  retire: plain("retire", retire),
  request: plain("request", request),
  serve: plain("serve", serve),
  reply: plain("reply", reply),
  list: plain("list", `${LIST}${list}`),
  purge: plain("purge", purge),
  sweep: plain("sweep", sweep),
  forget: plain("forget", forget),
  queues: plain("queues", queues),
  instances: plain("instances", instances),
  schedules: plain("schedules", schedules),
  batch_submit: about("batch_submit", batchSubmit),
  batch_cancel: about("batch_cancel", batchCancel),
  batch_check: about("batch_check", batchCheck),
  batch_purge: about("batch_purge", batchPurge),
  schedule_add: planning("schedule_add", scheduleAdd),
  schedule_pause: planning("schedule_pause", schedulePause),
  schedule_remove: planning("schedule_remove", scheduleRemove),
  schedule_restore: planning("schedule_restore", scheduleRestore),
  limit_set: limiting("limit_set", limitSet),
  limit_remove: limiting("limit_remove", limitRemove),
  unpark: limiting("unpark", unpark),
  limits: limiting("limits", limits),
  schedule_fired: new Script("schedule_fired", base, [stepOf([...JOB, submit], "submit"), schedule, scheduleFired]),
} as const;
