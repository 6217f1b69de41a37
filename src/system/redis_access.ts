/**
 * Files that hold the access to a Redis of a runner's own, two lines of mode 0600: its password, and what it proves
 * itself with. One is in its folder; one, as long as it is up, where the other programs of its user look.
 *
 * @module
 */
import type { Environment } from "../ports/environment.ts";
import type { RedisAccess } from "../ports/redis_access.ts";
import { defaultSpool } from "./host.ts";

/** Longest file, bytes. */
const LONGEST = 4096;

/** Hosts on which a Redis of a runner's own may be. */
export const OWN_HOST = /^(127\.\d+\.\d+\.\d+|localhost)$/;

/**
 * Where the programs of a user look for the access to the Redis at a port of this host; no instance has such a name.
 */
export function accessPath(environment: Environment, port: number): string {
  return `${defaultSpool(environment)}/redis@${port}`;
}

/**
 * Looks for the access to the Redis at a port of this host; `null` when there is none, or when we are not allowed to
 * look: then the user is not asked for permission, as most have no such Redis.
 */
export async function findAccess(environment: Environment, port: number): Promise<RedisAccess | null> {
  const isGranted = (right: Deno.PermissionDescriptor) => Deno.permissions.querySync(right).state === "granted";
  if (!["HOME", "XDG_STATE_HOME"].every((variable) => isGranted({ name: "env", variable }))) return null;
  const home = environment.get("HOME");
  if (home && !isGranted({ name: "read", path: home }) || !isGranted({ name: "sys", kind: "uid" })) return null;
  const path = accessPath(environment, port);
  return isGranted({ name: "read", path }) ? await readAccess(path) : null;
}

/** A new access. */
export function newAccess(password = secret()): RedisAccess {
  return { password, proof: secret() };
}

function secret(): string {
  return crypto.randomUUID().replaceAll("-", "") + crypto.randomUUID().replaceAll("-", "");
}

/** What a file holds; `null` when there is none that only our user could have made. */
export async function readAccess(path: string): Promise<RedisAccess | null> {
  try {
    const { isFile, uid, mode, size } = await Deno.lstat(path);
    if (!isFile || uid !== Deno.uid() || (mode ?? 0) & 0o077 || size > LONGEST) return null;
    const [password = "", proof = ""] = (await Deno.readTextFile(path)).split("\n");
    return password !== "" && /^[0-9a-f]{64}$/.test(proof) ? { password: decodeURIComponent(password), proof } : null;
  } catch {
    return null; // then the server says that it wants a password
  }
}

/** Writes it down, in the place of an old one. */
export async function writeAccess(path: string, { password, proof }: RedisAccess): Promise<void> {
  await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true, mode: 0o700 });
  const fresh = `${path}.new`;
  await Deno.remove(fresh).catch(() => {}); // one with another mode would keep that
  await Deno.writeTextFile(fresh, `${encodeURIComponent(password)}\n${proof}\n`, { mode: 0o600, createNew: true });
  await Deno.rename(fresh, path);
}

/** Takes it away, unless it is that of another Redis by now. */
export async function removeAccess(path: string, access: RedisAccess): Promise<void> {
  if ((await readAccess(path))?.proof === access.proof) await Deno.remove(path).catch(() => {});
}
