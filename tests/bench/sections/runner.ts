import type { RedisServer } from "../../support/redis_server.ts";
import { type Bench, benchRedis, OURS, pause, type Section } from "../harness.ts";
import { info } from "../many_jobs.ts";
import { TextLineStream } from "../peers/lines.ts";
import { BullMq } from "../peers/bullmq.ts";
import { Ours } from "../peers/ours.ts";
import { usageOf } from "../usage.ts";

const MIB = 1 << 20;

/** What is measured, by its name in the rows; and how it runs jobs. */
interface Subject {
  readonly redis: RedisServer;
  readonly pids: Readonly<Record<string, number>>;
  run(prefix: string, count: number): Promise<unknown>;
}

async function usagesOf({ redis, pids }: Subject) {
  const all = { ...pids, Redis: redis.pid };
  const usages = await Promise.all(Object.entries(all).map(async ([who, pid]) => [who, await usageOf(pid)] as const));
  return { usages: new Map(usages), commands: await info(redis, "total_commands_processed") };
}

/** Commands that clients send within a time; what scripts do by themselves does not count. */
async function commandsDuring(port: number, ms: number): Promise<number> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(new TextEncoder().encode("MONITOR\r\n"));
  const over = pause(ms).then(() => connection.close());
  let count = 0;
  try {
    for await (
      const line of connection.readable.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream())
    ) {
      if (line.includes('] "') && !line.includes(" lua] ")) count++;
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted)) throw error;
  }
  await over;
  return count;
}

async function idle(subject: Subject, seconds: number): Promise<Record<string, number>> {
  const before = await usagesOf(subject);
  const commands = await commandsDuring(subject.redis.port, seconds * 1000);
  const after = await usagesOf(subject);
  const cpu = after.usages.get("runner")!.cpuMs - before.usages.get("runner")!.cpuMs;
  return {
    "idle: CPU, % of one": cpu / (seconds * 10),
    "idle: Redis commands a second": commands / seconds,
    "idle: memory, MiB": after.usages.get("runner")!.rss / MIB,
  };
}

async function busy(subject: Subject, jobs: number): Promise<Record<string, number>> {
  const before = await usagesOf(subject);
  await subject.run("a", jobs);
  const after = await usagesOf(subject);
  const found: Record<string, number> = {};
  for (const [who, { cpuMs }] of after.usages) {
    found[`1,000 jobs: CPU of ${who}, ms`] = (cpuMs - before.usages.get(who)!.cpuMs) * 1000 / jobs;
  }
  found["1,000 jobs: Redis commands, also those in scripts"] = (after.commands - before.commands) * 1000 / jobs;
  found[`memory after the first jobs, MiB`] = after.usages.get("runner")!.rss / MIB;
  await subject.run("b", jobs * 9);
  found[`memory after ten times as many, MiB`] = (await usagesOf(subject)).usages.get("runner")!.rss / MIB;
  return found;
}

async function measure(bench: Bench, subject: Subject): Promise<Record<string, number>> {
  await subject.run("warm", bench.size(100, 4));
  await pause(bench.size(2000, 100));
  return { ...await idle(subject, bench.size(20, 1)), ...await busy(subject, bench.size(1000, 20)) };
}

async function ours(bench: Bench): Promise<Record<string, number>> {
  await using ours = await Ours.start(16);
  const { fixture } = ours;
  const tmux = Number((await fixture.tmux("display-message", "-p", "#{pid}")).trim());
  const run = (prefix: string, count: number) => ours.run(prefix, count);
  return await measure(bench, { redis: fixture.redis, pids: { runner: ours.pid, tmux }, run });
}

async function theirs(bench: Bench): Promise<Record<string, number>> {
  await using redis = await benchRedis();
  await using bull = await BullMq.start(redis.port, 16);
  const run = (_: string, count: number) => bull.ask("run", { count, payload: "true" });
  return await measure(bench, { redis, pids: { runner: bull.pid }, run });
}

/** What a runner uses while it waits, and for its jobs. */
export default {
  name: "runner",
  summary: "CPU, memory and Redis commands of a runner with 16 slots, idle and a 1,000 jobs; children count as its own",
  limit: 1800,
  async run(bench) {
    return await bench.compare([
      { who: OURS, measure: () => ours(bench) },
      { who: "BullMQ", measure: () => theirs(bench) },
    ], () => ["", "less"]);
  },
} satisfies Section as Section;
