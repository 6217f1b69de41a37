/**
 * What people want of a job that runs, from whatever host, and what its runner answers.
 *
 * @module
 */
import type { Screen, Typed } from "./attempt_terminals.ts";

/** Something to do with the terminal of a job that runs. */
export type JobRequest =
  /** Type into it. */
  | { readonly type: "type" } & Typed
  /** Say what it shows. */
  | { readonly type: "screen" }
  /** Say where it is. */
  | { readonly type: "locate" };

/** What the runner answers. */
export type JobReply =
  | { readonly type: "typed" }
  | { readonly type: "screen"; readonly screen: Screen }
  /** As `RunTerminals.locate` gives it. */
  | { readonly type: "place"; readonly place: string }
  /** The attempt has no terminal at the runner: it has ended, or waits there for its turn. */
  | { readonly type: "gone" }
  /** The terminal could not be reached; `why` is one clause. */
  | { readonly type: "failed"; readonly why: string };

/** A request that waits for the runner's answer. */
export interface OpenRequest {
  /** Where the answer goes; opaque. */
  readonly replyTo: string;
  /** Id of the job. */
  readonly id: string;
  /** The attempt that is meant: `ATTEMPT.NONCE`. */
  readonly token: string;
  readonly request: JobRequest;
}

/** What became of a request, as its sender learns it. */
export type RequestReply =
  | JobReply
  /** The attempt is not the job's running one any more: nothing was done. */
  | { readonly type: "over" }
  /** The runner has given no heartbeat for so many milliseconds: it was not asked. */
  | { readonly type: "silent"; readonly ms: number }
  /** Too many requests wait for that runner: it was not asked. */
  | { readonly type: "full" }
  /** No answer came in time. `taken`: the runner may have carried it out; otherwise it has not and never will. */
  | { readonly type: "unanswered"; readonly taken: boolean };

/** The runner's side of requests. */
export interface RequestQueue {
  /** Calls `wake` when there may be requests for this instance; nothing is asked meanwhile. */
  onRequest(wake: () => void): void;
  /** Takes the next request whose sender still waits; `null`: there is none. */
  serve(): Promise<OpenRequest | null>;
  reply(request: OpenRequest, reply: JobReply): Promise<void>;
}
