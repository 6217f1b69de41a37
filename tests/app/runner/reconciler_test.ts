import { assert, assertEquals } from "../../support/assert.ts";
import { until } from "../../support/until.ts";
import { systemClock } from "../../../src/system/clock.ts";
import { fakeRunner } from "./fakes.ts";

const end = { state: "finished", error: "", exitCode: 0, outputBytes: 0, ms: 1 } as const;

Deno.test("a runner that tells many ends again beats meanwhile", async () => {
  await using runner = fakeRunner({ beatMs: 1000 }); // 10 ms of real time
  let beats = 0;
  const records = Array.from({ length: 20 }, (_, i) => {
    const intent = {
      run: `r${i}`,
      id: `${i}`,
      token: "1.a",
      attempt: 1,
      startedMs: 1,
      seq: i + 1,
      bootId: "",
      timeoutMs: null,
    };
    return { intent: { ...intent, job: { executor: "fake.s", payload: "true" }, side: {} }, end };
  });
  Object.assign(runner.spool, { server: "before", knownTo: () => {}, records: () => records });
  Object.assign(runner.executor, { recover: () => Promise.resolve(new Map()), sample: () => Promise.resolve(null) });
  Object.assign(runner.queue, {
    serverId: () => Promise.resolve("after"),
    owned: () => Promise.resolve([]),
    peers: () => Promise.resolve([]),
    beat: () => Promise.resolve({ type: "OK", beats: beats++ }),
    reassert: () => systemClock.sleep(5).then(() => "OK"),
  });
  let held = false;
  Object.defineProperty(runner.dispatcher, "held", { set: (value) => held = value });
  await runner.reconciler.recover({ seq: 0, mixed: false, stale: false });
  assertEquals(runner.queue.finished.length, records.length);
  assert(beats >= 5, `${beats} beats`);
  await until("it claims again", () => !held);
});
