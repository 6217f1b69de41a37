import { formatDuration } from "../domain/duration.ts";
import { MAX_OUTPUT_PIECE } from "../domain/limits.ts";
import type { JobStore, StoredJob } from "../ports/job_store.ts";
import type { RequestReply } from "../ports/requests.ts";
import { hostOf } from "./request_runner.ts";

/** Dependencies of a `RemoteOutput`. */
export interface RemoteOptions {
  /** Returns a name that no other request uses. */
  newId(): string;
  /** Milliseconds to wait for each reply. */
  readonly waitMs: number;
}

/**
 * Reads output of attempts from the runners that have it, on any host, one piece after the other. After a failure it
 * asks no more for that attempt; `trouble` says why.
 */
export class RemoteOutput {
  readonly #store: JobStore;
  readonly #options: RemoteOptions;
  readonly #failures = new Map<string, Exclude<RequestReply, { type: "output" }> | "none">();

  constructor(store: JobStore, options: RemoteOptions) {
    this.#store = store;
    this.#options = options;
  }

  /**
   * Returns at most `limit` bytes of an attempt's output from a byte offset on; none when its host does not reply or
   * does not have them.
   *
   * @param job Its metadata names the attempt.
   */
  async read(job: StoredJob, offset: number, limit: number): Promise<Uint8Array> {
    const nothing = new Uint8Array();
    const { token } = job.meta;
    if (!token || this.#failures.has(token)) return nothing;
    const request = { type: "output", offset, limit: Math.min(limit, MAX_OUTPUT_PIECE) } as const;
    const { waitMs, newId } = this.#options;
    const reply = await this.#store.request(job, request, { reply: newId(), waitMs });
    if (reply.type !== "output") {
      this.#failures.set(token, reply);
      return nothing;
    }
    if (reply.bytes.length === 0) this.#failures.set(token, "none");
    return reply.bytes.subarray(0, limit);
  }

  /** Returns in one clause why bytes of a job's output are missing; `null` when no host was asked in vain. */
  async trouble(job: StoredJob): Promise<string | null> {
    const failure = this.#failures.get(job.meta.token ?? "");
    if (failure === undefined) return null;
    const host = await hostOf(this.#store, job).catch(() => null);
    const where = host === null ? "the host of its runner" : host;
    if (failure === "none") return `${where} has them no more`;
    switch (failure.type) {
      case "silent":
        return `its runner on ${where} is gone or stopped for ${formatDuration(Math.round(failure.ms / 1000))}`;
      case "full":
        return `too many requests wait for its runner on ${where}`;
      case "failed":
        return `its runner on ${where} could not read them: ${failure.why}`;
      case "over":
        return "the job has just left Redis";
      default:
        return `its runner on ${where} did not answer within ${formatDuration(this.#options.waitMs / 1000)}`;
    }
  }
}
