import { SetupError, UnavailableError } from "../domain/errors.ts";
import type { Finding } from "../ports/finding.ts";
import type { Trouble } from "../ports/queue.ts";
import type { ClientStore } from "../ports/schedules.ts";
import type { Place as RedisPlace } from "../redis/open_store.ts";
import { parseRedisUrl } from "../redis/url.ts";
import { systemClock } from "../system/clock.ts";
import { systemEnvironment } from "../system/environment.ts";
import type { StoreSettings } from "./contract.ts";

/** Reads where Redis is, and how to reach it. */
export async function placeOf(settings: StoreSettings): Promise<RedisPlace> {
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
export async function openStore(settings: StoreSettings): Promise<ClientStore> {
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

/** Checks the Redis server. */
export async function checkRedis(settings: StoreSettings): Promise<readonly Finding[]> {
  const [{ checkServer }, { judgeAddress }, { wallClock }] = await Promise.all([
    import("../redis/open.ts"),
    import("../redis/check_address.ts"),
    import("../system/host.ts"),
  ]);
  const place = await placeOf(settings);
  return [...judgeAddress(place.url), ...await checkServer(place, wallClock)];
}
