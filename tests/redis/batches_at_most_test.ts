import { assertEquals } from "../support/assert.ts";
import { batchOf, countsOf, submitAll } from "./batch_fixture.ts";
import { begin, idsOf, open } from "./limits_fixture.ts";
import { ended } from "./redis_fixture.ts";

Deno.test("of a batch with a number at most so many members run, on all hosts together, in their order", async () => {
  await using fixture = await open();
  await submitAll(fixture, batchOf("b", 5, { atMost: 2 }));
  await fixture.submit("other");
  const first = await begin(fixture.queue);
  assertEquals(idsOf(first), ["b.1", "b.2", "other"], "it holds up no other job");
  assertEquals(await countsOf(fixture, "b"), { q: 3, started: 2 });
  assertEquals(await fixture.list(fixture.keys.queue("r")), [], "those that wait are parked");
  await fixture.queue.finish(ended(first[1]));
  assertEquals(idsOf(await begin(fixture.queue)), ["b.3"]);
  await fixture.queue.finish(ended(first[0], { state: "error", error: "exited with code 1", exitCode: 1 }));
  const [last] = await begin(fixture.queue);
  assertEquals(last.id, "b.4");
  assertEquals((await fixture.store.limits.read(["batch:b"])).limits[0].held, 2);
  assertEquals(await fixture.store.batches.batchCancel("b", ""), "OK");
  assertEquals((await fixture.job("b.5")).status, "error", "a parked member is cancelled");
});

Deno.test("a member that has a limit of its own waits for both", async () => {
  await using fixture = await open();
  const shared = { payload: "true", runner: "r", executor: "tmux.main", limits: ["gpu"] };
  await submitAll(fixture, batchOf("b", 3, { atMost: 2, shared }));
  const [one] = await begin(fixture.queue);
  assertEquals((await fixture.store.limits.read(["batch:b", "gpu"])).limits.map(({ held }) => held), [1, 1]);
  await fixture.queue.finish(ended(one));
  assertEquals(idsOf(await begin(fixture.queue)), ["b.2"]);
});
