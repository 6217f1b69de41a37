import { assert, assertEquals } from "../support/assert.ts";
import { settle, until } from "../support/until.ts";
import { CommandFixture, type CommandOptions } from "./command_fixture.ts";
import { unavailable } from "../support/unavailable.ts";

const OPEN = "\x1b[?1049h\x1b[?25l\x1b[?7l";
const CLOSE = "\x1b[?7h\x1b[?25h\x1b[?1049l";

async function watching(options: CommandOptions, ...args: string[]) {
  const fixture = new CommandFixture(options);
  fixture.redis.put("j", { status: "started", runner: "r", payload: "sleep 1" });
  const code = fixture.run("status", "-w", ...args);
  await until("it is shown", () => /started|running/.test(fixture.stdout));
  return { fixture, code };
}

/** The pictures that were drawn, as lines. */
function pictures(text: string): string[][] {
  return text.split("\x1b[?2026h\x1b[H").slice(1).map((picture) =>
    picture.split("\x1b[J")[0].split("\r\n").map((line) => line.replaceAll("\x1b[K", ""))
  );
}

const terminal = { columns: 80, env: { NO_COLOR: "1" } };

Deno.test("status -w draws anew when something happened, in place, and gives the terminal back", async () => {
  const { fixture, code } = await watching(terminal);
  fixture.redis.change("j", { status: "finished" });
  fixture.redis.happen({ event: "finish", state: "finished" });
  await until("it is drawn anew", () => pictures(fixture.stdout).length === 2);
  assert(fixture.signal("SIGINT"));
  assertEquals([await code, fixture.stderr], [130, ""]);
  assert(fixture.stdout.startsWith(OPEN) && fixture.stdout.endsWith(CLOSE));
  assertEquals(fixture.stdout.split(OPEN).length, 2);
  const [first, second] = pictures(fixture.stdout);
  assert(first.at(-1)!.includes("running") && second.at(-1)!.includes("finished"), second.join("\n"));
  // nothing is cleared before it is drawn over
  assert(!fixture.stdout.includes("\x1b[2J"));
});

Deno.test("status -w draws a burst of events as one change", async () => {
  const { fixture, code } = await watching(terminal);
  for (let i = 0; i < 60; i++) {
    fixture.redis.happen({ id: `j${i}` });
    await settle();
  }
  fixture.signal("SIGTERM");
  assertEquals(await code, 143);
  const drawn = pictures(fixture.stdout).length;
  assert(drawn >= 2 && drawn < 15, `${drawn} pictures of 60 events`);
});

Deno.test("status -w fits the height of the terminal", async () => {
  const { fixture, code } = await watching({ ...terminal, rows: 2, columns: 40 }, "j");
  fixture.signal("SIGINT");
  await code;
  for (const picture of pictures(fixture.stdout)) assert(picture.length === 2);
});

Deno.test("status -w of jobs ends when they have ended, and leaves the last picture", async () => {
  const { fixture, code } = await watching(terminal, "j");
  fixture.redis.change("j", { status: "finished" });
  fixture.redis.happen({ state: "finished" });
  assertEquals(await code, 0);
  assert(fixture.stdout.split(CLOSE)[1].includes("status     finished"), fixture.stdout);
});

Deno.test("status -w in a pipe writes one after the other, and only what changed", async () => {
  const { fixture, code } = await watching({}, "--columns", "id,status");
  const first = fixture.stdout;
  fixture.redis.happen({});
  await until("it waits for the next one", () => fixture.redis.isWatched(""));
  assertEquals(fixture.stdout, first);
  fixture.redis.change("j", { status: "finished" });
  fixture.redis.happen({});
  await until("the change is there", () => fixture.stdout !== first);
  fixture.signal("SIGINT");
  assertEquals(await code, 130);
  assert(fixture.stdout.startsWith(`${first}\n`) && !fixture.stdout.includes("\x1b"), fixture.stdout);
});

Deno.test("status -w --json writes one object a line", async () => {
  const { fixture, code } = await watching(terminal, "--json", "j");
  fixture.redis.change("j", { status: "finished" });
  fixture.redis.happen({});
  assertEquals(await code, 0);
  const states = fixture.stdout.trimEnd().split("\n").map((line) => JSON.parse(line).status);
  assertEquals(states, ["started", "finished"]);
});

Deno.test("status -w outlives an outage of Redis and says so", async () => {
  const { fixture, code } = await watching(terminal);
  fixture.redis.eventErrors.push(unavailable("gone"));
  fixture.redis.happen({});
  await until("it is said", () => fixture.stdout.includes("Redis cannot be reached; last known state:"));
  const drawn = pictures(fixture.stdout).length;
  fixture.redis.happen({});
  await until(
    "it goes on",
    () => pictures(fixture.stdout).length > drawn && !pictures(fixture.stdout).at(-1)![0].includes("cannot"),
  );
  fixture.signal("SIGINT");
  assertEquals([await code, fixture.stderr], [130, ""]);
  const refused = await watching(terminal);
  refused.fixture.redis.eventErrors.push(unavailable("no", { condition: "refused" }));
  refused.fixture.redis.happen({});
  assertEquals([await refused.code, refused.fixture.stdout.endsWith(CLOSE)], [69, true]);
});

Deno.test("status -w draws anew at once when the terminal has changed its size, and not in a pipe", async () => {
  const fixture = new CommandFixture({ ...terminal, columns: 120 });
  // nothing happens, so nothing else draws
  fixture.redis.eventsAfter = () => new Promise(() => {});
  fixture.redis.put("j", { status: "started", runner: "r", payload: "sleep 1 ".repeat(20) });
  const code = fixture.run("status", "-w");
  await until("it is shown", () => /started|running/.test(fixture.stdout));
  const drawn = () => pictures(fixture.stdout).length;
  for (const columns of [60, 50, 40]) assert(fixture.resize(columns));
  await until("it is drawn anew", () => drawn() > 1);
  assert(drawn() <= 3, "each size was drawn");
  const last = pictures(fixture.stdout).at(-1)!;
  assert(last.every((line) => line.length <= 40) && last.some((line) => line.includes("…")), last.join("\n"));
  fixture.signal("SIGINT");
  assertEquals([await code, fixture.resize(90)], [130, false]);
  const piped = await watching({});
  assert(!piped.fixture.resize(40));
  piped.fixture.signal("SIGINT");
  await piped.code;
});
