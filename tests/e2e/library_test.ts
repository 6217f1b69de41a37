import { Client, InvalidInputError, Runner, type RunnerOptions } from "../../src/mod.ts";
import { assertEquals, assertRejects } from "../support/assert.ts";
import { RunnerFixture } from "../support/runner_fixture.ts";

Deno.test("Runner.open() refuses what runner run refuses, and treats undefined as left out", async () => {
  await using fixture = await RunnerFixture.create();
  const wrong = [
    { name: "" },
    { concurrency: 0 },
    { concurrency: 1.5 },
    { spool: "" },
    { heartbeat: NaN },
    { keep: "7d" },
    { drain: 1 },
    { concurency: 2 },
  ];
  for (const options of wrong) {
    const [key] = Object.keys(options);
    await assertRejects(
      () => Runner.open(options as Partial<RunnerOptions>),
      InvalidInputError,
      `Cannot use option "${key}": `,
    );
  }
  const place = { redisUrl: fixture.redis.address, spool: `${fixture.dir}/spool`, tmuxSocket: fixture.socket };
  const runner = await Runner.open({ ...place, name: fixture.name, concurrency: undefined, burst: true });
  await using client = await Client.connect({ redisUrl: fixture.redis.address, redisTimeout: undefined });
  const id = await client.submit({ payload: "exit 7", runner: fixture.name });
  const over = runner.ended();
  await runner.start();
  await over;
  await runner.stop();
  assertEquals((await client.wait(id)).exitCode, 7);
  await fixture.tmux("kill-server"); // the fixture ends only those of its own runners
});

Deno.test("what waits on a client that is closed ends", async () => {
  await using fixture = await RunnerFixture.create();
  const client = await Client.connect({ redisUrl: fixture.redis.address });
  const id = await client.submit({ payload: "true", runner: fixture.name });
  const waits = [client.wait(id), client.follow(id, () => {})].map((wait) =>
    assertRejects(() => wait, Error, "closed")
  );
  await client[Symbol.asyncDispose]();
  await Promise.all(waits);
});

Deno.test("follow() of the library gives everything of a job on this host, and elsewhere reports each gap", async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.runner();
  const want = Array.from({ length: 200_000 }, (_, i) => `${i + 1}\n`).join("");
  for (const spool of [`${fixture.dir}/spool`, undefined]) {
    await using client = await Client.connect({ redisUrl: fixture.redis.address, spool });
    const id = await client.submit({
      payload: "seq 200000; sleep 1",
      runner: fixture.name,
    });
    let [text, missing] = ["", 0];
    const decoder = new TextDecoder();
    const job = await client.follow(id, (bytes) => void (text += decoder.decode(bytes, { stream: true })), {
      gap: (bytes) => void (missing += bytes),
    });
    assertEquals([job.exitCode, job.outputBytes], [0, want.length]);
    assertEquals(text.length + missing, want.length, String(missing));
    if (spool !== undefined) assertEquals([text === want, missing], [true, 0]);
  }
});

Deno.test("schedules of the library are added, listed, paused, resumed, run by hand and removed", async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.runner();
  await using client = await Client.connect({ redisUrl: fixture.redis.address });
  const { schedules } = client;
  const job = { payload: "echo $WORD", runner: fixture.name, env: { WORD: "hello" } };
  const next = await schedules.add({ name: "daily", cron: "0 3 * * *", tz: "Europe/Berlin", catchUp: 60, job });
  assertEquals([1, 2].includes(new Date(next).getUTCHours()), true);
  const [one] = await schedules.list();
  assertEquals([one.name, one.overlap, one.catchUp, one.nextMs, one.isServed], ["daily", "skip", 60, next, true]);
  assertEquals([one.job.payload, one.lastMs, one.lastJob, one.lastStatus], ["echo $WORD", null, null, null]);
  await schedules.pause("daily");
  assertEquals((await schedules.list()).map(({ paused, nextMs }) => [paused, nextMs]), [[true, null]]);
  const job1 = await client.wait(await schedules.run("daily"));
  assertEquals([job1.result, job1.exitCode], ["hello\n", 0]);
  assertEquals(await schedules.resume("daily"), next);
  await schedules.remove("daily");
  assertEquals(await schedules.list(), []);
  const wrong = [() => schedules.add({ name: "x", cron: "x", job }), () => schedules.remove("daily")];
  for (const call of wrong) await assertRejects(call, InvalidInputError);
  await schedules.add({ name: "often", cron: "@every 1s", job });
  let fired = await schedules.list();
  for (; fired[0].lastStatus !== "finished"; fired = await schedules.list()) {
    await new Promise((on) => setTimeout(on, 50));
  }
  assertEquals((await client.read(fired[0].lastJob!)).result, "hello\n");
});

Deno.test("limits of the library are set, listed and removed, and a job has the number of its permit", async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.runner({ args: ["--heartbeat", "300ms", "--lease", "1s"] });
  await using client = await Client.connect({ redisUrl: fixture.redis.address });
  const { limits } = client;
  await fixture.redis.call("HSET", "rr:limit_state", "hold", 0); // a new Redis: nothing with a limit starts so soon
  await limits.set("gpu", 2);
  const payload = `echo $RUNNER_SLOT \${RUNNER_SLOT_2-none}; until [ -e ${fixture.dir}/go ]; do sleep 0.05; done`;
  const submit = (keys?: string[]) => client.submit({ payload, runner: fixture.name, ...keys && { limits: keys } });
  const ids = [await submit(["gpu"]), await submit(["disk", "gpu"]), await submit(["gpu"]), await submit()];
  const listed = async () =>
    (await limits.list()).map(({ key, n, isSet, held, parked }) => [key, n, isSet, held, parked].join(" "));
  const both = ["disk 1 false 1 0", "gpu 2 true 2 1"];
  for (let found = ""; found !== both.join(); found = (await listed()).join()) {
    await new Promise((on) => setTimeout(on, 50));
  }
  const { waitsForLimit, status } = await client.read(ids[2]);
  assertEquals([waitsForLimit, status], ["gpu", "dispatched"]);
  await Deno.writeTextFile(`${fixture.dir}/go`, "");
  const results = await Promise.all(ids.map(async (id) => (await client.wait(id)).result));
  assertEquals([results[0], results[1]], ["0 none\n", "0 1\n"]);
  assertEquals(["0 none\n", "1 none\n"].includes(results[2]), true, results[2]);
  assertEquals(/^[0-3] none\n$/.test(results[3]), true, results[3]);
  await limits.remove("gpu");
  const wrong = [() => limits.remove("gpu"), () => limits.set("a b", 1), () => limits.set("gpu", 1.5)];
  for (const call of wrong) await assertRejects(call, InvalidInputError);
});
