import { assertEquals } from "../support/assert.ts";
import { until } from "../support/until.ts";
import { UnavailableError } from "../../src/domain/errors.ts";
import { anInstance } from "./fake_store.ts";
import { FakeWorld, type WorldOptions } from "./fake_world.ts";

function worldWith(jobs: Record<string, Record<string, string>>, options: WorldOptions = {}): FakeWorld {
  const world = new FakeWorld(options);
  for (const [id, fields] of Object.entries(jobs)) world.redis.put(id, fields);
  return world;
}

/** Starts a command and waits until it watches the job. */
async function watching(world: FakeWorld, id: string, ...args: string[]): Promise<{ code: Promise<number> }> {
  const code = world.run(...args);
  await until(`somebody waits for ${id}`, () => world.redis.isWatched(id));
  return { code };
}

Deno.test("wait exits with the exit code of the job, when the job ends", async () => {
  const world = worldWith({ j: { status: "started" } });
  const { code } = await watching(world, "j", "wait", "j");
  world.redis.change("j", { status: "error", error: "exited with code 3" }, { exit: "3" });
  assertEquals([await code, world.stdout, world.stderr], [3, "", "job j: exited with code 3\n"]);
  assertEquals(world.signal("SIGINT"), false);
});

Deno.test("wait knows every end of a job, also of one that a foreign runner ran", async () => {
  const cases: [Record<string, string>, Record<string, string>, number][] = [
    [{ status: "finished" }, { exit: "0" }, 0],
    [{ status: "finished" }, {}, 0],
    [{ status: "error", error: "boom" }, {}, 1],
    [{ status: "error", error: "" }, {}, 1],
    [{ status: "error", error: "exited with code 7" }, {}, 7],
    [{ status: "error", error: "killed by signal 9 (KILL)" }, {}, 137],
    [{ status: "error", error: "killed by signal 9 (KILL)" }, { exit: "137" }, 137],
    [{ status: "error", error: "timed out after 30 s" }, { exit: "124" }, 124],
    [{ status: "error", error: "lost: host gone" }, {}, 125],
    [{ status: "error", error: "cancelled: by me" }, {}, 130],
    // between two attempts, of which the first one failed
    [{ status: "error", error: "cancelled" }, { exit: "3" }, 130],
    [{ status: "error", error: "Cannot launch: no tmux" }, { exit: "1" }, 1],
    [{ status: "error", error: "odd" }, { exit: "nonsense" }, 1],
  ];
  for (const [fields, side, code] of cases) {
    const world = new FakeWorld();
    world.redis.put("j", fields, side);
    assertEquals(await world.run("wait", "j"), code, JSON.stringify([fields, side]));
  }
});

Deno.test("wait takes several jobs and gives the highest exit code", async () => {
  const world = worldWith({
    a: { status: "error", error: "exited with code 4" },
    b: { status: "started" },
    c: { status: "finished" },
  });
  const { code } = await watching(world, "b", "wait", "a", "b", "c", "a");
  world.redis.change("b", { status: "error", error: "exited with code 2" });
  assertEquals([await code, world.stderr], [4, "job a: exited with code 4\njob b: exited with code 2\n"]);
});

Deno.test("wait --timeout ends with 75, and says that the job goes on", async () => {
  const world = worldWith({ j: { status: "started" } });
  assertEquals(await world.run("wait", "--timeout", "20ms", "j"), 75);
  assertEquals(world.stderr, "runner: the limit of 20ms is reached; the job goes on\n");
  assertEquals(world.redis.isWatched("j"), false);
});

Deno.test("wait detaches at a signal and says how to cancel", async () => {
  for (const [signal, exit] of [["SIGINT", 130], ["SIGTERM", 143], ["SIGHUP", 129]] as const) {
    const world = worldWith({ j: { status: "started" }, k: { status: "started" } });
    const { code } = await watching(world, "j", "wait", "j", "k");
    world.signal(signal);
    assertEquals([await code, world.stdout], [exit, ""]);
    assertEquals(world.stderr, "\nrunner: detached; the jobs go on; to stop: runner cancel j k\n");
    assertEquals(world.redis.cancelled, []);
  }
});

Deno.test("wait outlives an outage of Redis and a loss of its data", async () => {
  const world = worldWith({ j: { status: "started" } });
  const { code } = await watching(world, "j", "wait", "j");
  for (let i = 0; i < 3; i++) {
    world.redis.readErrors.push(Object.assign(new UnavailableError("gone"), { condition: "unreachable" }));
    world.redis.touch("j");
    await until("the error was met", () => world.redis.readErrors.length === 0);
  }
  world.redis.jobs.delete("j");
  world.redis.touch("j");
  await new Promise((resolve) => setTimeout(resolve, 5));
  world.redis.put("j", { status: "finished" });
  assertEquals([await code, world.stderr], [0, "runner: Redis cannot be reached; still waiting\n"]);
});

Deno.test("wait ends when the job has left Redis for good", async () => {
  const world = worldWith({ j: { status: "started" } });
  const { code } = await watching(world, "j", "wait", "j");
  world.redis.jobs.delete("j");
  const timer = setInterval(() => world.redis.touch("j"), 1);
  assertEquals(await code, 4);
  clearInterval(timer);
  assertEquals(
    world.stderr,
    'runner: Cannot wait for job "j": it has left Redis; runner status shows the newest jobs\n',
  );
});

Deno.test("wait ends when Redis refuses us", async () => {
  const world = worldWith({ j: { status: "started" } });
  const { code } = await watching(world, "j", "wait", "j");
  world.redis.readErrors.push(Object.assign(new UnavailableError("Cannot run HMGET: no"), { condition: "refused" }));
  world.redis.touch("j");
  assertEquals([await code, world.stderr], [69, "runner: Cannot run HMGET: no\n"]);
});

Deno.test("wait looks at all ids before it waits", async () => {
  const world = worldWith({ j: { status: "started" } });
  assertEquals(await world.run("wait", "j", "missing"), 4);
  assertEquals(
    world.stderr,
    'runner: Cannot find job "missing": no job of this namespace has that id; runner status shows the newest jobs\n',
  );
  assertEquals(await world.run("wait"), 2);
});

Deno.test("wait --json writes each ended job", async () => {
  const world = worldWith({ j: { status: "finished", created_at: "2026-01-31T11:00:00.000Z", runner: "r" } });
  assertEquals(await world.run("wait", "--json", "j"), 0);
  const job = JSON.parse(world.stdout);
  assertEquals([job.id, job.status, job.exit_code, job.created_at], ["j", "finished", 0, "2026-01-31T11:00:00.000Z"]);
});

Deno.test("jobs are found by the newest, by the one before it, and by the begin of an id", async () => {
  const world = worldWith({
    "aaa-1": { status: "finished" },
    "aab-2": { status: "error", error: "exited with code 2" },
    "b": { status: "error", error: "exited with code 3" },
    "bc": { status: "error", error: "exited with code 4" },
  });
  const cases: [string, number][] = [["@", 4], ["@~1", 3], ["@~3", 0], ["aaa", 0], ["aab", 2], ["b", 3], ["bc", 4]];
  for (const [text, code] of cases) assertEquals(await world.run("wait", text), code, text);
  world.stderr = "";
  for (const [text, code] of [["aa", 2], ["@~4", 4], ["@x", 2], ["zz", 4], ["", 2]] as const) {
    assertEquals(await world.run("wait", text), code, text);
  }
  assertEquals(
    world.stderr,
    'runner: Cannot find job "aa": several ids begin so: "aaa-1", "aab-2"; write more of it; see runner wait --help\n' +
      'runner: Cannot find job "@~4": this namespace does not hold that many jobs; runner status shows the newest jobs\n' +
      'runner: Cannot find job "@x": write @ for the newest job, @~2 for the one two before it; see runner wait --help\n' +
      'runner: Cannot find job "zz": no job of this namespace has that id; runner status shows the newest jobs\n' +
      'runner: Cannot find job "": write an id, the first letters of one, @ or @~N; see runner wait --help\n',
  );
});

Deno.test("submit --wait prints the id and exits with the job's code", async () => {
  const world = new FakeWorld();
  world.redis.instanceList = [anInstance()];
  const { code } = await watching(world, "j", "submit", "--wait", "--id", "j", "exit 3");
  assertEquals(world.stdout, "j\n");
  world.redis.change("j", { status: "error", error: "exited with code 3" }, { exit: "3" });
  assertEquals([await code, world.stdout, world.stderr], [3, "j\n", "job j: exited with code 3\n"]);
});

Deno.test("cancel stops jobs in every state and says what happened", async () => {
  const world = worldWith({ q: { status: "dispatched" }, r: { status: "started" }, e: { status: "finished" } });
  assertEquals(await world.run("cancel", "q", "r", "e", "--reason", "wrong branch"), 0);
  assertEquals(world.stdout, "");
  assertEquals(
    world.stderr,
    "job q: cancelled before it started\n" +
      "job r: its runner stops it now, or as soon as it is back\n" +
      "job e: had ended already; nothing was changed\n",
  );
  assertEquals(world.redis.cancelled, [["q", "wrong branch"], ["r", "wrong branch"], ["e", "wrong branch"]]);
  await world.run("cancel", "--json", "r");
  assertEquals(world.stdout, '{"id":"r","result":"requested"}\n');
});

Deno.test("cancel changes nothing when one of the ids is wrong", async () => {
  const world = worldWith({ q: { status: "dispatched" } });
  assertEquals(await world.run("cancel", "q", "nope"), 4);
  assertEquals(world.redis.cancelled, []);
});
