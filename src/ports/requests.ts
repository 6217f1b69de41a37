/**
 * Requests of clients on any host to the runner of a running job, and its replies.
 *
 * @module
 */
import type { Screen, Typed } from "./attempt_terminals.ts";

/** A request about the terminal of a running job. */
export type JobRequest =
  /** Types into it. */
  | { readonly type: "type" } & Typed
  /** Reads its screen. */
  | { readonly type: "screen" }
  /** Asks for its location. */
  | { readonly type: "locate" };

/** Reply of a runner. */
export type JobReply =
  | { readonly type: "typed" }
  | { readonly type: "screen"; readonly screen: Screen }
  /** Location of the terminal, as returned by `AttemptTerminals.locate`. */
  | { readonly type: "place"; readonly place: string }
  /** The attempt has no terminal at the runner: it has ended, or waits there for its turn. */
  | { readonly type: "gone" }
  /** The terminal could not be reached; `why` is one clause. */
  | { readonly type: "failed"; readonly why: string };

/** A request that waits for the runner's reply. */
export interface OpenRequest {
  /** Address of the reply; opaque. */
  readonly replyTo: string;
  /** Id of the job. */
  readonly id: string;
  /** The requested attempt: `ATTEMPT.NONCE`. */
  readonly token: string;
  readonly request: JobRequest;
}

/** Result of a request for its sender. */
export type RequestReply =
  | JobReply
  /** The requested attempt is no longer the running one of the job; nothing was done. */
  | { readonly type: "over" }
  /** The runner sent no heartbeat for `ms` milliseconds; the request was not sent. */
  | { readonly type: "silent"; readonly ms: number }
  /** Too many requests wait for that runner; the request was not sent. */
  | { readonly type: "full" }
  /** No reply came in time. `taken`: the runner may have executed the request; otherwise it has not and never will. */
  | { readonly type: "unanswered"; readonly taken: boolean };

/** The runner's side of requests. */
export interface RequestQueue {
  /** Calls `wake` when there may be requests for this instance; does not poll in between. */
  onRequest(wake: () => void): void;
  /** Removes and returns the next request whose sender still waits; `null` when there is none. */
  serve(): Promise<OpenRequest | null>;
  /** Sends the reply to a request. */
  reply(request: OpenRequest, reply: JobReply): Promise<void>;
}
