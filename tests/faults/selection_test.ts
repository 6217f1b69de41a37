import { assert, assertEquals } from "../support/assert.ts";
import { Proxy } from "../support/proxy.ts";
import { RunnerFixture } from "../support/runner_fixture.ts";

/** Jobs of each of two kinds: submitted, and queued by a foreign client. */
const COUNT = 1_500;

/** Queues jobs of both kinds, as Redis has them after `submit` and after HSET and LPUSH. */
async function queueBoth(fixture: RunnerFixture): Promise<void> {
  const jobs = Array.from({ length: COUNT }, (_, i) => JSON.stringify({ id: `ours-${i}`, payload: "true" }));
  const { code, stderr } = await fixture.run(["submit", "--from", "-"], { input: jobs.join("\n") });
  assertEquals(code, 0, stderr);
  const push = `for i = 1, tonumber(ARGV[1]) do
    redis.call('HSET', 'job_theirs-' .. i, 'payload', 'true')
    redis.call('LPUSH', KEYS[1], 'theirs-' .. i)
  end`;
  await fixture.redis.call("EVAL", push, 1, `runner:${fixture.name}`, COUNT);
}

const queued = async ({ redis, name }: RunnerFixture) => Number(await redis.call("LLEN", `runner:${name}`));

/** Number of cancel events of each job. */
async function cancels({ redis }: RunnerFixture): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const [, fields] of await redis.call("XRANGE", "rr:events", "-", "+") as [string, string[]][]) {
    if (fields[1] !== "cancel") continue;
    const id = fields[fields.indexOf("id") + 1];
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return counts;
}

// for Redis, the end of a client in the middle is the same as a broken connection
Deno.test("cancel of many that is broken off says what was done, and is finished by the same command", async () => {
  await using fixture = await RunnerFixture.create();
  await queueBoth(fixture);
  await using proxy = Proxy.start(fixture.redis.port);
  // one overview, 15 pages of jobs, and then 2 pages and 8 cancellations in turn
  const cut = proxy.cutReply({ nth: 32, command: "EVALSHA" });
  const args = ["cancel", "--state", "queued", "--yes", "--json"];
  const { code, stdout, stderr } = await fixture.run(args, { env: { REDIS_URL: proxy.address } });
  await cut;
  assertEquals(code, 69, stderr);
  const left = await queued(fixture);
  assert(left > 0 && left < 2 * COUNT, String(left));
  const said = stdout.trimEnd().split("\n").filter((line) => line.endsWith('"result":"cancelled"}')).length;
  assert(said > 0 && said <= 2 * COUNT - left, `${said} are said to be cancelled, ${left} are left`);
  assertEquals(stderr.split("\n")[0], `${said} cancelled before they started`);
  const again = await fixture.run(args.slice(0, -1));
  assertEquals([again.code, again.stderr], [0, `${left} cancelled before they started\n`]);
  assertEquals(await queued(fixture), 0);
  const counts = await cancels(fixture);
  assertEquals([counts.size, Math.max(...counts.values())], [2 * COUNT, 1]);
});
