import { showOutput } from "../../src/client/follow.ts";
import type { ShowOptions } from "../../src/client/output_reader.ts";
import { RemoteOutput } from "../../src/client/remote_output.ts";
import type { RequestReply } from "../../src/ports/requests.ts";
import { FakeStore } from "../cli/fake_store.ts";
import { assert, assertEquals } from "../support/assert.ts";

const encode = (text: string) => new TextEncoder().encode(text);

/** A runner that has these outputs, by token; it sends at most three bytes at once. */
function remoteWith(outputs: Record<string, string>) {
  const asked: string[] = [];
  const read: RemoteOutput["read"] = ({ meta }, offset, limit) => {
    asked.push(`${meta.instance}/${meta.token}@${offset}`);
    return Promise.resolve(encode((outputs[meta.token] ?? "").slice(offset, offset + Math.min(3, limit))));
  };
  return { asked, read };
}

/** Returns what is shown of job `j`: text, and `[-N]` for N missing bytes. */
async function shown(store: FakeStore, options: Partial<ShowOptions> = {}): Promise<string> {
  let text = "";
  await showOutput(store, store.jobs.get("j")!, {
    from: "newest",
    ...options,
    sink: {
      write: (bytes) => Promise.resolve(void (text += new TextDecoder().decode(bytes))),
      gap: (bytes) => Promise.resolve(void (text += `[-${bytes}]`)),
      attempt: (attempt) => Promise.resolve(void (text += `[=${attempt}]`)),
    },
  });
  return text;
}

const OWNER = { attempt: "1", token: "1.a", instance: "i", runner: "r" };

Deno.test("showOutput asks the runner for what Redis does not have, and for nothing else", async () => {
  const store = new FakeStore();
  store.put("j", { status: "started" }, OWNER);
  store.append("j", 4, "ef");
  store.append("j", 9, "jk");
  const remote = remoteWith({ "1.a": "abcdefghijklmnop" });
  assertEquals(await shown(store, { remote }), "abcdefghijk");
  assertEquals(remote.asked, ["i/1.a@0", "i/1.a@3", "i/1.a@6"]);
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
      return Promise.resolve(bytes);
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

Deno.test("RemoteOutput asks no more after a failure, and says why", async () => {
  const store = new FakeStore();
  store.put("j", { status: "started" }, OWNER);
  const job = store.jobs.get("j")!;
  const cases: [reply: RequestReply, why: RegExp][] = [
    [{ type: "silent", ms: 300_000 }, /is gone or stopped for 5m/],
    [{ type: "unanswered", taken: false }, /did not answer within 3s/],
    [{ type: "full" }, /too many requests wait/],
    [{ type: "failed", why: "no disk" }, /could not read them: no disk/],
    [{ type: "over" }, /has just left Redis/],
    [{ type: "output", bytes: new Uint8Array() }, /has them no more/],
  ];
  for (const [reply, why] of cases) {
    const remote = new RemoteOutput(store, { newId: () => "q", waitMs: 3000 });
    assertEquals(await remote.trouble(job), null);
    store.asked.length = 0;
    store.answer = reply;
    for (let i = 0; i < 2; i++) assertEquals((await remote.read(job, 0, 10)).length, 0);
    assertEquals(store.asked, [["j", { type: "output", offset: 0, limit: 10 }]]);
    assert(why.test((await remote.trouble(job))!), String(await remote.trouble(job)));
  }
});
