import type { JobState } from "../../src/domain/lifecycle.ts";
import { STATE_NAMES, stateWord, statusOf } from "../../src/domain/state_words.ts";
import { assert, assertEquals } from "../support/assert.ts";

const WORDS: Readonly<Record<JobState, string>> = {
  dispatched: "queued",
  started: "running",
  finished: "finished",
  error: "failed",
};

/** No words of ours; some are names that every object of the language has. */
const FOREIGN = ["", "paused", "Queued", "queued ", "constructor", "toString", "__proto__"];

Deno.test("stateWord gives the word for a status, and a foreign one back", () => {
  for (const [status, word] of Object.entries(WORDS)) assertEquals(stateWord(status), word);
  for (const status of [...FOREIGN, "queued", "waiting"]) assertEquals(stateWord(status), status);
});

Deno.test("statusOf gives the status behind a word of the screen or of Redis, and a foreign one back", () => {
  for (const [status, word] of Object.entries(WORDS)) {
    assertEquals([statusOf(word), statusOf(status)], [status, status]);
  }
  assertEquals([statusOf("waiting"), statusOf("skipped")], ["started", "error"]);
  for (const word of FOREIGN) assertEquals(statusOf(word), word);
});

Deno.test("STATE_NAMES has every word and every status once, waiting and skipped", () => {
  const all = new Set([...Object.keys(WORDS), ...Object.values(WORDS), "waiting", "skipped"]);
  assertEquals([...STATE_NAMES].sort(), [...all].sort());
  for (const name of STATE_NAMES) assert(statusOf(name) in WORDS, name);
});
