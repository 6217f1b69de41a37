import type { Filter } from "../../client/selection.ts";
import { readTime } from "../../client/read_time.ts";
import { parseDuration } from "../../domain/duration.ts";
import { InvalidInputError } from "../../domain/errors.ts";
import type { OutcomeWord } from "../../domain/outcome.ts";
import { flagOf, type OptionRows, type Values } from "../../settings/option_row.ts";
import { FILTER_ROWS } from "../../settings/selection_rows.ts";
import type { Context } from "../context.ts";
import { queueOf } from "./find_named.ts";
import { readLabel } from "./submission_options.ts";

/** Values of the options that filter jobs. */
export type FilterSettings = Values<typeof FILTER_ROWS>;

/** The part of a command's context that selecting jobs needs. */
export type Chooser =
  & Pick<Context<typeof FILTER_ROWS & OptionRows>, "positionals" | "origins" | "store" | "terminal">
  & {
    readonly settings: FilterSettings & Context["settings"];
  };

/** The jobs that a command line selects: those that it names, or those that fit; times depend on Redis' clock. */
export type Choice = { readonly ids: readonly string[] } | { readonly filterAt: (nowMs: number) => Filter };

const KEYS = Object.keys(FILTER_ROWS) as (keyof FilterSettings)[];

/** Returns the first of the options that filter jobs which is set. */
export function givenFilter(settings: FilterSettings): keyof FilterSettings | undefined {
  return KEYS.find((key) => settings[key] !== undefined && settings[key].length > 0);
}

/** Reads a duration before now, or a time, for the time by Redis' clock. */
function readMoment(text: string, flag: string): (nowMs: number) => number {
  const ms = readTime(text, "local");
  if (ms !== null) return () => ms;
  try {
    const seconds = parseDuration(text);
    return (nowMs) => nowMs - Math.round(seconds * 1000);
  } catch {
    throw new InvalidInputError(
      `Cannot use ${flag}: ${
        JSON.stringify(text)
      } is neither a duration nor a time; write for example 90m or 2026-01-31 18:30`,
    );
  }
}

function readLabels(texts: readonly string[]): Record<string, string | null> {
  const pairs = texts.map((text) => readLabel(text, null));
  const twice = pairs.find(([name], i) => pairs.findIndex(([other]) => other === name) < i);
  if (twice) {
    throw new InvalidInputError(`Cannot use --label ${JSON.stringify(twice[0])} twice: no job has both values`);
  }
  return Object.fromEntries(pairs);
}

/** Reads the options that filter jobs. A queue that the user named in any setting is the default of --runner. */
export function readFilter(context: Pick<Chooser, "settings" | "origins">): (nowMs: number) => Filter {
  const { state, outcome, runner, caller, context: contextId, label, batch, since, before, text } = context.settings;
  const sinceMs = since === undefined ? undefined : readMoment(since, "--since");
  const beforeMs = before === undefined ? undefined : readMoment(before, "--before");
  const fixed: Filter = {
    states: state,
    outcomes: outcome as readonly OutcomeWord[],
    runner: runner ?? queueOf(context).queue,
    callerId: caller,
    contextId,
    labels: readLabels(label),
    batch,
    text,
  };
  return (nowMs) => ({ ...fixed, sinceMs: sinceMs?.(nowMs), beforeMs: beforeMs?.(nowMs) });
}

/** Refuses options that filter jobs when jobs are named. */
export function refuseFilters(settings: FilterSettings): void {
  const key = givenFilter(settings);
  if (key) throw new InvalidInputError(`Cannot use ${flagOf(key)} with ids: it filters all jobs`);
}

/** Refuses --cascade with filters: what hangs on the jobs need not fit. */
export function refuseCascade(cascade: boolean): void {
  if (cascade) throw new InvalidInputError("Cannot use --cascade with filters: name the jobs by their ids");
}

/**
 * Reads which jobs a command is about, which must be given.
 *
 * @throws {InvalidInputError} There are neither ids nor options that filter jobs, or both, or an option is malformed.
 */
export function needChoice(context: Chooser, command: string): Choice {
  const choice = readChoice(context);
  if (choice !== null) return choice;
  throw new InvalidInputError(`Cannot run runner ${command}: it needs ids of jobs, or options that filter jobs`);
}

/**
 * Reads which jobs a command is about.
 *
 * @returns `null`: it has neither ids nor options that filter jobs.
 * @throws {InvalidInputError} It has both, or an option is malformed.
 */
export function readChoice(context: Chooser): Choice | null {
  const { positionals, settings } = context;
  if (positionals.length > 0) {
    refuseFilters(settings);
    return { ids: positionals };
  }
  return givenFilter(settings) === undefined ? null : { filterAt: readFilter(context) };
}
