import type { StoredEvent } from "../ports/job_store.ts";
import type { Reply } from "./client.ts";
import type { Link } from "./link.ts";
import { recordOf } from "./items.ts";

/** The most events of one read. */
const AT_ONCE = 1_000;

type Entry = [cursor: string, items: string[]];

/** The stream of events, to which every script writes. */
export class EventLog {
  readonly #link: Link;
  readonly #blocking: Link;
  readonly #key: string;

  /** `blocking`: a link of its own, because a blocking command delays those after it. */
  constructor({ link, blocking, key }: { link: Link; blocking: Link; key: string }) {
    this.#link = link;
    this.#blocking = blocking;
    this.#key = key;
  }

  async newest(count: number): Promise<StoredEvent[]> {
    if (count === 0) return [];
    const entries = await this.#link.call("XREVRANGE", [this.#key, "+", "-", "COUNT", count]);
    return (entries as Entry[]).map(readEvent).toReversed();
  }

  async after(cursor: string, waitMs: number): Promise<StoredEvent[]> {
    // 0 would block for ever
    const block = Math.max(1, Math.floor(waitMs));
    const args = ["BLOCK", block, "COUNT", AT_ONCE, "STREAMS", this.#key, cursor];
    const reply: Reply = await this.#blocking.call("XREAD", args, { ms: block + 2_000 });
    const streams = (reply ?? []) as [string, Entry[]][];
    return streams.flatMap(([, entries]) => entries.map(readEvent));
  }

  close(): void {
    this.#blocking.close();
  }
}

function readEvent([cursor, items]: Entry): StoredEvent {
  const { e = "", id = "", n, i, a, s } = recordOf(items);
  return {
    cursor,
    ms: Number(cursor.split("-")[0]),
    event: e,
    id,
    runner: n ?? null,
    instance: i ?? null,
    attempt: a === undefined ? null : Number(a),
    state: s ?? null,
  };
}
