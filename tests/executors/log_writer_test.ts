import { LaneLog } from "../../src/executors/tmux/output/lane_log.ts";
import { RunReader } from "../../src/executors/tmux/output/run_reader.ts";
import { SpoolFiles } from "../../src/executors/tmux/spool.ts";
import { systemFiles } from "../../src/system/files.ts";
import { assert, assertEquals } from "../support/assert.ts";

const SCRIPT = new URL("../../src/executors/tmux/output/log.sh", import.meta.url).pathname;
const LIMIT = 16 << 20;
const CR = 0x0d, LF = 0x0a;

/** The spool of one lane, and what its log is given. */
class LogFixture implements AsyncDisposable {
  readonly dir: string;
  readonly written: Uint8Array[] = [];
  readonly #opened: LaneLog[] = [];

  private constructor(dir: string) {
    this.dir = dir;
  }

  static async make(): Promise<LogFixture> {
    const dir = await Deno.makeTempDir({ prefix: "log-test-" });
    await Deno.mkdir(`${dir}/lanes/1`, { recursive: true });
    await Deno.writeTextFile(`${dir}/lanes/1/log`, "");
    return new LogFixture(dir);
  }

  /** Gives the writer pieces, and ends its input. */
  async write(shell: string, pieces: Iterable<Uint8Array>, limit = LIMIT, ...more: string[]): Promise<void> {
    const [program, ...args] = [...shell.split(" "), SCRIPT, this.dir, "1", String(limit), ...more];
    const child = new Deno.Command(program, { args, stdin: "piped", stdout: "null", stderr: "null" }).spawn();
    const input = child.stdin.getWriter();
    for (const piece of pieces) {
      this.written.push(piece);
      await input.write(piece);
    }
    await input.close();
    await child.status;
  }

  /** Names of the files of the log. */
  async names(): Promise<string[]> {
    const entries = await Array.fromAsync(Deno.readDir(`${this.dir}/lanes/1`));
    return entries.map(({ name }) => name).filter((name) => name !== "writer").sort();
  }

  /** Bytes of all files of the log. */
  async size(): Promise<number> {
    let size = 0;
    for (const name of await this.names()) size += (await Deno.stat(`${this.dir}/lanes/1/${name}`)).size;
    return size;
  }

  /** The log, read as a run's output is. */
  async reader(): Promise<RunReader> {
    const log = await LaneLog.open(systemFiles, new SpoolFiles(this.dir, systemFiles), "1");
    this.#opened.push(log);
    return new RunReader(log, { position: 0, token: "t" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const log of this.#opened) log.close();
    await Deno.remove(this.dir, { recursive: true });
  }
}

const START = new TextEncoder().encode("\x1b]133;C;t\r\n\x1b\\");

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function assertAt(output: Uint8Array, offset: number, bytes: Uint8Array): void {
  let same = 0;
  while (same < bytes.length && bytes[same] === output[offset + same]) same++;
  assertEquals(same, bytes.length, `other bytes at ${offset + same}`);
}

/** What a program wrote whose terminal shows these bytes. */
function plain(bytes: Uint8Array): Uint8Array {
  return bytes.filter((byte, i) => byte !== CR || bytes[i + 1] !== LF);
}

/** Pieces of all kinds: lines, bare line feeds and returns, bytes that are no text. */
function* pieces(total: number, seed: number): Iterable<Uint8Array> {
  let state = seed;
  const random = (below: number) => (state = (state * 1103515245 + 12345) & 0x7fffffff) % below;
  const kinds = Array.from({ length: 40 }, () => {
    const bytes = new Uint8Array(1 + random(60_000));
    const kind = random(4);
    for (let i = 0; i < bytes.length; i++) {
      bytes[i] = kind === 0 ? random(256) : kind === 1 ? [CR, LF, 0x78, 0][random(4)] : 0x78;
      if (kind === 2 && i % 50 === 49) bytes[i - 1] = CR, bytes[i] = LF;
      if (kind === 3 && i % 9 === 0) bytes[i] = CR;
    }
    return bytes;
  });
  yield START;
  for (let sent = 0; sent < total;) {
    const piece = kinds[random(kinds.length)];
    yield piece;
    sent += piece.length;
  }
}

/**
 * Reads everything, and checks that each part is what was written there. Returns the numbers of bytes read and gone.
 */
async function check(reader: RunReader, output: Uint8Array): Promise<{ read: number; gone: number }> {
  const buffer = new Uint8Array(100_000);
  let [read, gone, end] = [0, 0, 0];
  const accept = ({ offset, bytes }: { offset: number; bytes: Uint8Array }) => {
    assert(offset >= end);
    gone += offset - end;
    read += bytes.length;
    end = offset + bytes.length;
    assertAt(output, offset, bytes);
  };
  for (let part = await reader.next(buffer); part !== null; part = await reader.next(buffer)) {
    if (part.bytes.length > 0) accept(part);
  }
  accept(reader.rest());
  assertEquals(end, output.length);
  return { read, gone };
}

const SHELLS = ["sh", "busybox sh", "bash"];

for (const [i, shell] of SHELLS.entries()) {
  Deno.test(`the log's writer in ${shell} keeps both halves of what exceeds its limit, and counts the rest`, async () => {
    await using log = await LogFixture.make();
    await log.write(shell, pieces(1.6 * LIMIT, 7 + i));
    assert(await log.size() <= 1.0625 * LIMIT + 20, `${await log.size()} bytes`);
    const output = plain(concat(log.written).subarray(START.length));
    const { read, gone } = await check(await log.reader(), output);
    assertEquals(read + gone, output.length);
    assert(read > 0.9 * LIMIT, `only ${read} bytes`);
  });
}

Deno.test("the log's writer counts a line end that a border of two parts splits", async () => {
  for (const shift of [0, 1]) {
    await using log = await LogFixture.make();
    const pairs = new Uint8Array(60_000).map((_, i) => i % 2 === 0 ? CR : LF);
    await log.write("sh", [
      START,
      pairs.subarray(0, shift),
      ...Array.from({ length: 320 }, (_, i) => {
        const from = (shift + i) % 2;
        return pairs.subarray(from, from + 59_999);
      }),
    ]);
    assertEquals((await log.names()).includes("gap"), true);
    await check(await log.reader(), plain(concat(log.written).subarray(START.length)));
  }
});

Deno.test("the log's writer keeps everything up to its limit, in small pieces too", async () => {
  await using log = await LogFixture.make();
  const line = new TextEncoder().encode("a line\r\n");
  const lines = Array.from({ length: 20_000 }, () => line);
  await log.write("sh", [START, ...lines]);
  assertEquals(await log.names(), ["log"]);
  await log.write("sh", pieces(0.95 * LIMIT, 3));
  assertEquals((await log.names()).includes("gap"), false);
  assertEquals(concat(log.written).length, await log.size());
});

Deno.test("the log's writer goes on where another one ended, and has no limit when that is 0", async () => {
  await using log = await LogFixture.make();
  for (let i = 0; i < 3; i++) await log.write("sh", pieces(0.5 * LIMIT, 20 + i));
  const whole = () => plain(concat(log.written).subarray(START.length));
  assert((await check(await log.reader(), whole())).gone > 0);
  const before = await log.size();
  await log.write("sh", pieces(0.5 * LIMIT, 30), 0);
  assert(await log.size() > before + LIMIT / 3);
  await check(await log.reader(), whole());
});

Deno.test("the log's writer removes what was to be removed when another one was killed", async () => {
  await using log = await LogFixture.make();
  await log.write("sh", pieces(1.3 * LIMIT, 40));
  const first = Number((await Deno.readTextFile(`${log.dir}/lanes/1/gap`)).split(" ")[0]);
  await Deno.writeTextFile(`${log.dir}/lanes/1/log.${first - 1}`, "left");
  await check(await log.reader(), plain(concat(log.written).subarray(START.length)));
  await log.write("sh", pieces(100, 41));
  assertEquals((await log.names()).includes(`log.${first - 1}`), false);
});

Deno.test("the log's writer begins anew with an argument", async () => {
  await using log = await LogFixture.make();
  await log.write("sh", pieces(0.7 * LIMIT, 50));
  log.written.length = 0;
  await log.write("sh", pieces(100, 51), LIMIT, "new");
  assertEquals([await log.names(), await log.size()], [["log"], concat(log.written).length]);
});

Deno.test("a reader that the log's writer overtakes continues behind the gap, at the right offset", async () => {
  await using log = await LogFixture.make();
  await log.write("sh", pieces(0.9 * LIMIT, 60));
  const reader = await log.reader();
  const buffer = new Uint8Array(10_000);
  let offset = 0;
  while (offset < 0.7 * LIMIT) {
    const part = (await reader.next(buffer))!;
    offset = part.offset + part.bytes.length;
  }
  await log.write("sh", pieces(0.9 * LIMIT, 61));
  const output = plain(concat(log.written).subarray(START.length));
  for (let part = await reader.next(buffer); part !== null; part = await reader.next(buffer)) {
    assertAt(output, part.offset, part.bytes);
    offset = part.offset + part.bytes.length;
  }
  assertEquals(offset + reader.rest().bytes.length, output.length);
});
