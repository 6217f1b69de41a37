import { readDependencies } from "../../src/client/dependencies.ts";
import { FakeStore } from "../cli/fake_store.ts";
import { assertEquals } from "../support/assert.ts";

Deno.test("readDependencies reads what a job waits for, and what waits for it, with their states", async () => {
  const store = new FakeStore();
  store.put("a", { status: "finished" });
  store.put("b", {});
  store.put("j", { status: "dispatched" }, { "met:a": "ended", "after:b": "finished", "after:gone": "ended" });
  store.put("child", { status: "dispatched" }, { "after:j": "finished" });
  store.put("ended", { status: "error" }, { "after:j": "finished" });
  assertEquals(await readDependencies(store, (await store.read("j"))!, 5), {
    after: [
      { id: "a", condition: "ended", met: true, status: "finished" },
      { id: "b", condition: "finished", met: false, status: "dispatched" },
      { id: "gone", condition: "ended", met: false, status: null },
    ],
    before: [{ id: "child", status: "dispatched" }],
    more: 0,
  });
});

Deno.test("readDependencies reads no job of a list that is empty, and at most as many as asked", async () => {
  const store = new FakeStore();
  store.put("j", { status: "started" });
  store.summaries = () => Promise.reject(new Error("read"));
  assertEquals(await readDependencies(store, (await store.read("j"))!, 5), { after: [], before: [], more: 0 });
  const many = new FakeStore();
  many.put("j", { status: "started" });
  for (let i = 0; i < 7; i++) many.put(`c${i}`, { status: "dispatched" }, { "after:j": "ended" });
  const { before, more } = await readDependencies(many, (await many.read("j"))!, 5);
  assertEquals([before.length, more], [5, 2]);
});
