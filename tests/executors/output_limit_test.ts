import { RESULT_PART } from "../../src/domain/limits.ts";
import { TmuxHostOutput } from "../../src/executors/tmux/output/host_output.ts";
import type { StoredJob } from "../../src/ports/job_store.ts";
import { attemptName } from "../../src/domain/attempt_name.ts";
import { instanceName } from "../../src/domain/instance_name.ts";
import { digestOf } from "../../src/system/digest.ts";
import { systemFiles } from "../../src/system/files.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { isolatedTest, type TmuxHost } from "../support/tmux_host.ts";
import { until } from "../support/until.ts";
import { ExecutorFixture, launchOf, up } from "./executor_fixture.ts";

const target = "tmux.main.work";
const outputLimit = 16 << 20;
const LINE = 500;
/** Lines of an output that exceeds the limit by half of it. */
const MANY = Math.ceil(1.5 * outputLimit / LINE);

/** Shell text that writes numbered lines of one length. */
function lines(from: number, to: number): string {
  return `awk 'BEGIN { for (i = ${from}; i < ${to}; i++) printf "%0${LINE - 1}d\\n", i }'`;
}

/** A part of those lines. */
function expected(offset: number, length: number): Uint8Array {
  let text = "";
  for (let line = Math.floor(offset / LINE); text.length < offset % LINE + length; line++) {
    text += `${String(line).padStart(LINE - 1, "0")}\n`;
  }
  return new TextEncoder().encode(text.slice(offset % LINE, offset % LINE + length));
}

type Read = (offset: number, limit: number) => Promise<{ offset: number; bytes: Uint8Array }>;

/** Reads an output to its end, and checks its bytes. Returns where it ends, and the gaps in it. */
async function readAll(read: Read) {
  const gaps: number[] = [];
  for (let end = 0;;) {
    const { offset, bytes } = await read(end, 1 << 20);
    if (bytes.length === 0) return { end, gaps };
    if (offset > end) gaps.push(offset - end);
    const want = expected(offset, bytes.length);
    assert(want.every((byte, i) => byte === bytes[i]), `other bytes at ${offset}`);
    end = offset + bytes.length;
  }
}

/** Bytes of the files in a folder of the spool. */
async function sizeOf(host: TmuxHost, folder: string): Promise<number> {
  return Number(await host.sh(`find '${host.dir}/spool/${folder}' -type f -exec cat {} + | wc -c`));
}

const logSize = (host: TmuxHost) => sizeOf(host, "lanes/1");

isolatedTest("an output beyond the limit leaves no more on disk, and the next one begins a new log", async (host) => {
  const fixture = await ExecutorFixture.open(host.executor({ outputLimit }));
  const launch = launchOf(`${lines(0, MANY)}; until [ -e '${host.dir}/go' ]; do sleep 0.02; done`, { target });
  await fixture.executor.launch(launch);
  const written = () => fixture.executor.read(launch.name, MANY * LINE - 1, 1);
  await until("all of it is written", async () => (await written()).bytes.length === 1);
  assert(await logSize(host) < 1.07 * outputLimit, `${await logSize(host)} bytes`);
  const pane = await host.tmux("list-panes -t main:work -F '#{pane_id}'");
  await Deno.writeTextFile(`${host.dir}/go`, "");
  await fixture.end(launch.name);
  assert(await sizeOf(host, "kept") < 1.07 * outputLimit);
  await fixture.executor.forget(launch.name);
  const count = Math.floor(outputLimit / (LINE + 1)) - 1;
  const next = launchOf(lines(0, count), { target });
  const end = await fixture.run(next);
  assertEquals([end.code, end.output.truncated], [0, false]);
  const read: Read = (offset, limit) => fixture.executor.read(next.name, offset, limit);
  assertEquals(await readAll(read), { end: count * LINE, gaps: [] });
  assertEquals(await host.tmux("list-panes -t main:work -F '#{pane_id}'"), pane);
});

isolatedTest("a run that waits behind an output beyond the limit begins in a new log", async (host) => {
  const fixture = await ExecutorFixture.open(host.executor({ outputLimit }));
  const count = Math.floor(outputLimit / (LINE + 1)) - 1;
  const [first, second] = [launchOf(lines(0, MANY), { target }), launchOf(lines(0, count), { target })];
  await fixture.executor.launch(first);
  await fixture.executor.launch(second);
  assertEquals((await fixture.end(first.name)).output.total, MANY * LINE);
  await fixture.executor.forget(first.name);
  assertEquals((await fixture.end(second.name)).output.total, count * LINE);
  const read: Read = (offset, limit) => fixture.executor.read(second.name, offset, limit);
  assertEquals(await readAll(read), { end: count * LINE, gaps: [] });
});

isolatedTest("the limit of an output holds without a runner, and the next one finds its end", async (host) => {
  const first = await ExecutorFixture.open(host.executor({ outputLimit }));
  const launch = launchOf(
    `echo up; until [ -e '${host.dir}/go' ]; do sleep 0.02; done; ${lines(0, MANY)}; touch '${host.dir}/done'; exit 7`,
    { target },
  );
  await first.executor.launch(launch);
  await up(first, launch.name);
  await first.executor.close();
  await Deno.writeTextFile(`${host.dir}/go`, "");
  await until("it has ended", () => Deno.stat(`${host.dir}/done`).then(() => true, () => false));
  assert(await logSize(host) < 1.07 * outputLimit);
  const second = await ExecutorFixture.open(host.executor({ outputLimit }));
  await second.executor.recover([launch]);
  const { code, output } = await second.end(launch.name);
  const total = 3 + MANY * LINE;
  assertEquals([code, output.total, output.truncated], [7, total, false]);
  assertEquals(output.tail, expected(total - 3 - RESULT_PART, RESULT_PART));
  assertEquals(await second.output("echo next", { target: "tmux.main.other" }), "next\n");
});

isolatedTest("a killed writer of a long log costs what it had not written, and the limit holds", async (host) => {
  const fixture = await ExecutorFixture.open(host.executor({ outputLimit }));
  const half = Math.ceil(MANY / 2);
  const wait = (file: string) => `until [ -e '${host.dir}/${file}' ]; do sleep 0.02; done`;
  const payload = `${lines(0, half)}; ${wait("go")}; ${lines(half, 2 * MANY)}; ${wait("go2")}; echo over; exit 7`;
  const launch = launchOf(payload, { target });
  await fixture.executor.launch(launch);
  const read: Read = (offset, limit) => fixture.executor.read(launch.name, offset, limit);
  await until("there is output", async () => (await read(half * LINE - 1, 1)).bytes.length === 1);
  const writer = () => host.sh(`cut -d ' ' -f 1 '${host.dir}/spool/lanes/1/writer'`);
  const before = await writer();
  // first its copy, then both: the terminal has no reader any more
  await host.sh(`kill -KILL $(${host.writer})`);
  await until("another one writes", async () => await writer() !== before && await host.sh(host.writer) !== "");
  await Deno.writeTextFile(`${host.dir}/go`, "");
  const parts = () => systemFiles.stat(`${host.dir}/spool/lanes/1/log.9`);
  await until("there are parts", async () => await parts() !== null);
  await host.sh(`kill -KILL $(${host.writer}) ${await writer()}`);
  await until("it is restored", async () => {
    await fixture.executor.sweep();
    return await host.sh(host.writer) !== "";
  });
  await Deno.writeTextFile(`${host.dir}/go2`, "");
  const { code, output } = await fixture.end(launch.name);
  assertEquals([code, output.truncated], [7, true]);
  assertEquals(new TextDecoder().decode(output.tail.subarray(-6)), "\nover\n");
  assert(output.total > MANY * LINE && output.total < 2 * MANY * LINE + 5, String(output.total));
  assert(await logSize(host) < 1.07 * outputLimit);
  assertEquals(await fixture.output("echo next", { target: "tmux.main.other" }), "next\n");
});

isolatedTest("another limit holds for a terminal of an earlier runner from its next run on", async (host) => {
  const first = await ExecutorFixture.open(host.executor({ outputLimit: 0 }));
  const launch = launchOf(lines(0, MANY), { target });
  assertEquals((await first.run(launch)).output.total, MANY * LINE);
  assertEquals((await readAll((offset, limit) => first.executor.read(launch.name, offset, limit))).gaps, []);
  await first.executor.close();
  const pane = await host.tmux("list-panes -t main:work -F '#{pane_id}'");
  const second = await ExecutorFixture.open(host.executor({ outputLimit }));
  await second.executor.recover([]);
  assertEquals((await second.run(launchOf(lines(0, MANY), { target }))).output.total, MANY * LINE);
  assert(await logSize(host) < 1.07 * outputLimit);
  assertEquals(await host.tmux("list-panes -t main:work -F '#{pane_id}'"), pane);
});

isolatedTest("a program of the user reads an output beyond the limit while it runs and afterwards", async (host) => {
  const name = instanceName("", "build", digestOf);
  const spool = `${host.dir}/${name}`;
  const job = { id: "j", fields: {}, meta: { runner: "build", instance: "one", token: "1.0123456789ab" } };
  const fixture = await ExecutorFixture.open(host.executor({ outputLimit, spool }));
  await Deno.writeTextFile(`${spool}/instance`, "one\n");
  const launch = launchOf(`${lines(0, MANY)}; until [ -e '${host.dir}/go' ]; do sleep 0.02; done`, {
    target,
    name: attemptName({ id: "j", token: job.meta.token }, digestOf),
  });
  await fixture.executor.launch(launch);
  const total = MANY * LINE;
  await until("it is written", async () => (await fixture.executor.read(launch.name, total - 1, 1)).bytes.length > 0);
  const isOurs = () => Promise.resolve(true);
  const host2 = new TmuxHostOutput({ files: systemFiles, digestOf, root: host.dir, namespace: "", isOurs });
  const readThere = async () => {
    const output = (await host2.open(job as unknown as StoredJob))!;
    return await readAll((offset, limit) => output.read(offset, limit)).finally(() => output.close());
  };
  const running = await readThere();
  assertEquals([running.end, running.gaps.length], [total, 1]);
  await Deno.writeTextFile(`${host.dir}/go`, "");
  await fixture.end(launch.name);
  assertEquals(await readThere(), running);
});
