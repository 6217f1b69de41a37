import { placeInBatch } from "../domain/batch.ts";
import { limitOfBatch } from "../domain/limit_key.ts";
import { conditionsOf, metaOf } from "../domain/job_meta.ts";
import type { Submission } from "../domain/submission.ts";
import type {
  BatchCancelReply,
  BatchMember,
  BatchPurgeReply,
  BatchStore,
  BatchSubmission,
  BatchSubmitReply,
  StoredBatch,
} from "../ports/batches.ts";
import { recordOf } from "./items.ts";
import { hasCode } from "./link.ts";
import { sha1 } from "./script.ts";
import { SCRIPTS } from "./scripts.ts";
import type { Steps } from "./steps.ts";

/** Most members of one command; Redis serves no other client meanwhile. */
const MAX_MEMBERS = 500;
/** The most characters of their arguments together. */
const MAX_SIZE = 1 << 19;

type Metadata = Readonly<Record<string, string>>;

/** Batches in Redis, for clients. */
export class Batches implements BatchStore {
  readonly #steps: Steps;
  /** Digests of the submissions of this process, which are the same for all pages. */
  readonly #digests = new WeakMap<BatchSubmission, Promise<string>>();

  constructor(steps: Steps) {
    this.#steps = steps;
  }

  async batchSubmit(
    batch: BatchSubmission,
    first: number,
    { maxQueued }: { readonly maxQueued?: number } = {},
  ): Promise<BatchSubmitReply> {
    const { id, shared, size, params, stopAfter, atMost } = batch;
    const { runner, priority = "normal", notBeforeMs } = shared;
    const digest = this.#digests.get(batch) ?? sha1(batch.definition);
    this.#digests.set(batch, digest);
    const conditions = Object.entries(conditionsOf(shared)).flat();
    const fields = Object.entries(sharedMeta(shared)).flatMap(([name, value]) => [`of:${name}`, value]);
    fields.push("params", JSON.stringify(params));
    if (stopAfter !== undefined) fields.push("stop_after", String(stopAfter));
    if (atMost !== undefined) fields.push("of:own_limit", `${atMost} ${limitOfBatch(id)}`);
    const { keys } = this.#steps;
    const [type, detail, ...open] = await this.#steps.job(SCRIPTS.batch_submit, id, {
      keys: [
        ...[keys.queue(runner), keys.low(runner), keys.delay(runner), keys.jobs(), keys.names()],
        ...[keys.batch(id), keys.batches(), keys.parked(runner)],
      ],
      args: [
        ...[await digest, size, first, runner, priority, notBeforeMs ?? "", maxQueued ?? ""],
        ...[fields.length, conditions.length, shared.callerId ?? "", shared.contextId ?? "", shared.executor],
        ...[shared.payload, shared.timeout ?? 0, ...fields, ...conditions, ...argumentsOf(batch, first)],
      ],
    });
    switch (type as BatchSubmitReply["type"]) {
      case "TAKEN":
        return { type: "TAKEN", id: String(detail) };
      case "ORPHAN":
        return { type: "ORPHAN", after: String(detail) };
      case "STOPPED":
        return { type: "STOPPED", how: detail === "cancel" ? "cancel" : "skip" };
      case "FULL":
        return { type: "FULL", waiting: Number(detail) };
      case "OTHER":
        return { type: "OTHER" };
      default:
        await this.#steps.settleAll(open.map(String));
        return { type: type as "OK" | "AT", stored: Number(detail) };
    }
  }

  async read(id: string): Promise<StoredBatch | null> {
    const fields = await this.#record(id);
    return Object.keys(fields).length === 0 ? null : { id, fields };
  }

  async batchCancel(id: string, reason: string): Promise<BatchCancelReply> {
    const [type, ...open] = await this.#steps.job(SCRIPTS.batch_cancel, id, { args: [reason] });
    await this.#steps.settleAll(open.map(String));
    return type as BatchCancelReply;
  }

  async batchPurge(
    id: string,
    { endedBeforeMs, countOnly }: { readonly endedBeforeMs: number; readonly countOnly: boolean },
  ): Promise<BatchPurgeReply> {
    const args = [endedBeforeMs, countOnly ? 1 : 0];
    const reply = await this.#steps.job(SCRIPTS.batch_purge, id, { keys: [this.#steps.keys.batches()], args });
    return reply[0] as BatchPurgeReply;
  }

  /** Adds what a member of a batch shares with the others to its metadata; that of any other job costs no call. */
  async withShared(id: string, meta: Metadata): Promise<Metadata> {
    const place = meta.as === undefined ? null : placeInBatch(id);
    if (place === null) return meta;
    const shared = Object.entries(await this.#record(place.batch)).filter(([name]) => name.startsWith("of:"));
    return { ...Object.fromEntries(shared.map(([name, value]) => [name.slice("of:".length), value])), ...meta };
  }

  async #record(id: string): Promise<Record<string, string>> {
    try {
      return recordOf(await this.#steps.link.call("HGETALL", [this.#steps.keys.batch(id)]) as string[]);
    } catch (error) {
      if (hasCode(error, "WRONGTYPE")) return {};
      throw error;
    }
  }
}

/** Returns what the record of a batch stores for all its members. */
function sharedMeta(shared: Submission): Metadata {
  const { notBeforeMs } = shared;
  return { ...metaOf(shared), ...notBeforeMs === undefined ? {} : { not_before: String(notBeforeMs) } };
}

/** Returns the arguments of as many members as fit into one command, from `first` on. */
function argumentsOf(batch: BatchSubmission, first: number): string[] {
  const args: string[] = [];
  let size = 0;
  for (let index = first; index <= batch.size && index < first + MAX_MEMBERS; index++) {
    const { env, own = {} } = batch.member(index);
    const fields = ownFields(own);
    const some = [JSON.stringify(env).toWellFormed(), String(fields.length), ...fields];
    const more = some.reduce((sum, text) => sum + text.length, 0);
    if (index > first && size + more > MAX_SIZE) break;
    size += more;
    args.push(...some);
  }
  return args;
}

/** Returns the fields of a member's metadata, and of its job with "=" in front. */
function ownFields(own: NonNullable<BatchMember["own"]>): string[] {
  const job = { caller_id: own.callerId, context_id: own.contextId, executor: own.executor, payload: own.payload };
  const all = { ...job, timeout: own.timeout === undefined ? undefined : String(own.timeout) };
  const meta = metaOf(own as Submission);
  return [
    ...Object.entries(all).flatMap(([name, value]) => value === undefined ? [] : [`=${name}`, value]),
    ...Object.entries(meta).flat(),
  ];
}
