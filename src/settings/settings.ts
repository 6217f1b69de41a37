/** Resolves values of options and their origins: flag, environment, configuration file, default; the first one wins. */
import { InvalidInputError } from "../domain/errors.ts";
import { parseDuration } from "../domain/duration.ts";
import { messageOf } from "../domain/message_of.ts";
import { formatSize, parseSize } from "../domain/size.ts";
import type { Environment } from "../ports/environment.ts";
import type { ConfigFile } from "./config_file.ts";
import { configKeyOf, type OptionRow, type OptionRows, type OptionValue, type Values } from "./option_row.ts";

/** An option as given on the command line. */
export interface Typed {
  /** The spelling that was used, such as `-n`. */
  readonly spelled: string;
  /** Its values, in order; empty for a flag. */
  readonly texts: readonly string[];
}

/** Everything that may set an option. */
export interface Sources {
  readonly typed: ReadonlyMap<string, Typed>;
  readonly environment: Environment;
  /** `null`: there is no configuration file. */
  readonly file: ConfigFile | null;
}

/** Values by key, with their origins in words, such as `flag -n`. */
export interface Settings<Rows extends OptionRows> {
  readonly values: Values<Rows>;
  readonly origins: Readonly<Record<keyof Rows, string>>;
}

function wrong(where: string, reason: string): InvalidInputError {
  return new InvalidInputError(`Cannot use ${where}: ${reason}`);
}

/** Returns an error's message as the reason that `wrong` puts after the name of the option. */
function reasonOf(error: unknown): string {
  const message = messageOf(error);
  return message.charAt(0).toLowerCase() + message.slice(1);
}

function checkRange(row: OptionRow, number: number, where: string): number {
  const unit = row.type === "duration" ? " seconds" : "";
  if (row.type === "size" && row.min !== undefined && number > 0 && number < row.min) {
    const least = formatSize(row.min);
    throw wrong(where, `${formatSize(number)} is less than the minimum of ${least}; 0 means no limit`);
  }
  if (row.type !== "size" && row.min !== undefined && number < row.min) {
    throw wrong(where, `${number}${unit} is less than the minimum of ${row.min}${unit}`);
  }
  if (row.max !== undefined && number > row.max) {
    throw wrong(where, `${number}${unit} is more than the maximum of ${row.max}${unit}`);
  }
  return number;
}

function checkChoice({ choices }: OptionRow, text: string, where: string): string {
  if (choices && !choices.includes(text)) {
    throw wrong(where, `${JSON.stringify(text)} is not one of ${choices.join(", ")}`);
  }
  return text;
}

/**
 * Reads a text as a value of a row.
 *
 * @param where The user's name for it, such as `--timeout`.
 */
export function readOption(row: OptionRow, text: string, where: string): string | number | boolean {
  switch (row.type) {
    case "integer":
      if (!/^[+-]?\d+$/.test(text) || !Number.isSafeInteger(Number(text))) {
        throw wrong(where, `${JSON.stringify(text)} is not a whole number`);
      }
      return checkRange(row, Number(text), where);
    case "duration": {
      let seconds: number;
      try {
        seconds = parseDuration(text);
      } catch (error) {
        throw wrong(where, reasonOf(error));
      }
      return checkRange(row, seconds, where);
    }
    case "size": {
      let bytes: number;
      try {
        bytes = parseSize(text);
      } catch (error) {
        throw wrong(where, reasonOf(error));
      }
      return checkRange(row, bytes, where);
    }
    case "choice":
      return checkChoice(row, text, where);
    case "flag":
      if (!["1", "0", "true", "false", "yes", "no"].includes(text)) {
        throw wrong(where, `${JSON.stringify(text)} is neither true nor false`);
      }
      return ["1", "true", "yes"].includes(text);
    case "string":
    case "list":
      return checkChoice(row, readText(row, text, where), where);
  }
}

/**
 * Checks a value of a row that a program gives: a number, a boolean or a text, durations in seconds.
 *
 * @param where The caller's name for it, such as `option "keep"`.
 * @returns The value as the program uses it.
 */
export function checkOption(row: OptionRow, value: unknown, where: string): string | number | boolean {
  switch (row.type) {
    case "integer":
      if (!Number.isSafeInteger(value)) throw wrong(where, `${JSON.stringify(value)} is not a whole number`);
      return checkRange(row, value as number, where);
    case "duration":
      if (typeof value !== "number" || !(value >= 0) || value === Infinity) {
        throw wrong(where, `${JSON.stringify(value)} is not a number of seconds`);
      }
      return checkRange(row, value, where);
    case "size":
      if (!Number.isSafeInteger(value) || Number(value) < 0) {
        throw wrong(where, `${JSON.stringify(value)} is not a number of bytes`);
      }
      return checkRange(row, value as number, where);
    case "flag":
      if (typeof value !== "boolean") throw wrong(where, `${JSON.stringify(value)} is neither true nor false`);
      return value;
    case "choice":
    case "string":
    case "list":
      if (typeof value !== "string") throw wrong(where, `${JSON.stringify(value)} is not a text`);
      return checkChoice(row, readText(row, value, where), where);
  }
}

function readText(row: OptionRow, text: string, where: string): string {
  try {
    return row.read ? row.read(text) : text;
  } catch (error) {
    throw wrong(where, reasonOf(error));
  }
}

function fromFile(row: OptionRow, key: string, file: ConfigFile): string | number | boolean | undefined {
  const name = configKeyOf(key);
  if (!row.config || !Object.hasOwn(file.values, name)) return undefined;
  const value = file.values[name];
  const where = `${JSON.stringify(name)} in ${JSON.stringify(file.path)}`;
  const fits = row.type === "flag"
    ? typeof value === "boolean"
    : row.type === "integer"
    ? typeof value === "number"
    : row.type === "duration" || row.type === "size"
    ? typeof value === "number" || typeof value === "string"
    : typeof value === "string";
  if (!fits) {
    const wanted = {
      flag: "true or false",
      integer: "a number",
      duration: 'a number of seconds or a text like "5m"',
      size: 'a number of bytes or a text like "64M"',
    };
    throw wrong(where, `it must be ${wanted[row.type as keyof typeof wanted] ?? "a text"}`);
  }
  return readOption(row, String(value), where);
}

function resolveOne(key: string, row: OptionRow, sources: Sources): { value: OptionValue; origin: string } {
  const typed = sources.typed.get(key);
  if (typed) {
    const origin = `flag ${typed.spelled}`;
    if (row.type === "flag") return { value: true, origin };
    if (row.type === "list") {
      return { value: typed.texts.map((text) => readOption(row, text, typed.spelled) as string), origin };
    }
    return { value: readOption(row, typed.texts[0], typed.spelled), origin };
  }
  const text = row.env === undefined ? undefined : sources.environment.get(row.env);
  if (text) {
    return { value: readOption(row, text, `environment variable ${row.env}`), origin: `environment ${row.env}` };
  }
  const filed = sources.file ? fromFile(row, key, sources.file) : undefined;
  if (filed !== undefined) return { value: filed, origin: `file ${sources.file?.path}` };
  const empty = row.type === "flag" ? false : row.type === "list" ? [] : undefined;
  return { value: row.default ?? empty, origin: "default" };
}

/**
 * Resolves the value of each option. An empty environment variable counts as unset.
 *
 * @throws {InvalidInputError} A value is wrong; the message says where it comes from.
 */
export function resolveSettings<Rows extends OptionRows>(rows: Rows, sources: Sources): Settings<Rows> {
  const values: Record<string, OptionValue> = {};
  const origins: Record<string, string> = {};
  for (const [key, row] of Object.entries(rows)) {
    const { value, origin } = resolveOne(key, row, sources);
    values[key] = value;
    origins[key] = origin;
  }
  return { values: values as Values<Rows>, origins: origins as Record<keyof Rows, string> };
}
