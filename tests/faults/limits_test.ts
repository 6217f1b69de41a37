/** Limits with several hosts, crashes, data loss and foreign programs. */
import { Keys } from "../../src/redis/keys.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { assertClean } from "../support/audit.ts";
import { Barrier } from "../support/barrier.ts";
import { ExecutionLog } from "../support/execution_log.ts";
import { RunnerFixture, type RunnerProcess } from "../support/runner_fixture.ts";
import { until } from "../support/until.ts";

const keys = new Keys("");
const FAST = ["--heartbeat", "200ms", "--lease", "1s", "--kill-grace", "500ms"];
/** Where a runner may die while it has to do with permits. */
const PLACES = [
  ...["after_claim", "after_start", "after_journal", "after_launch", "after_end", "before_finish", "after_finish"],
  ...["after_settle", "after_unpark"],
];

/** Starts the runner of a host: with a spool and a tmux server of its own. */
function host(
  fixture: RunnerFixture,
  letter: string,
  more: { args?: string[]; env?: Record<string, string>; ready?: boolean } = {},
) {
  return fixture.runner({
    spool: `${fixture.dir}/${letter}`,
    ready: more.ready,
    args: [...FAST, ...more.args ?? []],
    env: { RUNNER_TMUX_SOCKET: `${fixture.socket}-${letter}`, ...more.env },
  });
}

const spools = (fixture: RunnerFixture, letters: string) =>
  [...letters].map((letter) => fixture.instance(`${fixture.dir}/${letter}`));

/** Jobs that see for themselves whether another one has their permit. */
class Witness {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Shell text of a job that runs `what` while it has its permit. */
  around(what: string): string {
    const lock = `${this.#dir}/permit.$RUNNER_SLOT`;
    return `mkdir ${lock} || echo $RUNNER_JOB_ID >> ${this.#dir}/clashes; echo $RUNNER_SLOT >> ${this.#dir}/slots; ` +
      `${what}; rmdir ${lock}`;
  }

  /** Ids of jobs that found their permit in use, and the numbers of all permits. */
  async seen(): Promise<{ clashes: string; slots: string[] }> {
    const [clashes, slots] = await Promise.all(
      ["clashes", "slots"].map((name) => Deno.readTextFile(`${this.#dir}/${name}`).catch(() => "")),
    );
    return { clashes, slots: [...new Set(slots.split("\n").filter((line) => line !== ""))].sort() };
  }
}

async function set(fixture: RunnerFixture, ...args: string[]): Promise<void> {
  const { code, stderr } = await fixture.run(["limit", "set", ...args]);
  assertEquals(code, 0, stderr);
}

Deno.test("81 two hosts never run more than N, each permit is in use once, and no death loses one", async () => {
  await using fixture = await RunnerFixture.create();
  const log = new ExecutionLog(fixture.dir);
  const witness = new Witness(fixture.dir);
  await set(fixture, "gpu", "2");
  const payload = witness.around(`${log.line}; sleep 0.1`);
  const ids: string[] = [];
  const more = async () => ids.push(await fixture.submit("--limit", "gpu", payload));
  await host(fixture, "b");
  for (const place of PLACES) {
    for (let i = 0; i < 2; i++) await more();
    const dying: RunnerProcess = await host(fixture, "a", {
      env: { RUNNER_CRASH_AT: place },
      ready: false,
    });
    while (dying.code === null) {
      await more();
      if (ids.length > 200) throw new Error(`no runner came by ${place}`);
    }
    assertEquals(dying.code, 137, dying.log);
  }
  await host(fixture, "a");
  for (const id of ids) assertEquals((await fixture.ended(id)).error, "", id);
  assertEquals(await witness.seen(), { clashes: "", slots: ["0", "1"] });
  await assertClean(fixture, { ids, log, instances: spools(fixture, "ab") });
  assertEquals(await fixture.redis.call("EXISTS", keys.permits("gpu"), keys.parked(fixture.name)), 0);
});

Deno.test("81 after FLUSHALL a permit comes back with its attempt, and nothing with a limit starts before", async () => {
  await using fixture = await RunnerFixture.create();
  const log = new ExecutionLog(fixture.dir);
  const barrier = new Barrier(fixture.dir);
  const witness = new Witness(fixture.dir);
  await host(fixture, "a");
  const id = await fixture.submit("--limit", "one", witness.around(`${log.line}; ${barrier.wait}`));
  await until("it runs", () => log.ran(id));
  await fixture.redis.call("FLUSHALL");
  const next = await fixture.submit("--limit", "one", witness.around(log.line));
  await host(fixture, "b"); // it has no record of the first job
  await until("the permit is back", async () => await fixture.redis.call("ZCARD", keys.permits("one")) === 1);
  const plain = await fixture.submit("true");
  await fixture.ended(plain);
  await until("it is parked", async () => (await fixture.run(["status", next])).stdout.includes("waits for limit one"));
  await until("the time without starts is over", async () => {
    const { hold } = await fixture.redis.hash(keys.limitState());
    return Number((await fixture.redis.call("TIME") as string[])[0]) * 1000 > Number(hold) + 1000;
  });
  assertEquals(await log.ran(next), false);
  await barrier.open();
  for (const one of [id, next]) assertEquals((await fixture.ended(one)).error, "");
  assertEquals((await witness.seen()).clashes, "");
  await assertClean(fixture, { ids: [id, next], log, dataWasLost: true, instances: spools(fixture, "ab") });
});

Deno.test("81 a crash of Redis lets no more than N run, and parked jobs start afterwards", async () => {
  await using fixture = await RunnerFixture.create({ persistence: "aof-always" });
  const log = new ExecutionLog(fixture.dir);
  const witness = new Witness(fixture.dir);
  await Promise.all([host(fixture, "a"), host(fixture, "b")]);
  await set(fixture, "gpu", "2");
  const ids: string[] = [];
  for (let i = 0; i < 8; i++) {
    ids.push(await fixture.submit("--limit", "gpu", witness.around(`${log.line}; sleep 0.3`)));
  }
  await until("two have run", async () => (await log.executions()).size >= 2);
  await fixture.redis.kill9();
  await fixture.redis.restart();
  for (const id of ids) assertEquals((await fixture.ended(id)).error, "", id);
  assertEquals(await witness.seen(), { clashes: "", slots: ["0", "1"] });
  await assertClean(fixture, { ids, log, instances: spools(fixture, "ab") });
});

Deno.test("81 a host that is lost gives its permit back with its attempt, and not before", async () => {
  await using fixture = await RunnerFixture.create();
  const log = new ExecutionLog(fixture.dir);
  const barrier = new Barrier(fixture.dir);
  const lost = await host(fixture, "a");
  const id = await fixture.submit("--limit", "one", `${log.line}; ${barrier.wait}`);
  await until("it runs", () => log.ran(id));
  await lost.kill9();
  await host(fixture, "b", { args: ["--lost-after", "2s"] });
  const next = await fixture.submit("--limit", "one", log.line);
  assertEquals((await fixture.ended(next)).status, "finished");
  const [first, second] = await Promise.all([fixture.job(id), fixture.job(next)]);
  assertEquals(first.error.slice(0, 5), "lost:");
  assert(second.updated_at >= first.updated_at, `${second.updated_at} ${first.updated_at}`);
  await barrier.open();
});

Deno.test("81 a queue with a limit runs jobs of a foreign program, whose ids stay in its list until then", async () => {
  await using fixture = await RunnerFixture.create();
  const log = new ExecutionLog(fixture.dir);
  const barrier = new Barrier(fixture.dir);
  await Promise.all([host(fixture, "a"), host(fixture, "b")]);
  await set(fixture, `runner:${fixture.name}`, "1");
  const ids: string[] = [];
  for (let i = 0; i < 4; i++) ids.push(await fixture.push({ payload: `${log.line}; ${barrier.wait}` }));
  await until("one runs", async () => (await log.executions()).size === 1);
  const queue = keys.queue(fixture.name);
  await until("the others wait", async () => await fixture.redis.call("LLEN", queue) === 3);
  await barrier.open();
  for (const id of ids) await fixture.ended(id);
  await set(fixture, `runner:${fixture.name}`, "0");
  const held = await fixture.push({ payload: log.line });
  const { stdout } = await fixture.run(["status", held]);
  assert(stdout.includes("which is 0: nothing of this queue starts"), stdout);
  assertEquals(await fixture.redis.call("LLEN", queue), 1);
  assertEquals((await fixture.run(["limit", "remove", `runner:${fixture.name}`])).code, 0);
  await fixture.ended(held);
  await assertClean(fixture, { ids: [...ids, held], log, instances: spools(fixture, "ab") });
});

Deno.test("81 a runner with --burst waits for jobs that are parked", async () => {
  await using fixture = await RunnerFixture.create();
  const log = new ExecutionLog(fixture.dir);
  const ids: string[] = [];
  for (let i = 0; i < 3; i++) ids.push(await fixture.submit("--limit", "one", log.line));
  const { code, stderr } = await fixture.run(["run", "--burst", ...FAST]);
  assertEquals(code, 0, stderr);
  for (const id of ids) assertEquals((await fixture.job(id)).status, "finished", stderr);
});
