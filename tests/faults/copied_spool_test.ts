import { assert, assertEquals, assertStringIncludes } from "../support/assert.ts";
import { assertClean } from "../support/audit.ts";
import { ExecutionLog } from "../support/execution_log.ts";
import { Barrier } from "../support/barrier.ts";
import { until } from "../support/until.ts";
import { RunnerFixture } from "../support/runner_fixture.ts";

/** A short lease, as a copy waits for its end. */
const FAST = ["--heartbeat", "200ms", "--lease", "2s", "--concurrency", "8"];

/** A copy of an instance's folder as `cp -a`, an image or a snapshot makes it. */
async function copySpool(fixture: RunnerFixture, from: string, to: string): Promise<void> {
  await Deno.mkdir(to);
  const copy = new Deno.Command("cp", { args: ["-a", fixture.instance(from), fixture.instance(to)] });
  // files may go while they are read
  await copy.output();
}

/** Jobs that run until a barrier opens, and one that is claimed behind the first. */
async function holding(fixture: RunnerFixture, log: ExecutionLog, barrier: Barrier): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < 4; i++) {
    ids.push(await fixture.push({ executor: `tmux.s.w${i}`, payload: `${log.line}; ${barrier.wait}; echo kept` }));
    await until("it runs", () => log.ran(ids[i]));
  }
  ids.push(await fixture.push({ executor: "tmux.s.w0", payload: `${log.line}; echo kept` }));
  await until("it is claimed", async () => await fixture.redis.call("LLEN", `runner:${fixture.name}`) === 0);
  return ids;
}

Deno.test("14 three copies of a living runner's spool are refused, whatever they share with it, and each job runs once", async () => {
  await using fixture = await RunnerFixture.create();
  const [log, barrier] = [new ExecutionLog(fixture.dir), new Barrier(fixture.dir)];
  const spools = ["a", "b", "c", "d"].map((letter) => `${fixture.dir}/${letter}`);
  const start = (i: number, ready: boolean) =>
    fixture.runner({ args: FAST, spool: spools[i], env: { RUNNER_TMUX_SOCKET: `${fixture.socket}-${i}` }, ready });
  const first = await start(0, true);
  const kept = await holding(fixture, log, barrier);
  for (const spool of spools.slice(1)) await copySpool(fixture, spools[0], spool);
  const copies = await Promise.all([1, 2, 3].map((i) => start(i, false)));
  const ids: string[] = [];
  for (let i = 0; i < 60; i++) ids.push(await fixture.push({ payload: log.line }));
  for (const copy of copies) {
    assertEquals(await copy.ended, 1, copy.log);
    assertStringIncludes(copy.log, "or a copy of it, is in use on host");
  }
  await barrier.open();
  for (const id of kept) assertEquals((await fixture.ended(id)).result, "kept\n");
  assertEquals(first.code, null);
  await assertClean(fixture, { ids: [...kept, ...ids], log, instances: [fixture.instance(spools[0])] });
});

Deno.test("14 a copy beside the terminals of its original says where these work, and leaves them alone", async () => {
  await using fixture = await RunnerFixture.create();
  const [log, barrier] = [new ExecutionLog(fixture.dir), new Barrier(fixture.dir)];
  const [original, spool] = [`${fixture.dir}/original`, `${fixture.dir}/copy`];
  const first = await fixture.runner({ args: FAST, spool: original });
  const kept = await holding(fixture, log, barrier);
  await copySpool(fixture, original, spool);
  for (const state of ["alive", "dead"]) {
    if (state === "dead") await first.kill9();
    const copy = await fixture.runner({ args: FAST, spool, ready: false });
    assertEquals(await copy.ended, 1, copy.log);
    assertStringIncludes(copy.log, `work in spool folder "${fixture.instance(original)}"`);
  }
  const again = await fixture.runner({ args: FAST, spool: original });
  await barrier.open();
  for (const id of kept) assertEquals((await fixture.ended(id)).result, "kept\n");
  await assertClean(fixture, { ids: kept, log, instances: [fixture.instance(original)] });
  assertEquals(again.code, null);
  await again.kill9();
  await Deno.remove(original, { recursive: true });
  const left = await fixture.runner({ args: FAST, spool, ready: false });
  assertEquals(await left.ended, 1, left.log);
  const command = `tmux -L ${fixture.socket} kill-pane -t PANE: `;
  assertStringIncludes(left.log, "which is gone; move it back, or end these panes");
  const panes = left.log.split(command)[1].trim().split(" ");
  for (const pane of panes) await fixture.tmux("kill-pane", "-t", pane);
  await fixture.runner({ args: FAST, spool });
});

Deno.test("14 a runner comes back to its own spool without a wait, also by another name of the folder", async () => {
  await using fixture = await RunnerFixture.create();
  const [log, barrier] = [new ExecutionLog(fixture.dir), new Barrier(fixture.dir)];
  const slow = ["--lease", "1h", "--heartbeat", "1s", "--concurrency", "8"];
  const first = await fixture.runner({ args: slow, spool: `${fixture.dir}/a` });
  const kept = await holding(fixture, log, barrier);
  await first.kill9();
  await Deno.symlink(`${fixture.dir}/a`, `${fixture.dir}/link`);
  // the first one of them registers and is killed before it can note that
  const crashed = await fixture.runner({
    args: slow,
    spool: `${fixture.dir}/link`,
    env: { RUNNER_CRASH_AT: "after_register" },
    ready: false,
  });
  assertEquals(await crashed.ended, 137);
  const again = await fixture.runner({ args: slow, spool: `${fixture.dir}/link` });
  assert(!again.log.includes("waiting for the lease"), again.log);
  await barrier.open();
  for (const id of kept) assertEquals((await fixture.ended(id)).result, "kept\n");
  await assertClean(fixture, { ids: kept, log, instances: [fixture.instance(`${fixture.dir}/a`)] });
});
