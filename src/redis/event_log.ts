import type { StoredEvent } from "../ports/job_store.ts";
import type { Reply } from "./client.ts";
import type { Link } from "./link.ts";
import { recordOf } from "./steps.ts";

/** Events that one look brings. */
const AT_ONCE = 1_000;

type Entry = [cursor: string, items: string[]];

/** The stream of events, which every script writes. */
export class EventLog {
  readonly #link: Link;
  readonly #patient: Link;
  readonly #key: string;

  /** `patient`: a link of its own, because commands that wait hold up those after them. */
  constructor({ link, patient, key }: { link: Link; patient: Link; key: string }) {
    this.#link = link;
    this.#patient = patient;
    this.#key = key;
  }

  async newest(count: number): Promise<StoredEvent[]> {
    if (count === 0) return [];
    const entries = await this.#link.call("XREVRANGE", [this.#key, "+", "-", "COUNT", count]);
    return (entries as Entry[]).map(readEvent).toReversed();
  }

  async after(cursor: string, waitMs: number): Promise<StoredEvent[]> {
    // a pause of 0 would mean for ever
    const block = Math.max(1, Math.floor(waitMs));
    const args = ["BLOCK", block, "COUNT", AT_ONCE, "STREAMS", this.#key, cursor];
    const reply: Reply = await this.#patient.call("XREAD", args, { ms: block + 2_000 });
    const streams = (reply ?? []) as [string, Entry[]][];
    return streams.flatMap(([, entries]) => entries.map(readEvent));
  }

  close(): void {
    this.#patient.close();
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
