import type { Queue } from "../ports/queue.ts";

/** Settles the jobs that wait for ended ones, page by page, until none is left or the signal aborts. */
export async function settleWaiting(
  queue: Pick<Queue, "settle">,
  ended: readonly string[],
  signal?: AbortSignal,
): Promise<void> {
  const open = [...ended];
  for (let id = open.pop(); id !== undefined && !signal?.aborted; id = open.pop()) open.push(...await queue.settle(id));
}
