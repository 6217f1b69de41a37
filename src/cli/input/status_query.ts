import type { JobQuery } from "../../client/list_jobs.ts";
import { InvalidInputError } from "../../domain/errors.ts";
import type { STATUS_ROWS } from "../commands/status.ts";
import { COLUMN_NAMES } from "../view/column_names.ts";
import { suggest } from "../../settings/suggest.ts";
import type { Context } from "../context.ts";
import type { Shown } from "../view/show_overview.ts";
import { givenFilter, readFilter, refuseFilters } from "./choice.ts";

type StatusContext = Pick<Context<typeof STATUS_ROWS>, "settings" | "origins">;

/** Refuses options about the list of jobs when jobs are named. */
export function refuseChoosing({ settings }: StatusContext): void {
  refuseFilters(settings);
  if (settings.columns !== undefined) {
    throw new InvalidInputError("Cannot use --columns with ids: it is about the list of all jobs");
  }
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
