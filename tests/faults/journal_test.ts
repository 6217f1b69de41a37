import { assertEquals } from "../support/assert.ts";
import { assertClean } from "../support/audit.ts";
import { ExecutionLog } from "../support/execution_log.ts";
import { Gate } from "../support/gate.ts";
import { canMount, SmallDisk, whyNoDisk } from "../support/small_disk.ts";
import { until } from "../support/until.ts";
import { type RunnerProcess, World } from "../support/world.ts";

const FAST = ["--beat", "200ms", "--lease", "3s"];
const executor = "tmux.main";
const BLOCK = 4096;

/** The journal of the only lane of an instance. */
function journalOf(instance: string): string {
  const [{ name }] = Deno.readDirSync(`${instance}/lanes`);
  return `${instance}/lanes/${name}/journal`;
}

/** A world whose spool is on a small disk. */
class FullDisk implements AsyncDisposable {
  readonly world: World;
  readonly log: ExecutionLog;
  readonly gate: Gate;
  readonly disk: SmallDisk;
  readonly spool: string;
  readonly #runners: RunnerProcess[] = [];

  private constructor(world: World, disk: SmallDisk) {
    this.world = world;
    this.disk = disk;
    this.spool = disk.dir;
    this.log = new ExecutionLog(world.dir);
    this.gate = new Gate(world.dir);
  }

  static async create(): Promise<FullDisk> {
    const world = await World.create();
    return new FullDisk(world, (await SmallDisk.mount(`${world.dir}/small`, "16m"))!);
  }

  get journal(): string {
    return journalOf(this.world.instance(this.spool));
  }

  async runner(): Promise<RunnerProcess> {
    const runner = await this.world.runner({ spool: this.spool, args: FAST });
    this.#runners.push(runner);
    return runner;
  }

  async assertClean(...ids: string[]): Promise<void> {
    await assertClean(this.world, { ids, log: this.log, instances: [this.world.instance(this.spool)] });
  }

  push(payload: string): Promise<string> {
    return this.world.push({ executor, payload });
  }

  /** What the lane writes next needs another disk block. */
  async reachBorder(): Promise<void> {
    const { size } = await Deno.stat(this.journal);
    await Deno.writeTextFile(this.journal, " ".repeat((BLOCK - size % BLOCK) % BLOCK), { append: true });
  }

  async idle(): Promise<void> {
    const title = () => this.world.tmux("display-message", "-p", "-t", "main:lane-1", "#{pane_title}");
    await until("the lane is idle", async () => (await title()) === "idle\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const runner of this.#runners) await runner.kill9();
    await this.world.tmux("kill-server");
    await this.disk[Symbol.asyncDispose]();
    await this.world[Symbol.asyncDispose]();
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
    const { world, log, gate, disk } = small;
    await small.runner();
    const first = await small.push(`${log.line}; ${gate.wait}`);
    await until("it runs", () => log.ran(first));
    await small.reachBorder();
    await disk.fill();
    await gate.open();
    await world.ended(first);
    await disk.free();
    // longer than a terminal has for a start
    const second = await small.push(`${log.line}; sleep 12; echo done`);
    const job = await world.ended(second, 40_000);
    assertEquals([job.status, job.result], ["finished", "done\n"]);
    assertEquals((await log.executions()).get(second), ["1"]);
    await small.assertClean(first, second);
  },
);

onFullDisk(
  "30 a disk that was full when a run ended, and kill -9 of the runner: the next run is executed once",
  async (small) => {
    const { world, log, gate, disk } = small;
    const runner = await small.runner();
    const first = await small.push(`${log.line}; ${gate.wait}`);
    await until("it runs", () => log.ran(first));
    await small.reachBorder();
    await disk.fill();
    await gate.open();
    await world.ended(first);
    await disk.free();
    const later = new Gate(world.dir, "later");
    const second = await small.push(`${log.line}; ${later.wait}; echo done`);
    await until("it runs", () => log.ran(second));
    await runner.kill9();
    await small.runner();
    await later.open();
    assertEquals((await world.ended(second)).result, "done\n");
    assertEquals((await log.executions()).get(second), ["1"]);
  },
);

onFullDisk("30 an end that falls to a full disk while no runner lives is reported with its code", async (small) => {
  const { world, log, gate, disk } = small;
  const runner = await small.runner();
  const id = await small.push(`${log.line}; echo before; ${gate.wait}; exit 7`);
  await until("it runs", () => log.ran(id));
  await small.reachBorder();
  await disk.fill();
  await runner.kill9();
  await gate.open();
  await small.idle();
  await disk.free();
  await small.runner();
  const { code } = await world.run(["cancel", id], { env: { RUNNER_SPOOL: small.spool } });
  const job = await world.ended(id);
  assertEquals(
    [job.status, job.error, job.result],
    ["error", "exited with code 7", "before\n"],
    `cancel ended with ${code}`,
  );
  assertEquals((await world.ended(await small.push("echo next"))).result, "next\n");
  await small.assertClean(id);
});

Deno.test({
  name: "30 a start that cannot be written down is not begun: the job goes back, and is executed once there is room" +
    whyNoDisk,
  ignore: !canMount,
  fn: async () => {
    await using world = await World.create();
    await using disk = await SmallDisk.mount(`${world.dir}/small`, "1m");
    const log = new ExecutionLog(world.dir);
    const runner = await world.runner({ args: FAST });
    await using _end = { [Symbol.asyncDispose]: async () => void await world.tmux("kill-server") };
    await world.ended(await world.push({ executor, payload: "true" }));
    // the lane opens a journal that is not there: this one lies on another disk, which is full
    await disk!.fill();
    const journal = journalOf(world.instance());
    await Deno.remove(journal);
    await Deno.symlink(`${disk!.dir}/journal`, journal);
    const id = await world.push({ executor, payload: log.line });
    const attempt = async () => Number((await world.redis.hash(`rr:x:${id}`)).attempt ?? 0);
    await until("it was given back, and tried again", async () => await attempt() >= 3);
    assertEquals(await log.ran(id), false);
    await disk!.free();
    assertEquals((await world.ended(id, 40_000)).status, "finished");
    assertEquals((await log.executions()).get(id)?.length, 1);
    assertEquals(runner.code, null, runner.log);
  },
});

Deno.test("31 a journal that is deleted under its terminal: no job is executed twice, under this runner and the next", async () => {
  await using world = await World.create();
  const log = new ExecutionLog(world.dir);
  const gate = new Gate(world.dir);
  const runner = await world.runner({ args: FAST });
  const push = (payload: string) => world.push({ executor, payload });
  await world.ended(await push("true"));
  const journal = journalOf(world.instance());
  const ids = [await push(`${log.line}; ${gate.wait}; exit 3`)];
  await until("it runs", () => log.ran(ids[0]));
  await Deno.remove(journal);
  await runner.kill9();
  await world.runner({ args: FAST });
  await gate.open();
  assertEquals((await world.ended(ids[0])).error, "exited with code 3");
  await Deno.remove(journal);
  ids.push(await push(`${log.line}; sleep 12; exit 4`));
  assertEquals((await world.ended(ids[1], 40_000)).error, "exited with code 4");
  for (const id of ids) assertEquals((await log.executions()).get(id), ["1"]);
  await assertClean(world, { ids, log });
});
