import { parentsOf } from "../domain/submission.ts";
import type { Draft } from "./read_submission.ts";

/** A line of a file of jobs. */
export interface Line {
  /** Line number, from 1. */
  readonly line: number;
  readonly draft: Draft;
}

/** A line that is not a valid job. */
export interface BadLine {
  /** Line number, from 1. */
  readonly line: number;
  readonly reason: string;
}

/**
 * Orders the jobs of a file so that each follows those for which it waits; apart from that their order stays. A job
 * that waits for itself, through others, or for one that is neither in the file nor elsewhere, is bad, and so are those
 * that wait for it.
 *
 * @param existing Returns which of some ids belong to jobs elsewhere; when left out, all do.
 */
export async function orderJobs(
  lines: readonly Line[],
  existing?: (ids: readonly string[]) => Promise<ReadonlySet<string>>,
): Promise<{ readonly drafts: Draft[]; readonly bad: BadLine[] }> {
  const byId = new Map<string, Line>();
  for (const line of lines) {
    const { id } = line.draft.submission;
    if (id !== undefined && !byId.has(id)) byId.set(id, line);
  }
  const outside = new Set(lines.flatMap(({ draft }) => parentsOf(draft.submission)).filter((id) => !byId.has(id)));
  const elsewhere = outside.size > 0 && existing ? await existing([...outside]) : outside;
  const reasons = new Map<Line, string>();
  const drafts: Draft[] = [];
  for (const line of sorted(lines, byId, reasons)) {
    const reason = reasons.get(line) ?? missingParent(line, { byId, elsewhere, reasons });
    if (reason === undefined) drafts.push(line.draft);
    else reasons.set(line, reason);
  }
  return { drafts, bad: [...reasons].map(([{ line }, reason]) => ({ line, reason })) };
}

/** Returns why the parents of a job do not allow to queue it. */
function missingParent(
  { draft: { submission } }: Line,
  { byId, elsewhere, reasons }: {
    readonly byId: ReadonlyMap<string, Line>;
    readonly elsewhere: ReadonlySet<string>;
    readonly reasons: ReadonlyMap<Line, string>;
  },
): string | undefined {
  for (const id of parentsOf(submission)) {
    const parent = byId.get(id);
    const name = JSON.stringify(id);
    if (parent && reasons.has(parent)) return `Cannot wait for job ${name}: line ${parent.line} is not valid`;
    if (!parent && !elsewhere.has(id)) return `Cannot wait for job ${name}: it does not exist, nor is it in this file`;
  }
  return undefined;
}

/** Sorts lines, parents first, and gives a reason to those that wait for themselves. */
function sorted(lines: readonly Line[], byId: ReadonlyMap<string, Line>, reasons: Map<Line, string>): Line[] {
  const done = new Set<Line>();
  const open = new Set<Line>();
  for (const first of lines) {
    // a chain may be longer than the call stack is deep
    const path = [{ line: first, parents: parentsIn(first, byId) }];
    if (!done.has(first)) open.add(first);
    while (!done.has(first)) {
      const { line, parents } = path[path.length - 1];
      const next = parents.pop();
      if (next === undefined) {
        open.delete(line);
        done.add(line);
        path.pop();
      } else if (open.has(next)) {
        reasons.set(line, `Cannot wait for job ${JSON.stringify(next.draft.submission.id)}: it waits for this job`);
      } else if (!done.has(next)) {
        open.add(next);
        path.push({ line: next, parents: parentsIn(next, byId) });
      }
    }
  }
  return [...done];
}

function parentsIn({ draft }: Line, byId: ReadonlyMap<string, Line>): Line[] {
  return parentsOf(draft.submission).flatMap((id) => byId.get(id) ?? []).reverse();
}
