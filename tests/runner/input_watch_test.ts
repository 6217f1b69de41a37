import { InputWatch } from "../../src/runner/input_watch.ts";
import type { ActiveAttempt, RunnerParts } from "../../src/runner/parts.ts";
import type { Attempts } from "../../src/runner/attempts.ts";
import { UnavailableError } from "../../src/domain/errors.ts";
import { assertEquals, assertRejects } from "../support/assert.ts";
import { unavailable } from "../support/unavailable.ts";

/** A watch over runs that the test changes, with a clock that it moves and a record of what was asked and reported. */
function setUp() {
  const checks: [atSeconds: number, runs: string[]][] = [];
  const reported: string[] = [];
  const logged: string[] = [];
  /** Lines that hooks got. */
  const hooks: string[] = [];
  /** Jobs that are recorded in Redis as waiting for input. */
  const asking = new Set<string>();
  const reading = new Set<string>();
  const fixture = { now: 0, away: false, lines: ["question?"] };
  const executor = {
    reading: (attempts: string[]) => {
      checks.push([fixture.now / 1000, attempts]);
      return Promise.resolve(new Set(attempts.filter((run) => reading.has(run))));
    },
    screen: () => Promise.resolve({ lines: fixture.lines, cursor: { column: 0, row: 0 } }),
  };
  const attempts: ActiveAttempt[] = [];
  const run = (id: string) => {
    const active = { attempt: { id, name: id, token: "1.n" }, executor, ended: false, shown: 0, sinceMs: fixture.now };
    attempts.push(active as unknown as ActiveAttempt);
    return active;
  };
  const report = (what: string) => {
    if (fixture.away) return Promise.reject(unavailable("Cannot reach Redis"));
    reported.push(what);
    return Promise.resolve();
  };
  const parts = {
    clock: { now: () => fixture.now },
    log: { info: (what: string, { job }: { job: string }) => logged.push(`${job} ${what}`), warn() {} },
    queue: {
      inputRequired: ({ id }: { id: string }, line: string) =>
        report(`${id} asks ${line}`).then(() => void asking.add(id)),
      inputResolved: ({ id }: { id: string }) => report(`${id} proceeds`).then(() => asking.delete(id)),
    },
  } as unknown as RunnerParts;
  const watch = new InputWatch(parts, { all: () => attempts } as unknown as Attempts, {
    inputRequired: (_active, line) => void hooks.push(line),
  });
  const seconds = async (count: number) => {
    for (let i = 0; i < count; i++) {
      fixture.now += 1000;
      await watch.tick();
    }
  };
  return { watch, run, hooks, runs: attempts, reading, checks, reported, logged, asking, fixture, seconds };
}

Deno.test("a job that writes is never checked, a quiet one less and less often, together with others", async () => {
  const { run, checks, reported, seconds } = setUp();
  const loud = run("loud");
  run("quiet");
  run("also quiet");
  for (let i = 0; i < 200; i++) {
    loud.shown += 10;
    await seconds(1);
  }
  const both = ["quiet", "also quiet"];
  assertEquals(checks, [[4, both], [12, both], [28, both], [60, both], [120, both], [180, both]]);
  assertEquals(reported, []);
});

Deno.test("a job that waits is reported with its last line, and again when that is lost; output ends it at once", async () => {
  const { run, hooks, reading, checks, reported, seconds, fixture } = setUp();
  const active = run("a");
  reading.add("a");
  fixture.lines = ["other", "", "Continue? ", "", "status line"];
  await seconds(30);
  assertEquals(checks.map(([at]) => at), [4, 12, 20, 28]);
  assertEquals(reported, Array(4).fill("a asks other"));
  assertEquals(hooks, ["other"], "a hook runs once for a question");
  active.shown = 1;
  await seconds(1);
  assertEquals(reported.slice(4), ["a proceeds"]);
  await seconds(3);
  assertEquals(checks.length, 4);
  reading.delete("a");
  await seconds(10);
  assertEquals(reported.length, 5);
});

Deno.test("a job that was answered without a word proceeds at the next check, or when its runner typed", async () => {
  const { watch, run, reading, reported, seconds } = setUp();
  const active = run("a");
  reading.add("a");
  await seconds(5);
  reading.delete("a");
  await seconds(8);
  assertEquals(reported, ["a asks question?", "a proceeds"]);
  reading.add("a");
  await seconds(40);
  const before = reported.length;
  watch.typed(active as unknown as ActiveAttempt);
  assertEquals(reported.slice(before), ["a proceeds"]);
  active.ended = true;
  await seconds(40);
  assertEquals(reported.length, before + 1);
});

Deno.test("what an earlier process reported is undone by the next, and what Redis did not accept is reported again", async () => {
  const { watch, run, reading, reported, seconds, fixture } = setUp();
  run("a");
  const asking = run("b");
  const busy = run("c");
  reading.add("b");
  watch.adopt();
  // what they wrote before is shown again
  asking.shown = 3;
  for (const shown of [5, 6, 7, 8, 9]) {
    busy.shown = shown;
    await seconds(1);
  }
  assertEquals(reported, ["c proceeds", "a proceeds", "b asks question?"]);
  fixture.away = true;
  asking.shown = 5;
  await assertRejects(() => seconds(1), UnavailableError);
  fixture.away = false;
  await seconds(1);
  assertEquals(reported.slice(3), ["b proceeds"]);
});

Deno.test("the log says that an adopted job proceeds only when an earlier process said that it asks", async () => {
  const { watch, run, asking, logged, seconds } = setUp();
  run("quiet");
  run("asked");
  asking.add("asked");
  watch.adopt();
  await seconds(10);
  assertEquals(logged, ["asked input_resolved"]);
});
