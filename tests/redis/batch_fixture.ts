import type { BatchSubmission } from "../../src/ports/batches.ts";
import { ended, RedisFixture } from "./redis_fixture.ts";

/** A batch of `size` members with a variable each. */
export function batchOf(id: string, size: number, more: Partial<BatchSubmission> = {}): BatchSubmission {
  return {
    id,
    size,
    shared: { payload: "true", runner: "r", executor: "tmux.main" },
    definition: `${id} ${size}`,
    params: ["N"],
    member: (index) => ({ env: { N: String(index) } }),
    ...more,
  };
}

/** Submits a whole batch. */
export async function submitAll(fixture: RedisFixture, batch: BatchSubmission): Promise<void> {
  for (let stored = 0; stored < batch.size;) {
    const reply = await fixture.store.batches.batchSubmit(batch, stored + 1);
    if (reply.type !== "OK") throw new Error(`batchSubmit answered ${reply.type}`);
    stored = reply.stored;
  }
}

/** The numbers of members by state, those that are not 0. */
export async function countsOf(fixture: RedisFixture, id: string): Promise<Record<string, number>> {
  const { fields } = (await fixture.store.batches.read(id))!;
  const counts = Object.entries(fields).filter(([name, count]) => name.startsWith("n:") && count !== "0");
  return Object.fromEntries(counts.map(([name, count]) => [name.slice(2), Number(count)]));
}

/** Claims, starts and ends the next job; with an exit code other than 0 as failed. */
export async function runNext(
  fixture: RedisFixture,
  exitCode = 0,
  retryDelayMs: number | null = null,
): Promise<string> {
  const [id] = await fixture.claim(1);
  const reply = await fixture.queue.start(id);
  if (reply.type !== "OK") throw new Error(`start answered ${reply.type}`);
  const failed = { state: "error", exitCode, error: `exited with code ${exitCode}`, retryDelayMs } as const;
  const { open } = await fixture.queue.finish(ended({ id, token: reply.token }, exitCode === 0 ? {} : failed));
  for (const left = [...open]; left.length > 0;) left.push(...await fixture.queue.settle(left.shift()!));
  return id;
}

/** Makes the settling of everything that is unsettled, as the janitor does. */
export async function settleAll(fixture: RedisFixture): Promise<void> {
  for (let left = await fixture.queue.unsettled(9); left.length > 0; left = await fixture.queue.unsettled(9)) {
    for (const id of left) await fixture.queue.settle(id);
  }
}
