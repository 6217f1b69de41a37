import {
  BATCH_EVENTS,
  INSTANCE_EVENTS,
  LIFECYCLE,
  type LifecycleEvent,
  LIMIT_EVENTS,
  REPORTED_EVENTS,
  SCHEDULE_EVENTS,
} from "../../src/domain/lifecycle.ts";
import { events } from "../../src/cli/commands/events.ts";
import { Batches } from "../../src/redis/batches.ts";
import { RedisJobStore } from "../../src/redis/job_store.ts";
import { Limits } from "../../src/redis/limits.ts";
import { RedisQueue } from "../../src/redis/queue.ts";
import { Schedules } from "../../src/redis/schedules.ts";
import { SCRIPTS } from "../../src/redis/scripts.ts";
import { assert, assertEquals } from "../support/assert.ts";

const folder = new URL("../../src/redis/scripts/", import.meta.url);
/**
 * No events of a job or an instance: they read, delete ended jobs, forget what is left of jobs that are gone, or carry
 * words.
 */
const housekeeping = [
  "batch_check",
  "batch_purge",
  "forget",
  "instances",
  "limits",
  "list",
  "peek",
  "purge",
  "queues",
  "reply",
  "request",
  "restore",
  "schedules",
  "serve",
  "show",
  "sweep",
];
/** Events of a job that have a script of their own. */
const OWN = Object.entries<LifecycleEvent>(LIFECYCLE).filter(([, { within }]) => !within).map(([name]) => name);
const named = [
  ...OWN,
  ...[INSTANCE_EVENTS, SCHEDULE_EVENTS, LIMIT_EVENTS, BATCH_EVENTS].flatMap((events) => Object.keys(events)),
];
const expected = [...named, ...housekeeping].sort();

Deno.test("scripts/ has one Lua file for every event, and no other", () => {
  const files = [...Deno.readDirSync(folder)].filter((entry) => entry.isFile).map((entry) => entry.name);
  assertEquals(files.sort(), expected.map((name) => `${name}.lua`));
  assertEquals(Object.keys(SCRIPTS).sort(), expected);
  for (const [name, script] of Object.entries(SCRIPTS)) assertEquals(script.name, name);
});

Deno.test("every event is a method of the queue or of the job store", () => {
  const methods = [RedisQueue, RedisJobStore, Schedules, Limits, Batches].flatMap((type) =>
    Object.getOwnPropertyNames(type.prototype)
  );
  for (const name of named) assert(methods.includes(methodOf(name)), name);
});

Deno.test("every Lua file says what it does, its keys, arguments and replies", () => {
  for (const name of expected) {
    const text = Deno.readTextFileSync(new URL(`${name}.lua`, folder));
    const header = /^(--.*\n)+/.exec(text)?.[0] ?? "";
    assert(header.startsWith(`-- ${name}: `), name);
    for (const word of ["-- KEYS ", "-- ARGV ", "-- reply "]) assert(header.includes(word), `${name} ${word}`);
    const codes = [...text.matchAll(/\{ '([A-Z]+)'/g), ...text.matchAll(/give_up\('([A-Z]+)'\)/g)].map(([, code]) =>
      code
    );
    for (const code of codes) assert(header.includes(` ${code} `), `${name} does not document ${code}`);
  }
});

/** Text of a Lua file. */
const lua = (name: string) => Deno.readTextFileSync(new URL(`${name}.lua`, folder));

Deno.test("every event of a job has a caller in src/client or src/runner of the same name", () => {
  const files = ["client", "runner"].flatMap((name) => [...walk(new URL(`../../src/${name}/`, import.meta.url))]);
  const callers = files.map((file) => Deno.readTextFileSync(file)).join();
  for (const name of [...OWN, ...Object.keys({ ...SCHEDULE_EVENTS, ...LIMIT_EVENTS, ...BATCH_EVENTS })]) {
    assert(new RegExp(`\\b(queue|store|schedules|limits|batches)\\.${methodOf(name)}\\(`).test(callers), name);
  }
});

Deno.test("the help of events names those that scripts publish, and each is an event of the lifecycle", () => {
  const reportedBy = (name: string) =>
    [...lua(name).matchAll(/\b(?:notify\(|end_waiting\(|event\([\w\[\]]+, )'(\w+)'/g)].map(([, event]) => event);
  const libraries = ["waiting", "stop", "batch", "limits", "permits"].map((name) => `lib/${name}`);
  const reported = [...expected, ...libraries].flatMap(reportedBy);
  const [, said] = /namespace: (.*)\. Each has/.exec(events.description!.join(" "))!;
  assertEquals(said.split(/, | and /).sort(), [...new Set(reported)].sort());
  for (const name of reported) assert(Object.hasOwn({ ...LIFECYCLE, ...BATCH_EVENTS, ...REPORTED_EVENTS }, name), name);
  for (const [name, script] of Object.entries(REPORTED_EVENTS)) assert(reportedBy(script).includes(name), name);
});

/** Method of an event: `dead_letter` is `deadLetter`. */
function methodOf(event: string): string {
  return event.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function* walk(dir: URL): Generator<URL> {
  for (const { name, isDirectory } of Deno.readDirSync(dir)) {
    if (isDirectory) yield* walk(new URL(`${name}/`, dir));
    else if (name.endsWith(".ts")) yield new URL(name, dir);
  }
}
