import { FakeStore } from "../cli/fake_store.ts";
import { assertEquals } from "../support/assert.ts";
import { OWNER, remoteWith, shown } from "./shown_output.ts";

Deno.test("showOutput asks the runner for what Redis does not have, and for nothing else", async () => {
  const store = new FakeStore();
  store.put("j", { status: "started" }, OWNER);
  store.append("j", 4, "ef");
  store.append("j", 9, "jk");
  const remote = remoteWith({ "1.a": "abcdefghijklmnop" });
  assertEquals(await shown(store, { remote }), "abcdefghijklmnop");
  assertEquals(remote.asked, [0, 3, 6, 11, 14, 16].map((offset) => `i/1.a@${offset}`));
  store.put("j", { status: "finished", result: "abcd" }, { ...OWNER, output_bytes: "4" });
  store.pieces.clear();
  const unasked = remoteWith({});
  assertEquals(await shown(store, { remote: unasked }), "abcd");
  assertEquals(unasked.asked, []);
});

Deno.test("showOutput shows a gap where the runner has no more bytes", async () => {
  const store = new FakeStore();
  store.put("j", { status: "started" }, OWNER);
  store.append("j", 9, "jk");
  assertEquals(await shown(store, { remote: remoteWith({ "1.a": "abcd" }) }), "abcd[-5]jk");
});

Deno.test("showOutput of an ended job shows the exact bytes of the runner instead of replaced ones", async () => {
  const store = new FakeStore();
  store.put("j", { status: "finished", result: "a\ufffdc" }, { ...OWNER, output_bytes: "3" });
  assertEquals(await shown(store, { remote: remoteWith({ "1.a": "abc" }) }), "abc");
  assertEquals(await shown(store, { remote: remoteWith({}) }), "a\ufffdc");
});

Deno.test("showOutput of an earlier attempt asks the instance that ran it, and shows no other attempt", async () => {
  const store = new FakeStore();
  const earlier = "2.b other - r\n1.a i 6 my runner";
  store.put("j", { status: "finished", result: "newest" }, {
    ...{ attempt: "3", token: "3.c", instance: "i", runner: "r", earlier },
    output_bytes: "6",
  });
  store.append("j", 2, "rs", 1);
  store.append("j", 0, "second", 2);
  const remote = remoteWith({ "1.a": "first.", "2.b": "second, lost" });
  assertEquals(await shown(store, { remote, from: 1 }), "first.");
  assertEquals(await shown(store, { remote, from: 2 }), "second, lost");
  assertEquals(remote.asked, ["i/1.a@0", "i/1.a@4", "other/2.b@6", "other/2.b@9", "other/2.b@12"]);
  assertEquals(await shown(store, { remote: remoteWith({}), from: 1 }), "[-2]rs[-2]");
  assertEquals(await shown(store, { remote, from: 3 }), "newest");
});

Deno.test("showOutput shows where bytes are gone from an output on another host", async () => {
  const store = new FakeStore();
  const remote = remoteWith({ "1.a": "abcde~~~~~klmnopq" });
  store.put("j", { status: "started" }, OWNER);
  store.append("j", 14, "opq");
  assertEquals(await shown(store, { remote }), "abcde[-5]klmnopq");
  assertEquals(await shown(store, { remote, start: { offset: 7 } }), "[-3]klmnopq");
  assertEquals(await shown(store, { remote, start: { offset: 3 }, end: 8 }), "de[-3]");
  assertEquals(await shown(store, { remote, start: { offset: 3 }, end: 12 }), "de[-5]kl");
});
