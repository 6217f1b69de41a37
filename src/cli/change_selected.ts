import { type LeftAlone, Tally } from "../client/change_jobs.ts";
import type { SelectedJob } from "../client/select_jobs.ts";
import type { Filter } from "../client/selection.ts";
import { EXIT } from "../domain/exit_codes.ts";
import { isFinal } from "../domain/lifecycle.ts";
import type { JobStore } from "../ports/job_store.ts";
import type { Values } from "../settings/option_row.ts";
import type { CHANGE_ROWS } from "../settings/selection_rows.ts";
import { ask, checkCanAsk } from "./ask.ts";
import type { Context } from "./context.ts";
import { findSelected } from "./find_selected.ts";
import { listByIds } from "./view/job_list.ts";
import { Progress } from "./view/progress.ts";
import { printable, toJson } from "./view/text.ts";

/** The part of a command's context that changing selected jobs needs. */
export type Changer = Pick<Context, "terminal" | "compose" | "color" | "store"> & {
  readonly settings: Context["settings"] & Values<typeof CHANGE_ROWS>;
};

/** A change of selected jobs, as a command presents it. */
export interface Presented<Result extends string> {
  /** What is done, such as `cancel`. */
  readonly verb: string;
  /** The question without the number of jobs and the question mark: `Cancel %`. */
  readonly question: (jobs: string) => string;
  /** Text of the progress bar after the numbers. */
  readonly progress: string;
  /** Whether a job with this status can be changed, and in words why not. */
  readonly changes: { readonly ended: boolean; readonly otherwise: string };
  /** What was done, by result: such as `cancelled before they started`. */
  readonly done: Readonly<Partial<Record<Result, string>>>;
  /** Why it was not done, by result. */
  readonly kept: Readonly<Partial<Record<Result | LeftAlone, string>>>;
  /** Results that make the exit code 1. */
  readonly failures: readonly (Result | LeftAlone)[];
  apply(
    store: JobStore,
    jobs: readonly SelectedJob[],
    options: { readonly filter: Filter; readonly onResult: (id: string, result: Result | LeftAlone) => Promise<void> },
  ): Promise<void>;
}

/** Why any change may leave a job alone. */
const LEFT_ALONE: Readonly<Record<LeftAlone, string>> = {
  changed: "no longer fit",
  gone: "have left Redis",
  unfit: "have foreign values in their keys",
};

function jobs(count: number): string {
  return `${count} job${count === 1 ? "" : "s"}`;
}

/** Describes the scope of a change: the runner and the namespace that restrict it. */
export function scopeOf({ runner }: Filter, { namespace }: Context["settings"]): string {
  return `${runner === undefined ? "" : ` of runner ${runner}`}${namespace === "" ? "" : ` in namespace ${namespace}`}`;
}

/** Returns counts with their reasons: `2 had ended already, 1 has left Redis`. */
function reasons(tally: Tally, words: Readonly<Record<string, string | undefined>>): string[] {
  return Object.entries(words).flatMap(([result, says]) => {
    const count = tally.of(result);
    return count === 0 ? [] : [`${count} ${says}`];
  });
}

/** Changes jobs, with a progress bar, and reports what became of them, also when Redis becomes unreachable. */
async function change<Result extends string>(
  context: Changer,
  { store, filter, able, unable }: {
    readonly store: JobStore;
    readonly filter: Filter;
    readonly able: readonly SelectedJob[];
    readonly unable: number;
  },
  presented: Presented<Result>,
): Promise<number> {
  const { terminal, settings } = context;
  const tally = new Tally();
  const progress = new Progress(context, presented.progress, able.length);
  let count = 0;
  try {
    await presented.apply(store, able, {
      filter,
      onResult: async (id, result) => {
        tally.add(result);
        progress.update(++count, able.length);
        if (settings.json) await terminal.write(`${toJson({ id, result })}\n`);
      },
    });
  } finally {
    await progress.end();
    const done = reasons(tally, presented.done);
    const kept = [
      ...(unable > 0 ? [`${unable} ${presented.changes.otherwise}`] : []),
      ...reasons(tally, { ...LEFT_ALONE, ...presented.kept }),
    ];
    if (done.length > 0) await terminal.say(`${done.join(", ")}\n`);
    if (kept.length > 0) await terminal.say(`unchanged: ${kept.join(", ")}\n`);
  }
  return tally.of(...presented.failures) > 0 ? EXIT.failed : EXIT.ok;
}

/**
 * Changes all jobs that fit: asks on a terminal, needs --yes elsewhere, and with --dry-run only lists them.
 *
 * @returns The exit code.
 */
export async function changeSelected<Result extends string>(
  context: Changer,
  filterAt: (nowMs: number) => Filter,
  presented: Presented<Result>,
): Promise<number> {
  const { terminal, settings } = context;
  const { verb } = presented;
  checkCanAsk(context, settings.yes || settings.dryRun, verb);
  const store = await context.store();
  const filter = filterAt(await store.time());
  const selected = await findSelected({ ...context, store }, filter, `Cannot ${verb} jobs of runner`);
  const able = selected.filter(({ status }) => isFinal(status) === presented.changes.ended);
  const unable = selected.length - able.length;
  const scope = printable(scopeOf(filter, settings));
  if (settings.dryRun) {
    await listByIds(context, store, able.map(({ id }) => id));
    await terminal.say(`would ${verb} ${jobs(able.length)}${scope}\n`);
    return EXIT.ok;
  }
  if (able.length === 0) {
    const others = unable === 0 ? "" : `; ${jobs(unable)} fit and ${presented.changes.otherwise}`;
    await terminal.say(`runner: no job to ${verb}${scope}${others}\n`);
    return EXIT.ok;
  }
  if (!settings.yes && !await ask(context, presented.question(`${jobs(able.length)}${scope}`))) {
    await terminal.say("runner: nothing was changed\n");
    return EXIT.ok;
  }
  return await change(context, { store, filter, able, unable }, presented);
}
