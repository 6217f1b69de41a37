/**
 * The options that select jobs, the same for every command that is about several.
 *
 * @module
 */
import { InvalidInputError } from "../domain/errors.ts";
import { OUTCOMES } from "../domain/outcome.ts";
import { STATE_NAMES } from "../domain/state_words.ts";
import type { OptionRows } from "./option_row.ts";

/** Refuses an empty text, as of an unset variable: it would select other jobs than were meant. */
function readGiven(text: string): string {
  if (text === "") throw new InvalidInputError("it is empty");
  return text;
}

/** Options that filter jobs: a job must match all of them. */
export const FILTER_ROWS = {
  state: {
    type: "list",
    value: "STATE",
    choices: STATE_NAMES,
    help:
      "Only jobs in this state; may be repeated. waiting: for input; skipped: failed, not run; last three: in Redis",
  },
  outcome: {
    type: "list",
    value: "HOW",
    choices: OUTCOMES,
    help: "Only jobs that ended like this; may be repeated. skipped: not started because of another job",
  },
  runner: { type: "string", value: "NAME", completes: "runners", read: readGiven, help: "Only jobs of this runner" },
  caller: { type: "string", value: "TEXT", read: readGiven, help: "Only jobs with this caller id" },
  context: { type: "string", value: "TEXT", read: readGiven, help: "Only jobs with this context id" },
  label: {
    type: "list",
    value: "NAME[=TEXT]",
    read: readGiven,
    help: "Only jobs with this label, without =TEXT with any value; may be repeated",
  },
  batch: {
    type: "string",
    value: "ID",
    completes: "batches",
    read: readGiven,
    help: "Only members of this batch",
  },
  since: {
    type: "string",
    value: "D|TIME",
    read: readGiven,
    help: "Only jobs created within this time, or at this time or later",
  },
  before: {
    type: "string",
    value: "D|TIME",
    read: readGiven,
    help: "Only jobs created longer ago than this, or before this time",
  },
  text: {
    type: "string",
    value: "TEXT",
    read: readGiven,
    help: "Only jobs with this in the title or in the first 1,000 bytes of the payload, in upper or lower case",
  },
} as const satisfies OptionRows;

/** Options of a command that changes the jobs that it selects. */
export const CHANGE_ROWS = {
  ...FILTER_ROWS,
  yes: { type: "flag", short: "y", help: "Do not ask, when the jobs are selected by filters" },
  dryRun: { type: "flag", help: "Only list the jobs" },
} as const satisfies OptionRows;
