import { MAX_ID, MAX_REQUEST, MAX_TYPED } from "../domain/limits.ts";
import type { StoredJob } from "../ports/job_store.ts";
import type { JobReply, JobRequest, OpenRequest, RequestReply } from "../ports/requests.ts";
import type { Keys } from "./keys.ts";
import type { Link } from "./link.ts";
import { SCRIPTS } from "./scripts.ts";

/** How long Redis keeps a reply for the sender of its request, milliseconds. */
const REPLY_KEPT_MS = 10_000;

/** Carries requests about the terminals of running jobs to the runners, and the replies back. */
export class Requests {
  readonly #link: Link;
  readonly #keys: Keys;

  constructor(link: Link, keys: Keys) {
    this.#link = link;
    this.#keys = keys;
  }

  /**
   * Sends a request to the runner that holds a job, and waits for its reply.
   *
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
    const list = keys.requests(runner, instance);
    const [type, entry] = await this.#link.run(
      SCRIPTS.request,
      [keys.job(job.id), keys.meta(job.id), keys.lease(runner), list],
      [token, instance, list, waitMs, encodeRequest({ replyTo: reply, id: job.id, token, request })],
    );
    if (type === "OVER") return { type: "over" };
    if (type === "SILENT") return { type: "silent", ms: Number(entry) };
    if (type === "FULL") return { type: "full" };
    const answer = await blocking.call("BLPOP", [keys.reply(reply), waitMs / 1000], { ms: waitMs + 2_000 });
    if (answer !== null) return JSON.parse(String((answer as unknown[])[1])) as JobReply;
    const withdrawn = await this.#link.call("LREM", [list, 0, String(entry)]);
    return { type: "unanswered", taken: withdrawn === 0 };
  }

  /** Returns the next request for an instance; drops entries that are none. */
  async serve(runner: string, instance: string): Promise<OpenRequest | null> {
    for (;;) {
      const keys = [this.#keys.requests(runner, instance)];
      const [type, text] = await this.#link.run(SCRIPTS.serve, keys, [MAX_REQUEST]);
      if (type !== "OK") return null;
      const request = decodeRequest(String(text));
      if (request) return request;
    }
  }

  async reply({ replyTo }: OpenRequest, reply: JobReply): Promise<void> {
    await this.#link.run(SCRIPTS.reply, [this.#keys.reply(replyTo)], [JSON.stringify(reply), REPLY_KEPT_MS]);
  }
}

/** Encodes a request as JSON, with bytes in base64. */
function encodeRequest({ request, ...rest }: OpenRequest): string {
  return JSON.stringify({
    ...rest,
    request: request.type === "type" ? { ...request, bytes: base64Of(request.bytes) } : request,
  });
}

/** Decodes a request; `null` for a text that is none, which any program that may write to Redis can store there. */
function decodeRequest(text: string): OpenRequest | null {
  try {
    const { replyTo, id, token, request } = JSON.parse(text);
    if (![replyTo, id, token].every((name) => typeof name === "string") || replyTo.length > MAX_ID) return null;
    if (request.type === "screen" || request.type === "locate") return { replyTo, id, token, request };
    if (request.type !== "type") return null;
    const bytes = Uint8Array.from(atob(request.bytes), (char) => char.charCodeAt(0));
    if (bytes.length > MAX_TYPED) return null;
    return {
      replyTo,
      id,
      token,
      request: { type: "type", bytes, ...request.enter === true && { enter: true } },
    };
  } catch {
    return null;
  }
}

function base64Of(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}
