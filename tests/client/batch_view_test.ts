import { endedOf, isComplete, memberIds, secondsLeft, viewBatch } from "../../src/client/batch_view.ts";
import { assertEquals } from "../support/assert.ts";

const view = (fields: Record<string, string>) => viewBatch({ id: "b", fields });

Deno.test("viewBatch reads what a record says, whatever is missing or odd in it", () => {
  const empty = view({});
  assertEquals([empty.state, empty.size, empty.params, empty.exitCode], ["incomplete", 0, [], null]);
  assertEquals(view({ params: "{" }).params, []);
  assertEquals(["zz", "", "1e99"].map((text) => view({ created_ms: text }).createdMs), [null, null, null]);
  assertEquals(view({ params: '["a",1]' }).params, ["a"]);
  assertEquals(view({ recent: "7 x 7 2 " }).recent, [7, 2]);
  assertEquals(view({ "of:label:a": "b", "of:title": "t" }).labels, { a: "b" });
});

Deno.test("a batch has one of six states", () => {
  const closed = { size: "2", stored: "2", closed: "1" };
  assertEquals(view({ ...closed, closed: "", "n:q": "2" }).state, "incomplete");
  assertEquals(view({ ...closed, "n:q": "2" }).state, "queued");
  assertEquals(view({ ...closed, "n:q": "1", "n:ok": "1", begun_ms: "5" }).state, "running");
  assertEquals(view({ ...closed, "n:q": "2", stopping: "cancel" }).state, "stopping");
  assertEquals(view({ ...closed, "n:ok": "2" }).state, "finished");
  const rebuilt = view({ ...closed, "n:ok": "2", rebuilt: "1" });
  assertEquals([rebuilt.state, rebuilt.exitCode], ["failed", 125]);
  assertEquals(view({ ...closed, "n:ok": "1", "n:failed:3": "1" }).state, "failed");
  assertEquals(view({ ...closed, "n:ok": "1", "n:failed:3": "1", ended_ms: "9" }).endedMs, 9);
  assertEquals(view({ ...closed, "n:ok": "1", "n:q": "1", ended_ms: "9" }).endedMs, null);
});

Deno.test("isComplete needs all members to be stored and to have ended", () => {
  assertEquals(isComplete({ id: "b", fields: { closed: "", "n:ok": "1" } }), false);
  assertEquals(isComplete({ id: "b", fields: { closed: "1", "n:started": "1" } }), false);
  assertEquals(isComplete({ id: "b", fields: { closed: "1", "n:skipped": "1" } }), true);
});

Deno.test("secondsLeft goes by the pace of the members that ran, and counts those that are to come", () => {
  const fields = { size: "12", stored: "10", closed: "", "n:q": "5", "n:started": "1", "n:ok": "4", begun_ms: "1000" };
  assertEquals(secondsLeft(view(fields), 9000), 16);
  assertEquals(endedOf(view(fields)), 4);
  assertEquals(secondsLeft(view({ ...fields, "n:ok": "0" }), 9000), null);
  assertEquals(secondsLeft(view({ ...fields, stopping: "skip" }), 9000), null);
  assertEquals(secondsLeft(view({ size: "4", stored: "4", "n:ok": "4", begun_ms: "1000" }), 9000), null);
});

Deno.test("memberIds yields all members once, in either order", () => {
  const batch = view({ stored: "2500" });
  const pages = [...memberIds(batch)];
  assertEquals(pages.map((page) => page.length), [1000, 1000, 500]);
  assertEquals([pages[0][0], pages[2].at(-1)], ["b.1", "b.2500"]);
  assertEquals([...memberIds(batch, true)].flat(), pages.flat().reverse());
});
