import { Janitor } from "../../src/runner/janitor.ts";
import { assertEquals } from "../support/assert.ts";

type Parts = ConstructorParameters<typeof Janitor>[0];

/** A janitor without a journal and executors; `open` are the ended jobs that the settling of each leaves. */
function janitorOf(open: Readonly<Record<string, string[][]>>) {
  const settled: string[] = [];
  const queue: Parts["queue"] = {
    unsettled: () => Promise.resolve(Object.keys(open)),
    settle: (id) => {
      settled.push(id);
      return Promise.resolve(open[id]?.shift() ?? []);
    },
    sweep: () => Promise.resolve(0),
  };
  const parts = { queue, journal: { prune: () => [] }, executors: new Map(), settings: { keep: 60 } };
  return { janitor: new Janitor(parts as unknown as Parts), settled };
}

Deno.test("Janitor settles what waits for ended jobs, page by page, also for those that are skipped on the way", async () => {
  const { janitor, settled } = janitorOf({ a: [["a", "child"], []], b: [[]] });
  await janitor.tick();
  assertEquals(settled, ["b", "a", "child", "a"]);
});

Deno.test("Janitor leaves the rest to other runners when it is to stop", async () => {
  const stop = new AbortController();
  const { janitor, settled } = janitorOf({ a: Array.from({ length: 50 }, () => ["a"]) });
  stop.abort();
  await janitor.tick(stop.signal);
  assertEquals(settled, []);
});
