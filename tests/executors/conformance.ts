import { InvalidInputError } from "../../src/domain/errors.ts";
import { RESULT_PART } from "../../src/domain/limits.ts";
import type { AttemptEnd, OpenedExecutor } from "../../src/ports/executor.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "../support/assert.ts";
import { LaunchError } from "../../src/domain/errors.ts";
import { until } from "../support/until.ts";
import { ExecutorFixture, launchOf, textOf } from "./executor_fixture.ts";

/** What an executor kind brings to the tests that every kind must pass. */
export interface Kind {
  /**
   * Registers a test; `executor` opens executors of one host, as one process after the other would. `limited` opens
   * them with a limit of an output, bytes.
   */
  readonly test: (
    name: string,
    body: (host: {
      executor: () => Promise<OpenedExecutor>;
      limited: (outputLimit: number) => Promise<OpenedExecutor>;
      dir: string;
    }) => Promise<void>,
  ) => void;
  /** A target where runs go side by side, and one where they wait for each other. */
  readonly pool: string;
  readonly line: string;
  /** A target that is not well-formed. */
  readonly wrong: string;
}

/** What the port src/ports/executor.ts promises. */
export function executorConformance({ test, pool, line, wrong }: Kind): void {
  test("launch() gives every exit code and every output exactly, four side by side", async ({ executor }) => {
    const fixture = await ExecutorFixture.open(executor);
    let next = 0;
    await Promise.all(Array.from({ length: 4 }, async () => {
      for (let number = next++; number < 320; number = next++) {
        const end = await fixture.run(
          launchOf(`echo "line ${number}"; echo two >&2; exit ${number % 256}`, { target: pool }),
        );
        assertEquals([end.kind, end.code], ["exited", number % 256]);
        assertEquals(textOf(end.output), `line ${number}\ntwo\n`);
        assertEquals(end.output.truncated, false);
        await fixture.executor.forget(end.name);
      }
    }));
  });

  test("launch() reports death by a signal as 128 + n", async ({ executor }) => {
    const fixture = await ExecutorFixture.open(executor);
    for (
      const [name, number] of [["HUP", 1], ["INT", 2], ["USR1", 10], ["KILL", 9], ["SEGV", 11], ["TERM", 15]] as const
    ) {
      const end = await fixture.run(launchOf(`echo before; kill -${name} $$; sleep 5; echo after`, { target: pool }));
      assertEquals([end.kind, end.code, textOf(end.output)], ["exited", 128 + number, "before\n"]);
    }
  });

  test("output is what the program wrote, byte for byte", async ({ executor, dir }) => {
    const fixture = await ExecutorFixture.open(executor);
    const bytes = new Uint8Array(70_000).map((_, i) => (i * 7919 + (i >> 8)) & 0xff);
    bytes.set(new TextEncoder().encode("\r\n\r\r\n\n\r\x1b\\\x1b]133;D;0;\x1b[0m\0"), 40_000);
    await Deno.writeFile(`${dir}/bytes`, bytes);
    const cases: [payload: string, want: Uint8Array | string][] = [
      [":", ""],
      ["printf x", "x"],
      ["printf '\\r'", "\r"],
      ["printf '\\n'", "\n"],
      ["printf 'a\\r\\nb\\r\\r\\nc'", "a\r\nb\r\r\nc"],
      ["printf 'tab\\tbell\\a back\\b \\033[31mred'", "tab\tbell\x07 back\b \x1b[31mred"],
      [`cat '${dir}/bytes'`, bytes],
    ];
    for (const [payload, want] of cases) {
      const end = await fixture.run(launchOf(payload, { target: pool }));
      const expected = typeof want === "string" ? new TextEncoder().encode(want) : want;
      assertEquals([end.code, end.output.total, end.output.truncated], [0, expected.length, false], payload);
      assertEquals(end.output.head, expected, payload);
      assertEquals(await fixture.whole(end.name), expected, payload);
      if (expected.length > 0) assertEquals(await fixture.executor.sample(end.name), end.output, payload);
    }
  });

  test("a large output is kept whole, and sampled at both ends", async ({ executor, dir }) => {
    const fixture = await ExecutorFixture.open(executor);
    const lines = Array.from({ length: 420_000 }, (_, i) => `line ${i} of many\n`).join("");
    const want = new TextEncoder().encode(lines);
    await Deno.writeFile(`${dir}/large`, want);
    const end = await fixture.run(launchOf(`cat '${dir}/large'; exit 7`, { target: pool }));
    assertEquals([end.code, end.output.total, end.output.truncated], [7, want.length, false]);
    assertEquals(end.output.head, want.slice(0, RESULT_PART));
    assertEquals(end.output.tail, want.slice(-RESULT_PART));
    // compared in one piece: a difference of megabytes is of no use
    const whole = await fixture.whole(end.name);
    assert(whole.length === want.length && whole.every((byte, i) => byte === want[i]), "the output differs");
    assertEquals(await fixture.executor.sample(end.name), end.output);
  });

  test("an output beyond the limit keeps its halves, its offsets and its end", async ({ limited, dir }) => {
    const limit = 16 << 20;
    const fixture = await ExecutorFixture.open(() => limited(limit));
    const width = 500;
    const total = Math.ceil(1.5 * limit / width) * width;
    const line = (number: number) => `${String(number).padStart(width - 1, "0")}\n`;
    const want = new TextEncoder().encode(Array.from({ length: total / width }, (_, i) => line(i)).join(""));
    await Deno.writeFile(`${dir}/large`, want);
    const wait = `until [ -e '${dir}/go' ]; do sleep 0.02; done`;
    const launch = launchOf(`cat '${dir}/large'; ${wait}; exit 7`, { target: pool });
    await fixture.executor.launch(launch);
    const read = (offset: number, limit: number) => fixture.executor.read(launch.name, offset, limit);
    await until("all is written", async () => (await read(total - 1, 1)).bytes.length > 0);
    const gapsOf = async () => {
      const gaps: [number, number][] = [];
      for (let end = 0;;) {
        const { offset, bytes } = await read(end, 1 << 20);
        if (offset > end) gaps.push([end, offset]);
        if (bytes.length === 0) return [end, gaps] as const;
        assert(bytes.every((byte, i) => byte === want[offset + i]), `other bytes at ${offset}`);
        end = offset + bytes.length;
      }
    };
    const running = await gapsOf();
    const [, [[start, end]]] = running;
    assertEquals(running, [total, [[start, end]]]);
    assert(start > 0.4 * limit && total - end > 0.4 * limit && total - (end - start) <= 1.07 * limit, String(running));
    await Deno.writeTextFile(`${dir}/go`, "");
    const { code, output } = await fixture.end(launch.name);
    assertEquals([code, output.total, output.truncated], [7, total, false]);
    assertEquals([output.head, output.tail], [want.slice(0, RESULT_PART), want.slice(-RESULT_PART)]);
    assertEquals(await fixture.executor.sample(launch.name), output);
    assertEquals(await gapsOf(), running);
    assertEquals(await read(start - 3, 9), { offset: start - 3, bytes: want.slice(start - 3, start) });
    assertEquals(await read(start + 5, 9), { offset: end, bytes: want.slice(end, end + 9) });
    assertEquals(await read(end + 5, 9), { offset: end + 5, bytes: want.slice(end + 5, end + 14) });
  });

  test("read() follows a run while it goes on, from every offset", async ({ executor, dir }) => {
    const fixture = await ExecutorFixture.open(executor);
    const launch = launchOf(`printf 'one\\ntwo: '; until [ -e '${dir}/go' ]; do sleep 0.02; done; printf 'three\\n'`, {
      target: pool,
    });
    await fixture.executor.launch(launch);
    const read = async (offset: number, limit = 100) =>
      new TextDecoder().decode((await fixture.executor.read(launch.name, offset, limit)).bytes);
    await until("the first output", async () => await read(0) === "one\ntwo: ");
    assertEquals(await read(4), "two: ");
    assertEquals(await read(2, 4), "e\ntw");
    assertEquals(await read(9), "");
    await Deno.writeTextFile(`${dir}/go`, "");
    await fixture.end(launch.name);
    assertEquals(await read(9), "three\n");
    assertEquals(await read(15), "");
  });

  test("the environment arrives byte for byte, with nothing of the runner's beside it", async ({ executor }) => {
    const fixture = await ExecutorFixture.open(executor);
    const every = String.fromCharCode(...Array.from({ length: 127 }, (_, i) => i + 1));
    const env: Record<string, string> = {
      QUOTES: `it's "so" \\ \`echo no\` $HOME \${HOME} $(echo no) !!`,
      LINES: "one\ntwo\r\nthree\n",
      UNICODE: "dé 日本 \u{1f680} \u0081\u0082\u0088",
      EVERY: every,
      EMPTY: "",
      LONG: "x".repeat(100_000),
      PATH: "/usr/bin:/bin:/opt/mine",
      UID: "1000",
    };
    for (const name of ["QUOTES", "LINES", "UNICODE", "EVERY", "EMPTY", "LONG", "PATH"]) {
      assertEquals(await fixture.output(`printf %s "$${name}"`, { env, target: pool }), env[name], name);
    }
    const names =
      (await fixture.output("env -0 | tr '\\0' '\\n' | sed -n 's/^\\([A-Z_a-z]*\\)=.*/\\1/p'", { target: pool })).trim()
        .split("\n");
    const known =
      /^(HOME|PATH|USER|LOGNAME|SHELL|TERM|COLORTERM|LANG|LC_.*|RUNNER_(JOB_ID|ATTEMPT|RUN|SLOT)|PWD|SHLVL|_)$/;
    assertEquals(names.filter((name) => !known.test(name)), []);
    const launch = launchOf("echo $RUNNER_JOB_ID $RUNNER_ATTEMPT $RUNNER_RUN", {
      id: "the id",
      attempt: 3,
      target: pool,
    });
    assertEquals(textOf((await fixture.run(launch)).output), `the id 3 ${launch.name}\n`);
  });

  test("launch() refuses an environment that no program could be given", async ({ executor }) => {
    const fixture = await ExecutorFixture.open(executor);
    const launch = launchOf("echo ran", { env: { SECRET: "s".repeat(200_000) }, target: pool });
    const error = await assertRejects(() => fixture.executor.launch(launch), LaunchError, "SECRET");
    assert(!error.message.includes("sss"));
  });

  test("a run has the folder that it asks for, or says that there is none", async ({ executor, dir }) => {
    const fixture = await ExecutorFixture.open(executor);
    await Deno.mkdir(`${dir}/it's a folder`);
    assertEquals(await fixture.output("pwd", { cwd: `${dir}/it's a folder`, target: pool }), `${dir}/it's a folder\n`);
    assertEquals(await fixture.output("pwd", { target: pool }), `${dir}\n`);
    const end = await fixture.run(launchOf("echo ran", { cwd: `${dir}/none`, target: pool }));
    assertEquals([end.kind, end.code], ["exited", 126]);
    assert(end.why?.includes(`working directory ${JSON.stringify(`${dir}/none`)} is not there`), end.why);
    assert(/none/.test(textOf(end.output)) && !/ran/.test(textOf(end.output)), textOf(end.output));
    const own = await fixture.run(launchOf("exit 126", { target: pool }));
    assertEquals([own.kind, own.code, own.why], ["exited", 126, undefined]);
  });

  test("a payload is shell text, or names its interpreter", async ({ executor }) => {
    const fixture = await ExecutorFixture.open(executor);
    assertEquals(await fixture.output("f() { echo $(( $1 * 2 )); }\nf 21 | tr 4 5\n# done", { target: pool }), "52\n");
    assertEquals(await fixture.output("#!/usr/bin/awk -f\nBEGIN { print 6 * 7 }\n", { target: pool }), "42\n");
    assertEquals(
      await fixture.output("#!/bin/sh\necho $A $0 | grep -c 'b /'", { env: { A: "b" }, target: pool }),
      "1\n",
    );
    assertEquals((await fixture.run(launchOf("echo (", { target: pool }))).code, 2);
    assertEquals((await fixture.run(launchOf("no-such-program", { target: pool }))).code, 127);
  });

  test("what a run leaves in the background does not write into the next output", async ({ executor }) => {
    const fixture = await ExecutorFixture.open(executor);
    const noise =
      "(while :; do echo noise; sleep 0.01; done) &\n nohup sh -c 'while :; do echo hup; sleep 0.01; done' 2>&1 &\n sleep 0.1\n";
    await fixture.run(launchOf(noise, { target: line }));
    assertEquals(await fixture.output("sleep 0.1; echo mine", { target: line }), "mine\n");
  });

  test("runs of one line go one after the other, in order", async ({ executor, dir }) => {
    const fixture = await ExecutorFixture.open(executor);
    const launches = Array.from(
      { length: 12 },
      (_, i) =>
        launchOf(`echo begin ${i} >>'${dir}/log'; sleep 0.0$((${i} % 3)); echo end ${i} >>'${dir}/log'`, {
          target: line,
        }),
    );
    assert(fixture.executor.place(line).serialKey !== null);
    assertEquals(fixture.executor.place(pool).serialKey, null);
    for (const launch of launches) await fixture.executor.launch(launch);
    await Promise.all(launches.map((launch) => fixture.end(launch.name)));
    assertEquals(await Deno.readTextFile(`${dir}/log`), launches.map((_, i) => `begin ${i}\nend ${i}\n`).join(""));
    assertEquals(fixture.ends.map((end) => end.name), launches.map((launch) => launch.name));
  });

  test("place() refuses what is not well-formed", async ({ executor }) => {
    const fixture = await ExecutorFixture.open(executor);
    assertThrows(() => fixture.executor.place(wrong), InvalidInputError, wrong);
  });

  test("a run that reaches its timeout is stopped with all that it started", async ({ executor, dir }) => {
    const fixture = await ExecutorFixture.open(executor);
    const polite = launchOf(`trap 'echo term; exit 5' TERM; echo up; sleep 60 & wait`, {
      timeoutMs: 300,
      target: pool,
    });
    const stubborn = launchOf(
      // it notes that it lived on after TERM
      `trap '' TERM; (trap "touch '${dir}/term'" TERM; ` +
        `while :; do sleep 0.05; [ ! -e '${dir}/term' ] || date +%s%N >>'${dir}/heartbeat'; done) & wait; wait`,
      {
        timeoutMs: 300,
        target: pool,
      },
    );
    const ends = await Promise.all([fixture.run(polite), fixture.run(stubborn)]);
    assertEquals(ends.map((end) => [end.kind, end.code]), [["timed_out", 5], ["timed_out", 137]]);
    assertEquals(textOf(ends[0].output), "up\nterm\n");
    const heartbeat = await Deno.readTextFile(`${dir}/heartbeat`);
    assert(heartbeat.split("\n").length > 3, "the grace was not kept");
    // the pause is six rounds of its loop
    assertEquals(await fixture.output(`sleep 0.3; cat '${dir}/heartbeat'`, { target: pool }), heartbeat);
  });

  test("stop() ends a run as cancelled, also one that has not started", async ({ executor, dir }) => {
    const fixture = await ExecutorFixture.open(executor);
    const running = launchOf("echo up; sleep 60", { target: line });
    const waiting = launchOf(`touch '${dir}/ran'`, { target: line });
    await fixture.executor.launch(running);
    await fixture.executor.launch(waiting);
    await until("the run is up", async () => (await fixture.executor.read(running.name, 0, 10)).bytes.length > 0);
    await fixture.executor.stop(waiting.name, "cancelled", 100);
    assertEquals((await fixture.end(waiting.name)).kind, "cancelled");
    await fixture.executor.stop(running.name, "cancelled", 100);
    const end = await fixture.end(running.name);
    assertEquals([end.kind, end.code, textOf(end.output)], ["cancelled", 143, "up\n"]);
    assertEquals(await fixture.output("echo next", { target: line }), "next\n");
    await assertRejects(() => Deno.stat(`${dir}/ran`), Deno.errors.NotFound);
  });

  test("stop() of a run that has ended changes nothing", async ({ executor }) => {
    const fixture = await ExecutorFixture.open(executor);
    const end = await fixture.run(launchOf("exit 4", { target: pool }));
    await fixture.executor.stop(end.name, "cancelled", 0);
    await fixture.executor.stop("00.1.ff", "cancelled", 0);
    assertEquals([end.kind, end.code], ["exited", 4]);
    assertEquals(await fixture.output("echo still", { target: pool }), "still\n");
  });

  test("recover() adopts what runs, what ended and what was never launched", async ({ executor, dir }) => {
    const first = await ExecutorFixture.open(executor);
    const running = launchOf(`echo one; until [ -e '${dir}/go' ]; do sleep 0.02; done; echo two; exit 6`, {
      target: pool,
    });
    const ended = launchOf("echo gone; exit 8", { target: line });
    const never = launchOf(`echo x >>'${dir}/never'`, { target: pool });
    await first.executor.launch(running);
    await first.run(ended);
    await first.executor.close();

    const second = await ExecutorFixture.open(executor);
    const found = await second.executor.recover([running, ended, never]);
    assertEquals([...found.values()], ["adopted", "ended", "unlaunched"]);
    const again = await second.end(ended.name);
    assertEquals([again.kind, again.code, textOf(again.output)], ["exited", 8, "gone\n"]);
    assertEquals(new TextDecoder().decode((await second.executor.read(running.name, 0, 10)).bytes), "one\n");
    await second.run(never);
    await Deno.writeTextFile(`${dir}/go`, "");
    const end = await second.end(running.name);
    assertEquals([end.kind, end.code, textOf(end.output)], ["exited", 6, "one\ntwo\n"]);
    assertEquals(await Deno.readTextFile(`${dir}/never`), "x\n");
    await second.executor.close();

    const third = await ExecutorFixture.open(executor);
    await second.executor.forget(ended.name);
    assertEquals([...(await third.executor.recover([never])).values()], ["ended"]);
    assertEquals((await third.end(never.name)).code, 0);
    assertEquals(await Deno.readTextFile(`${dir}/never`), "x\n");
  });

  test("recover() reports the ends of one terminal complete, in whatever order they are asked for", async ({ executor }) => {
    const first = await ExecutorFixture.open(executor);
    const launches = [1, 2, 3].map((number) => launchOf(`seq ${number}000; exit ${number}`, { target: line }));
    for (const launch of launches) await first.run(launch);
    await first.executor.close();
    const second = await ExecutorFixture.open(executor);
    await second.executor.recover(launches.toReversed());
    for (const [i, { name: run }] of launches.entries()) {
      const end = await second.end(run);
      assertEquals([end.code, end.output], [i + 1, first.ends[i].output]);
    }
    assertEquals(await second.output("echo next", { target: line }), "next\n");
  });

  test("recover() ends runs that are not asked for", async ({ executor, dir }) => {
    const first = await ExecutorFixture.open(executor);
    const stray = launchOf(`trap 'touch "${dir}/stopped"; exit' TERM; touch '${dir}/up'; sleep 60 & wait`, {
      target: line,
    });
    await first.executor.launch(stray);
    await until("it runs", () => Deno.stat(`${dir}/up`).then(() => true, () => false));
    await first.executor.close();
    const second = await ExecutorFixture.open(executor);
    await second.executor.recover([]);
    await until("it is stopped", () => Deno.stat(`${dir}/stopped`).then(() => true, () => false));
    assertEquals(await second.output("echo free", { target: line }), "free\n");
    assertEquals(second.ends.length, 1);
  });

  test("a run that was recovered as unlaunched stays so, whatever was sent before", async ({ executor, dir }) => {
    const first = await ExecutorFixture.open(executor);
    const blocker = launchOf(`until [ -e '${dir}/go' ]; do sleep 0.02; done`, { target: line });
    const queued = launchOf(`echo x >>'${dir}/ran'`, { target: line });
    await first.executor.launch(blocker);
    await first.executor.launch(queued);
    await first.executor.close();
    const second = await ExecutorFixture.open(executor);
    const found = await second.executor.recover([blocker, queued]);
    assertEquals([...found.values()], ["adopted", "unlaunched"]);
    await Deno.writeTextFile(`${dir}/go`, "");
    await second.end(blocker.name);
    await second.output("true", { target: line });
    await assertRejects(() => Deno.stat(`${dir}/ran`), Deno.errors.NotFound);
    await second.run(queued);
    assertEquals(await Deno.readTextFile(`${dir}/ran`), "x\n");
  });

  test("prune() removes an output that its result holds whole with the record, and others by their age", async ({ executor }) => {
    const fixture = await ExecutorFixture.open(executor);
    const known = new Set<string>();
    const ends: AttemptEnd[] = [];
    for (const payload of ["echo small", "printf '\\377'", "head -c 200000 /dev/zero | tr '\\0' x", "echo unknown"]) {
      const end = await fixture.run(launchOf(payload, { target: pool }));
      await fixture.executor.forget(end.name);
      known.add(end.name);
      ends.push(end);
    }
    const prune = (seconds: number, ...forgotten: string[]) =>
      fixture.executor.prune({ seconds, forgotten, hasRecord: (run) => known.has(run) });
    const there = () => Promise.all(ends.map(async ({ name: run }) => await fixture.executor.sample(run) !== null));
    known.delete(ends[3].name); // as when a process ends between the end of a record and that of its output
    await prune(3600);
    assertEquals(await there(), [true, true, true, false]);
    await prune(0, ...ends.map(({ name: run }) => run));
    assertEquals(await there(), [false, true, true, false]);
    assertEquals(await fixture.executor.sample(ends[2].name), ends[2].output);
    assertEquals(await fixture.executor.read(ends[1].name, 0, 10), { offset: 0, bytes: new Uint8Array([0xff]) });
    const retried = await fixture.run(launchOf("echo tried again", { target: pool }));
    await fixture.executor.forget(retried.name, { keepOutput: true });
    await prune(0, retried.name);
    assertEquals(textOf((await fixture.executor.sample(retried.name))!), "tried again\n");
    await until("the others are old enough", async () => {
      await prune(0.05);
      return (await there()).every((one) => !one);
    });
  });
}
