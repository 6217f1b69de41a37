import type { JobQuery } from "../../client/list_jobs.ts";
import type { Found } from "../../client/find.ts";
import { InvalidInputError } from "../../domain/errors.ts";
import type { StoredBatch } from "../../ports/batches.ts";
import { COLUMN_NAMES } from "../view/column_names.ts";
import type { SORT_KEYS } from "../../domain/sort_keys.ts";
import type { FILTER_ROWS } from "../../settings/selection_rows.ts";
import { suggest } from "../../settings/suggest.ts";
import type { Context } from "../context.ts";
import type { Shown } from "../view/show_overview.ts";
import { givenFilter, readFilter } from "./choice.ts";

type FilterContext = Pick<Context<typeof FILTER_ROWS>, "settings" | "origins">;

/** Values of the options of `runner status`. */
interface StatusContext extends FilterContext {
  readonly settings: FilterContext["settings"] & {
    readonly count: number;
    readonly among: number;
    readonly sort: typeof SORT_KEYS[number];
    readonly columns?: string;
    readonly csv: boolean;
    readonly watch: boolean;
  };
}

/**
 * Returns the batch whose members are listed; `null`: details are shown.
 *
 * @throws {InvalidInputError} Columns are wanted of something else than one batch.
 */
export function tabulated(
  found: readonly Found[],
  { columns, csv, watch }: StatusContext["settings"],
): StoredBatch | null {
  if (columns === undefined && !csv) return null;
  const flag = csv ? "--csv" : "--columns";
  if (watch) throw new InvalidInputError(`Cannot use ${flag} of a batch with --watch: write one of them`);
  const [{ batch }, ...more] = found;
  if (batch && more.length === 0) return batch;
  throw new InvalidInputError(`Cannot use ${flag} with ids: it is about the list of all jobs, or about one batch`);
}

/** Reads which jobs the overview shows, for Redis' clock. Without a filter a named queue is no condition. */
export function readQuery(context: StatusContext): (nowMs: number) => JobQuery {
  const { settings } = context;
  const filterAt = givenFilter(settings) === undefined ? () => ({}) : readFilter(context);
  const { sort, count, among } = settings;
  // a list that is updated again and again reads no more jobs than it must
  return (nowMs) => ({ ...filterAt(nowMs), sort, count, among, counted: !settings.watch });
}

/** Returns what is shown of the overview. */
export function readShown({ settings }: StatusContext): Shown {
  const { runner: _, ...others } = settings;
  const jobsOnly = givenFilter({ ...others, runner: undefined }) !== undefined;
  const columns = settings.columns?.split(",") ?? null;
  for (const name of columns ?? []) {
    if ((COLUMN_NAMES as readonly string[]).includes(name)) continue;
    const near = suggest(name, COLUMN_NAMES);
    throw new InvalidInputError(
      `Cannot use column ${JSON.stringify(name)}: there is no such column${
        near ? `, perhaps you mean ${near}` : ""
      }; columns are ${COLUMN_NAMES.join(", ")}`,
    );
  }
  return { columns, jobsOnly, ids: null };
}
