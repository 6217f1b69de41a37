import { assertEquals } from "../support/assert.ts";
import { Barrier } from "../support/barrier.ts";
import { until } from "../support/until.ts";
import { RunnerFixture } from "../support/runner_fixture.ts";

const [PAYLOAD, VALUE] = ["hidden-payload-word", "hidden-value-word"];

/** Files of the spool in which a secret stands. */
async function filesWith(fixture: RunnerFixture): Promise<string> {
  const args = ["-rlaE", `${PAYLOAD}|${VALUE}`, `${fixture.dir}/spool`];
  return new TextDecoder().decode((await new Deno.Command("grep", { args }).output()).stdout);
}

async function forgotten(fixture: RunnerFixture, what: string): Promise<void> {
  let left = "";
  try {
    await until(`nothing of ${what} is in the spool`, async () => (left = await filesWith(fixture)) === "");
  } catch (error) {
    throw new Error(`${error}: ${left}`);
  }
}

Deno.test("67 payload and environment of a job that has ended stand nowhere in the spool", async () => {
  await using fixture = await RunnerFixture.create();
  const barrier = new Barrier(fixture.dir);
  const runner = await fixture.runner({ args: ["--keep-pane", "failed"] });
  const env = ["--env", `SECRET=${VALUE}`];
  const held = await fixture.submit(...env, `: ${PAYLOAD}; ${barrier.wait}; echo done`);
  await fixture.reaches(held, "started");
  await until("it is found while the job runs", async () => (await filesWith(fixture)).includes("runs.jsonl"));
  const ids = [
    await fixture.submit(...env, `: ${PAYLOAD}; echo done`),
    await fixture.submit(...env, `#!/bin/sh\n: ${PAYLOAD}; echo done`),
    await fixture.submit(...env, "--retries", "1", "--backoff", "0..0", `: ${PAYLOAD}; test "$RUNNER_ATTEMPT" = 2`),
    await fixture.submit(...env, `: ${PAYLOAD}; exit 3`),
    await fixture.submit(...env, `: ${PAYLOAD}; kill -KILL $PPID; sleep 60`),
    await fixture.submit(...env, "--timeout", "300ms", `: ${PAYLOAD}; sleep 60`),
    await fixture.submit(...env, "--cwd", "/no/such/folder", `: ${PAYLOAD}`),
  ];
  const json = JSON.stringify({ payload: `: ${PAYLOAD}`, env_vars: { A: VALUE }, status: "dispatched" });
  await fixture.redis.call("SET", "job_json", json);
  await fixture.redis.call("LPUSH", `runner:${fixture.name}`, "json");
  await until("the text is a job", async () => await fixture.redis.call("TYPE", "job_json") === "hash");
  for (const id of [...ids, "json"]) await fixture.ended(id);
  await barrier.open();
  await fixture.ended(held);
  await forgotten(fixture, "ended jobs");
  assertEquals(await runner.stop(), 0);
});

Deno.test("67 payload and environment of a job that ended while no runner was there go when the next one starts", async () => {
  await using fixture = await RunnerFixture.create();
  const barrier = new Barrier(fixture.dir);
  const first = await fixture.runner({ args: ["--heartbeat", "200ms", "--lease", "1s"] });
  const there = (what: string) => [...Deno.readDirSync(fixture.dir)].filter(({ name }) => name.startsWith(what)).length;
  const ids: string[] = [];
  for (const start of ["", "#!/bin/sh\n"]) {
    const payload = `: ${PAYLOAD}; cd ${fixture.dir}; >begun-$$; ${barrier.wait}; >over-$$`;
    ids.push(await fixture.submit("--env", `SECRET=${VALUE}`, start + payload));
  }
  await until("both run", () => there("begun-") === 2);
  await first.kill9();
  await barrier.open();
  await until("both have ended", () => there("over-") === 2);
  const second = await fixture.runner({ args: ["--heartbeat", "200ms", "--lease", "1s"] });
  for (const id of ids) assertEquals((await fixture.ended(id)).status, "finished");
  await forgotten(fixture, "ended jobs");
  assertEquals(await second.stop(), 0);
});
