/**
 * Requests of clients on any host to the runner that has an attempt, and its replies.
 *
 * @module
 */
import type { OutputPart } from "../domain/output.ts";
import type { Screen, Typed } from "./attempt_terminals.ts";

/** A request that only reads. */
export type ViewRequest =
  /** The screen of a running job's terminal. */
  | { readonly type: "screen" }
  /** The location of a running job's terminal. */
  | { readonly type: "locate" }
  /** At most `limit` bytes of the output from a byte offset on; of an ended attempt as well. */
  | { readonly type: "output"; readonly offset: number; readonly limit: number };

/** A request that changes something. */
export type ControlRequest =
  /** Types into the terminal of a running job. */
  { readonly type: "type" } & Typed;

/** A request about an attempt. */
export type JobRequest = ViewRequest | ControlRequest;

/** The two lists of requests; a role may be given the first one only. */
export type RequestKind = "view" | "control";

/** Reply of a runner. */
export type JobReply =
  | { readonly type: "typed" }
  | { readonly type: "screen"; readonly screen: Screen }
  /** Location of the terminal, as returned by `AttemptTerminals.locate`. */
  | { readonly type: "place"; readonly place: string }
  /**
   * Bytes of the output from the requested offset on, or from a greater one when those before are gone; none when the
   * host has no more, or does not have them.
   */
  | { readonly type: "output" } & OutputPart
  /** The attempt has no terminal at the runner: it has ended, or waits there for its turn. */
  | { readonly type: "gone" }
  /** The terminal could not be reached; `why` is one clause. */
  | { readonly type: "failed"; readonly why: string };

/** A request that waits for the runner's reply. */
export interface OpenRequest {
  /** Name of the request, and of its reply; opaque. */
  readonly requestId: string;
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
  /**
   * The runner sent no heartbeat for `ms` milliseconds; `null`: it has left, or its record is gone. The request was not
   * sent.
   */
  | { readonly type: "silent"; readonly ms: number | null }
  /** Too many requests wait for that runner; the request was not sent. */
  | { readonly type: "full" }
  /** No reply came in time. `taken`: the runner may have executed the request; otherwise it has not and never will. */
  | { readonly type: "unanswered"; readonly taken: boolean };

/** The runner's side of requests. */
export interface RequestQueue {
  /** Calls `wake` when there may be requests of a kind for this instance; does not poll in between. */
  onRequest(kind: RequestKind, wake: () => void): void;
  /** Removes and returns the next request of a kind whose sender still waits; `null` when there is none. */
  serve(kind: RequestKind): Promise<OpenRequest | null>;
  /** Sends the reply to a request. */
  reply(request: OpenRequest, reply: JobReply): Promise<void>;
}
