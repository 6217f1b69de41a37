import { followJob, showOutput } from "../../src/client/follow.ts";
import type { FollowSink, ShowOptions } from "../../src/client/output_reader.ts";
import { JobNotFoundError } from "../../src/domain/errors.ts";
import type { HostOutput } from "../../src/ports/host_output.ts";
import { FakeStore } from "../cli/fake_store.ts";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";

/** Notes what it is given: `1@0 text` for output, `1@4 -3` for a gap, `=2` for an attempt, `.` when all was shown. */
class Notes implements FollowSink {
  readonly all: string[] = [];

  write(bytes: Uint8Array, { attempt, offset }: { attempt: number; offset: number }) {
    return this.#note(`${attempt}@${offset} ${new TextDecoder().decode(bytes)}`);
  }
  gap(bytes: number, { attempt, offset }: { attempt: number; offset: number }) {
    return this.#note(`${attempt}@${offset} -${bytes}`);
  }
  attempt(attempt: number) {
    return this.#note(`=${attempt}`);
  }
  caughtUp() {
    return this.#note(".");
  }
  #note(text: string) {
    this.all.push(text);
    return Promise.resolve();
  }
}

/** A sink that accepts no bytes. */
class ClosedSink extends Notes {
  override write() {
    return Promise.reject(new Error("closed"));
  }
}

async function shown(store: FakeStore, options: Partial<ShowOptions> = {}): Promise<string[]> {
  const sink = new Notes();
  await showOutput(store, store.jobs.get("j")!, { sink, ...options });
  return sink.all;
}

/** A host that has these outputs, by token; dots in them are bytes that are gone. */
function hostWith(outputs: Record<string, string>) {
  const opened: string[] = [];
  const open: HostOutput["open"] = ({ meta }) => {
    opened.push(meta.token);
    if (outputs[meta.token] === undefined) return Promise.resolve(null);
    const read = (offset: number, limit: number) => {
      const output = outputs[meta.token];
      while (output[offset] === ".") offset++;
      const text = output.slice(offset, offset + limit).split(".", 1)[0];
      return Promise.resolve({ offset, bytes: new TextEncoder().encode(text) });
    };
    return Promise.resolve({ read, close: () => void host.closed++ });
  };
  const host = { opened, open, closed: 0 };
  return host;
}

Deno.test("showOutput gives each byte once with its place, and what is missing as a gap", async () => {
  const store = new FakeStore();
  store.put("j", { status: "started" }, { attempt: "1" });
  assertEquals(await shown(store), ["."]);
  store.append("j", 0, "abcd");
  store.append("j", 2, "cdef");
  store.append("j", 1, "bc");
  store.append("j", 9, "z");
  assertEquals(await shown(store), ["1@0 abcd", "1@4 ef", "1@6 -3", "1@9 z", "."]);
});

Deno.test("showOutput shows the rest of an ended job from its result, and its note behind everything", async () => {
  const store = new FakeStore();
  const note = "\n[output truncated: part of it was not captured]\n";
  store.append("j", 0, "ab");
  store.put("j", { status: "finished", result: `abcd${note}` }, { attempt: "1", output_bytes: "4", truncated: "1" });
  assertEquals(await shown(store), ["1@0 ab", "1@2 cd", `1@4 ${note}`, "."]);
  store.put("j", { status: "finished", result: "" }, { attempt: "1", output_bytes: "4" });
  assertEquals(await shown(store), ["1@0 ab", "1@2 -2", "."]);
});

Deno.test("showOutput begins with the first attempt, or with the newest when that is asked for", async () => {
  const store = new FakeStore();
  store.put("j", { status: "started" }, { attempt: "2" });
  store.append("j", 0, "old", 1);
  store.append("j", 0, "new", 2);
  store.append("j", 3, "late", 1);
  assertEquals(await shown(store), ["1@0 old", "=2", "2@0 new", "."]);
  assertEquals(await shown(store, { from: "newest" }), ["2@0 new", "."]);
  // the newest attempt wrote nothing: a reader of the first learns that it began
  store.put("j", { status: "finished", result: "" }, { attempt: "3", output_bytes: "0" });
  assertEquals(await shown(store), ["1@0 old", "=2", "2@0 new", "=3", "."]);
  assertEquals(await shown(store, { from: "newest" }), ["."]);
});

Deno.test("showOutput prefers what this host has, and closes it", async () => {
  const store = new FakeStore();
  store.put("j", { status: "started" }, { attempt: "2", token: "2.b" });
  store.append("j", 0, "old", 1);
  store.append("j", 5, "ahead", 2);
  const host = hostWith({ "2.b": "whole" });
  assertEquals(await shown(store, { host }), ["1@0 old", "=2", "2@0 whole", "."]);
  assertEquals([host.opened, host.closed], [["2.b"], 1]);
  const elsewhere = hostWith({});
  assertEquals(await shown(store, { host: elsewhere, from: "newest" }), ["2@0 -5", "2@5 ahead", "."]);
  // an attempt without an owner has no files of its own
  store.change("j", {}, { token: "0" });
  const unasked = hostWith({ "0": "whole" });
  assertEquals((await shown(store, { host: unasked, from: "newest" }))[0], "2@0 -5");
  assertEquals(unasked.opened, []);
});

Deno.test("showOutput closes what this host has when the sink fails", async () => {
  const store = new FakeStore();
  store.put("j", { status: "started" }, { attempt: "1", token: "1.a" });
  const host = hostWith({ "1.a": "text" });
  const sink = new ClosedSink();
  await assertRejects(() => shown(store, { host, sink }), Error, "closed");
  assertEquals(host.closed, 1);
});

Deno.test("showOutput shows where bytes are gone from an output on this host", async () => {
  const store = new FakeStore();
  const meta = { attempt: "1", token: "1.a", output_bytes: "12", instance: "i" };
  store.put("j", { status: "finished", result: "" }, meta);
  const host = hostWith({ "1.a": "head...ta..l" });
  assertEquals(await shown(store, { host }), ["1@0 head", "1@4 -3", "1@7 ta", "1@9 -2", "1@11 l", "."]);
});

Deno.test("followJob shows the end of an attempt on this host before the next one, and ends with the job", async () => {
  const store = new FakeStore();
  store.put("j", { status: "started" }, { attempt: "1", token: "1.a" });
  const outputs = { "1.a": "one", "2.b": "two" };
  const host = hostWith(outputs);
  const sink = new Notes();
  sink.caughtUp = () => {
    sink.all.push(".");
    if (host.opened.length > 1) {
      store.change("j", { status: "finished", result: "two" }, { output_bytes: "3" });
    } else {
      outputs["1.a"] = "one, more";
      store.change("j", {}, { attempt: "2", token: "2.b" });
    }
    return Promise.resolve();
  };
  const job = await followJob(store, "j", { sink, host, signal: new AbortController().signal });
  assertEquals(job?.fields.status, "finished");
  assertEquals(sink.all, ["1@0 one", ".", "1@3 , more", "=2", "2@0 two", ".", "."]);
  assertEquals([host.opened, host.closed], [["1.a", "2.b"], 2]);
});

Deno.test("followJob polls a live job four times a second, and refuses one that is not there", async () => {
  const store = new FakeStore();
  const sink = new Notes();
  const asked: [number, boolean | undefined][] = [];
  store.changes = async function* (_id: string, everyMs: number, _signal: AbortSignal, output?: boolean) {
    asked.push([everyMs, output]);
    store.change("j", { status: "error", result: "" }, { output_bytes: "0" });
    yield undefined;
    await Promise.resolve();
  };
  const { signal } = new AbortController();
  await assertRejects(() => followJob(store, "j", { sink, signal }), JobNotFoundError);
  for (const everyMs of [undefined, 7]) {
    store.put("j", { status: "started" }, { attempt: "1" });
    assert(await followJob(store, "j", { sink, signal, everyMs }));
  }
  assertEquals(asked, [[250, true], [7, true]]);
  assertEquals(await followJob(store, "j", { sink, signal: AbortSignal.abort() }), null);
});
