import type { Axis } from "../../client/plan_batch.ts";
import { INDEX_VARIABLE, LINE_VARIABLE } from "../../domain/batch.ts";
import { readCsv } from "../../domain/csv.ts";
import { InvalidInputError } from "../../domain/errors.ts";
import { MAX_BATCH } from "../../domain/limits.ts";
import type { Compose } from "../../compose/contract.ts";
import { decodeText, openBatch } from "./payload.ts";

/** Values of the options that make a batch. */
export interface BatchSettings {
  readonly array?: string;
  readonly param: readonly string[];
  readonly each?: string;
  readonly csv: boolean;
}

/** Returns whether the options ask for a batch. */
export function isBatch({ array, param, each }: BatchSettings): boolean {
  return array !== undefined || param.length > 0 || each !== undefined;
}

/** Reads `FIRST`, or `FIRST` to `LAST` with a separator between; `null` for another text. */
function readRange(text: string, separator: string, cannot: string): string[] | null {
  const [first, last, ...more] = text.split(separator);
  if (last === undefined || more.length > 0 || ![first, last].every((part) => /^-?\d{1,15}$/.test(part))) return null;
  const [from, to] = [Number(first), Number(last)];
  if (from > to) throw new InvalidInputError(`${cannot}: ${text} ends before it begins`);
  if (to - from >= MAX_BATCH) {
    throw new InvalidInputError(`${cannot}: ${text} has ${to - from + 1} numbers, more than ${MAX_BATCH}`);
  }
  return Array.from({ length: to - from + 1 }, (_, i) => String(from + i));
}

/** Reads `1-200`, or several numbers and ranges with commas between. */
function readArray(text: string): Axis {
  const cannot = `Cannot use --array ${JSON.stringify(text)}`;
  const numbers = text.split(",").flatMap((part) => {
    const range = /^\d{1,15}$/.test(part) ? [part] : readRange(part, "-", cannot);
    if (range === null) throw new InvalidInputError(`${cannot}: write for example 1-200 or 1-9,20`);
    return range;
  });
  return { names: [INDEX_VARIABLE], rows: numbers.map((number) => [number]) };
}

/** Reads `NAME=a,b,c`, where a part may be a range of whole numbers, such as `1..5`. */
function readParam(text: string): Axis {
  const equals = text.indexOf("=");
  if (equals < 1) throw new InvalidInputError(`Cannot use --param ${JSON.stringify(text)}: it is not NAME=VALUE,...`);
  const name = text.slice(0, equals);
  const cannot = `Cannot use --param ${JSON.stringify(name)}`;
  const parts = text.slice(equals + 1).split(",");
  if (parts.includes("")) throw new InvalidInputError(`${cannot}: a value in its list is empty`);
  return { names: [name], rows: parts.flatMap((part) => readRange(part, "..", cannot) ?? [part]).map((one) => [one]) };
}

async function readEach(path: string, csv: boolean, compose: Compose): Promise<Axis> {
  const what = path === "-" ? "standard input" : `file ${JSON.stringify(path)}`;
  const pieces: Uint8Array[] = [];
  for await (const piece of await openBatch(path, compose)) pieces.push(piece);
  const text = decodeText(new Uint8Array(await new Blob(pieces as BlobPart[]).arrayBuffer()), what);
  if (csv) {
    const [names = [], ...rows] = readCsv(text, `Cannot submit ${what}`);
    if (rows.length === 0) throw new InvalidInputError(`Cannot submit ${what}: it has no line behind its header`);
    return { names, rows };
  }
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "");
  if (lines.length === 0) throw new InvalidInputError(`Cannot submit ${what}: it has no line`);
  return { names: [LINE_VARIABLE], rows: lines.map((line) => [line]) };
}

/**
 * Reads the variables in which the members of a batch differ.
 *
 * @throws {InvalidInputError} A range or a list is malformed or empty, or a file is not there.
 */
export async function readAxes(settings: BatchSettings, compose: Compose): Promise<Axis[]> {
  const { array, param, each, csv } = settings;
  return [
    ...array === undefined ? [] : [readArray(array)],
    ...param.map(readParam),
    ...each === undefined ? [] : [await readEach(each, csv, compose)],
  ];
}
