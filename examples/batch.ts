// A program that submits a batch of jobs and collects their results: deno run -A examples/batch.ts
import { Client } from "../src/mod.ts";

await using client = await Client.connect({
  redisUrl: Deno.env.get("REDIS_URL"),
  namespace: Deno.env.get("RUNNER_NAMESPACE"),
});
const runner = Deno.env.get("RUNNER_NAME");

const numbers = [2, 3, 5, 7, 11];
const ids = await Promise.all(
  numbers.map((n) => client.submit({ payload: 'echo $((N * N)); [ "$N" -ne 7 ]', env: { N: String(n) }, runner })),
);
for (const [i, id] of ids.entries()) {
  const job = await client.wait(id);
  console.log(`${numbers[i]}: ${job.status}, exit code ${job.exitCode}, output ${job.result.trim()}`);
}

// Output:
// 2: finished, exit code 0, output 4
// 3: finished, exit code 0, output 9
// 5: finished, exit code 0, output 25
// 7: error, exit code 1, output 49
// 11: finished, exit code 0, output 121
