/**
 * Composes the program: only this file connects the commands with the real Redis, terminals and files. What only a
 * runner needs is loaded when there is a runner.
 *
 * @module
 */
import { InvalidInputError, SetupError, UnavailableError } from "../domain/errors.ts";
import type { Log } from "../ports/log.ts";
import type { HostOutput } from "../ports/host_output.ts";
import type { JobStore } from "../ports/job_store.ts";
import type { Trouble } from "../ports/queue.ts";
import { attachLine, checkTarget } from "../executors/registry.ts";
import type { Place as RedisPlace } from "../redis/open_store.ts";
import { formatRedisUrl, maskUrl, parseRedisUrl } from "../redis/url.ts";
import { systemClock } from "../system/clock.ts";
import { systemEnvironment } from "../system/environment.ts";
import { newId } from "../system/new_id.ts";
import { onSignals } from "../system/signals.ts";
import { systemTerminal } from "../system/terminal.ts";
import type { Compose, HostInspection, OpenedRunner, RunnerOptions, StoreSettings } from "./contract.ts";
import type { Finding } from "../ports/finding.ts";
import { VERSION } from "./version.ts";

/** Duration after which a start is reported as slow, milliseconds; the pause until the next report doubles. */
const SLOW_START = 3000;
/** Longest pause between two reports of a slow start, milliseconds. */
const LONGEST_SILENCE = 60_000;
/** How long the end waits for the embedded Redis, milliseconds: after the request it ends by itself. */
const REDIS_END = 2000;

async function placeOf(settings: StoreSettings): Promise<RedisPlace> {
  const url = parseRedisUrl(settings.redisUrl);
  const connectMs = settings.redisTimeoutSeconds * 1000;
  const place = { url, namespace: settings.namespace, clock: systemClock, connectMs, own: await ownAccess(url) };
  if (url.caFile === undefined) return place;
  const pem = await systemEnvironment.readFile(url.caFile);
  if (!pem) {
    throw new SetupError(
      `Cannot read the certificates in ${
        JSON.stringify(url.caFile)
      }: there is no such file; name another one after ca= in the URL`,
    );
  }
  return { ...place, caCerts: [new TextDecoder().decode(pem)] };
}

/**
 * Returns the access to an embedded Redis, from a file that its port identifies; `undefined` where there can be none.
 */
async function ownAccess({ hostname, port, tls, password }: RedisPlace["url"]): Promise<RedisPlace["own"]> {
  if (tls || password !== undefined) return undefined;
  const { accessPath, findAccess, OWN_HOST } = await import("../system/redis_access.ts");
  if (!OWN_HOST.test(hostname)) return undefined;
  const find = () => findAccess(systemEnvironment, port);
  return {
    known: await find(),
    find,
    get file() {
      return accessPath(systemEnvironment, port);
    },
  };
}

/** Opens a connection to Redis for clients. */
export async function openStore(settings: StoreSettings): Promise<JobStore> {
  const [{ openStore }, place] = await Promise.all([import("../redis/open_store.ts"), placeOf(settings)]);
  const store = openStore(place);
  try {
    await store.time(); // fails at once when Redis cannot be reached
    return store;
  } catch (error) {
    store.close();
    throw error instanceof UnavailableError ? notConnected(error) : error;
  }
}

/** Names the connection instead of the time command, which the user did not request. */
function notConnected(error: UnavailableError & Partial<Trouble>): UnavailableError {
  if (error.says !== undefined) error.message = `Cannot connect: ${error.says}`;
  return error;
}

/** Composes a runner. It holds this host's spool; no request has been sent to Redis. */
export async function openRunner(settings: RunnerOptions): Promise<OpenedRunner> {
  const there = await placeOf({ ...settings, redisTimeoutSeconds: settings.redisTimeout });
  const { accessPath } = await import("../system/redis_access.ts");
  const own = { known: null, find: () => Promise.resolve(null), file: accessPath(systemEnvironment, there.url.port) };
  const place = settings.embeddedRedis ? { ...there, own } : there;
  const [
    redis,
    { makeExecutors },
    { openInstance, unusable },
    { instanceName },
    { digestOf },
    { FileJournal },
    { hadOwner, ownershipOf },
    { stderrLog },
    host,
    { Runner },
    { StopTime },
    parts,
    { systemFiles },
    { systemProcess },
  ] = await Promise.all([
    import("../redis/open.ts"),
    import("../executors/registry.ts"),
    import("../system/instance.ts"),
    import("../domain/instance_name.ts"),
    import("../system/digest.ts"),
    import("../system/attempt_journal.ts"),
    import("../system/ownership.ts"),
    import("../system/log.ts"),
    import("../system/host.ts"),
    import("../runner/runner.ts"),
    import("../runner/stop_time.ts"),
    import("../runner/parts.ts"),
    import("../system/files.ts"),
    import("../system/process.ts"),
  ]);
  const root = host.absolutePath(settings.spool ?? host.defaultSpool(systemEnvironment));
  const name = instanceName(settings.namespace, settings.name, digestOf);
  const instance = await openInstance(`${root}/${name}`);
  const log = stderrLog({ json: settings.json });
  const owner = { runner: settings.name, instance: instance.id, nonce: instance.nonce, leaseMs: settings.lease * 1000 };
  const spool = await FileJournal.open(instance.dir, { expected: await hadOwner(instance.dir) })
    .catch((error) => Promise.reject(unusable(instance.dir, error)));
  // gives Redis and the queue to `runner` in jobs and hooks; only this user may read the password in it
  const clientFile = `${instance.dir}/client.json`;
  const caFile = place.url.caFile === undefined ? {} : { caFile: host.absolutePath(place.url.caFile) };
  const socket = settings.tmuxSocket ?? `runner-${name}`;
  const runner = new Runner({
    queue: redis.openQueue(place, owner),
    executors: await makeExecutors({
      files: systemFiles,
      process: systemProcess,
      clock: systemClock,
      log,
      newId,
      digestOf,
      spool: instance.dir,
      socket,
      instance: instance.id,
      killGraceMs: settings.killGrace * 1000,
      keepPane: settings.keepPane,
      cwd: host.workingFolder(),
      env: { ...host.jobEnvironment(systemEnvironment), RUNNER_CONFIG: clientFile },
      shell: settings.shell === "auto" ? undefined : settings.shell,
    }),
    journal: spool,
    missing: { journal: () => spool.missing(), lock: () => instance.missing() },
    ownership: ownershipOf(instance.dir, instance.nonce),
    clock: systemClock,
    log,
    digestOf,
    checkpoint: crashAt(systemEnvironment.get("RUNNER_CRASH_AT"), parts.CHECKPOINTS, host.dropDead),
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
      onEnd: settings.onEnd === undefined ? null : { command: settings.onEnd, limitMs: settings.onEndTimeout * 1000 },
      heartbeatMs: settings.heartbeat * 1000,
      version: VERSION,
      host: host.hostName(),
      pid: host.processId(),
    },
  });
  const embedded = settings.embeddedRedis ? await ownRedis(`${instance.dir}/redis`, { ...place, own }) : null;
  return {
    async start() {
      const redisPlace = `Redis at ${place.url.hostname}:${place.url.port}`;
      let checked = false;
      const started = saySlow(
        log,
        () => checked && runner.waitsFor === "tmux" ? `the tmux server "${socket}"` : redisPlace,
      );
      try {
        await embedded?.start();
        const redisUrl = formatRedisUrl({ ...place.url, ...caFile });
        const { name, namespace } = settings;
        await systemFiles.replace(clientFile, JSON.stringify({ redis_url: redisUrl, name, namespace }));
        for (const finding of await runner.patiently(() => redis.checkServer(place, host.wallClock))) {
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

async function ownRedis(dir: string, place: RedisPlace & { own: NonNullable<RedisPlace["own"]> }) {
  const [{ OwnRedis }, { configFileOf, shutDown }, { systemProcess }] = await Promise.all([
    import("../system/redis_server.ts"),
    import("../redis/server.ts"),
    import("../system/process.ts"),
  ]);
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

/** Checks the Redis server. */
async function checkRedis(settings: StoreSettings): Promise<readonly Finding[]> {
  const [{ checkServer }, { judgeAddress }, { wallClock }] = await Promise.all([
    import("../redis/open.ts"),
    import("../redis/check_address.ts"),
    import("../system/host.ts"),
  ]);
  const place = await placeOf(settings);
  return [...judgeAddress(place.url), ...await checkServer(place, wallClock)];
}

/** Inspects this host for `runner doctor`. */
async function inspectHost(spool?: string, secretFile?: string): Promise<HostInspection> {
  const [
    { absolutePath, defaultSpool },
    { isOpenFile, inspectFolder, missingPrograms, missingRights },
    { programVersion },
    { weaknessOf, neededPrograms },
  ] = await Promise.all([
    import("../system/host.ts"),
    import("../system/inspect_folder.ts"),
    import("../system/process.ts"),
    import("../executors/registry.ts"),
  ]);
  const folder = absolutePath(spool ?? defaultSpool(systemEnvironment));
  const path = systemEnvironment.get("PATH") ?? "/usr/bin:/bin";
  const tmux = await programVersion("tmux", "-V", path);
  return {
    tmux,
    tmuxWeakness: tmux === null ? null : await weaknessOf(tmux),
    spool: await inspectFolder(folder),
    missingPrograms: await missingPrograms(await neededPrograms(), path),
    missingRights: await missingRights(folder),
    ...(secretFile !== undefined && await isOpenFile(secretFile) ? { exposed: secretFile } : {}),
  };
}

/** Opens the outputs that runners of this user keep on this host. */
export async function openHostOutput({ spool, namespace }: { spool?: string; namespace: string }): Promise<HostOutput> {
  const [{ absolutePath, defaultSpool }, { isOurFolder }, { systemFiles: files }, { digestOf }, { makeHostOutput }] =
    await Promise
      .all([
        import("../system/host.ts"),
        import("../system/inspect_folder.ts"),
        import("../system/files.ts"),
        import("../system/digest.ts"),
        import("../executors/registry.ts"),
      ]);
  const right = spool === undefined ? await Deno.permissions.query({ name: "sys", kind: "uid" }) : null;
  if (right && right.state !== "granted") return { open: () => Promise.resolve(null) };
  const root = absolutePath(spool ?? defaultSpool(systemEnvironment));
  return await makeHostOutput({ files, digestOf, root, namespace, isOurs: isOurFolder });
}

/** Opens the viewer, which shows terminals of jobs. */
async function openViewer() {
  const [{ makeViewer }, { digestOf }, { inTerminal, systemProcess }, { viewEnvironment }] = await Promise.all([
    import("../executors/registry.ts"),
    import("../system/digest.ts"),
    import("../system/process.ts"),
    import("../system/host.ts"),
  ]);
  const env = viewEnvironment(systemEnvironment);
  return await makeViewer({ process: systemProcess, inTerminal, env, digestOf, newId });
}

/** The real outside of the program. */
export const compose: Compose = {
  terminal: systemTerminal,
  environment: systemEnvironment,
  clock: systemClock,
  newId,
  onSignals,
  openStore,
  openRunner,
  checkExecutor: checkTarget,
  attachLine,
  checkRedis,
  inspectHost,
  serviceHost: () => import("../system/service_host.ts").then(({ serviceHost }) => serviceHost()),
  openViewer,
  openHostOutput,
  hostName: () => import("../system/host.ts").then(({ hostName }) => hostName()),
  maskUrl,
};
