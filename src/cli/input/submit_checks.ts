import { InvalidInputError } from "../../domain/errors.ts";
import type { Values } from "../../settings/option_row.ts";
import type { GLOBAL_ROWS } from "../../settings/options.ts";
import type { SUBMIT_ROWS } from "../commands/submit.ts";
import { isBatch } from "./batch_options.ts";

type Settings = Values<typeof GLOBAL_ROWS & typeof SUBMIT_ROWS>;

/** Options that make a batch of one text. */
const AXES = ["array", "param", "each"] as const;

function refuse(reason: string): never {
  throw new InvalidInputError(`Cannot use ${reason}`);
}

/** Refuses options that a batch cannot have, and those that only a batch has. */
function checkBatch(settings: Settings): void {
  const { from, follow, csv, each, atMost, stopAfter, batch } = settings;
  if (csv && each === undefined) refuse("--csv without --each: there is no file");
  if (batch && from === undefined) refuse("--batch without --from: --array, --param and --each make a batch anyway");
  if (batch && settings.skipBad) refuse("--skip-bad with --batch: the same file would make another batch");
  if (isBatch(settings)) {
    const key = AXES.find((name) => settings[name] !== undefined && settings[name].length > 0);
    if (from !== undefined) refuse(`--${key} with --from: write one of them`);
    if (follow) refuse(`--follow with --${key}: it is for one job; use --wait`);
  } else if ((atMost ?? stopAfter) !== undefined && !batch) {
    const option = atMost === undefined ? "--stop-after" : "--at-most";
    refuse(`${option} without a batch: write --array, --param, --each or --from with --batch`);
  }
}

/**
 * Checks options of `runner submit` that exclude each other.
 *
 * @throws {InvalidInputError} Two of them do.
 */
export function checkSubmitOptions(settings: Settings): void {
  const { from, json, follow, wait, dryRun, skipBad, batch } = settings;
  if (json && follow) refuse("--json with --follow: the output of a job is no JSON");
  if (dryRun && (wait || follow)) refuse("--dry-run with --wait or --follow: nothing runs");
  if (from === undefined && skipBad) refuse("--skip-bad without --from: there are no lines");
  checkBatch(settings);
  if (from === undefined) return;
  if (settings.id && !batch) refuse("--id with --from: it is for one job");
  if (follow) refuse("--follow with --from: it is for one job");
}
