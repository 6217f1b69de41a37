import { readNamespace } from "../domain/namespace.ts";
import { Keys } from "./keys.ts";

/** Commands that every program needs, also inside scripts, which Redis checks too. */
const BOTH = [
  ...["ping", "auth", "select", "info", "time", "eval", "evalsha"],
  ...["exists", "type", "del", "persist", "pexpire", "hget", "hgetall", "hmget", "hset", "llen", "lpush", "rpush"],
  ...["zadd", "zrem", "zrange", "zscore", "zcard", "sadd", "spop", "srem", "smembers", "xadd", "publish"],
  ...["get", "hdel", "hincrby", "hlen", "lpos", "lrange", "lrem", "ltrim", "pttl", "subscribe"],
];
/** Commands of a runner. */
const RUNNER = [
  ...["blmove", "lmove", "hexists", "hscan", "hsetnx", "hstrlen", "strlen"],
  ...["srandmember", "zrangebyscore", "zremrangebyrank", "zremrangebyscore", "zrandmember", "rpop"],
];
/** Commands of a client that submits, waits and reads. */
const CLIENT = [
  ...["blpop", "hkeys", "scard", "set", "sscan", "unsubscribe"],
  ...["xrange", "xread", "xrevrange", "zlexcount", "zrevrange"],
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
