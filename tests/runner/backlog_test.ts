import type { RawId } from "../../src/ports/queue.ts";
import { Attempts } from "../../src/runner/attempts.ts";
import { Backlog } from "../../src/runner/backlog.ts";
import { assertEquals } from "../support/assert.ts";

const raw = (id: string): RawId => new TextEncoder().encode(id);

/** A backlog over a claim list that the test writes. */
function setUp(ids: string[]) {
  const letters: string[] = [];
  const list = { ids, hold: Promise.resolve() };
  const attempts = new Attempts();
  const queue = {
    claimed: () => Promise.resolve(list.ids.map(raw)),
    deadLetter: async (id: RawId) => {
      await list.hold;
      letters.push(new TextDecoder().decode(id));
    },
  };
  const clock = { now: () => 0 };
  const backlog = new Backlog({ queue, clock, log: { warn() {} } } as never, attempts);
  const idsOf = () => backlog.ready().map(({ id }) => id);
  return { backlog, attempts, list, letters, idsOf };
}

Deno.test("Backlog removes no other claim in the place of one that a reconciliation has removed", async () => {
  const { backlog, list, idsOf } = setUp(["a", "b", "c"]);
  await backlog.reconcile();
  const [first] = backlog.ready();
  list.ids = ["b", "c"];
  await backlog.reconcile();
  backlog.remove(first);
  assertEquals(idsOf(), ["b", "c"]);
});

Deno.test("Backlog keeps what is added while it reads what Redis has, and holds each claim once", async () => {
  const { backlog, list, letters, idsOf } = setUp(["a", "b"]);
  await backlog.reconcile();
  const { promise, resolve } = Promise.withResolvers<void>();
  list.hold = promise;
  list.ids = ["b", "", "a"];
  const rounds = [backlog.reconcile(), backlog.reconcile()];
  await Promise.resolve();
  backlog.add((await backlog.read(raw("new")))!);
  resolve();
  await Promise.all(rounds);
  assertEquals([idsOf(), letters.length], [["b", "a", "new"], 2]);
});

Deno.test("Backlog leaves out what is being started, and keeps the tries of what it has", async () => {
  const { backlog, attempts, list, idsOf } = setUp(["a", "b"]);
  await backlog.reconcile();
  const [first] = backlog.ready();
  backlog.remove(first);
  attempts.starting.add("a");
  const [second] = backlog.ready();
  second.tries = 3;
  list.ids = ["a", "b"];
  await backlog.reconcile();
  assertEquals([idsOf(), backlog.ready()[0].tries], [["b"], 3]);
});
