import { mapSideBySide } from "../../src/client/map_side_by_side.ts";
import { assertEquals, assertRejects } from "../support/assert.ts";

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);

Deno.test("mapSideBySide gives results in the order of the items, whichever comes first", async () => {
  const first = Promise.withResolvers<void>();
  const results = mapSideBySide(["a", "b"], async (item) => {
    if (item === "a") await first.promise;
    else first.resolve();
    return item.toUpperCase();
  });
  assertEquals(await results, ["A", "B"]);
  assertEquals(await mapSideBySide([], () => Promise.reject(new Error("not called"))), []);
});

Deno.test("mapSideBySide has 64 calls under way at the most, and maps every item once", async () => {
  for (const count of [1, 64, 65, 200]) {
    let open = 0, most = 0;
    const results = await mapSideBySide(upTo(count), async (item) => {
      most = Math.max(most, ++open);
      await Promise.resolve();
      open--;
      return item;
    });
    assertEquals([results, most], [upTo(count), Math.min(count, 64)]);
  }
});

Deno.test("mapSideBySide begins nothing more once a call has failed", async () => {
  const seen: number[] = [];
  const work = (item: number) => {
    seen.push(item);
    return item === 3 ? Promise.reject(new Error("gone")) : Promise.resolve(item);
  };
  await assertRejects(() => mapSideBySide(upTo(100), work), Error, "gone");
  assertEquals(seen, upTo(64));
});
