import { formatDuration } from "../domain/duration.ts";
import { JobNotFoundError, NoTerminalError } from "../domain/errors.ts";
import { isFinal } from "../domain/lifecycle.ts";
import { pasteWord } from "../domain/shell_words.ts";
import type { JobStore, StoredJob } from "../ports/job_store.ts";
import type { ControlRequest, JobReply, ViewRequest } from "../ports/requests.ts";

/** Reply to a request that was executed. */
export type Done = Exclude<JobReply, { readonly type: "gone" | "failed" | "output" }>;

/** Replies to requests that were executed, by the type of the request. */
const REPLIES = { type: "typed", screen: "screen", locate: "place" } as const;

function otherReply(cannot: string): NoTerminalError {
  return new NoTerminalError(`${cannot}: its runner sent what was not asked for; try again`);
}

/** Options of a request. */
export interface RequestOptions {
  /** Start of error messages, such as `Cannot type into job`. */
  readonly cannot: string;
  /** Name of the reply, which no other request uses. */
  readonly reply: string;
  /** Milliseconds to wait for the reply. */
  readonly waitMs: number;
}

/**
 * Sends a request about a job's terminal to its runner, and waits for the reply.
 *
 * @throws {JobNotFoundError} There is no such job.
 * @throws {NoTerminalError} It does not run, or its runner does not reply.
 */
export async function requestRunner(
  store: JobStore,
  id: string,
  request: ControlRequest | Exclude<ViewRequest, { readonly type: "output" }>,
  options: RequestOptions,
): Promise<Done> {
  const cannot = `${options.cannot} ${JSON.stringify(id)}`;
  const job = await store.read(id);
  if (!job) throw new JobNotFoundError(`${cannot}: no job of this namespace has that id`);
  checkRuns(job, cannot);
  const reply = await store.request(job, request, options);
  switch (reply.type) {
    case "typed":
    case "screen":
    case "place":
      if (reply.type === REPLIES[request.type]) return reply;
      throw otherReply(cannot);
    case "over": {
      const now = await store.read(id);
      if (now) checkRuns(now, cannot);
      throw new NoTerminalError(`${cannot}: its attempt is over; ask again`);
    }
    case "gone":
      throw new NoTerminalError(
        `${cannot}: it has no terminal now: it ends, or waits for its turn; see runner status ${pasteWord(id, "ID")}`,
      );
    case "silent": {
      const where = await onHost(store, job);
      const since = reply.ms === null ? "" : ` for ${formatDuration(Math.round(reply.ms / 1000))}`;
      throw new NoTerminalError(
        `${cannot}: its runner${where} is gone or stopped${since}; ` +
          `the job may go on there, start the runner again to reach it`,
      );
    }
    case "full":
      throw new NoTerminalError(`${cannot}: too many requests wait for its runner already; try again`);
    case "output":
      throw otherReply(cannot);
    case "failed":
      throw new NoTerminalError(`${cannot}: its runner cannot reach the terminal: ${reply.why}; try again`);
    case "unanswered": {
      const where = await onHost(store, job);
      const what = reply.taken ? "; whether it was done is not known" : "; nothing was done";
      throw new NoTerminalError(
        `${cannot}: its runner${where} did not answer within ${
          formatDuration(options.waitMs / 1000)
        }${what}; see runner status ${pasteWord(id, "ID")}`,
      );
    }
  }
}

/**
 * Checks that a job runs at one of our runners.
 *
 * @param cannot Start of the message.
 * @throws {NoTerminalError} It does not.
 */
export function checkRuns({ id, fields, meta }: StoredJob, cannot: string): void {
  const status = fields.status || "dispatched";
  if (isFinal(status)) {
    throw new NoTerminalError(
      `${cannot}: it has ended with status ${status}; its output: runner logs ${pasteWord(id, "ID")}`,
    );
  }
  if (status !== "started") {
    throw new NoTerminalError(`${cannot}: it has not started yet; why it waits: runner status ${pasteWord(id, "ID")}`);
  }
  if (!meta.token || !meta.instance) {
    throw new NoTerminalError(`${cannot}: no runner of ours has started it; see runner status ${pasteWord(id, "ID")}`);
  }
}

/** Returns the name of the host that owns a job's newest attempt; `null` when it is unknown. */
export async function hostOf(store: JobStore, job: StoredJob): Promise<string | null> {
  return (await store.instances()).find(({ instance }) => instance === job.meta.instance)?.host ?? null;
}

/** Returns ` on HOST`, or an empty text when the host of a job's runner is unknown. */
async function onHost(store: JobStore, job: StoredJob): Promise<string> {
  const host = await hostOf(store, job);
  return host === null ? "" : ` on ${host}`;
}
