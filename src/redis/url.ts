import { InvalidInputError } from "../domain/errors.ts";

/** The address of a Redis, and the user to connect as. */
export interface RedisUrl {
  /** Name or address; an IPv6 address without brackets. */
  readonly hostname: string;
  readonly port: number;
  /** Connect by TLS. */
  readonly tls: boolean;
  /** User; only together with a password. */
  readonly username?: string;
  readonly password?: string;
  /** Number of the database. */
  readonly db: number;
  /** Path of a file with the root certificates to trust instead of the system's, as the user wrote it. */
  readonly caFile?: string;
}

const DEFAULT_PORT = 6379;
const FORMS = "write host:port, or redis://[user:password@]host[:port][/db], or the same with rediss:// for TLS";

/**
 * Reads what a user may write for a Redis: `host`, `host:port`, `redis://[user:password@]host[:port][/db]` or
 * `rediss://...?ca=FILE`. User name and password may be percent-encoded and must be where they hold `/`, `?`, `#` or
 * `%`.
 *
 * @throws {InvalidInputError} It is none of these. The message holds nothing that could be a part of a password.
 */
export function parseRedisUrl(text: string): RedisUrl {
  const [, scheme, rest] = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(.*)$/is.exec(text) ?? fail("it cannot be read");
  if (scheme === undefined && rest.includes("@")) fail("a user name or password needs redis:// in front");
  const kind = scheme?.toLowerCase() ?? "redis";
  if (kind !== "redis" && kind !== "rediss") {
    fail(`it begins with "${kind}://", and only redis:// and rediss:// are known`);
  }
  const [, authority, path = "", query = ""] = /^([^/?#]*)(\/[^?#]*)?(?:\?([^#]*))?$/s.exec(rest) ??
    fail('it holds a "#"; in a user name or password write %23');
  if (`${path}${query}`.includes("@")) fail('write "/" and "?" in a user name or password as %2F and %3F');
  const at = authority.lastIndexOf("@");
  return {
    ...readHost(authority.slice(at + 1)),
    tls: kind === "rediss",
    ...(at < 0 ? {} : readUser(authority.slice(0, at))),
    db: readDb(path),
    ...readQuery(query, kind),
  };
}

/** Formats a URL so that `parseRedisUrl` reads the same address. */
export function formatRedisUrl(url: RedisUrl): string {
  const { hostname, port, tls, username = "", password, db, caFile } = url;
  const user = password === undefined ? "" : `${encodeURIComponent(username)}:${encodeURIComponent(password)}@`;
  const host = hostname.includes(":") ? `[${hostname}]` : hostname;
  const query = caFile === undefined ? "" : `?ca=${encodeURIComponent(caFile)}`;
  return `${tls ? "rediss" : "redis"}://${user}${host}:${port}/${db}${query}`;
}

/**
 * Masks the password of a Redis URL with `***`. Accepts any text, so that a wrong one can be shown too.
 *
 * @param text What the user wrote.
 */
export function maskUrl(text: string): string {
  const at = text.lastIndexOf("@");
  if (at < 0) return text;
  const start = text.indexOf("://") + 3;
  if (start < 3 || start > at) return `***${text.slice(at)}`;
  const user = text.slice(start, at);
  const colon = user.indexOf(":");
  return text.slice(0, start) + (colon < 0 ? "***" : `${user.slice(0, colon)}:***`) + text.slice(at);
}

function fail(what: string): never {
  throw new InvalidInputError(`Cannot read Redis URL: ${what}; ${FORMS}`);
}

function readHost(text: string): { hostname: string; port: number } {
  // an IPv6 address is in brackets, or has no port
  const parts = /^\[([0-9a-f:.]+(?:%[^\]]+)?)\](?::(.*))?$/is.exec(text) ??
    /^([0-9a-f]*:[0-9a-f:.]*:[0-9a-f:.]*)$/i.exec(text) ??
    /^([^:\[\]]*)(?::(.*))?$/s.exec(text) ?? fail("its host cannot be read");
  const [, hostname, port] = parts;
  if (hostname === "") fail("it names no host");
  // deno-lint-ignore no-control-regex
  if (/[\u0000-\u0020\u007f"'\\<>^`{|}]/.test(hostname)) fail("its host holds a character that no host name has");
  if (port === undefined) return { hostname, port: DEFAULT_PORT };
  const number = Number(port);
  if (!/^\d+$/.test(port) || number < 1 || number > 65_535) fail("its port is no number from 1 to 65535");
  return { hostname, port: number };
}

function readUser(text: string): { username?: string; password: string } {
  const colon = text.indexOf(":");
  if (colon < 0) fail("it has a user name without a password; write redis://:PASSWORD@host for a password alone");
  const username = decode(text.slice(0, colon));
  const password = decode(text.slice(colon + 1));
  if (password === "") fail("its password is empty");
  return username === "" ? { password } : { username, password };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    fail('a "%" in it is not followed by two hex digits; write %25 for "%"');
  }
}

function readDb(path: string): number {
  if (path === "" || path === "/") return 0;
  const db = path.slice(1);
  if (!/^\d{1,9}$/.test(db)) fail("what follows the host is no number of a database");
  return Number(db);
}

function readQuery(query: string, kind: string): { caFile?: string } {
  const found: { caFile?: string } = {};
  if (query === "") return found;
  for (const pair of query.split("&")) {
    const equals = pair.indexOf("=");
    const name = equals < 0 ? pair : pair.slice(0, equals);
    if (name !== "ca") fail('its only parameter may be "ca", a file of root certificates');
    if (kind !== "rediss") fail('its parameter "ca" needs rediss://');
    const file = decode(equals < 0 ? "" : pair.slice(equals + 1));
    if (file === "") fail('its parameter "ca" names no file');
    found.caFile = file;
  }
  return found;
}
