import type { Lane } from "../../src/executors/tmux/lanes/lane.ts";
import { Run } from "../../src/executors/tmux/lanes/run.ts";
import type { LaneLog } from "../../src/executors/tmux/output/lane_log.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { launchOf } from "./executor_fixture.ts";

/** A run whose lane's log has this output, and the number of bytes that were read of the log. */
function runWith(output: Uint8Array) {
  const run = new Run(launchOf(""), "secret");
  const start = new TextEncoder().encode(`\x1b]133;C;${run.token}\n\x1b\\`);
  const bytes = new Uint8Array(start.length + output.length);
  bytes.set(start);
  bytes.set(output, start.length);
  const log = { bytes: 0 };
  const read = async (part: number, buffer: Uint8Array, offset: number) => {
    await Promise.resolve();
    if (part > 0) return null;
    const piece = bytes.subarray(offset, offset + buffer.length);
    buffer.set(piece);
    log.bytes += piece.length;
    return piece.length;
  };
  const none = () => Promise.resolve(null);
  const laneLog = { read, gap: none, hasPart: () => Promise.resolve(false) } as unknown as LaneLog;
  run.lane = { position: 0, log: laneLog } as Lane;
  run.state = "started";
  return { run, log };
}

const OUTPUT = new Uint8Array(3 << 20).map((_, i) => 97 + (i * 31 + (i >> 9)) % 26);

Deno.test("readLive returns the right bytes to readers that read at the same time", async () => {
  const { run } = runWith(OUTPUT);
  const offsets = [0, 0, 1 << 20, 64 << 10, 2 << 20, 0, 1 << 20];
  const parts = await Promise.all(offsets.map((offset) => run.readLive(offset, 100_000)));
  for (const [i, { offset, bytes }] of parts.entries()) {
    assertEquals([offset, bytes.length], [offsets[i], 100_000]);
    assertEquals(bytes, OUTPUT.slice(offset, offset + 100_000));
  }
});

Deno.test("readLive reads the log about once for each of two readers at different places", async () => {
  const { run, log } = runWith(OUTPUT);
  await run.readLive(OUTPUT.length - 10, 10); // far ahead
  for (let offset = 0; offset < OUTPUT.length; offset += 128 << 10) {
    assertEquals((await run.readLive(offset, 128 << 10)).offset, offset);
    await run.readLive(OUTPUT.length, 10);
  }
  assert(log.bytes < 2.2 * OUTPUT.length, `${log.bytes} of ${OUTPUT.length} bytes`);
});
