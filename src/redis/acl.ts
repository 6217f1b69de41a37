import { readNamespace } from "../domain/namespace.ts";
import { Keys } from "./keys.ts";

/** Commands that every program needs, also inside scripts, which Redis checks too. */
const BOTH = [
  ...["ping", "auth", "select", "info", "time", "eval", "evalsha"],
  ...["exists", "type", "del", "persist", "pexpire", "hget", "hgetall", "hmget", "hset", "llen", "lpush", "rpush"],
  ...["zadd", "zrem", "zrange", "zscore", "sadd", "spop", "srem", "xadd", "publish"],
];
/** Commands of a runner. */
const RUNNER = [
  ...["blmove", "lmove", "lpos", "lrange", "lrem", "get", "hdel", "hincrby", "hlen", "hstrlen", "strlen"],
  ...["srandmember", "zcard", "zrangebyscore", "zremrangebyrank", "zremrangebyscore", "rpop", "subscribe"],
];
/** Commands of a client that submits, waits and reads. */
const CLIENT = [
  ...[
    "blpop",
    "get",
    "hdel",
    "hkeys",
    "hlen",
    "lpos",
    "lrange",
    "lrem",
    "scard",
    "set",
    "smembers",
    "sscan",
    "subscribe",
    "unsubscribe",
  ],
  ...["xrange", "xread", "xrevrange", "zcard", "zrevrange"],
];

/**
 * Returns rules for `ACL SETUSER NAME on >PASSWORD ...` that give a Redis user the rights that it needs and no others.
 *
 * @param role What the user is for.
 * @param namespace Raw prefix of all keys, such as `production:`.
 */
export function aclRules(role: "runner" | "client", namespace: string): string[] {
  const { keys, channels } = new Keys(readNamespace(namespace)).patterns();
  return [
    ...["resetkeys", "resetchannels", "-@all"],
    ...keys.map((pattern) => `~${pattern}`),
    ...channels.map((pattern) => `&${pattern}`),
    ...[...BOTH, ...(role === "runner" ? RUNNER : CLIENT)].map((command) => `+${command}`),
  ];
}
