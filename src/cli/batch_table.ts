import { type BatchView, isMember, memberIds, viewBatch } from "../client/batch_view.ts";
import { type JobView, viewJob } from "../client/job_view.ts";
import { mapSideBySide } from "../client/map_side_by_side.ts";
import { csvLine } from "../domain/csv.ts";
import { InvalidInputError } from "../domain/errors.ts";
import { EXIT } from "../domain/exit_codes.ts";
import type { StoredBatch } from "../ports/batches.ts";
import type { JobStore, StoredJob } from "../ports/job_store.ts";
import { suggest } from "../settings/suggest.ts";
import type { Context } from "./context.ts";
import { formatDuration } from "../domain/duration.ts";
import { stateOf, stateStyle } from "./view/job_columns.ts";
import { lastLine } from "./view/last_line.ts";
import { type Column, table } from "./view/table.ts";
import { toJson } from "./view/text.ts";

/** A member with the variables that may be shown. */
interface Row {
  readonly job: JobView;
  readonly variables: Readonly<Record<string, string>>;
}

/** Columns of the members of a batch, besides its variables. */
const COLUMNS: Readonly<Record<string, (row: Row) => string | number | null>> = {
  index: ({ job }) => job.index,
  id: ({ job }) => job.id,
  status: ({ job }) => job.status,
  outcome: ({ job }) => job.outcome,
  exit: ({ job }) => job.exitCode,
  took: ({ job }) => job.seconds,
  try: ({ job }) => job.attempt,
  error: ({ job }) => job.error || null,
  result: ({ job }) => job.result.replace(/\r?\n$/, ""),
};

/** The settings of `runner status` that matter for the table. */
export interface TableSettings {
  readonly columns?: string;
  readonly csv: boolean;
  readonly json: boolean;
}

/** Returns only those variables of a member in which members differ: others may be secrets. */
function variablesOf({ fields }: StoredJob, params: readonly string[]): Record<string, string> {
  let env: unknown;
  try {
    env = JSON.parse(fields.env_vars || "{}");
  } catch {
    return {};
  }
  if (typeof env !== "object" || env === null) return {};
  return Object.fromEntries(
    params.flatMap((name) => Object.hasOwn(env, name) ? [[name, String(env[name as never])]] : []),
  );
}

function checkNames(names: readonly string[], { id, params }: BatchView): void {
  const known = [...Object.keys(COLUMNS), ...params];
  const wrong = names.find((name) => !known.includes(name));
  if (wrong === undefined) return;
  const near = suggest(wrong, known);
  throw new InvalidInputError(
    `Cannot use column ${JSON.stringify(wrong)}: batch ${JSON.stringify(id)} has no such column${
      near ? `, perhaps you mean ${near}` : ""
    }; its columns are ${known.join(", ")}`,
  );
}

const valueOf = (name: string) => (row: Row) =>
  Object.hasOwn(COLUMNS, name) ? COLUMNS[name](row) : row.variables[name] ?? null;

/** Returns a column for people: durations with units, and of a result its last line. */
function columnOf(name: string): Column<Row> {
  const value = valueOf(name);
  const texts: Readonly<Record<string, (row: Row) => string>> = {
    status: ({ job }) => stateOf(job),
    took: ({ job }) => job.seconds === null ? "" : formatDuration(job.seconds),
    result: ({ job }) => lastLine(job.result),
  };
  return {
    title: Object.hasOwn(COLUMNS, name) ? name.toUpperCase() : name,
    value: Object.hasOwn(texts, name) ? texts[name] : (row) => String(value(row) ?? ""),
    right: ["index", "exit", "took", "try"].includes(name),
    flexible: name === "result" || name === "error",
    ...name === "status" ? { style: ({ job }: Row) => stateStyle(stateOf(job)) } : {},
  };
}

async function readRows(store: JobStore, ids: readonly string[], params: readonly string[]): Promise<Row[]> {
  const jobs = await mapSideBySide(ids, (id) => store.read(id));
  return jobs.flatMap((job) =>
    job && isMember(job) ? [{ job: viewJob(job), variables: variablesOf(job, params) }] : []
  );
}

/** Writes the members of a batch as a table, as CSV, or with --json as one object per line. */
export async function showMembers(
  { terminal, color, settings }: Pick<Context, "terminal" | "color"> & { readonly settings: TableSettings },
  store: JobStore,
  batch: StoredBatch,
): Promise<number> {
  const view = viewBatch(batch);
  const names = settings.columns?.split(",") ?? ["index", ...view.params, "status", "exit", "took", "result"];
  checkNames(names, view);
  if (settings.csv) await terminal.write(csvLine(names));
  const all: Row[] = [];
  for (const ids of memberIds(view)) {
    const rows = await readRows(store, ids, view.params);
    if (settings.json) {
      const objects = rows.map((row) => Object.fromEntries(names.map((name) => [name, valueOf(name)(row)])));
      await terminal.write(objects.map((one) => `${toJson(one)}\n`).join(""));
    } else if (settings.csv) {
      await terminal.write(rows.map((row) => csvLine(names.map((name) => String(valueOf(name)(row) ?? "")))).join(""));
    } else all.push(...rows);
  }
  if (!settings.json && !settings.csv) {
    await terminal.write(table(all, names.map(columnOf), { room: terminal.columns(), color }));
  }
  return EXIT.ok;
}
