import { attemptName } from "../domain/attempt_name.ts";
import { UnavailableError } from "../domain/errors.ts";
import { messageOf } from "../domain/message_of.ts";
import type { OutputPart } from "../domain/output.ts";
import type { JobReply, OpenRequest, RequestKind } from "../ports/requests.ts";
import type { RunnerParts } from "./parts.ts";
import type { Attempts } from "./attempts.ts";
import type { InputWatch } from "./input_watch.ts";

/** Requests of a kind that are served at the same time: keys in their order, and no reader delays another one. */
const SIDE_BY_SIDE: Readonly<Record<RequestKind, number>> = { control: 1, view: 4 };

/** What requests are served with. */
type RequestParts = Pick<RunnerParts, "queue" | "log" | "executors" | "digestOf">;

/** Serves requests from any host about attempts of this runner. Costs nothing while there are none. */
export class Requests {
  readonly #lists: readonly RequestList[];

  constructor(parts: RequestParts, attempts: Attempts, inputWatch: Pick<InputWatch, "typed">) {
    const replies = new Replies(parts, attempts, inputWatch);
    this.#lists = (["control", "view"] as const).map((kind) => new RequestList(kind, parts, replies));
  }

  /** Starts to listen for requests. */
  start(): void {
    for (const list of this.#lists) list.start();
  }

  /** Stops after the requests that are being served. */
  async stop(): Promise<void> {
    await Promise.all(this.#lists.map((list) => list.stop()));
  }
}

/** Serves the requests of one kind. */
class RequestList {
  readonly #kind: RequestKind;
  readonly #parts: Pick<RunnerParts, "queue" | "log">;
  readonly #replies: Replies;
  /** Requests that are being served. */
  readonly #served = new Set<Promise<void>>();
  #serving: Promise<void> | null = null;
  #again = false;
  #stopped = false;

  constructor(kind: RequestKind, parts: Pick<RunnerParts, "queue" | "log">, replies: Replies) {
    this.#kind = kind;
    this.#parts = parts;
    this.#replies = replies;
  }

  start(): void {
    this.#parts.queue.onRequest(this.#kind, () => this.#wake());
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#serving;
    await Promise.all(this.#served);
  }

  #wake(): void {
    this.#again = true;
    this.#serving ??= this.#serveAll().finally(() => {
      this.#serving = null;
      if (this.#again && !this.#stopped) this.#wake(); // it came after the last round
    });
  }

  /** Begins to serve all pending requests. */
  async #serveAll(): Promise<void> {
    const { queue } = this.#parts;
    const served = this.#served;
    try {
      while (this.#again && !this.#stopped) {
        this.#again = false;
        for (let open = await queue.serve(this.#kind); open !== null; open = await queue.serve(this.#kind)) {
          const one = this.#serve(open).finally(() => served.delete(one));
          served.add(one);
          if (served.size >= SIDE_BY_SIDE[this.#kind]) await Promise.race(served);
          if (this.#stopped) break;
        }
      }
    } catch (error) {
      this.#again = false; // the next request or a new connection wakes it
      this.#failed(error);
    }
  }

  async #serve(open: OpenRequest): Promise<void> {
    try {
      await this.#parts.queue.reply(open, await this.#replies.to(open));
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    // the sender's timeout reports an outage; a new connection wakes this list again
    if (error instanceof UnavailableError) return;
    this.#parts.log.error("could not serve a request", { error: String(error) });
  }
}

/** Finds the replies. */
class Replies {
  readonly #parts: RequestParts;
  readonly #attempts: Attempts;
  readonly #inputWatch: Pick<InputWatch, "typed">;

  constructor(parts: RequestParts, attempts: Attempts, inputWatch: Pick<InputWatch, "typed">) {
    this.#parts = parts;
    this.#attempts = attempts;
    this.#inputWatch = inputWatch;
  }

  async to(open: OpenRequest): Promise<JobReply> {
    try {
      return await this.#to(open);
    } catch (error) {
      return { type: "failed", why: messageOf(error) };
    }
  }

  async #to({ id, token, request }: OpenRequest): Promise<JobReply> {
    if (request.type === "output") return await this.#output({ id, token }, request);
    const active = this.#attempts.ofJob(id);
    if (!active || active.ended || active.attempt.token !== token) return { type: "gone" };
    const { executor, attempt: { name } } = active;
    switch (request.type) {
      case "type": {
        if (!await executor.type(name, request)) return { type: "gone" };
        this.#parts.log.info("typed", { job: id, attempt: active.attempt.number });
        this.#inputWatch.typed(active);
        return { type: "typed" };
      }
      case "screen": {
        const screen = await executor.screen(name);
        return screen ? { type: "screen", screen } : { type: "gone" };
      }
      case "locate": {
        const place = await executor.locate(name);
        return place !== null ? { type: "place", place } : { type: "gone" };
      }
    }
  }

  /** Reads output of an attempt, which may have ended long ago. */
  async #output(
    attempt: { readonly id: string; readonly token: string },
    { offset, limit }: { readonly offset: number; readonly limit: number },
  ): Promise<JobReply> {
    const name = attemptName(attempt, this.#parts.digestOf);
    let found: OutputPart = { offset, bytes: new Uint8Array() };
    for (const executor of this.#parts.executors.values()) {
      const part = await executor.read(name, offset, limit);
      if (part.bytes.length > 0 || part.removedMs !== undefined) found = part;
    }
    return { type: "output", ...found };
  }
}
