import { findJobs, findOne } from "../../src/client/find.ts";
import { InvalidInputError, JobNotFoundError } from "../../src/domain/errors.ts";
import { FakeStore } from "../cli/fake_store.ts";
import { assertEquals, assertRejects } from "../support/assert.ts";

function storeWith(...ids: string[]): FakeStore {
  const store = new FakeStore();
  for (const id of ids) store.put(id, { status: "finished", runner: "r" });
  return store;
}

/** Returns the id that a text means. */
async function findOneId(...args: Parameters<typeof findOne>): Promise<string> {
  return (await findOne(...args)).id;
}

Deno.test("findOne prefers a whole id to a begin, and reads the ellipsis of a list as a cut", async () => {
  const store = storeWith("ab", "abc", "x...", "xyz", "q…");
  const rows = [["ab", "ab"], ["abc", "abc"], ["abc…", "abc"], ["abc...", "abc"], ["x...", "x..."], ["xy", "xyz"]];
  for (const [text, id] of rows) assertEquals(await findOneId(store, text), id, text);
  assertEquals(await findOneId(store, "q…"), "q…");
});

Deno.test("findOne names up to five ids of an ambiguous begin, and says when there are more", async () => {
  const ids = ["a1", "a2", "a3", "a4", "a5", "a6"];
  const five = '"a1", "a2", "a3", "a4", "a5"';
  for (const [count, more] of [[5, ""], [6, " and more"]] as const) {
    const { message } = await assertRejects(
      () => findOneId(storeWith(...ids.slice(0, count)), "a…"),
      InvalidInputError,
    );
    assertEquals(message, `Cannot find job "a…": several ids begin so: ${five}${more}; write more of it`);
  }
});

Deno.test("findOne does not confuse a member that is gone with another one whose id begins so", async () => {
  const store = storeWith("b.10", "c.10");
  store.batches.records.set("b", { size: "10", stored: "10" });
  for (const text of ["b.1", "b.11"]) {
    const { message } = await assertRejects(() => findOneId(store, text), JobNotFoundError);
    assertEquals(message, `Cannot find job "${text}": batch "b" has no such member, or no longer`);
  }
  assertEquals(await findOneId(store, "b.1…"), "b.10");
  assertEquals(await findOneId(store, "c.1"), "c.10");
});

Deno.test("findOne refuses words that name nothing", async () => {
  const store = storeWith("a");
  const empty = "write an id, the first letters of one, @ or @~N";
  const newest = "write @ for the newest job, @~2 for the one two before it";
  const rows = [
    ["", empty],
    ["…", empty],
    ["...", empty],
    ["@~", newest],
    ["@~-1", newest],
    ["@~1234567890", newest],
    ["@…", newest],
  ];
  for (const [text, reason] of rows) {
    const { message } = await assertRejects(() => findOneId(store, text), InvalidInputError);
    assertEquals(message, `Cannot find job ${JSON.stringify(text)}: ${reason}`);
  }
  await assertRejects(() => findOneId(store, "@~999999999"), JobNotFoundError, "does not hold that many jobs");
});

Deno.test("findOne counts the jobs of one queue over pages, by the runner that ran them", async () => {
  const store = new FakeStore();
  store.put("old", { status: "finished", runner: "build" });
  store.put("moved", { status: "finished", runner: "other" }, { runner: "build" });
  for (let i = 0; i < 250; i++) store.put(`other-${i}`, { status: "finished", runner: "other" });
  const find = (text: string) => findOneId(store, text, { queue: "build" });
  assertEquals([await find("@"), await find("@~1")], ["moved", "old"]);
  const { message } = await assertRejects(() => find("@~2"), JobNotFoundError);
  assertEquals(message, 'Cannot find job "@~2": the queue "build" has not that many among the newest jobs');
});

Deno.test("findOne searches the newest 10,000 jobs for those of a queue and then gives up", async () => {
  const store = new FakeStore();
  const offsets: number[] = [];
  store.newest = (count, offset = 0) => {
    offsets.push(offset);
    return Promise.resolve(Array(count).fill("gone"));
  };
  await assertRejects(() => findOneId(store, "@", { queue: "build" }), JobNotFoundError);
  assertEquals([offsets.length, offsets.at(-1)], [50, 9_800]);
});

Deno.test("findJobs gives each job once, in the order of the words", async () => {
  const store = storeWith("ab", "cd");
  assertEquals(await findJobs(store, ["c", "ab", "@", "cd"]), ["cd", "ab"]);
  assertEquals(await findJobs(store, []), []);
  await assertRejects(() => findJobs(store, ["ab", "zz"]), JobNotFoundError, 'Cannot find job "zz": no job of this');
});
