// A program that submits a batch, runs again what failed, and collects the results: deno run -A examples/batch.ts
import { Client } from "../src/mod.ts";

await using client = await Client.connect({
  redisUrl: Deno.env.get("REDIS_URL"),
  namespace: Deno.env.get("RUNNER_NAMESPACE"),
});
const runner = Deno.env.get("RUNNER_NAME");

const id = await client.submitBatch({
  job: { payload: 'echo $((N * N)); [ "$N" -ne 7 ]', runner },
  params: { N: [2, 3, 5, 7, 11] },
});
const { counts } = await client.waitBatch(id);
console.log(`${counts.ok} ok, ${counts.failed} failed`);

const { queued } = await client.retryAll({ batch: id, outcomes: ["failed"] });
console.log(`${queued} again`);
await client.waitBatch(id);
for (const job of await client.waitAll({ ids: [id] })) {
  console.log(`${job.index}: ${job.status}, exit code ${job.exitCode}, output ${job.result.trim()}`);
}

// Output:
// 4 ok, 1 failed
// 1 again
// 1: finished, exit code 0, output 4
// 2: finished, exit code 0, output 9
// 3: finished, exit code 0, output 25
// 4: error, exit code 1, output 49
// 5: finished, exit code 0, output 121
