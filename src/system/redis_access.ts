/**
 * Files with the access to a runner's own Redis, two lines with mode 0600: its password, and the text with which it
 * proves its identity. One is in its folder. While it is up, another is where the other programs of its user find it.
 *
 * @module
 */
import type { Environment } from "../ports/environment.ts";
import type { RedisAccess } from "../ports/redis_access.ts";
import { defaultSpool } from "./host.ts";

/** Bytes of a file at most. */
const LONGEST = 4096;

/** Hosts on which a runner's own Redis may be. */
export const OWN_HOST = /^(127\.\d+\.\d+\.\d+|localhost)$/;

/** Returns where a user's programs find the access to the Redis at a port of this host. No instance has such a name. */
export function accessPath(environment: Environment, port: number): string {
  return `${defaultSpool(environment)}/redis@${port}`;
}

/**
 * Returns the access to the Redis at a port of this host; `null` when there is none or the permission to read it is
 * missing. The user is not asked for permission then, as most have no such Redis.
 */
export async function findAccess(environment: Environment, port: number): Promise<RedisAccess | null> {
  const isGranted = (right: Deno.PermissionDescriptor) => Deno.permissions.querySync(right).state === "granted";
  if (!["HOME", "XDG_STATE_HOME"].every((variable) => isGranted({ name: "env", variable }))) return null;
  const home = environment.get("HOME");
  if (home && !isGranted({ name: "read", path: home }) || !isGranted({ name: "sys", kind: "uid" })) return null;
  const path = accessPath(environment, port);
  return isGranted({ name: "read", path }) ? await readAccess(path) : null;
}

/** Creates a new access. */
export function newAccess(password = secret()): RedisAccess {
  return { password, proof: secret() };
}

function secret(): string {
  return crypto.randomUUID().replaceAll("-", "") + crypto.randomUUID().replaceAll("-", "");
}

/** Reads an access file; `null` when there is none that only our user could have made. */
export async function readAccess(path: string): Promise<RedisAccess | null> {
  try {
    const { isFile, uid, mode, size } = await Deno.lstat(path);
    if (!isFile || uid !== Deno.uid() || (mode ?? 0) & 0o077 || size > LONGEST) return null;
    const [password = "", proof = ""] = (await Deno.readTextFile(path)).split("\n");
    return password !== "" && /^[0-9a-f]{64}$/.test(proof) ? { password: decodeURIComponent(password), proof } : null;
  } catch {
    return null; // the server then replies that it requires a password
  }
}

/** Writes an access file, and replaces an old one. */
export async function writeAccess(path: string, { password, proof }: RedisAccess): Promise<void> {
  await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true, mode: 0o700 });
  const fresh = `${path}.new`;
  await Deno.remove(fresh).catch(() => {}); // an old file would keep its mode
  await Deno.writeTextFile(fresh, `${encodeURIComponent(password)}\n${proof}\n`, { mode: 0o600, createNew: true });
  await Deno.rename(fresh, path);
}

/** Removes an access file, unless it belongs to another Redis meanwhile. */
export async function removeAccess(path: string, access: RedisAccess): Promise<void> {
  if ((await readAccess(path))?.proof === access.proof) await Deno.remove(path).catch(() => {});
}
