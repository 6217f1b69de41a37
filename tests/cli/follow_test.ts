import { assertEquals } from "../support/assert.ts";
import { until } from "../support/until.ts";
import { RESULT_PART } from "../../src/domain/limits.ts";
import { resultText } from "../../src/domain/output.ts";
import { anInstance } from "./fake_store.ts";
import { CommandFixture } from "./command_fixture.ts";

/** What is said in the end when bytes were missing. */
function rest(missing: number, total: number): string {
  const remedy =
    "for the whole output, while it is kept: runner logs j on the host of its runner, as its user and with its --spool";
  return `runner: ${missing} of ${total} bytes of output are missing above; ${remedy}\n`;
}

/** Submits a job as `j` and follows it. */
async function follow(fixture = new CommandFixture()) {
  fixture.redis.instanceList = [anInstance()];
  const code = fixture.run("submit", "--follow", "--id", "j", "true");
  await until("somebody follows", () => fixture.redis.isWatched("j"));
  return { fixture, code, redis: fixture.redis };
}

function end(fixture: CommandFixture, output: { bytes: number; result: string }, attempt = 1) {
  fixture.redis.change("j", { status: "finished", result: output.result }, {
    exit: "0",
    attempt: String(attempt),
    output_bytes: String(output.bytes),
  });
}

Deno.test("submit --follow shows output as it comes, and nothing else on standard output", async () => {
  const { fixture, code, redis } = await follow();
  redis.append("j", 0, "one\n");
  await until("it is shown", () => fixture.stdout === "one\n");
  redis.append("j", 4, "two\n");
  await until("it is shown", () => fixture.stdout === "one\ntwo\n");
  end(fixture, { bytes: 8, result: "one\ntwo\n" });
  assertEquals([await code, fixture.stdout, fixture.stderr], [0, "one\ntwo\n", "job j\n"]);
});

Deno.test("submit --follow shows each byte once, although pieces overlap", async () => {
  const { fixture, code, redis } = await follow();
  redis.append("j", 0, "abcd");
  redis.append("j", 2, "cdef");
  redis.append("j", 1, "bc");
  end(fixture, { bytes: 8, result: "abcdefgh" });
  assertEquals([await code, fixture.stdout], [0, "abcdefgh"]);
});

Deno.test("submit --follow shows the last bytes that only came with the end", async () => {
  const { fixture, code, redis } = await follow();
  redis.append("j", 0, "one\n");
  redis.change("j", { status: "started" });
  // together with the end, as a job that writes just before it exits
  redis.pieces.get("j")!.push({ cursor: "2", attempt: 1, offset: 4, bytes: new TextEncoder().encode("two\n") });
  end(fixture, { bytes: 12, result: "one\ntwo\ntri\n" });
  assertEquals([await code, fixture.stdout, fixture.stderr], [0, "one\ntwo\ntri\n", "job j\n"]);
});

Deno.test("submit --follow says how much is missing where pieces were dropped", async () => {
  const { fixture, code, redis } = await follow();
  redis.append("j", 0, "ab");
  redis.append("j", 10, "yz");
  await until("both are shown", () => fixture.stdout === "abyz");
  end(fixture, { bytes: 12, result: "ab________yz" });
  assertEquals([await code, fixture.stdout], [0, "abyz"]);
  assertEquals(fixture.stderr, "job j\n\nrunner: 8 bytes of output are missing here\n" + rest(8, 12));
});

Deno.test("submit --follow reads both ends of a long output from the result", async () => {
  const text = "0123456789".repeat(20_000);
  const bytes = new TextEncoder().encode(text);
  const result = resultText({
    total: bytes.length,
    head: bytes.subarray(0, RESULT_PART),
    tail: bytes.subarray(-RESULT_PART),
    truncated: false,
  });
  const { fixture, code, redis } = await follow();
  redis.append("j", 0, bytes.subarray(0, bytes.length - 5));
  end(fixture, { bytes: bytes.length, result });
  assertEquals(await code, 0);
  assertEquals(fixture.stdout === text, true);

  const late = await follow();
  late.redis.append("j", 0, bytes.subarray(0, 1_000));
  end(late.fixture, { bytes: bytes.length, result });
  assertEquals(await late.code, 0);
  assertEquals(late.fixture.stdout === text.slice(0, RESULT_PART) + text.slice(-RESULT_PART), true);
  const missing = bytes.length - 2 * RESULT_PART;
  assertEquals(
    late.fixture.stderr,
    `job j\n\nrunner: ${missing} bytes of output are missing here\n${rest(missing, bytes.length)}`,
  );
});

Deno.test("submit --follow does not guess where the result is not the output byte by byte", async () => {
  const { fixture, code, redis } = await follow();
  redis.append("j", 0, new Uint8Array([0x61, 0xff]));
  end(fixture, { bytes: 4, result: "a\ufffdbc" });
  assertEquals([await code, fixture.stdout], [0, "a\ufffd"]);
  assertEquals(fixture.stderr, "job j\n\nrunner: 2 bytes of output are missing here\n" + rest(2, 4));
});

Deno.test("submit --follow shows the result of a job that a foreign runner ran", async () => {
  const { fixture, code, redis } = await follow();
  redis.change("j", { status: "error", error: "boom", result: "all there is\n" });
  assertEquals([await code, fixture.stdout, fixture.stderr], [1, "all there is\n", "job j\njob j: boom\n"]);
});

Deno.test("submit --follow says where another attempt begins, and counts its bytes anew", async () => {
  const { fixture, code, redis } = await follow();
  redis.append("j", 0, "first\n", 1);
  redis.append("j", 0, "second\n", 2);
  redis.append("j", 6, "late piece of the first\n", 1);
  end(fixture, { bytes: 7, result: "second\n" }, 2);
  assertEquals([await code, fixture.stdout], [0, "first\nsecond\n"]);
  assertEquals(fixture.stderr, "job j\n\nrunner: attempt 2\n");
});

Deno.test("submit --follow detaches at a signal", async () => {
  const { fixture, code, redis } = await follow();
  redis.append("j", 0, "one\n");
  await until("it is shown", () => fixture.stdout === "one\n");
  fixture.signal("SIGINT");
  assertEquals([await code, fixture.stdout], [130, "one\n"]);
  assertEquals(fixture.stderr, "job j\n\nrunner: detached; the job goes on; to stop: runner cancel j\n");
});

Deno.test("submit --follow ends quietly when no process reads any more", async () => {
  const { fixture, code, redis } = await follow(new CommandFixture({ writesUntilClosed: 1 }));
  redis.append("j", 0, "one\n");
  redis.append("j", 4, "two\n");
  assertEquals([await code, fixture.stdout, fixture.stderr], [0, "one\n", "job j\n"]);
});

/** An output on this host, to which a test adds. */
function onHost(fixture: CommandFixture) {
  const encoder = new TextEncoder();
  let text = "";
  fixture.hostOutput = {
    read: (offset, limit) => Promise.resolve({ offset, bytes: encoder.encode(text).subarray(offset, offset + limit) }),
    close: () => {},
  };
  return { write: (more: string) => text += more };
}

Deno.test("submit --follow shows what is on this host, and no gap when Redis is ahead of it", async () => {
  const fixture = new CommandFixture();
  const { code, redis } = await follow(fixture);
  const host = onHost(fixture);
  redis.change("j", { status: "started" }, { attempt: "1", token: "1.n", instance: "i" });
  host.write("one\n");
  await until("it is shown", () => fixture.stdout === "one\n");
  redis.append("j", 8, "tri\n");
  host.write("two\n");
  await until("it is shown", () => fixture.stdout === "one\ntwo\n");
  host.write("tri\n");
  end(fixture, { bytes: 12, result: "" });
  assertEquals([await code, fixture.stdout, fixture.stderr], [0, "one\ntwo\ntri\n", "job j\n"]);
});

Deno.test("submit --follow reads the rest from Redis when this host has lost it, and says what nothing has", async () => {
  const fixture = new CommandFixture();
  const { code, redis } = await follow(fixture);
  const host = onHost(fixture);
  redis.change("j", { status: "started" }, { attempt: "1", token: "1.n", instance: "i" });
  host.write("one\n");
  await until("it is shown", () => fixture.stdout === "one\n");
  redis.append("j", 2, "e\ntwo\n");
  redis.append("j", 12, "for\n");
  end(fixture, { bytes: 16, result: "\ufffd" });
  assertEquals([await code, fixture.stdout], [0, "one\ntwo\nfor\n"]);
  const nowhere = "runner: 4 of 16 bytes of output are missing above; they are no longer kept anywhere\n";
  assertEquals(fixture.stderr, "job j\n\nrunner: 4 bytes of output are missing here\n" + nowhere);
});

Deno.test("submit --follow shows earlier attempts from Redis before the one on this host", async () => {
  const fixture = new CommandFixture();
  const { code, redis } = await follow(fixture);
  redis.append("j", 0, "first\n", 1);
  await until("it is shown", () => fixture.stdout === "first\n");
  const host = onHost(fixture);
  host.write("second\n");
  redis.pieces.get("j")!.push({ cursor: "9", attempt: 1, offset: 6, bytes: new TextEncoder().encode("end\n") });
  redis.change("j", { status: "started" }, { attempt: "2", token: "2.n", instance: "i" });
  await until("it is shown", () => fixture.stdout === "first\nend\nsecond\n");
  end(fixture, { bytes: 7, result: "second\n" }, 2);
  assertEquals([await code, fixture.stderr], [0, "job j\n\nrunner: attempt 2\n"]);
});
