import { Progress } from "../../src/cli/progress.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { until } from "../support/until.ts";
import { FakeWorld, type WorldOptions } from "./fake_world.ts";

/** A bar in a world whose time the test sets; the pause before it is shown ends with `due`. */
function desk(options: WorldOptions, total = 0) {
  const world = new FakeWorld(options);
  const time = { now: 0 };
  const pause = Promise.withResolvers<void>();
  const sleep = (_ms: number, signal: AbortSignal) => {
    signal.addEventListener("abort", () => pause.resolve());
    return pause.promise;
  };
  const wire = { clock: { ...world.clock, now: () => time.now, sleep }, environment: world.environment };
  const progress = new Progress({ terminal: world.terminal, wire: wire as unknown as FakeWorld }, "jobs queued", total);
  const due = async () => {
    pause.resolve();
    await pause.promise;
    await new Promise((resolve) => setTimeout(resolve));
  };
  const lines = () => world.stderr.split("\r\x1b[K").slice(1);
  return { world, time, progress, due, lines };
}

Deno.test("Progress shows a bar, the count, the rate and the time that is left, and takes them away", async () => {
  const { world, time, progress, due, lines } = desk({ columns: 100 });
  await due();
  assertEquals(world.stderr, "", "nothing is known yet");
  time.now = 500;
  progress.update(100, 1_000);
  await until("it is drawn", () => lines().length === 1);
  assertEquals(lines(), ["[##------------------] 100 of 1000 jobs queued, 200 a second, 4.5s left"]);
  time.now = 1_000;
  progress.update(1_000, 1_000);
  await until("it is drawn anew", () => lines().length === 2);
  assertEquals(lines()[1], "[####################] 1000 of 1000 jobs queued, 1000 a second");
  await progress.end();
  assertEquals([lines().at(-1), world.stdout], ["", ""]);
  progress.update(1_000, 1_000);
  assertEquals(lines().at(-1), "");
});

Deno.test("Progress shows nothing in a pipe, on a dumb terminal, or for quick work", async () => {
  for (const options of [{}, { columns: 80, env: { TERM: "dumb" } }]) {
    const { world, progress, due } = desk(options, 10);
    await due();
    progress.update(5, 10);
    await progress.end();
    assertEquals(world.stderr, "");
  }
  const { world, progress } = desk({ columns: 80 }, 10);
  progress.update(5, 10);
  await progress.end();
  assertEquals(world.stderr, "");
});

Deno.test("Progress gives way to words, and never wraps", async () => {
  const { world, time, progress, due, lines } = desk({ columns: 30 }, 20);
  time.now = 1000;
  await due();
  await until("it is drawn", () => lines().length === 1);
  assertEquals(lines(), ["0 of 20 jobs queued"]);
  await progress.hide();
  await world.terminal.say("words\n");
  progress.update(5, 20);
  await until("it is drawn anew", () => lines().length > 2);
  assertEquals(lines().slice(-2), ["words\n", "5 of 20 jobs queued, 5.0 a se"]);
  await progress.end();
  assert(lines().every((line) => line.length < 30));
});
