import type { Finding } from "../ports/finding.ts";
import { isOlder, OLDEST_REDIS } from "../domain/versions.ts";

/** Milliseconds by which the clocks may differ without a finding; no decision depends on the host's clock. */
const CLOCK_MS = 5_000;

/**
 * Checks a server by its INFO.
 *
 * @param info Reply to INFO.
 * @param facts Namespace in use, and the host's clock when the reply came, Unix ms.
 */
export function judgeServer(info: string, facts: { readonly namespace: string; readonly nowMs: number }): Finding[] {
  const fields = new Map(
    info.split(/\r?\n/).map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1)];
    }),
  );
  const get = (name: string) => fields.get(name) ?? "";
  return [
    ...judgeVersion(get("redis_version")),
    ...judgeRole(get("role")),
    ...judgePersistence(get("aof_enabled")),
    ...judgeEviction(get("maxmemory_policy"), Number(get("maxmemory") || 0)),
    ...judgeCluster(get("cluster_enabled"), facts.namespace),
    ...judgeClock(Number(get("server_time_usec") || 0) / 1_000, facts.nowMs),
  ];
}

function judgeVersion(version: string): Finding[] {
  if (!isOlder(version, OLDEST_REDIS)) return [];
  return [{
    severity: "error",
    subject: "version",
    says: `Redis is version ${version}, which is too old`,
    remedy: `Install Redis ${OLDEST_REDIS} or newer`,
  }];
}

function judgeRole(role: string): Finding[] {
  if (role === "" || role === "master") return [];
  return [{
    severity: "error",
    subject: "role",
    says: `Redis is a ${role} and takes no writes`,
    remedy: "Use the address of its master",
  }];
}

function judgePersistence(aof: string): Finding[] {
  if (aof !== "0") return [];
  return [{
    severity: "warning",
    subject: "persistence",
    says: "Redis keeps no append-only file: a crash of it loses queued jobs",
    remedy: "CONFIG SET appendonly yes, and the same in redis.conf",
  }];
}

function judgeEviction(policy: string, maxmemory: number): Finding[] {
  if (policy === "" || policy === "noeviction") return [];
  const loses = policy.startsWith("allkeys") && maxmemory > 0;
  return [{
    severity: loses ? "error" : "warning",
    subject: "eviction",
    says: `Redis may throw ${
      policy.startsWith("allkeys") ? "jobs" : "ended jobs"
    } away when its memory is full (${policy})`,
    remedy: "CONFIG SET maxmemory-policy noeviction, and the same in redis.conf",
  }];
}

function judgeCluster(enabled: string, namespace: string): Finding[] {
  if (enabled !== "1" || /^[^{]*\{[^}]+\}/.test(namespace)) return [];
  return [{
    severity: "error",
    subject: "cluster",
    says: "Redis is a cluster, and the keys of this namespace lie on several of its nodes",
    remedy: 'Use a namespace with a hash tag, such as "{production}"',
  }];
}

function judgeClock(serverMs: number, nowMs: number): Finding[] {
  const ahead = Math.round((serverMs - nowMs) / 1_000);
  if (serverMs === 0 || Math.abs(serverMs - nowMs) <= CLOCK_MS) return [];
  return [{
    severity: "warning",
    subject: "clock",
    says: `the clock of Redis' host is ${Math.abs(ahead)} s ${
      ahead > 0 ? "ahead of" : "behind"
    } this one; times of jobs are Redis'`,
    remedy: "Set both clocks by NTP",
  }];
}

/** Returns whether a server with that INFO loads its data from an append-only file. */
export function keepsAppendOnlyFile(info: string): boolean {
  return /^aof_enabled:1\r?$/m.test(info);
}

/**
 * Checks the rights of user `default`, with which Redis reads its append-only file when it starts. It drops those
 * effects of scripts and transactions that these rights do not allow (redis/redis#14541).
 *
 * @param reply Reply to ACL GETUSER default.
 */
export function judgeDefaultUser(reply: unknown): Finding[] {
  if (!Array.isArray(reply)) return [];
  const valueOf = (name: string) => reply[reply.indexOf(name) + 1];
  const [flags, keys] = [[valueOf("flags")].flat().join(" "), [valueOf("keys")].flat().join(" ")];
  const commands = String(valueOf("commands"));
  const mayAll = (commands.startsWith("+@all") && !commands.includes(" -")) || flags.includes("allcommands");
  const allKeys = /(^| )(%RW)?~?\*( |$)/.test(keys) || flags.includes("allkeys");
  if (mayAll && allKeys) return [];
  return [{
    severity: "warning",
    subject: "acl",
    says: 'the rights of user "default" do not cover all: when Redis restarts, its append-only file loses jobs',
    remedy: "ACL SETUSER default ~* &* +@all, and the same in the ACL file; the user may be off",
  }];
}
