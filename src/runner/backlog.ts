import { readJobId } from "../domain/job_id.ts";
import { MAX_CLAIMED_AHEAD } from "../domain/limits.ts";
import type { ClaimQueue, RawId } from "../ports/queue.ts";
import type { Attempts } from "./attempts.ts";
import type { RunnerParts } from "./parts.ts";

/** Pauses before an id whose job is not there, or not readable, becomes a dead letter, milliseconds. */
const PATIENCE = [100, 300, 1000, 3000];
/** The most claims, including those that are given time because their jobs are not there. */
const MAX_CLAIMS = 2048;

/** A claimed id that has not started. */
export interface Claim {
  readonly raw: RawId;
  readonly id: string;
  /** Position in the order of claims. */
  readonly order: number;
  /** Serial key of its target; `undefined` until it was read. */
  serialKey: string | null | undefined;
  tries: number;
  /** Monotonic time before which it is left alone, milliseconds. */
  notBefore: number;
}

/** What it works with. */
type BacklogParts = Pick<RunnerParts, "clock" | "log"> & { readonly queue: ClaimQueue };

/** Claims of this instance that wait for a slot or a serial key, in the order of the queue. */
export class Backlog {
  readonly #parts: BacklogParts;
  readonly #attempts: Attempts;
  #claims: Claim[] = [];
  /** Ids of the last claim that are not read yet. */
  #unread: readonly RawId[] | null = null;
  #count = 0;

  constructor(parts: BacklogParts, attempts: Attempts) {
    this.#parts = parts;
    this.#attempts = attempts;
  }

  /** Claims that wait. */
  get size(): number {
    return this.#claims.length;
  }

  /** How many more jobs may be claimed ahead. Ids whose jobs are not there do not count, up to a limit. */
  get capacity(): number {
    if (this.#claims.length >= MAX_CLAIMS) return 0;
    return Math.max(0, MAX_CLAIMED_AHEAD - this.#claims.filter((claim) => claim.tries === 0).length);
  }

  /** Keeps ids that were claimed until `readReceived`. */
  receive(ids: readonly RawId[]): void {
    this.#unread = ids;
    this.#attempts.wake();
  }

  /** Whether ids were received and not read. */
  get hasUnread(): boolean {
    return this.#unread !== null;
  }

  /** Puts the received ids into the order. Returns how many there were. */
  async readReceived(): Promise<number> {
    const ids = this.#unread ?? [];
    this.#unread = null;
    for (const raw of ids) {
      const claim = await this.read(raw);
      if (claim) this.add(claim);
    }
    return ids.length;
  }

  /** Reads an id; one that is none becomes a dead letter, and the result is `null`. */
  async read(raw: RawId): Promise<Claim | null> {
    const read = readJobId(raw);
    if ("id" in read) return { raw, id: read.id, order: this.#count++, serialKey: undefined, tries: 0, notBefore: 0 };
    await this.deadLetter(raw, read.reason);
    return null;
  }

  /** Puts a claim into the order, once: a list of all claims may come before the reply. */
  add(claim: Claim): void {
    if (this.#claims.some(({ id }) => id === claim.id)) return;
    const at = this.#claims.findIndex((other) => other.order > claim.order);
    this.#claims.splice(at === -1 ? this.#claims.length : at, 0, claim);
  }

  /** Removes a claim: it is being started. */
  remove(claim: Claim): void {
    this.#claims = this.#claims.filter((other) => other !== claim); // a reconciliation may have removed it before
  }

  /** Claims that wait for nothing but a slot and their serial key. */
  ready(): Claim[] {
    const now = this.#parts.clock.now();
    return this.#claims.filter((claim) => claim.notBefore <= now);
  }

  /** Monotonic time at which the first pause ends that had not ended at `since`; `Infinity` when there is none. */
  nextAfter(since: number): number {
    return Math.min(...this.#claims.map(({ notBefore }) => notBefore).filter((at) => at > since));
  }

  /** Leaves a claim alone for a while; it becomes a dead letter when patience ends. */
  async postpone(claim: Claim, reason: string): Promise<void> {
    if (claim.tries >= PATIENCE.length) return await this.deadLetter(claim.raw, reason);
    claim.notBefore = this.#parts.clock.now() + PATIENCE[claim.tries++];
    this.#claims.push(claim);
  }

  /** Puts a claim back that was tried; it becomes a dead letter after too many tries. */
  async retry(claim: Claim, reason: string): Promise<void> {
    if (++claim.tries > PATIENCE.length) return await this.deadLetter(claim.raw, reason);
    this.add(claim);
  }

  /** Moves an id that is no runnable job to the dead letters. */
  async deadLetter(raw: RawId, reason: string): Promise<void> {
    await this.#parts.queue.deadLetter(raw, reason);
    this.#parts.log.warn("dead letter", { job: new TextDecoder().decode(raw.subarray(0, 100)), error: reason });
  }

  /** Replaces the claims by those that Redis has, and by those that were added meanwhile. */
  async reconcile(): Promise<void> {
    const ids = await this.#parts.queue.claimed();
    const before = new Set(this.#claims);
    const listed = new Set(ids.map(String));
    this.#unread = this.#unread?.filter((raw) => !listed.has(String(raw))) ?? null;
    const stored: Claim[] = [];
    for (const raw of ids) {
      const claim = await this.read(raw);
      if (claim) stored.push(claim);
    }
    const known = new Map(this.#claims.map((claim) => [claim.id, claim]));
    const inRedis = new Set(stored.map(({ id }) => id));
    const waiting = stored.filter(({ id }) => !this.#attempts.starting.has(id));
    const added = this.#claims.filter((claim) => !before.has(claim) && !inRedis.has(claim.id));
    this.#claims = [...waiting.map((claim) => known.get(claim.id) ?? claim), ...added];
    this.#attempts.wake();
  }
}
