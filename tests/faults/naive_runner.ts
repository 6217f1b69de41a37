/**
 * A runner as one writes it on a Friday afternoon, to show that the chaos driver finds what is wrong with it. Never use
 * it.
 *
 * `NAIVE=lossy` pops an id and then runs it: a crash in between loses the job. `NAIVE=greedy` keeps ids in a second
 * list and runs all of that again when it starts: a job that outlived its runner runs twice.
 *
 * @module
 */
import { RawClient } from "../support/redis_server.ts";

const greedy = Deno.env.get("NAIVE") === "greedy";
const [, port] = Deno.env.get("REDIS_URL")!.split(":");
const queue = `runner:${Deno.env.get("RUNNER_NAME")}`;
const busy = `rr:busy:${Deno.env.get("RUNNER_SPOOL")}`;

async function connect(): Promise<RawClient> {
  for (;;) {
    try {
      return await RawClient.connect(Number(port));
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

async function runJob(id: string): Promise<void> {
  const client = await connect();
  const payload = String(await client.call("HGET", `job_${id}`, "payload"));
  await client.call("HSET", `job_${id}`, "status", "started");
  client.close();
  const { code, stdout } = await new Deno.Command("sh", {
    args: ["-c", payload],
    env: { RUNNER_JOB_ID: id, RUNNER_ATTEMPT: "1" },
  }).output();
  const after = await connect();
  const ends = code === 0 ? ["finished", ""] : ["error", `exited with code ${code}`];
  const result = new TextDecoder().decode(stdout);
  await after.call("HSET", `job_${id}`, "status", ends[0], "error", ends[1], "result", result);
  await after.call("PEXPIRE", `job_${id}`, 1e9);
  if (greedy) await after.call("LREM", busy, 0, id);
  after.close();
}

async function work(): Promise<never> {
  for (;;) {
    try {
      const client = await connect();
      for (;;) {
        const id = greedy
          ? await client.call("BLMOVE", queue, busy, "RIGHT", "LEFT", 1)
          : (await client.call("BRPOP", queue, 1) as string[] | null)?.[1];
        if (id) await runJob(String(id));
      }
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

if (greedy) {
  const client = await connect();
  while (await client.call("LMOVE", busy, queue, "RIGHT", "RIGHT")) { /* all of them */ }
  client.close();
}
console.error("ready");
await Promise.all(Array.from({ length: 8 }, work));
