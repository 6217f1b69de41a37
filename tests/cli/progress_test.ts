import { Progress } from "../../src/cli/view/progress.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { settle, until } from "../support/until.ts";
import { CommandFixture, type CommandOptions } from "./command_fixture.ts";

/** A bar in a fixture whose time the test sets; the pause before it is shown ends with `due`. */
function setUp(options: CommandOptions, total = 0) {
  const fixture = new CommandFixture(options);
  const time = { now: 0 };
  const pause = Promise.withResolvers<void>();
  const sleep = (_ms: number, signal: AbortSignal) => {
    signal.addEventListener("abort", () => pause.resolve());
    return pause.promise;
  };
  const wire = { clock: { ...fixture.clock, now: () => time.now, sleep }, environment: fixture.environment };
  const progress = new Progress(
    { terminal: fixture.terminal, compose: wire as unknown as CommandFixture },
    "jobs queued",
    total,
  );
  const due = async () => {
    pause.resolve();
    await pause.promise;
    await settle();
  };
  const lines = () => fixture.stderr.split("\r\x1b[K").slice(1);
  return { fixture, time, progress, due, lines };
}

Deno.test("Progress shows a bar, the count, the rate and the time that is left, and removes them", async () => {
  const { fixture, time, progress, due, lines } = setUp({ columns: 100 });
  await due();
  assertEquals(fixture.stderr, "", "nothing is known yet");
  time.now = 500;
  progress.update(100, 1_000);
  await until("it is drawn", () => lines().length === 1);
  assertEquals(lines(), ["[##------------------] 100 of 1000 jobs queued, 200 a second, 4.5s left"]);
  time.now = 1_000;
  progress.update(1_000, 1_000);
  await until("it is drawn anew", () => lines().length === 2);
  assertEquals(lines()[1], "[####################] 1000 of 1000 jobs queued, 1000 a second");
  await progress.end();
  assertEquals([lines().at(-1), fixture.stdout], ["", ""]);
  progress.update(1_000, 1_000);
  assertEquals(lines().at(-1), "");
});

Deno.test("Progress shows nothing in a pipe, on a dumb terminal, or for quick work", async () => {
  for (const options of [{}, { columns: 80, env: { TERM: "dumb" } }]) {
    const { fixture, progress, due } = setUp(options, 10);
    await due();
    progress.update(5, 10);
    await progress.end();
    assertEquals(fixture.stderr, "");
  }
  const { fixture, progress } = setUp({ columns: 80 }, 10);
  progress.update(5, 10);
  await progress.end();
  assertEquals(fixture.stderr, "");
});

Deno.test("Progress gives way to words, and never wraps", async () => {
  const { fixture, time, progress, due, lines } = setUp({ columns: 30 }, 20);
  time.now = 1000;
  await due();
  await until("it is drawn", () => lines().length === 1);
  assertEquals(lines(), ["0 of 20 jobs queued"]);
  await progress.hide();
  await fixture.terminal.say("words\n");
  progress.update(5, 20);
  await until("it is drawn anew", () => lines().length > 2);
  assertEquals(lines().slice(-2), ["words\n", "5 of 20 jobs queued, 5.0 a se"]);
  await progress.end();
  assert(lines().every((line) => line.length < 30));
});
