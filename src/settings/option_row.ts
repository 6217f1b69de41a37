/**
 * An option is one record. The parser, the help, the tables of the README, the completions, the environment names and
 * the defaults are all derived from it.
 *
 * @module
 */

import { formatDuration } from "../domain/duration.ts";
import { formatSize } from "../domain/size.ts";

/** The kinds of words that completions read from Redis. */
export type Completed = "jobs" | "batches" | "runners" | "executors" | "schedules" | "limits";

/** One option of a command; its long flag is its key in kebab-case, its configuration key its key in snake_case. */
export interface OptionRow {
  /**
   * `integer`, `duration` (seconds) and `size` (bytes; 0 means no limit) become numbers, `list` may be repeated,
   * `choice` is one of `choices`.
   */
  readonly type: "string" | "integer" | "duration" | "size" | "choice" | "flag" | "list";
  /** What it does, in one sentence without a period. */
  readonly help: string;
  /** One letter. */
  readonly short?: string;
  /** Other long spellings. */
  readonly aliases?: readonly string[];
  /** Placeholder for the value in the help. */
  readonly value?: string;
  /** The words allowed for a `choice`, or for each value of a `list`. */
  readonly choices?: readonly string[];
  /** The smallest number that is accepted; a size may be 0 all the same. */
  readonly min?: number;
  /** The largest number that is accepted. */
  readonly max?: number;
  /** Environment variable that sets it. */
  readonly env?: string;
  /** Whether the configuration file may set it. */
  readonly config?: true;
  /** Its value when nothing sets it. */
  readonly default?: string | number | boolean;
  /** What the help says about a default that is determined at run time. */
  readonly defaultText?: string;
  /** The kind of Redis data that completes its value. */
  readonly completes?: Completed;
  /** Not shown in the help; for tests. */
  readonly hidden?: true;
  /** Checks and rewrites a string; throws `InvalidInputError`. */
  readonly read?: (text: string) => string;
}

/** The options of a command by key. */
export type OptionRows = Readonly<Record<string, OptionRow>>;

/** A value of any option. */
export type OptionValue = string | number | boolean | readonly string[] | undefined;

type Typed<Row extends OptionRow> = Row["type"] extends "flag" ? boolean
  : Row["type"] extends "list" ? readonly string[]
  : Row["type"] extends "integer" | "duration" | "size" ? number
  : Row["type"] extends "choice" ? (Row["choices"] extends readonly string[] ? Row["choices"][number] : string)
  : string;

type ValueOf<Row extends OptionRow> = Row["type"] extends "flag" | "list" ? Typed<Row>
  : Row extends { readonly default: string | number } ? Typed<Row>
  : Typed<Row> | undefined;

/** The values of options by key; durations in seconds, `undefined` for unset options. */
export type Values<Rows extends OptionRows> = { readonly [Key in keyof Rows]: ValueOf<Rows[Key]> };

/** Returns a number as a person writes it for an option. */
export function numberText(row: OptionRow, value: number): string {
  if (row.type === "duration") return formatDuration(value);
  return row.type === "size" ? formatSize(value) : String(value);
}

/** Returns the long flag of an option: `redisUrl` is `--redis-url`. */
export function flagOf(key: string): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** Returns the name of an option in the configuration file: `redisUrl` is `redis_url`. */
export function configKeyOf(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
