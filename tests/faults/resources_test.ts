import { assert, assertEquals } from "../support/assert.ts";
import { pause } from "../support/barrier.ts";
import { Proxy } from "../support/proxy.ts";
import { until } from "../support/until.ts";
import { RunnerFixture, type RunnerProcess } from "../support/runner_fixture.ts";

/** `RUNNER_LONG=1`: a thousand connections, five thousand jobs and a gigabyte of output, some minutes. */
const long = Deno.env.get("RUNNER_LONG") === "1";
const CUTS = long ? 1000 : 30;
const JOBS = long ? 5000 : 300;
/** Jobs that write 100 MB. */
const LOUD = long ? 10 : 1;

const FAST = ["--heartbeat", "1s", "--lease", "10s", "--concurrency", "8"];

/** What a runner holds: resident memory in MB, open descriptors, threads, connections to Redis. */
async function holds(runner: RunnerProcess, proxy: Proxy) {
  const { pid } = runner.child;
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return {
    memory: Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)![1]) / 1024),
    descriptors: [...Deno.readDirSync(`/proc/${pid}/fd`)].length,
    threads: Number(/Threads:\s+(\d+)/.exec(status)![1]),
    connections: proxy.open,
  };
}

/** Commands that the runner sends in some seconds of idleness, a second; what timers are left would show in it. */
async function idleRate(proxy: Proxy, seconds: number): Promise<number> {
  const before = proxy.commands.length;
  await pause(seconds * 1000); // a rate needs a time
  return (proxy.commands.length - before) / seconds;
}

/** Processor time of a process, seconds. */
async function processorTime(pid: number): Promise<number> {
  const fields = (await Deno.readTextFile(`/proc/${pid}/stat`)).replace(/^.*\) /, "").split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

Deno.test(
  "51 after broken connections, many jobs and much output the runner holds what it held at the start",
  async () => {
    await using fixture = await RunnerFixture.create();
    await using proxy = Proxy.start(fixture.redis.port);
    const runner = await fixture.runner({ args: FAST, env: { REDIS_URL: proxy.address } });
    const load = async (count: number) => {
      let last = "";
      for (let i = 0; i < count; i++) last = await fixture.push({ payload: "echo x" });
      await fixture.ended(last, 60_000);
      await until(
        "all have ended",
        async () => (await fixture.redis.keys()).every((key) => !key.startsWith("rr:attempts:")),
      );
    };
    const shout = async () => {
      const loud = await fixture.push({ payload: "head -c 100000000 /dev/zero" });
      assertEquals((await fixture.ended(loud, 120_000)).status, "finished");
      const folder = `${fixture.instance()}/kept`;
      for (const { name } of Deno.readDirSync(folder)) await Deno.remove(`${folder}/${name}`);
    };
    const lanes = Array.from({ length: 8 }, () => fixture.push({ payload: "sleep 1" }));
    for (const id of await Promise.all(lanes)) await fixture.ended(id); // as many terminals as there will ever be
    await shout();
    await load(500); // warm
    await pause(500); // the runner comes to rest
    const first = await holds(runner, proxy);
    const rate = await idleRate(proxy, 3);
    await load(JOBS);
    for (let i = 0; i < LOUD; i++) await shout();
    const accepted = proxy.accepted;
    while (proxy.accepted < accepted + CUTS) {
      await until("it is connected", () => proxy.open >= 1);
      proxy.cut();
      await pause(5); // it is cut at another moment each time
    }
    await load(50);
    await pause(1500); // the runner comes to rest
    const last = await holds(runner, proxy);
    const lastRate = await idleRate(proxy, 3);
    console.log(`      first ${JSON.stringify(first)}, ${rate.toFixed(1)} commands/s`);
    console.log(`      last  ${JSON.stringify(last)}, ${lastRate.toFixed(1)} commands/s`);
    assert(last.descriptors <= first.descriptors + 4);
    assert(last.connections <= first.connections);
    assert(last.memory <= first.memory + 40);
    assert(lastRate <= rate * 1.5 + 1);
    assertEquals(runner.code, null, runner.log);
  },
);

Deno.test("an idle runner asks little of Redis and of the processor", async () => {
  await using fixture = await RunnerFixture.create();
  await using proxy = Proxy.start(fixture.redis.port);
  const runner = await fixture.runner({ env: { REDIS_URL: proxy.address } });
  await pause(1000); // the runner comes to rest
  const before = await processorTime(runner.child.pid);
  const rate = await idleRate(proxy, 6);
  const share = (await processorTime(runner.child.pid) - before) / 6 * 100;
  console.log(`      idle: ${rate.toFixed(2)} Redis commands/s, ${share.toFixed(2)} % of a core`);
  assert(rate <= 1.2);
  assert(share < 2);
});
