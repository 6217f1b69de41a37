import { childrenFirst } from "../../src/client/children_first.ts";
import { assertEquals } from "../support/assert.ts";

/** Jobs `id>parent,parent`. */
function jobsOf(text: string) {
  return text.split(" ").map((word) => {
    const [id, parents] = word.split(">");
    return { id, status: "dispatched", queue: "r", ...parents ? { waitsFor: parents.split(",") } : {} };
  });
}

Deno.test("childrenFirst puts each job before those that it waits for", () => {
  const table: [jobs: string, order: string][] = [
    ["a b c", "a b c"],
    ["a b>a", "b a"],
    ["b>a a", "b a"],
    ["a b>a c>b d", "c b a d"],
    ["c>b a b>a", "c b a"],
    ["a b>a,x c>a d>b,c", "d c b a"],
    ["a>elsewhere b", "a b"],
    ["a>a b", "a b"],
  ];
  for (const [jobs, order] of table) {
    assertEquals(childrenFirst(jobsOf(jobs)).map(({ id }) => id).join(" "), order, jobs);
  }
});

Deno.test("childrenFirst keeps each job once where other programs have made a circle", () => {
  assertEquals(childrenFirst(jobsOf("a>b b>a c")).map(({ id }) => id).toSorted(), ["a", "b", "c"]);
});

Deno.test("childrenFirst orders a chain of ten thousand jobs", () => {
  const chain = Array.from({ length: 10_000 }, (_, i) => `${i}${i > 0 ? `>${i - 1}` : ""}`).join(" ");
  const order = childrenFirst(jobsOf(chain)).map(({ id }) => Number(id));
  assertEquals(order, Array.from({ length: 10_000 }, (_, i) => 9999 - i));
});
