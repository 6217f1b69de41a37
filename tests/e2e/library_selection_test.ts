import { Client, InvalidInputError, JobNotFoundError } from "../../src/mod.ts";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { RedisServer } from "../support/redis_server.ts";

/** Ids of the jobs that a selection lists. */
async function idsOf(client: Client, ...args: Parameters<Client["list"]>): Promise<string[]> {
  return (await Array.fromAsync(client.list(...args))).map(({ id }) => id).sort();
}

Deno.test("the library lists, waits for, cancels, retries and deletes selected jobs", async () => {
  await using server = await RedisServer.start();
  await using client = await Client.connect({ redisUrl: server.address });
  for (const id of ["a", "b"]) await client.submit({ id, payload: "true", labels: { nightly: "" } });
  await client.submit({ id: "c", payload: "true", runner: "q" });
  const nightly = { labels: { nightly: null } };
  assertEquals([await idsOf(client), await idsOf(client, nightly)], [["a", "b", "c"], ["a", "b"]]);
  assertEquals([await idsOf(client, { ids: ["@", "a"] }), await idsOf(client, { ids: [] })], [["a", "c"], []]);
  assertEquals(await client.cancelAll({ ids: ["a", "c"] }, "why"), { cancelled: 2 });
  assertEquals((await client.read("c")).error, "cancelled: why");
  assertEquals(await client.cancelAll(nightly), { cancelled: 1, ended: 1 });
  assertEquals((await client.waitAll(nightly)).map(({ id, outcome }) => `${id} ${outcome}`), [
    "a cancelled",
    "b cancelled",
  ]);
  assertEquals(await client.retry("c"), { result: "queued" });
  assertEquals(await client.retryAll({ states: ["failed"], runner: "test_runner" }), { queued: 2 });
  assertEquals(await client.retryAll({ ids: ["a"] }), { not_ended: 1 });
  await client.cancelAll({ states: ["queued"] });
  assertEquals(await client.purge(nightly, { olderThan: 3_600 }), { deleted: 0, running: 0, awaited: 0 });
  assertEquals(await client.purge({ ids: ["c"] }), { deleted: 1, running: 0, awaited: 0 });
  assertEquals(await client.purge(nightly), { deleted: 2, running: 0, awaited: 0 });
  assertEquals(await idsOf(client), []);
});

Deno.test("the library cancels what waits for a job as well, and runs again what was skipped because of it", async () => {
  await using server = await RedisServer.start();
  await using client = await Client.connect({ redisUrl: server.address });
  await client.submit({ id: "a", payload: "true" });
  await client.submit({ id: "b", payload: "true", after: "a" });
  await client.submit({ id: "c", payload: "true", afterEnd: "b" });
  await client.submit({ id: "d", payload: "true" });
  assertEquals(await client.cancelAll({ ids: ["b"] }, "why", { cascade: true }), { cancelled: 2 });
  assertEquals((await client.read("c")).error, "cancelled: why");
  await client.submit({ id: "e", payload: "true", after: "a" });
  assertEquals(await client.cancelAll({ ids: ["a"] }), { cancelled: 1 });
  assertEquals((await client.read("e")).outcome, "skipped");
  assertEquals(await client.retryAll({ ids: ["a"] }, { cascade: true }), { queued: 1, waits: 1 });
  for (const all of [{ labels: { x: null } }, { ids: ["a"], states: ["queued"] as const }]) {
    await assertRejects(() => client.cancelAll(all, "", { cascade: true }), InvalidInputError, "by their ids alone");
    await assertRejects(() => client.retryAll(all, { cascade: true }), InvalidInputError, "by their ids alone");
  }
});

Deno.test("the library refuses a selection of nothing, or of what is not there, and changes nothing", async () => {
  await using server = await RedisServer.start();
  await using client = await Client.connect({ redisUrl: server.address });
  await client.submit({ id: "a", payload: "true" });
  const calls: ((selection: object) => Promise<unknown>)[] = [
    ...[(one: object) => client.cancelAll(one), (one: object) => client.retryAll(one)],
    ...[(one: object) => client.purge(one), (one: object) => client.waitAll(one)],
  ];
  for (const call of calls) {
    await assertRejects(() => call({}), InvalidInputError, "the selection is empty");
    await assertRejects(() => call({ labels: {}, states: [] }), InvalidInputError, "the selection is empty");
    await assertRejects(() => call({ states: ["odd"] }), InvalidInputError, 'state "odd" is not one of');
    await assertRejects(() => call({ ids: ["a"], text: "x" }), InvalidInputError, "ids and conditions");
    await assertRejects(() => call({ ids: ["a", "none"] }), JobNotFoundError);
  }
  await assertRejects(() => idsOf(client, { text: "" }), InvalidInputError, "Cannot list jobs: text is empty");
  assertEquals((await client.read("a")).status, "dispatched");
});

Deno.test("the library follows the events of selected jobs, until the caller ends it", async () => {
  await using server = await RedisServer.start();
  await using client = await Client.connect({ redisUrl: server.address });
  for (const id of ["a", "b"]) await client.submit({ id, payload: "true", labels: { [id]: "" } });
  for (const selection of [{ ids: ["b"] }, { labels: { b: null } }, {}]) {
    const events = client.events(selection);
    const first = events.next();
    // until the iteration has begun, an event is none of its own
    let seen = "";
    first.then(({ value }) => seen = value.id);
    while (seen === "") {
      for (const id of ["a", "b"]) {
        await client.cancelAll({ ids: [id] });
        await client.retry(id);
      }
    }
    assert((Object.keys(selection).length > 0 ? ["b"] : ["a", "b"]).includes(seen), seen);
    await events.return(undefined);
  }
});
