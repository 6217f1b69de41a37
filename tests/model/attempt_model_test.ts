import { assert, assertEquals } from "../support/assert.ts";
import { attemptModel } from "./attempt_model.ts";
import type { Faults, Rules } from "./attempt_state.ts";
import { explore } from "./explore.ts";

/** Faults that come together, at any moment. */
const FAULTS: readonly Faults[] = [
  { kill: 2 },
  { kill: 1, diskFull: 1 },
  { laneDies: 1, diskFull: 1 },
  { kill: 1, laneDies: 1, journalGone: 1 },
  { kill: 2, copy: 1 },
  { kill: 1, laneDies: 1, copy: 1 },
  { diskFull: 1, copy: 1 },
  { kill: 1, rollback: 1 },
  { diskFull: 1, rollback: 1 },
  { laneDies: 1, rollback: 1 },
  { kill: 1, flush: 1 },
  { rollback: 1, flush: 1 },
];

for (const faults of FAULTS) {
  Deno.test(`an attempt is executed once, and ends as it did, whatever the order of ${JSON.stringify(faults)}`, () => {
    const { states, finding } = explore(attemptModel(faults));
    assertEquals(finding, null, finding === null ? "" : `${finding.what}:\n${finding.story.join("\n")}`);
    assert(states > 1000, `${states} states are no search`);
  });
}

/** What goes wrong without a rule, and which faults that needs. */
const NEEDED: readonly { readonly rule: keyof Rules; readonly faults: Faults; readonly what: string }[] = [
  { rule: "startIsWritten", faults: { kill: 1, diskFull: 1 }, what: "an attempt is executed twice" },
  { rule: "epochIsChecked", faults: { kill: 2 }, what: "an attempt is executed twice" },
  { rule: "endIsReserved", faults: { kill: 1, diskFull: 1 }, what: "waits for ever" },
  { rule: "reportsAreKept", faults: { kill: 1, laneDies: 1, journalGone: 1 }, what: "waits for ever" },
  { rule: "takeoverNeedsProof", faults: { diskFull: 1, copy: 1 }, what: "a job is called lost while it runs" },
  { rule: "mixedLaunchesNothing", faults: { kill: 2, copy: 1 }, what: "an attempt is executed twice" },
  { rule: "dataIsIdentified", faults: { kill: 1, rollback: 1 }, what: "the job is executed in two attempts" },
  { rule: "dataIsSealed", faults: { kill: 1, rollback: 1 }, what: "the job is executed in two attempts" },
  { rule: "lossIsWaitedOut", faults: { kill: 1, rollback: 1 }, what: "the job is executed in two attempts" },
  { rule: "processesAreAsked", faults: { laneDies: 1, diskFull: 1 }, what: "a job is called lost while it runs" },
];

for (const { rule, faults, what } of NEEDED) {
  Deno.test(`the model finds what the rule ${rule} is for`, () => {
    assertEquals(explore(attemptModel(faults, { [rule]: false })).finding?.what, what);
  });
}
