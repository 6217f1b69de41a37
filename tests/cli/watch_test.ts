import { assert, assertEquals } from "../support/assert.ts";
import { until } from "../support/until.ts";
import { UnavailableError } from "../../src/domain/errors.ts";
import { FakeWorld, type WorldOptions } from "./fake_world.ts";

const OPEN = "\x1b[?1049h\x1b[?25l\x1b[?7l";
const CLOSE = "\x1b[?7h\x1b[?25h\x1b[?1049l";

async function watching(options: WorldOptions, ...args: string[]) {
  const world = new FakeWorld(options);
  world.redis.put("j", { status: "started", runner: "r", payload: "sleep 1" });
  const code = world.run("status", "-w", ...args);
  await until("it is shown", () => /started|running/.test(world.stdout));
  return { world, code };
}

/** The pictures that were drawn, as lines. */
function pictures(text: string): string[][] {
  return text.split("\x1b[?2026h\x1b[H").slice(1).map((picture) =>
    picture.split("\x1b[J")[0].split("\r\n").map((line) => line.replaceAll("\x1b[K", ""))
  );
}

const terminal = { columns: 80, env: { NO_COLOR: "1" } };

Deno.test("status -w draws anew when something happened, in place, and gives the terminal back", async () => {
  const { world, code } = await watching(terminal);
  world.redis.change("j", { status: "finished" });
  world.redis.happen({ event: "finish", state: "finished" });
  await until("it is drawn anew", () => pictures(world.stdout).length === 2);
  assert(world.signal("SIGINT"));
  assertEquals([await code, world.stderr], [130, ""]);
  assert(world.stdout.startsWith(OPEN) && world.stdout.endsWith(CLOSE));
  assertEquals(world.stdout.split(OPEN).length, 2);
  const [first, second] = pictures(world.stdout);
  assert(first.at(-1)!.includes("running") && second.at(-1)!.includes("finished"), second.join("\n"));
  // nothing is cleared before it is drawn over
  assert(!world.stdout.includes("\x1b[2J"));
});

Deno.test("status -w takes a burst of events as one change", async () => {
  const { world, code } = await watching(terminal);
  for (let i = 0; i < 60; i++) {
    world.redis.happen({ id: `j${i}` });
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  world.signal("SIGTERM");
  assertEquals(await code, 143);
  const drawn = pictures(world.stdout).length;
  assert(drawn >= 2 && drawn <= 4, String(drawn));
});

Deno.test("status -w fits the height of the terminal", async () => {
  const { world, code } = await watching({ ...terminal, rows: 2, columns: 40 }, "j");
  world.signal("SIGINT");
  await code;
  for (const picture of pictures(world.stdout)) assert(picture.length === 2);
});

Deno.test("status -w of jobs ends when they have ended, and leaves the last picture", async () => {
  const { world, code } = await watching(terminal, "j");
  world.redis.change("j", { status: "finished" });
  world.redis.happen({ state: "finished" });
  assertEquals(await code, 0);
  assert(world.stdout.split(CLOSE)[1].includes("status     finished"), world.stdout);
});

Deno.test("status -w in a pipe writes one after the other, and only what changed", async () => {
  const { world, code } = await watching({}, "--columns", "id,status");
  const first = world.stdout;
  world.redis.happen({});
  await new Promise((resolve) => setTimeout(resolve, 50));
  assertEquals(world.stdout, first);
  world.redis.change("j", { status: "finished" });
  world.redis.happen({});
  await until("the change is there", () => world.stdout !== first);
  world.signal("SIGINT");
  assertEquals(await code, 130);
  assert(world.stdout.startsWith(`${first}\n`) && !world.stdout.includes("\x1b"), world.stdout);
});

Deno.test("status -w --json writes one object a line", async () => {
  const { world, code } = await watching(terminal, "--json", "j");
  world.redis.change("j", { status: "finished" });
  world.redis.happen({});
  assertEquals(await code, 0);
  const states = world.stdout.trimEnd().split("\n").map((line) => JSON.parse(line).status);
  assertEquals(states, ["started", "finished"]);
});

Deno.test("status -w outlives an outage of Redis and says so", async () => {
  const { world, code } = await watching(terminal);
  world.redis.eventErrors.push(Object.assign(new UnavailableError("gone"), { condition: "unreachable" }));
  world.redis.happen({});
  await until("it is said", () => world.stdout.includes("Redis cannot be reached; this is how it was:"));
  const drawn = pictures(world.stdout).length;
  world.redis.happen({});
  await until(
    "it goes on",
    () => pictures(world.stdout).length > drawn && !pictures(world.stdout).at(-1)![0].includes("cannot"),
  );
  world.signal("SIGINT");
  assertEquals([await code, world.stderr], [130, ""]);
  const refused = await watching(terminal);
  refused.world.redis.eventErrors.push(Object.assign(new UnavailableError("no"), { condition: "refused" }));
  refused.world.redis.happen({});
  assertEquals([await refused.code, refused.world.stdout.endsWith(CLOSE)], [69, true]);
});

Deno.test("status -w draws anew at once when the terminal has changed its size, and not in a pipe", async () => {
  const world = new FakeWorld({ ...terminal, columns: 120 });
  // nothing happens, so nothing else draws
  world.redis.eventsAfter = () => new Promise(() => {});
  world.redis.put("j", { status: "started", runner: "r", payload: "sleep 1 ".repeat(20) });
  const code = world.run("status", "-w");
  await until("it is shown", () => /started|running/.test(world.stdout));
  const drawn = () => pictures(world.stdout).length;
  for (const columns of [60, 50, 40]) assert(world.resize(columns));
  await until("it is drawn anew", () => drawn() > 1);
  assert(drawn() <= 3, "each size was drawn");
  const last = pictures(world.stdout).at(-1)!;
  assert(last.every((line) => line.length <= 40) && last.some((line) => line.includes("…")), last.join("\n"));
  world.signal("SIGINT");
  assertEquals([await code, world.resize(90)], [130, false]);
  const piped = await watching({});
  assert(!piped.world.resize(40));
  piped.world.signal("SIGINT");
  await piped.code;
});
