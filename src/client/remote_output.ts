import { formatDuration } from "../domain/duration.ts";
import { UnavailableError } from "../domain/errors.ts";
import { MAX_OUTPUT_PIECE } from "../domain/limits.ts";
import type { OutputPart } from "../domain/output.ts";
import type { JobStore, StoredJob } from "../ports/job_store.ts";
import type { Clock } from "../ports/clock.ts";
import type { RequestReply, ViewRequest } from "../ports/requests.ts";
import { formatTime } from "./read_time.ts";
import { hostOf } from "./request_runner.ts";

/** Dependencies of a `RemoteOutput`. */
export interface RemoteOptions {
  /** Returns a name that no other request uses. */
  newId(): string;
  /** Milliseconds to wait for each reply. */
  readonly waitMs: number;
  readonly clock: Pick<Clock, "sleep">;
}

/** How often a request is sent again while too many wait for the runner, and the pause between two, milliseconds. */
const FULL_TRIES = 20, FULL_PAUSE = 100;

/** Why bytes did not come: a reply without bytes, or `refused`: Redis carried no request. */
type Failure = RequestReply | { readonly type: "refused"; readonly why: string };

/**
 * Reads output of attempts from the runners that have it, on any host, one piece after the other. When a runner does
 * not reply it asks no more for that attempt; `trouble` says why bytes did not come.
 */
export class RemoteOutput {
  readonly #store: JobStore;
  readonly #options: RemoteOptions;
  readonly #failures = new Map<string, Failure>();
  /** Tokens of attempts of whose output bytes in the middle are gone. */
  readonly #cut = new Set<string>();

  constructor(store: JobStore, options: RemoteOptions) {
    this.#store = store;
    this.#options = options;
  }

  /**
   * Returns at most `limit` bytes of an attempt's output from a byte offset on, or from a greater one when those before
   * are gone; none when its host does not reply or does not have them.
   *
   * @param job Its metadata names the attempt.
   */
  async read(job: StoredJob, offset: number, limit: number): Promise<OutputPart> {
    const nothing = { offset, bytes: new Uint8Array() };
    const { token } = job.meta;
    const failed = token && this.#failures.get(token);
    if (!token || failed && failed.type !== "output") return nothing;
    const request = { type: "output", offset, limit: Math.min(limit, MAX_OUTPUT_PIECE) } as const;
    const reply = await this.#request(job, request);
    if (reply.type !== "output") {
      this.#failures.set(token, reply);
      return nothing;
    }
    if (reply.bytes.length === 0) this.#failures.set(token, reply);
    else if (reply.offset > offset) this.#cut.add(token);
    return { offset: Math.max(offset, reply.offset), bytes: reply.bytes.subarray(0, limit) };
  }

  async #request(job: StoredJob, request: ViewRequest): Promise<RequestReply | Failure> {
    const { waitMs, newId, clock } = this.#options;
    for (let tries = 1;; tries++) {
      try {
        const reply = await this.#store.request(job, request, { reply: newId(), waitMs });
        if (reply.type !== "full" || tries === FULL_TRIES) return reply;
      } catch (error) {
        if (!(error instanceof UnavailableError)) throw error;
        return { type: "refused", why: error.message };
      }
      await clock.sleep(FULL_PAUSE);
    }
  }

  /**
   * Returns in one clause why bytes of a job's output are missing; `null` when no host was asked in vain.
   *
   * @param time Writes a point in time, Unix ms.
   */
  async trouble(job: StoredJob, time: (ms: number) => string = formatTime): Promise<string | null> {
    const { token = "" } = job.meta;
    const failure = this.#failures.get(token);
    if (failure === undefined && !this.#cut.has(token)) return null;
    const host = await hostOf(this.#store, job).catch(() => null);
    const runner = host === null ? "its runner" : `its runner on ${host}`;
    const where = host ?? "its host";
    switch (failure?.type) {
      case undefined:
        return `${where} kept only the beginning and the end, as --output-limit of its runner says`;
      case "output":
        return failure.removedMs === undefined
          ? `${where} has them no more`
          : `${where} removed them on ${time(failure.removedMs)}, as --output-total of its runner says`;
      case "refused":
        return `${runner} could not be asked: ${failure.why}`;
      case "silent":
        return failure.ms === null
          ? `${runner} is gone or stopped`
          : `${runner} is gone or stopped for ${formatDuration(Math.round(failure.ms / 1000))}`;
      case "full":
        return `too many requests wait for ${runner}`;
      case "failed":
        return `${runner} could not read them: ${failure.why}`;
      case "over":
        return "the job has just left Redis";
      default:
        return `${runner} did not answer within ${formatDuration(this.#options.waitMs / 1000)}`;
    }
  }
}
