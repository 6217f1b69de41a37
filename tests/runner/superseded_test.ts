import type { Attempt, JournalRecord, SettledEnd } from "../../src/ports/attempt_journal.ts";
import { Superseded } from "../../src/runner/superseded.ts";
import { assertEquals } from "../support/assert.ts";

const END: SettledEnd = { state: "error", error: "", exitCode: 1, outputBytes: 0, ms: 1 };

Deno.test("Superseded forgets attempts whose jobs have a later one, and asks of all in turn", async () => {
  const records: JournalRecord[] = Array.from({ length: 150 }, (_, i) => ({
    attempt: { name: `r${i}`, id: `j${i}`, number: 1 } as Attempt,
    end: i === 0 ? null : i === 1 ? "gone" : i === 2 ? END : { ...END, retry: true },
  }));
  const newest = (id: string) => ({ j0: 2, j2: 2, j3: 0, j4: 1, j5: 2, j149: 3 })[id] ?? 1;
  const asked: string[] = [];
  const settled: unknown[] = [];
  const superseded = new Superseded({
    queue: {
      newestAttempts: (ids: readonly string[]) => {
        asked.push(...ids);
        return Promise.resolve(ids.map(newest));
      },
    },
    journal: {
      records: () => records,
      settle: (...what: unknown[]) => Promise.resolve(void settled.push(what)),
    },
  } as never);
  await superseded.tick();
  assertEquals([asked.length, settled], [100, [["r5", "gone"]]]);
  await superseded.tick();
  assertEquals(new Set(settled.map(String)), new Set(["r5,gone", "r149,gone"]));
  assertEquals(new Set(asked).size, 147, "none of those that are over or were not to be tried again");
});
