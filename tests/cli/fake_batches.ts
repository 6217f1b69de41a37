import type {
  BatchCancelReply,
  BatchPurgeReply,
  BatchStore,
  BatchSubmission,
  BatchSubmitReply,
  StoredBatch,
} from "../../src/ports/batches.ts";

/** Batches in memory: what tests put into it, clients see. */
export class FakeBatches implements BatchStore {
  readonly records = new Map<string, Record<string, string>>();
  /** Submissions with the members that were stored of each. */
  readonly submitted: BatchSubmission[] = [];
  readonly cancelled: [id: string, reason: string][] = [];
  /** Replies to the next submissions, one each, in place of those below. */
  readonly replies: BatchSubmitReply[] = [];
  /** Members that one call stores. */
  page = 2;

  batchSubmit(batch: BatchSubmission, first: number): Promise<BatchSubmitReply> {
    const reply = this.replies.shift();
    if (reply) return Promise.resolve(reply);
    const stored = Number(this.records.get(batch.id)?.stored ?? 0);
    if (stored + 1 !== first || stored === batch.size) return Promise.resolve({ type: "AT", stored });
    if (first === 1) this.submitted.push(batch);
    const total = Math.min(batch.size, stored + this.page);
    this.records.set(batch.id, {
      ...{ size: String(batch.size), stored: String(total), closed: total === batch.size ? "1" : "" },
      ...{ runner: batch.shared.runner, params: JSON.stringify(batch.params), "n:q": String(total) },
    });
    return Promise.resolve({ type: "OK", stored: total });
  }

  read(id: string): Promise<StoredBatch | null> {
    const fields = this.records.get(id);
    return Promise.resolve(fields ? { id, fields } : null);
  }

  batchCancel(id: string, reason: string): Promise<BatchCancelReply> {
    this.cancelled.push([id, reason]);
    return Promise.resolve(this.records.has(id) ? "OK" : "MISSING");
  }

  batchPurge(id: string, { countOnly }: { readonly countOnly: boolean }): Promise<BatchPurgeReply> {
    if (!this.records.has(id)) return Promise.resolve("MISSING");
    if (!countOnly) this.records.delete(id);
    return Promise.resolve("OK");
  }
}
