import { decodeBase64, encodeBase64 } from "../domain/base64.ts";
import { MAX_ID, MAX_OUTPUT_PIECE, MAX_REQUEST, MAX_TYPED } from "../domain/limits.ts";
import type { Screen } from "../ports/attempt_terminals.ts";
import type { StoredJob } from "../ports/job_store.ts";
import {
  type JobReply,
  type JobRequest,
  type OpenRequest,
  type RequestKind,
  type RequestReply,
} from "../ports/requests.ts";
import type { Keys } from "./keys.ts";
import type { Link } from "./link.ts";
import { SCRIPTS } from "./scripts.ts";

/** How long Redis keeps a reply for the sender of its request, milliseconds. */
const REPLY_KEPT_MS = 10_000;
/** Version of the envelope. */
const VERSION = 1;
/** Form of the token of an attempt, which becomes part of a file name. */
const TOKEN = /^[1-9]\d{0,15}\.[0-9A-Za-z]{1,64}$/;

/** Whom requests are for. */
interface Instance {
  readonly runner: string;
  readonly instance: string;
}

/** Carries requests about attempts to the runners that have them, and the replies back. */
export class Requests {
  readonly #link: Link;
  readonly #keys: Keys;

  constructor(link: Link, keys: Keys) {
    this.#link = link;
    this.#keys = keys;
  }

  /** Returns the list of the requests of a kind, which is also their channel. */
  list(kind: RequestKind, { runner, instance }: Instance): string {
    return this.#keys[kind](runner, instance);
  }

  /**
   * Sends a request about an attempt to the instance that has it, and waits for its reply.
   *
   * @param job Its metadata names the attempt: `token`, `instance` and `runner`.
   * @param reply A name that no other request uses.
   * @param blocking A link of its own, because a blocking command delays those after it.
   */
  async send(
    job: StoredJob,
    request: JobRequest,
    { reply, waitMs, blocking }: { reply: string; waitMs: number; blocking: Link },
  ): Promise<RequestReply> {
    const { token = "", instance = "", runner = "" } = job.meta;
    const keys = this.#keys;
    const list = this.list(kindOf(request), { runner, instance });
    const envelope = encodeRequest({ requestId: reply, id: job.id, token, request });
    const [type, entry] = await this.#link.run(
      SCRIPTS.request,
      [keys.job(job.id), keys.meta(job.id), keys.lease(runner), list],
      [token, instance, list, waitMs, envelope, request.type === "output" ? 1 : 0],
    );
    if (type === "OVER") return { type: "over" };
    if (type === "SILENT") return { type: "silent", ms: entry === "" ? null : Number(entry) };
    if (type === "FULL") return { type: "full" };
    const said = await blocking.call("BLPOP", [keys.reply(reply), waitMs / 1000], { ms: waitMs + 2_000 });
    if (said !== null) return decodeReply(String((said as unknown[])[1]));
    const withdrawn = await this.#link.call("LREM", [list, 0, String(entry)]);
    return { type: "unanswered", taken: withdrawn === 0 };
  }

  /** Returns the next request of a kind for an instance; drops entries that are none. */
  async serve(kind: RequestKind, instance: Instance): Promise<OpenRequest | null> {
    for (;;) {
      const [type, text] = await this.#link.run(SCRIPTS.serve, [this.list(kind, instance)], [MAX_REQUEST]);
      if (type !== "OK") return null;
      const request = decodeRequest(String(text), kind);
      if (request === null) continue;
      if (!("version" in request)) return request;
      const why = `it does not know requests of version ${request.version}; give it the version of this program`;
      await this.reply(request, { type: "failed", why });
    }
  }

  async reply({ requestId }: Pick<OpenRequest, "requestId">, reply: JobReply): Promise<void> {
    const text = JSON.stringify(reply.type === "output" ? { ...reply, bytes: encodeBase64(reply.bytes) } : reply);
    await this.#link.run(SCRIPTS.reply, [this.#keys.reply(requestId)], [text, REPLY_KEPT_MS]);
  }
}

/** Encodes a request as JSON, with bytes in base64. A reader ignores further fields, such as a signature. */
function encodeRequest({ requestId, id, token, request }: OpenRequest): string {
  const what = request.type === "type" ? { ...request, bytes: encodeBase64(request.bytes) } : request;
  return JSON.stringify({ v: VERSION, request_id: requestId, job: id, token, request: what });
}

/**
 * Decodes a request; `null` for a text that is none of this kind, which any program that may write to Redis can store
 * there.
 */
function decodeRequest(
  text: string,
  kind: RequestKind,
): OpenRequest | { readonly requestId: string; readonly version: number } | null {
  try {
    const { v, request_id: requestId, job: id, token, request } = JSON.parse(text);
    if (typeof requestId !== "string" || requestId.length > MAX_ID) return null;
    if (v !== VERSION) return Number.isSafeInteger(v) ? { requestId, version: v } : null;
    if (typeof id !== "string" || typeof token !== "string" || !TOKEN.test(token)) return null;
    const known = readRequest(request);
    return known !== null && kindOf(known) === kind ? { requestId, id, token, request: known } : null;
  } catch {
    return null;
  }
}

/** Reads the part of a request that says what is wanted; `null` when it is none. */
function readRequest(request: Record<string, unknown>): JobRequest | null {
  const { type, offset, limit } = request;
  switch (type) {
    case "screen":
    case "locate":
      return { type };
    case "output":
      if (!isCount(offset) || !isCount(limit)) return null;
      return { type, offset, limit: Math.min(limit, MAX_OUTPUT_PIECE) };
    case "type": {
      const bytes = decodeBase64(String(request.bytes));
      return bytes.length > MAX_TYPED ? null : { type, bytes, ...request.enter === true && { enter: true } };
    }
  }
  return null;
}

function isScreen(value: unknown): value is Screen {
  const { lines, cursor, columns, rows, title } = value as Screen;
  return Array.isArray(lines) && lines.every((line) => typeof line === "string") && typeof title === "string" &&
    [cursor.column, cursor.row, columns, rows].every(isCount);
}

/** Returns the list of a request. */
function kindOf({ type }: JobRequest): RequestKind {
  return type === "type" ? "control" : "view";
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && value as number >= 0;
}

/** Decodes a reply, which any program that may write to Redis can store. */
function decodeReply(text: string): JobReply {
  try {
    const reply = JSON.parse(text);
    switch (reply.type) {
      case "output":
        return {
          type: "output",
          offset: isCount(reply.offset) ? reply.offset : 0,
          bytes: decodeBase64(String(reply.bytes)),
          ...isCount(reply.removedMs) && { removedMs: reply.removedMs },
        };
      case "typed":
      case "gone":
        return { type: reply.type };
      case "screen":
        if (isScreen(reply.screen)) return { type: "screen", screen: reply.screen };
        break;
      case "place":
        if (typeof reply.place === "string") return { type: "place", place: reply.place };
        break;
      case "failed":
        return { type: "failed", why: String(reply.why) };
    }
  } catch {
    // no JSON, or no base64
  }
  return { type: "failed", why: "its reply is none" };
}
