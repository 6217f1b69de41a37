import { Attempts } from "../../src/runner/attempts.ts";
import { Requests } from "../../src/runner/requests.ts";
import type { OutputPart } from "../../src/domain/output.ts";
import type { JobReply, JobRequest, OpenRequest, RequestKind } from "../../src/ports/requests.ts";
import { assertEquals } from "../support/assert.ts";
import { until } from "../support/until.ts";

const quiet = () => {};

/** A runner's requests beside lists that a test fills. `run` is called for each request that an executor gets. */
function serving(executor: Record<string, unknown>) {
  const lists: Record<RequestKind, OpenRequest[]> = { view: [], control: [] };
  const wakes: Partial<Record<RequestKind, () => void>> = {};
  const replies: [requestId: string, reply: JobReply][] = [];
  const queue = {
    onRequest: (kind: RequestKind, wake: () => void) => void (wakes[kind] = wake),
    serve: (kind: RequestKind) => Promise.resolve(lists[kind].shift() ?? null),
    reply: ({ requestId }: OpenRequest, reply: JobReply) => Promise.resolve(void replies.push([requestId, reply])),
  };
  const attempts = new Attempts();
  attempts.add({ attempt: { id: "a", token: "1.n", name: "d.1.n", number: 1 }, executor, ended: false } as never);
  const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
  const parts = { queue, log, digestOf: () => "d", executors: new Map([["fake", executor]]) };
  const requests = new Requests(parts as never, attempts, { typed: quiet });
  requests.start();
  const send = (kind: RequestKind, requestId: string, request: JobRequest, token = "1.n") => {
    lists[kind].push({ requestId, id: "a", token, request });
    wakes[kind]!();
  };
  return { requests, send, replies, said: () => replies.map(([id]) => id) };
}

const output = (offset: number): JobRequest => ({ type: "output", offset, limit: 10 });
const typed = (text: string): JobRequest => ({ type: "type", bytes: new TextEncoder().encode(text) });

Deno.test("Requests types in order, and no slow reader delays a key or a screen", async () => {
  const reads: PromiseWithResolvers<OutputPart>[] = [];
  const keys: string[] = [];
  const { send, said, requests } = serving({
    read: () => {
      const read = Promise.withResolvers<OutputPart>();
      reads.push(read);
      return read.promise;
    },
    type: (_name: string, { bytes }: { bytes: Uint8Array }) =>
      Promise.resolve(keys.push(new TextDecoder().decode(bytes)) > 0),
    screen: () => Promise.resolve({ lines: [] }),
  });
  for (const name of ["o1", "o2", "o3"]) send("view", name, output(0));
  send("view", "s", { type: "screen" });
  for (const key of ["x", "y", "z"]) send("control", key, typed(key));
  await until("the others are served", () => said().length === 4);
  assertEquals([keys.join(""), said().filter((id) => id !== "s").join("")], ["xyz", "xyz"]);
  assertEquals(reads.length, 3);
  for (const id of ["o4", "o5"]) send("view", id, output(0));
  await until("a fourth reader is served", () => reads.length === 4);
  reads[0].resolve({ offset: 0, bytes: Uint8Array.of(1) });
  await until("the fifth follows", () => reads.length === 5);
  for (const read of reads) read.resolve({ offset: 0, bytes: new Uint8Array() });
  await requests.stop();
  assertEquals(said().filter((id) => id.startsWith("o")).toSorted(), ["o1", "o2", "o3", "o4", "o5"]);
});

Deno.test("Requests reads output of an attempt that it no longer runs, and types into no other attempt", async () => {
  const names: string[] = [];
  const { send, replies } = serving({
    read: (name: string, offset: number) => {
      names.push(name);
      return offset > 100
        ? Promise.reject(new Error("no disk"))
        : Promise.resolve({ offset: 50, bytes: Uint8Array.of(offset) });
    },
  });
  send("view", "old", output(7), "3.m");
  send("view", "bad", output(101), "3.m");
  send("control", "late", typed("x"), "3.m");
  await until("all are served", () => replies.length === 3);
  assertEquals(names, ["d.3.m", "d.3.m"]);
  assertEquals(Object.fromEntries(replies), {
    old: { type: "output", offset: 50, bytes: Uint8Array.of(7) },
    bad: { type: "failed", why: "no disk" },
    late: { type: "gone" },
  });
});
