/**
 * An option is one record. The parser, the help, the tables of the README, the completions, the environment names and
 * the defaults all come from it.
 *
 * @module
 */

/** What completions ask Redis for. */
export type Completed = "jobs" | "runners" | "executors";

/** One option of a command; its long flag is its key in kebab-case, its configuration key its key in snake_case. */
export interface OptionRow {
  /** `integer` and `duration` (seconds) become numbers, `list` may be repeated, `choice` is one of `choices`. */
  readonly type: "string" | "integer" | "duration" | "choice" | "flag" | "list";
  /** What it does, in one sentence without a period. */
  readonly help: string;
  /** One letter. */
  readonly short?: string;
  /** Other long spellings. */
  readonly aliases?: readonly string[];
  /** Stands for the value in the help. */
  readonly value?: string;
  /** The words that a `choice`, or each value of a `list`, may be. */
  readonly choices?: readonly string[];
  /** The smallest and the largest number that is accepted. */
  readonly min?: number;
  readonly max?: number;
  /** Environment variable that sets it. */
  readonly env?: string;
  /** Whether the configuration file may set it. */
  readonly config?: true;
  /** Its value when nothing sets it. */
  readonly default?: string | number | boolean;
  /** What the help says about a default that is worked out at run time. */
  readonly defaultText?: string;
  /** What of Redis its value is, for completions. */
  readonly completes?: Completed;
  /** Not shown in the help: for tests. */
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
  : Row["type"] extends "integer" | "duration" ? number
  : Row["type"] extends "choice" ? (Row["choices"] extends readonly string[] ? Row["choices"][number] : string)
  : string;

type ValueOf<Row extends OptionRow> = Row["type"] extends "flag" | "list" ? Typed<Row>
  : Row extends { readonly default: string | number } ? Typed<Row>
  : Typed<Row> | undefined;

/** The values of options by key: durations in seconds, `undefined` for what nothing sets. */
export type Values<Rows extends OptionRows> = { readonly [Key in keyof Rows]: ValueOf<Rows[Key]> };

/** Long flag of an option: `redisUrl` is `--redis-url`. */
export function flagOf(key: string): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** Name of an option in the configuration file: `redisUrl` is `redis_url`. */
export function configKeyOf(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
