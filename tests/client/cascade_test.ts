import { cancelCascade, retryDescendants } from "../../src/client/cascade.ts";
import { FakeStore } from "../cli/fake_store.ts";
import { assert, assertEquals } from "../support/assert.ts";

/** A store with jobs `child>parent,parent`, each of which waits for its parents, or was skipped because of them. */
function storeOf(text: string, skipped = false): FakeStore {
  const store = new FakeStore();
  for (const word of text.split(" ")) {
    const [id, parents] = word.split(">");
    const after = (parents?.split(",") ?? []).map((parent) => [`after:${parent}`, "finished"]);
    const isSkipped = skipped && after.length > 0;
    const status = isSkipped ? "error" : "dispatched";
    store.put(id, { status, runner: "r" }, { ...Object.fromEntries(after), ...isSkipped ? { skipped: "1" } : {} });
  }
  return store;
}

async function cancelled(store: FakeStore, ...ids: string[]): Promise<string[]> {
  const ended: string[] = [];
  await cancelCascade(store, ids, {
    reason: "no",
    onEnd: (id, became) => {
      ended.push(`${id} ${became}`);
      return Promise.resolve();
    },
  });
  assertEquals(ended.map((text) => text.split(" ")[0]), store.cancelled.map(([id]) => id));
  return ended;
}

Deno.test("cancelCascade cancels a job after all that wait for it, each once", async () => {
  const order = await cancelled(storeOf("a b>a c>a,b d>c e>x x"), "a");
  assertEquals(order, ["d cancelled", "c cancelled", "b cancelled", "a cancelled"]);
});

Deno.test("cancelCascade of several jobs, of which one waits for another, cancels each once", async () => {
  const order = await cancelled(storeOf("a b>a c>b"), "b", "a", "c");
  assertEquals(order, ["c cancelled", "b cancelled", "a cancelled"]);
});

Deno.test("cancelCascade leaves jobs alone that have ended, or do not wait for it any more", async () => {
  const store = storeOf("a b>a c>b");
  store.change("b", { status: "finished" });
  store.put("met", { status: "dispatched" }, { "met:a": "finished" });
  assertEquals(await cancelled(store, "a"), ["a cancelled"]);
});

Deno.test("cancelCascade reads all pages of those that wait", async () => {
  const store = storeOf("a b>a c>a");
  store.dependents = (id, _, cursor = "0") =>
    Promise.resolve(
      id !== "a"
        ? { total: 0, ids: [], next: null }
        : { total: 2, ids: cursor === "0" ? ["b"] : ["c", "b"], next: cursor === "0" ? "7" : null },
    );
  assertEquals((await cancelled(store, "a")).toSorted(), ["a cancelled", "b cancelled", "c cancelled"]);
});

Deno.test("retryDescendants queues what was skipped, parents first, and reports what is blocked", async () => {
  const store = storeOf("a d>b,c b>a c>b,a x>a,failed", true);
  store.put("failed", { status: "error", runner: "r" });
  store.put("own", { status: "error", runner: "r" }, { "after:a": "finished" });
  const said: string[] = [];
  await retryDescendants(store, ["a"], (id, retried) => {
    said.push(`${id} ${retried.result}`);
    return Promise.resolve();
  });
  assert(
    ["b waits", "c waits", "d waits"].every((text, i, all) => i === 0 || said.indexOf(all[i - 1]) < said.indexOf(text)),
  );
  assertEquals(said.toSorted(), ["b waits", "c waits", "d waits", "x blocked"]);
});

Deno.test("cancelCascade goes on when a job that waits has left Redis meanwhile", async () => {
  const store = storeOf("a b>a c>a");
  const cancel = store.cancel.bind(store);
  store.cancel = (id, reason) => id === "b" ? Promise.resolve({ type: "MISSING" }) : cancel(id, reason);
  assertEquals(await cancelled(store, "a"), ["c cancelled", "a cancelled"]);
});
