/** What is shown of outputs that are large, fast, or no text. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "../support/assert.ts";
import { until } from "../support/until.ts";
import { RunnerFixture } from "../support/runner_fixture.ts";

/** Runs the program; returns its code, how many bytes it wrote with their digest, and what it said. */
async function digested(fixture: RunnerFixture, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  // the code comes last on standard error
  const script = '{ "$@"; echo "code $?" >&2; } | { tee /dev/fd/3 | wc -c >&2; } 3>&1 | sha256sum';
  const ran = await fixture.run(args, { prefix: ["bash", "-c", script, "bash"], env });
  const lines = ran.stderr.split("\n");
  const code = Number(lines.find((line) => line.startsWith("code "))?.slice(5));
  return { code, sum: ran.stdout.split(" ")[0], said: ran.stderr };
}

/** Digest of what a shell command writes. */
async function sumOf(command: string): Promise<string> {
  const { stdout } = await new Deno.Command("bash", { args: ["-c", `{ ${command}; } | sha256sum`] }).output();
  return new TextDecoder().decode(stdout).split(" ")[0];
}

const BURSTS = "for i in 1 2 3 4; do seq 60000; sleep 0.3; done";
const ELSEWHERE = { RUNNER_SPOOL: "/nonexistent" };

Deno.test("submit --follow on the host of the runner loses nothing, however fast a job writes", async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.runner();
  for (const command of ["seq 200000", BURSTS, "yes 0123456789abcdef | head -c 8000000", "head -c 300000 /dev/zero"]) {
    const { code, sum, said } = await digested(fixture, ["submit", "--follow", command]);
    assertEquals([code, sum], [0, await sumOf(command)], said);
    assert(!said.includes("missing"), said);
  }
});

Deno.test("logs on the host of the runner shows all of a job, while it runs and long after", async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.runner();
  const command = "seq 300000";
  const id = await fixture.submit(
    `${command}; touch '${fixture.dir}/written'; until [ -e '${fixture.dir}/go' ]; do sleep 0.05; done`,
  );
  await until("it has written", () => Deno.stat(`${fixture.dir}/written`).then(() => true, () => false));
  const want = await sumOf(command);
  await until("it is shown", async () => (await digested(fixture, ["logs", "--raw", id])).sum === want);
  const following = digested(fixture, ["logs", "-f", id]);
  await Deno.writeTextFile(`${fixture.dir}/go`, "");
  assertEquals((await following).sum, want);
  await fixture.ended(id);
  // other jobs in the same terminal, whose log is emptied
  for (let i = 0; i < 2; i++) await fixture.ended(await fixture.submit("yes | head -c 5000000"));
  const { code, sum, said } = await digested(fixture, ["logs", id]);
  assertEquals([code, sum], [0, want], said);
  assertMatch((await fixture.run(["logs", "-n", "2", id])).stdout, /^299999\n300000\n$/);
});

Deno.test("submit --follow on another host loses nothing of a burst", async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.runner();
  for (const command of ["seq 200000", BURSTS, "seq 20000; sleep 0.6; seq 250000"]) {
    const { code, sum, said } = await digested(fixture, ["submit", "--follow", command], ELSEWHERE);
    assertEquals([code, sum], [0, await sumOf(command)], said);
    assert(!said.includes("missing"), said);
  }
});

Deno.test("logs on another host shows all of a job or any part of it, and why bytes are missing", async () => {
  await using fixture = await RunnerFixture.create();
  const runner = await fixture.runner();
  const flood = "seq 1000000";
  const job = await fixture.submit(flood);
  await fixture.ended(job, 60_000);
  const { code, sum, said } = await digested(fixture, ["logs", job], ELSEWHERE);
  assertEquals([code, sum], [0, await sumOf(flood)], said);
  const part = async (...args: string[]) => (await digested(fixture, ["logs", ...args, job], ELSEWHERE)).sum;
  assertEquals(await part("--range", "3000000-3000013"), await sumOf(`${flood} | head -c 3000014 | tail -c 14`));
  assertEquals(await part("--range=-16"), await sumOf(`${flood} | tail -c 16`));
  assertEquals(await part("-n", "200000"), await sumOf(`${flood} | tail -n 200000`));
  await runner.kill9();
  const silent = await digested(fixture, ["logs", job], ELSEWHERE);
  const found = /runner: (\d+) of 6888896 bytes of output are missing above; its runner on \S+ (did not|is gone)/
    .exec(silent.said);
  assert(found, silent.said);
  const count = Number(/^\s*(\d+)$/m.exec(silent.said)![1]);
  assertEquals([silent.code, count + Number(found[1])], [0, 6_888_896]);
});

Deno.test("logs --attempt shows the output of an attempt that was tried again, on every host", async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.runner();
  const count = `${fixture.dir}/count`;
  const payload = `echo x >>'${count}'; wc -l <'${count}'; [ $(wc -l <'${count}') = 3 ]`;
  const id = await fixture.submit("--retries", "2", "--backoff", "0s..0s", payload);
  await fixture.ended(id);
  for (const env of [{}, ELSEWHERE]) {
    const shown = async (...args: string[]) => (await fixture.run(["logs", ...args, id], { env })).stdout.trim();
    assertEquals(
      [await shown(), await shown("--attempt", "1"), await shown("--attempt", "2"), await shown("--attempt", "3")],
      ["3", "1", "2", "3"],
    );
  }
  const refused = await fixture.run(["logs", "--attempt", "4", id]);
  assertEquals(refused.code, 2);
  assertStringIncludes(refused.stderr, "its newest one is 3");
});

Deno.test("logs --raw keeps bytes that are no text, also of a job that ended at once, on every host", async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.runner();
  const all = "for i in 0 1 2 3 4 5 6 7; do printf '\\377\\376\\0\\200ok\\351'; done";
  const random = `${fixture.dir}/random`;
  await Deno.writeFile(random, new Uint8Array(100_000).map((_, i) => (i * 7919 + (i >> 8)) & 0xff));
  for (const command of [all, `cat ${random}`]) {
    const id = await fixture.submit(command);
    await fixture.ended(id);
    for (const env of [{}, ELSEWHERE]) {
      const { sum, said } = await digested(fixture, ["logs", "--raw", id], env);
      assertEquals(sum, await sumOf(command), said);
      assert(!said.includes("missing"), said);
    }
  }
  const large = `cat ${random} ${random} ${random}`;
  const id = await fixture.submit(large);
  await fixture.ended(id);
  const { sum, said } = await digested(fixture, ["logs", "--raw", id], ELSEWHERE);
  assertEquals(sum, await sumOf(large), said);
});

Deno.test("an output beyond --output-limit leaves about that much on disk, also without a runner, and logs shows it", async () => {
  const limit = 32 << 20;
  await using fixture = await RunnerFixture.create();
  const first = await fixture.runner({ args: ["--output-limit", "32M"] });
  const [width, count] = [500, 90_000];
  const lines = `awk 'BEGIN { for (i = 0; i < ${count}; i++) printf "%0${width - 1}d\\n", i }'`;
  const wait = (file: string) => `until [ -e '${fixture.dir}/${file}' ]; do sleep 0.05; done`;
  const note = (file: string) => `touch '${fixture.dir}/${file}'`;
  const noted = (file: string) => Deno.stat(`${fixture.dir}/${file}`).then(() => true, () => false);
  const id = await fixture.submit(
    `echo up; ${note("up")}; ${wait("go")}; ${lines}; ${note("written")}; ${wait("go2")}`,
  );
  await until("it is up", () => noted("up"));
  await first.kill9();
  await Deno.writeTextFile(`${fixture.dir}/go`, "");
  await until("it has written", () => noted("written"), 180_000);
  const used = async (folder: string) => {
    const args = ["-c", `find '${fixture.instance()}/${folder}' -type f -exec cat {} + | wc -c`];
    return Number(new TextDecoder().decode((await new Deno.Command("sh", { args }).output()).stdout));
  };
  await until("its log is within the limit", async () => await used("lanes") < 1.07 * limit);
  await fixture.runner({ args: ["--output-limit", "32M"] });
  const total = 3 + width * count;
  const shows = async (...args: string[]) => {
    const { stdout, stderr } = await fixture.run(["logs", ...args, id]);
    const [, missing] = /\nrunner: (\d+) bytes of output are missing here\n/.exec(stderr) ?? [];
    return { stdout, stderr, missing: Number(missing) };
  };
  const running = await shows();
  assertEquals(running.stdout.length + running.missing, total, running.stderr);
  await Deno.writeTextFile(`${fixture.dir}/go2`, "");
  await fixture.ended(id);
  assertEquals(await fixture.redis.call("HGET", `rr:meta:${id}`, "output_bytes"), String(total));
  const ended = await shows();
  assert(ended.stdout === running.stdout && ended.missing === running.missing);
  assert(ended.stdout.startsWith(`up\n${"0".repeat(width - 1)}\n`));
  assert(ended.stdout.endsWith(`${String(count - 1).padStart(width - 1, "0")}\n`));
  assertStringIncludes(ended.stderr, `runner: ${ended.missing} of ${total} bytes of output are missing above`);
  await until("its log is empty", async () => await used("lanes") < 1 << 20);
  assert(await used("kept") < 1.07 * limit);
  // the same from another host, which asks the runner
  const there = await fixture.run(["logs", id], { env: ELSEWHERE });
  assert(there.stdout === ended.stdout, there.stderr);
  assertStringIncludes(there.stderr, "kept only the beginning and the end, as --output-limit of its runner says");
  assertEquals((await fixture.run(["logs", "-n", "1", id])).stdout.length, width);
});
