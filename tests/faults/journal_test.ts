import { assertEquals } from "../support/assert.ts";
import { assertClean } from "../support/audit.ts";
import { ExecutionLog } from "../support/execution_log.ts";
import { Barrier } from "../support/barrier.ts";
import { canMount, SmallDisk, whyNoDisk } from "../support/small_disk.ts";
import { until } from "../support/until.ts";
import { RunnerFixture, type RunnerProcess } from "../support/runner_fixture.ts";

const FAST = ["--heartbeat", "200ms", "--lease", "3s"];
const executor = "tmux.main";
const BLOCK = 4096;

/** The journal of the only lane of an instance. */
function journalOf(instance: string): string {
  const [{ name }] = Deno.readDirSync(`${instance}/lanes`);
  return `${instance}/lanes/${name}/journal`;
}

/** A fixture whose spool is on a small disk. */
class FullDisk implements AsyncDisposable {
  readonly fixture: RunnerFixture;
  readonly log: ExecutionLog;
  readonly barrier: Barrier;
  readonly disk: SmallDisk;
  readonly spool: string;
  readonly #runners: RunnerProcess[] = [];

  private constructor(fixture: RunnerFixture, disk: SmallDisk) {
    this.fixture = fixture;
    this.disk = disk;
    this.spool = disk.dir;
    this.log = new ExecutionLog(fixture.dir);
    this.barrier = new Barrier(fixture.dir);
  }

  static async create(): Promise<FullDisk> {
    const fixture = await RunnerFixture.create();
    return new FullDisk(fixture, (await SmallDisk.mount(`${fixture.dir}/small`, "16m"))!);
  }

  get journal(): string {
    return journalOf(this.fixture.instance(this.spool));
  }

  async runner(): Promise<RunnerProcess> {
    const runner = await this.fixture.runner({ spool: this.spool, args: FAST });
    this.#runners.push(runner);
    return runner;
  }

  async assertClean(...ids: string[]): Promise<void> {
    await assertClean(this.fixture, { ids, log: this.log, instances: [this.fixture.instance(this.spool)] });
  }

  push(payload: string): Promise<string> {
    return this.fixture.push({ executor, payload });
  }

  /** What the lane writes next needs another disk block. */
  async reachBorder(): Promise<void> {
    const { size } = await Deno.stat(this.journal);
    await Deno.writeTextFile(this.journal, " ".repeat((BLOCK - size % BLOCK) % BLOCK), { append: true });
  }

  async idle(): Promise<void> {
    const title = () => this.fixture.tmux("display-message", "-p", "-t", "main:lane-1", "#{pane_title}");
    await until("the lane is idle", async () => (await title()) === "idle\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const runner of this.#runners) await runner.kill9();
    await this.fixture.tmux("kill-server");
    await this.disk[Symbol.asyncDispose]();
    await this.fixture[Symbol.asyncDispose]();
  }
}

function onFullDisk(name: string, body: (small: FullDisk) => Promise<void>): void {
  Deno.test({
    name: name + whyNoDisk,
    ignore: !canMount,
    fn: async () => {
      await using small = await FullDisk.create();
      await body(small);
    },
  });
}

onFullDisk(
  "30 a disk that was full when a run ended: the next run is executed once, however long it lasts",
  async (small) => {
    const { fixture, log, barrier, disk } = small;
    await small.runner();
    const first = await small.push(`${log.line}; ${barrier.wait}`);
    await until("it runs", () => log.ran(first));
    await small.reachBorder();
    await disk.fill();
    await barrier.open();
    await fixture.ended(first);
    await disk.free();
    // longer than a terminal has for a start
    const second = await small.push(`${log.line}; sleep 12; echo done`);
    const job = await fixture.ended(second, 40_000);
    assertEquals([job.status, job.result], ["finished", "done\n"]);
    assertEquals((await log.executions()).get(second), ["1"]);
    await small.assertClean(first, second);
  },
);

onFullDisk(
  "30 a disk that was full when a run ended, and kill -9 of the runner: the next run is executed once",
  async (small) => {
    const { fixture, log, barrier, disk } = small;
    const runner = await small.runner();
    const first = await small.push(`${log.line}; ${barrier.wait}`);
    await until("it runs", () => log.ran(first));
    await small.reachBorder();
    await disk.fill();
    await barrier.open();
    await fixture.ended(first);
    await disk.free();
    const later = new Barrier(fixture.dir, "later");
    const second = await small.push(`${log.line}; ${later.wait}; echo done`);
    await until("it runs", () => log.ran(second));
    await runner.kill9();
    await small.runner();
    await later.open();
    assertEquals((await fixture.ended(second)).result, "done\n");
    assertEquals((await log.executions()).get(second), ["1"]);
  },
);

onFullDisk("30 an end that falls to a full disk while no runner lives is reported with its code", async (small) => {
  const { fixture, log, barrier, disk } = small;
  const runner = await small.runner();
  const id = await small.push(`${log.line}; echo before; ${barrier.wait}; exit 7`);
  await until("it runs", () => log.ran(id));
  await small.reachBorder();
  await disk.fill();
  await runner.kill9();
  await barrier.open();
  await small.idle();
  await disk.free();
  await small.runner();
  const { code } = await fixture.run(["cancel", id], { env: { RUNNER_SPOOL: small.spool } });
  const job = await fixture.ended(id);
  assertEquals(
    [job.status, job.error, job.result],
    ["error", "exited with code 7", "before\n"],
    `cancel ended with ${code}`,
  );
  assertEquals((await fixture.ended(await small.push("echo next"))).result, "next\n");
  await small.assertClean(id);
});

Deno.test({
  name: "30 a start that cannot be written down is not begun: the job goes back, and is executed once there is room" +
    whyNoDisk,
  ignore: !canMount,
  fn: async () => {
    await using fixture = await RunnerFixture.create();
    await using disk = await SmallDisk.mount(`${fixture.dir}/small`, "1m");
    const log = new ExecutionLog(fixture.dir);
    const runner = await fixture.runner({ args: FAST });
    await using _end = { [Symbol.asyncDispose]: async () => void await fixture.tmux("kill-server") };
    await fixture.ended(await fixture.push({ executor, payload: "true" }));
    // the lane opens a journal that is not there: this one lies on another disk, which is full
    await disk!.fill();
    const journal = journalOf(fixture.instance());
    await Deno.remove(journal);
    await Deno.symlink(`${disk!.dir}/journal`, journal);
    const id = await fixture.push({ executor, payload: log.line });
    const attempt = async () => Number((await fixture.redis.hash(`rr:meta:${id}`)).attempt ?? 0);
    await until("it was given back, and tried again", async () => await attempt() >= 3);
    assertEquals(await log.ran(id), false);
    await disk!.free();
    assertEquals((await fixture.ended(id, 40_000)).status, "finished");
    assertEquals((await log.executions()).get(id)?.length, 1);
    assertEquals(runner.code, null, runner.log);
  },
});

Deno.test("31 a journal that is deleted under its terminal: no job is executed twice, under this runner and the next", async () => {
  await using fixture = await RunnerFixture.create();
  const log = new ExecutionLog(fixture.dir);
  const barrier = new Barrier(fixture.dir);
  const runner = await fixture.runner({ args: FAST });
  const push = (payload: string) => fixture.push({ executor, payload });
  await fixture.ended(await push("true"));
  const journal = journalOf(fixture.instance());
  const ids = [await push(`${log.line}; ${barrier.wait}; exit 3`)];
  await until("it runs", () => log.ran(ids[0]));
  await Deno.remove(journal);
  await runner.kill9();
  await fixture.runner({ args: FAST });
  await barrier.open();
  assertEquals((await fixture.ended(ids[0])).error, "exited with code 3");
  await Deno.remove(journal);
  ids.push(await push(`${log.line}; sleep 12; exit 4`));
  assertEquals((await fixture.ended(ids[1], 40_000)).error, "exited with code 4");
  for (const id of ids) assertEquals((await log.executions()).get(id), ["1"]);
  await assertClean(fixture, { ids, log });
});
