import { FakeStore } from "../cli/fake_store.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { encode, OWNER, remoteWith, shown } from "./shown_output.ts";

Deno.test("showOutput begins and ends where a range says", async () => {
  const store = new FakeStore();
  store.put("j", { status: "started" }, OWNER);
  store.append("j", 6, "ghij");
  const remote = remoteWith({ "1.a": "abcdefghij" });
  const ranges: [offset: number, end: number | undefined, text: string][] = [
    [2, 5, "cde"],
    [2, undefined, "cdefghij"],
    [7, 8, "h"],
    [-3, undefined, "hij"],
    [-100, 2, "ab"],
    [20, undefined, ""],
  ];
  for (const [offset, end, text] of ranges) {
    assertEquals(await shown(store, { remote, start: { offset }, end }), text, `${offset} to ${end}`);
  }
  store.put("j", { status: "finished", result: "abcdefghij" }, { ...OWNER, output_bytes: "10" });
  for (const [offset, end, text] of ranges) {
    assertEquals(await shown(store, { start: { offset }, end }), text, `ended, ${offset} to ${end}`);
  }
});

Deno.test("showOutput of last lines reads no more from the runner than they need", async () => {
  const store = new FakeStore();
  const line = `${"x".repeat(1023)}\n`;
  const total = 2000 * line.length;
  store.put("j", { status: "finished", result: "" }, { ...OWNER, output_bytes: String(total) });
  let read = 0;
  const remote = {
    read: (_job: unknown, offset: number, limit: number) => {
      const from = offset % line.length;
      const bytes = encode(line.repeat(129)).subarray(from, from + Math.min(limit, 128 << 10));
      read += bytes.length;
      return Promise.resolve({ offset, bytes });
    },
  };
  const text = await shown(store, { remote, start: { lines: 10 } });
  assertEquals(text, line.repeat(256)); // LastLinesSink keeps the ten
  assert(read <= 2 * (256 << 10), `${read} bytes`);
  read = 0;
  assertEquals((await shown(store, { remote, start: { lines: 1000 } })).length, 1024 * line.length);
  assert(read < 2.4 * (1 << 20), `${read} bytes`);
});

Deno.test("showOutput since a time begins behind the last piece that is older", async () => {
  const store = new FakeStore();
  store.put("j", { status: "started" }, { ...OWNER, started_ms: "100" });
  store.append("j", 0, "abc");
  store.append("j", 3, "def");
  const times = ["200-0", "300-0"];
  store.pieces.set("j", store.pieces.get("j")!.map((piece, i) => ({ ...piece, cursor: times[i] })));
  const all = store.pieces.get("j")!;
  store.output = (_id, cursor) => Promise.resolve(cursor === "" ? all : []);
  const since = (sinceMs: number) => shown(store, { start: { sinceMs } });
  assertEquals([await since(50), await since(250), await since(300), await since(301)], ["abcdef", "def", "def", ""]);
  store.put("j", { status: "finished", result: "abcdefghi" }, { ...OWNER, output_bytes: "9", ended_ms: "400" });
  assertEquals([await since(301), await since(401)], ["ghi", ""]);
});

Deno.test("showOutput counts from the end of what a running job has written, not of what Redis has", async () => {
  const store = new FakeStore();
  store.put("j", { status: "started" }, OWNER);
  store.append("j", 0, "abcd");
  const remote = remoteWith({ "1.a": "abcdefghij\nkl\n" });
  assertEquals(await shown(store, { remote, start: { offset: -3 } }), "kl\n");
  assertEquals(await shown(store, { remote, start: { offset: 8 }, end: 10 }), "ij");
  assertEquals(await shown(store, { remote }), "abcdefghij\nkl\n");
});

Deno.test("showOutput of a part of what a foreign runner wrote begins and ends there", async () => {
  const store = new FakeStore();
  store.put("j", { status: "finished", result: "foreign out\n" });
  assertEquals(await shown(store, { start: { offset: -4 } }), "out\n");
  assertEquals(await shown(store, { start: { offset: 2 }, end: 5 }), "rei");
});
