import { EXIT } from "../domain/exit_codes.ts";
import { JOB_FIELDS } from "../domain/job.ts";
import { DEFAULT_KEEP, MAX_DETAILS, MAX_ID, MAX_JSON_JOB, MAX_RUN_PAYLOAD } from "../domain/limits.ts";
import base from "./scripts/lib/base.lua" with { type: "text" };
import job from "./scripts/lib/job.lua" with { type: "text" };
import limitLib from "./scripts/lib/limits.lua" with { type: "text" };
import permits from "./scripts/lib/permits.lua" with { type: "text" };
import waiting from "./scripts/lib/waiting.lua" with { type: "text" };
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
import limitSet from "./scripts/limit_set.lua" with { type: "text" };
import limitRemove from "./scripts/limit_remove.lua" with { type: "text" };
import unpark from "./scripts/unpark.lua" with { type: "text" };
import limits from "./scripts/limits.lua" with { type: "text" };
import { Keys } from "./keys.ts";
import { Script, stepOf } from "./script.ts";

/** Makes a script that is not about one job. */
const plain = (name: string, text: string) => new Script(name, base, [text]);

/** The names of keys without their namespace, for jobs that only a script finds; and constants of the domain. */
const NAMES = new Keys("");
/** Keys of an instance: what precedes `NAME:INST`. */
const beforeOwner = (key: string) => key.slice(0, -1);
const OF_OWNER = {
  attempts: beforeOwner(NAMES.attempts("", "")),
  claim: beforeOwner(NAMES.claim("", "")),
  instance: beforeOwner(NAMES.instance("", "")),
  held: beforeOwner(NAMES.held("", "")),
};
const NAMED = `local NAMED = {
  job = '${NAMES.job("")}', meta = '${NAMES.meta("")}', output = '${NAMES.output("")}', channel = '${
  NAMES.channel("")
}',
  after = '${NAMES.after("")}', skipped = '${NAMES.skipped("")}', unsettled = '${NAMES.unsettled()}',
  queue = '${NAMES.queue("")}', low = '${NAMES.low("")}', delay = '${NAMES.delay("")}', lease = '${NAMES.lease("")}',
  paused = '${NAMES.paused("")}', parked = '${NAMES.parked("")}', limits = '${NAMES.limits()}',
  limit_state = '${NAMES.limitState()}', permits = '${NAMES.permits("")}', parking = '${NAMES.parking("")}',
  attempts = '${OF_OWNER.attempts}', claim = '${OF_OWNER.claim}', instance = '${OF_OWNER.instance}',
  held = '${OF_OWNER.held}'
}
local DEFAULT_KEEP, SKIPPED = ${DEFAULT_KEEP * 1_000}, ${EXIT.skipped}
`;
/** What precedes a script about one job: its first five keys and three arguments are those of `Steps.job`. */
const JOB = [NAMED, job, limitLib, permits, waiting];
const about = (name: string, text: string) => new Script(name, base, [...JOB, text]);
/** Makes a script about limits, which begins with the names of keys. */
const LIMITS = [NAMED, "local NAMESPACE, EVENTS = ARGV[1], KEYS[2]", limitLib];
const limiting = (name: string, text: string) => new Script(name, base, [...LIMITS, text]);
/** The same part for `claim`. */
const CLAIM = [NAMED, "local NAMESPACE, EVENTS = string.sub(ARGV[6], 1, #ARGV[6] - #NAMED.job), KEYS[7]", limitLib];
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
 * `purge`, `sweep`, `forget`, `queues`, `instances`, `schedules`, `limits`, `request`, `serve`, `reply`.
 */
export const SCRIPTS = {
  submit: about("submit", submit),
  promote: about("promote", promote),
  settle: about("settle", settle),
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
  register: plain("register", register),
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
