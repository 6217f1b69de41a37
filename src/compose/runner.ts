import { InvalidInputError, UnavailableError } from "../domain/errors.ts";
import { hookRules } from "../domain/hook_event.ts";
import { instanceName } from "../domain/instance_name.ts";
import { openExecutors } from "../executors/registry.ts";
import type { Log } from "../ports/log.ts";
import { checkServer, openQueue } from "../redis/open.ts";
import type { Place as RedisPlace } from "../redis/open_store.ts";
import { configFileOf, shutDown } from "../redis/server.ts";
import { formatRedisUrl } from "../redis/url.ts";
import { CHECKPOINTS } from "../runner/parts.ts";
import { Runner } from "../runner/runner.ts";
import { StopTime } from "../runner/stop_time.ts";
import { FileJournal } from "../system/attempt_journal.ts";
import { systemClock } from "../system/clock.ts";
import { digestOf } from "../system/digest.ts";
import { systemEnvironment } from "../system/environment.ts";
import { systemFiles } from "../system/files.ts";
import {
  absolutePath,
  defaultSpool,
  dropDead,
  hostName,
  jobEnvironment,
  processId,
  wallClock,
  workingFolder,
} from "../system/host.ts";
import { openInstance, unusable } from "../system/instance.ts";
import { stderrLog } from "../system/log.ts";
import { newId } from "../system/new_id.ts";
import { hadOwner, ownershipOf } from "../system/ownership.ts";
import { spooledSchedules } from "../system/spooled_schedules.ts";
import { systemProcess } from "../system/process.ts";
import { accessPath } from "../system/redis_access.ts";
import { OwnRedis } from "../system/redis_server.ts";
import { placeOf } from "./client.ts";
import type { OpenedRunner, RunnerOptions } from "./contract.ts";
import { VERSION } from "./version.ts";

/** Duration after which a start is reported as slow, milliseconds; the pause until the next report doubles. */
const SLOW_START = 3000;
/** Longest pause between two reports of a slow start, milliseconds. */
const LONGEST_SILENCE = 60_000;
/** How long the end waits for the embedded Redis, milliseconds: after the request it ends by itself. */
const REDIS_END = 2000;

/** Composes a runner. It holds this host's spool; no request has been sent to Redis. */
export async function openRunner(settings: RunnerOptions): Promise<OpenedRunner> {
  const hooks = hookRules(settings);
  const there = await placeOf({ ...settings, redisTimeoutSeconds: settings.redisTimeout });
  const own = { known: null, find: () => Promise.resolve(null), file: accessPath(systemEnvironment, there.url.port) };
  const place = settings.embeddedRedis ? { ...there, own } : there;
  const root = absolutePath(settings.spool ?? defaultSpool(systemEnvironment));
  const name = instanceName(settings.namespace, settings.name, digestOf);
  const instance = await openInstance(`${root}/${name}`);
  const log = stderrLog({ json: settings.json });
  const owner = { runner: settings.name, instance: instance.id, nonce: instance.nonce, leaseMs: settings.lease * 1000 };
  const spool = await FileJournal.open(instance.dir, { expected: await hadOwner(instance.dir) })
    .catch((error) => Promise.reject(unusable(instance.dir, error)));
  // gives Redis and the queue to `runner` in jobs and hooks; only this user may read the password in it
  const clientFile = `${instance.dir}/client.json`;
  const caFile = place.url.caFile === undefined ? {} : { caFile: absolutePath(place.url.caFile) };
  const socket = settings.tmuxSocket ?? `runner-${name}`;
  const runner = new Runner({
    queue: openQueue(place, owner),
    openExecutors: (signal) =>
      openExecutors({
        files: systemFiles,
        process: systemProcess,
        clock: systemClock,
        wallClock,
        log,
        newId,
        digestOf,
        spool: instance.dir,
        socket,
        instance: instance.id,
        killGraceMs: settings.killGrace * 1000,
        keepPane: settings.keepPane,
        outputLimit: settings.outputLimit,
        outputTotal: settings.outputTotal,
        cwd: workingFolder(),
        env: { ...jobEnvironment(systemEnvironment), RUNNER_CONFIG: clientFile },
        shell: settings.shell === "auto" ? undefined : settings.shell,
      }, signal),
    journal: spool,
    missing: { journal: () => spool.missing(), lock: () => instance.missing() },
    schedules: spooledSchedules(`${instance.dir}/schedules.json`),
    openCalendar: async () => (await import("../system/calendar.ts")).systemCalendar,
    ownership: ownershipOf(instance.dir, instance.nonce),
    clock: systemClock,
    log,
    digestOf,
    checkpoint: crashAt(systemEnvironment.get("RUNNER_CRASH_AT"), CHECKPOINTS, dropDead),
    settings: {
      name: settings.name,
      namespace: settings.namespace,
      concurrency: settings.concurrency,
      burst: settings.burst,
      killGraceMs: settings.killGrace * 1000,
      defaultTimeoutMs: settings.defaultTimeout === undefined ? null : settings.defaultTimeout * 1000,
      keep: settings.keep,
      lostPolicy: settings.lostPolicy,
      lostAfterMs: settings.lostAfter * 1000,
      jsonJobs: settings.jsonJobs,
      otherRunner: settings.otherRunner,
      hooks,
      hookLimitMs: settings.hookTimeout * 1000,
      heartbeatMs: settings.heartbeat * 1000,
      leaseMs: settings.lease * 1000,
      version: VERSION,
      host: hostName(),
      pid: processId(),
    },
  });
  const embedded = settings.embeddedRedis ? ownRedis(`${instance.dir}/redis`, { ...place, own }) : null;
  return {
    async start() {
      const redisPlace = `Redis at ${place.url.hostname}:${place.url.port}`;
      let checked = false;
      const started = saySlow(
        log,
        () => checked && runner.waitsFor === "terminals" ? `the tmux server "${socket}"` : redisPlace,
      );
      try {
        await embedded?.start();
        const redisUrl = formatRedisUrl({ ...place.url, ...caFile });
        const { name, namespace } = settings;
        await systemFiles.replace(clientFile, JSON.stringify({ redis_url: redisUrl, name, namespace }));
        for (const finding of await runner.patiently(() => checkServer(place, wallClock))) {
          if (finding.severity === "error") {
            throw new UnavailableError(`Cannot use Redis: ${finding.says}; ${finding.remedy}`);
          }
          log.warn(`${finding.says}; ${finding.remedy}`);
        }
        checked = true;
        await runner.start();
      } finally {
        started();
      }
    },
    ended: () => runner.ended(),
    running: () => runner.running(),
    drain: (signal) => runner.drain(signal),
    async stop() {
      const left = await runner.stop();
      const time = new StopTime(REDIS_END, { clock: systemClock, log });
      if (embedded) await time.give("end the Redis of its own", REDIS_END, embedded.stop());
      time.close();
      instance.release();
      return left;
    },
  };
}

/** Reports again and again what a slow start waits for; returns the function that ends the reports. */
function saySlow(log: Log, what: () => string): () => void {
  const begun = systemClock.now();
  let timer: ReturnType<typeof setTimeout>;
  const wait = (pause: number) => {
    timer = setTimeout(() => {
      log.warn(`still starting: waits for ${what()}`, { ms: Math.round(systemClock.now() - begun) });
      wait(Math.min(2 * pause, LONGEST_SILENCE));
    }, pause);
  };
  wait(SLOW_START);
  return () => clearTimeout(timer);
}

/** Makes the private Redis of `--embedded-redis`. */
function ownRedis(dir: string, place: RedisPlace & { own: NonNullable<RedisPlace["own"]> }): OwnRedis {
  return new OwnRedis(dir, place.url, {
    process: systemProcess,
    clock: systemClock,
    talk: { configFile: () => configFileOf(place), shutDown: () => shutDown(place) },
    path: systemEnvironment.get("PATH") ?? "/usr/bin:/bin",
    own: place.own,
  });
}

/** Ends the process at one of the places between two steps; only tests set the variable. */
function crashAt<Place extends string>(name: string | undefined, places: readonly Place[], end: () => void) {
  if (name !== undefined && !places.some((place) => place === name)) {
    throw new InvalidInputError(`Cannot use RUNNER_CRASH_AT=${JSON.stringify(name)}: places are ${places.join(", ")}`);
  }
  return (place: Place) => {
    if (place === name) end();
  };
}
