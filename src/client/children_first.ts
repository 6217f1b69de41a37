import type { SelectedJob } from "./select_jobs.ts";

/**
 * Orders jobs so that each comes before those of them that it waits for. When they are cancelled in this order, none
 * starts because of the end of another one.
 */
export function childrenFirst(jobs: readonly SelectedJob[]): SelectedJob[] {
  const open = new Map(jobs.map((job) => [job.id, job]));
  const parentsFirst: SelectedJob[] = [];
  for (const last of jobs.toReversed()) {
    // a stack instead of a recursion: a chain may have thousands of jobs
    for (const stack = [last]; stack.length > 0;) {
      const job = stack.at(-1)!;
      const parent = job.waitsFor?.find((id) => open.has(id) && id !== job.id);
      if (open.has(job.id) && parent !== undefined && !stack.some(({ id }) => id === parent)) {
        stack.push(open.get(parent)!);
        continue;
      }
      stack.pop();
      if (open.delete(job.id)) parentsFirst.push(job);
    }
  }
  return parentsFirst.reverse();
}
