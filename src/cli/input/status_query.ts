import type { JobQuery } from "../../client/list_jobs.ts";
import { InvalidInputError } from "../../domain/errors.ts";
import { COLUMN_NAMES } from "../view/column_names.ts";
import type { Values } from "../../settings/option_row.ts";
import type { STATUS_ROWS } from "../commands/status.ts";
import type { Shown } from "../view/show_overview.ts";
import { readPair } from "./submission_options.ts";
import { suggest } from "../../settings/suggest.ts";

/** Options that filter jobs, and so do not apply to jobs that are named. */
const FILTERS = ["state", "runner", "caller", "context", "label", "since", "columns"] as const;

type StatusSettings = Values<typeof STATUS_ROWS>;

function isSet(settings: StatusSettings, key: typeof FILTERS[number]): boolean {
  const value = settings[key];
  return Array.isArray(value) ? value.length > 0 : value !== undefined;
}

/** Refuses options that filter jobs when jobs are named. */
export function refuseChoosing(settings: StatusSettings): void {
  const key = FILTERS.find((key) => isSet(settings, key));
  if (key) throw new InvalidInputError(`Cannot use --${key} with ids: it filters all jobs`);
}

/** Returns which jobs the overview shows. `nowMs`: Unix time by Redis' clock. */
export function readQuery(settings: StatusSettings, nowMs: number): JobQuery {
  const { state, runner, caller, context, label, since, sort, count, among } = settings;
  return {
    states: state,
    runner,
    callerId: caller,
    contextId: context,
    labels: Object.fromEntries(label.map((text) => readPair(text, "--label"))),
    sinceMs: since === undefined ? undefined : nowMs - Math.round(since * 1000),
    sort,
    count,
    among,
    // a list that is updated again and again reads no more jobs than it must
    counted: !settings.watch,
  };
}

/** Returns what is shown of the overview. */
export function readShown(settings: StatusSettings): Shown {
  const jobsOnly = FILTERS.some((key) => key !== "runner" && key !== "columns" && isSet(settings, key));
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
