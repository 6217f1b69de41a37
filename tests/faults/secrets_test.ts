import { assertEquals } from "../support/assert.ts";
import { Gate } from "../support/gate.ts";
import { until } from "../support/until.ts";
import { World } from "../support/world.ts";

const [PAYLOAD, VALUE] = ["hidden-payload-word", "hidden-value-word"];

/** Files of the spool in which a secret stands. */
async function filesWith(world: World): Promise<string> {
  const args = ["-rlaE", `${PAYLOAD}|${VALUE}`, `${world.dir}/spool`];
  return new TextDecoder().decode((await new Deno.Command("grep", { args }).output()).stdout);
}

async function forgotten(world: World, what: string): Promise<void> {
  let left = "";
  try {
    await until(`nothing of ${what} is in the spool`, async () => (left = await filesWith(world)) === "");
  } catch (error) {
    throw new Error(`${error}: ${left}`);
  }
}

Deno.test("67 payload and environment of a job that has ended stand nowhere in the spool", async () => {
  await using world = await World.create();
  const gate = new Gate(world.dir);
  const runner = await world.runner({ args: ["--keep-pane", "failed"] });
  const env = ["--env", `SECRET=${VALUE}`];
  const held = await world.submit(...env, `: ${PAYLOAD}; ${gate.wait}; echo done`);
  await world.reaches(held, "started");
  await until("it is found while the job runs", async () => (await filesWith(world)).includes("runs.jsonl"));
  const ids = [
    await world.submit(...env, `: ${PAYLOAD}; echo done`),
    await world.submit(...env, `#!/bin/sh\n: ${PAYLOAD}; echo done`),
    await world.submit(...env, "--retries", "1", "--backoff", "0..0", `: ${PAYLOAD}; test "$RUNNER_ATTEMPT" = 2`),
    await world.submit(...env, `: ${PAYLOAD}; exit 3`),
    await world.submit(...env, `: ${PAYLOAD}; kill -KILL $PPID; sleep 60`),
    await world.submit(...env, "--timeout", "300ms", `: ${PAYLOAD}; sleep 60`),
    await world.submit(...env, "--cwd", "/no/such/folder", `: ${PAYLOAD}`),
  ];
  const json = JSON.stringify({ payload: `: ${PAYLOAD}`, env_vars: { A: VALUE }, status: "dispatched" });
  await world.redis.call("SET", "job_json", json);
  await world.redis.call("LPUSH", `runner:${world.name}`, "json");
  await until("the text is a job", async () => await world.redis.call("TYPE", "job_json") === "hash");
  for (const id of [...ids, "json"]) await world.ended(id);
  await gate.open();
  await world.ended(held);
  await forgotten(world, "ended jobs");
  assertEquals(await runner.stop(), 0);
});

Deno.test("67 payload and environment of a job that ended while no runner was there go when the next one starts", async () => {
  await using world = await World.create();
  const gate = new Gate(world.dir);
  const first = await world.runner({ args: ["--beat", "200ms", "--lease", "1s"] });
  const there = (what: string) => [...Deno.readDirSync(world.dir)].filter(({ name }) => name.startsWith(what)).length;
  const ids: string[] = [];
  for (const start of ["", "#!/bin/sh\n"]) {
    const payload = `: ${PAYLOAD}; cd ${world.dir}; >begun-$$; ${gate.wait}; >over-$$`;
    ids.push(await world.submit("--env", `SECRET=${VALUE}`, start + payload));
  }
  await until("both run", () => there("begun-") === 2);
  await first.kill9();
  await gate.open();
  await until("both have ended", () => there("over-") === 2);
  const second = await world.runner({ args: ["--beat", "200ms", "--lease", "1s"] });
  for (const id of ids) assertEquals((await world.ended(id)).status, "finished");
  await forgotten(world, "ended jobs");
  assertEquals(await second.stop(), 0);
});
