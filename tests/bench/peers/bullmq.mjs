/**
 * BullMQ's part of the benchmark, run by node with the package in the folder BULLMQ_HOME. A `worker` runs jobs; a
 * client reads requests, a JSON object a line, and replies with a line each. Arguments: `worker` PORT CONCURRENCY, or
 * client PORT.
 *
 * @module
 */
import { execFile } from "node:child_process";
import { open } from "node:fs/promises";
import { createRequire } from "node:module";
import process from "node:process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

const { Queue, QueueEvents, ["Worker"]: Consumer } = createRequire(`${process.env.BULLMQ_HOME}/package.json`)("bullmq");
const [role, port, concurrency] = process.argv.slice(2);
const connection = { host: "127.0.0.1", port: Number(port), maxRetriesPerRequest: null };
const run = promisify(execFile);
const NAME = "bench";

async function consumer() {
  const one = new Consumer(NAME, async (job) => void await run("sh", ["-c", job.data.payload]), {
    connection,
    concurrency: Number(concurrency),
  });
  one.on("error", () => {});
  await one.waitUntilReady();
  console.log("ready");
}

const jobs = (count, payload) => Array.from({ length: count }, () => ({ name: "job", data: { payload } }));

async function addMany(queue, count, payload) {
  for (let left = count; left > 0; left -= 1000) await queue.addBulk(jobs(Math.min(left, 1000), payload));
}

async function client() {
  const queue = new Queue(NAME, { connection });
  const events = new QueueEvents(NAME, { connection });
  for (const one of [queue, events]) one.on("error", () => {});
  await Promise.all([queue.waitUntilReady(), events.waitUntilReady()]);
  const verbs = {
    /** Queues jobs. */
    add: ({ count, payload }) => addMany(queue, count, payload),
    /** Queues jobs and waits until all have ended. */
    async run({ count, payload }) {
      const before = await queue.getJobCountByTypes("completed", "failed");
      await addMany(queue, count, payload);
      while (await queue.getJobCountByTypes("completed", "failed") < before + count) await sleep(10);
    },
    /** Queues one job after the other; returns the milliseconds until each has written into the named pipe. */
    async ring({ count, bell, gap }) {
      const pipe = await open(bell, "r+");
      const times = [];
      for (let i = 0; i < count; i++) {
        await sleep(gap);
        const begun = performance.now();
        const rung = pipe.read({ buffer: new Uint8Array(1) }).then(() => performance.now());
        await queue.add("job", { payload: `echo >${bell}` });
        times.push(await rung - begun);
      }
      return times;
    },
    /** Queues one job after the other and waits for each; returns the milliseconds of each. */
    async follow({ count, payload, gap }) {
      const times = [];
      for (let i = 0; i < count; i++) {
        await sleep(gap);
        const begun = performance.now();
        await (await queue.add("job", { payload })).waitUntilFinished(events);
        times.push(performance.now() - begun);
      }
      return times;
    },
  };
  console.log("ready");
  for await (const line of createInterface({ input: process.stdin })) {
    const { verb, ...request } = JSON.parse(line);
    const begun = performance.now();
    const value = await verbs[verb](request);
    console.log(JSON.stringify({ ms: performance.now() - begun, value }));
  }
  process.exit(0);
}

await (role === "worker" ? consumer() : client());
