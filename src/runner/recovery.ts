import { UnavailableError } from "../domain/errors.ts";
import type { JournalRecord } from "../ports/attempt_journal.ts";
import type { FoundAttempt } from "../ports/executor.ts";
import type { DataHistory } from "../ports/data_history.ts";
import type { AttemptQueue, InstanceQueue, OtherInstances, StartReply } from "../ports/queue.ts";
import type { Alarms } from "./alarms.ts";
import type { Attempts } from "./attempts.ts";
import type { Backlog } from "./backlog.ts";
import type { ClaimGate } from "./claim_gate.ts";
import type { Finisher } from "./finisher.ts";
import { Hold, type Leases } from "./hold.ts";
import type { Launcher, Started } from "./launcher.ts";
import type { Membership, Registered } from "./membership.ts";
import { type ActiveAttempt, reassertionOf, type RunnerParts } from "./parts.ts";
import { Resender } from "./resender.ts";

/** Heartbeats after which a lease is too old to show who lives. */
const RECENT = 3;
/** First and longest pause between two tries to reach Redis after an outage, milliseconds. */
const OUTAGE_PAUSE = [50, 1000] as const;

/** What a `Recovery` works with. */
export interface RecoveryWork {
  readonly attempts: Attempts;
  readonly gate: ClaimGate;
  readonly membership: Membership;
  readonly backlog: Backlog;
  readonly launcher: Launcher;
  readonly finisher: Finisher;
  readonly alarms: Alarms;
  /** Ends the runner: it cannot go on. */
  readonly fail: (error: unknown) => void;
}

/** What it works with. */
type RecoveryParts = Pick<RunnerParts, "executors" | "journal" | "clock" | "log" | "settings" | "checkpoint"> & {
  readonly queue: InstanceQueue & AttemptQueue & DataHistory & OtherInstances;
};

/** Makes Redis, the journal and the terminals agree: at the start, after an outage, and after Redis lost data. */
export class Recovery {
  readonly #parts: RecoveryParts;
  readonly #work: RecoveryWork;
  readonly #hold: Hold;
  readonly #resender: Resender;
  /** Identity of the Redis that has everything that this host has. */
  #serverId = "";
  /** Signs of lost data that are settled. */
  #doubts = 0;
  #failures = 0;
  #restoring: Promise<void> | null = null;
  #isUnfinished = false;
  /** Attempts of earlier processes as the executors found them, until they are adopted. */
  #found: Map<ActiveAttempt, FoundAttempt> | null = null;
  /** The last of our numbers that Redis knew; ends of later attempts are still to be reported again. */
  #redisSeq = Infinity;
  /** The number at each of the last heartbeats, oldest first: they show the age of a Redis that went back. */
  #recentSeqs: number[] = [];
  /** Ends of attempts that are to be tried again: reported when all hosts had the time to bring back later attempts. */
  readonly #retries = new Map<string, JournalRecord>();
  /** Redis went back, and what it says is ours was not checked since. */
  #isDoubtful = false;
  /** Another folder had our identity meanwhile: it may have run what is on record here. */
  #isMixed = false;
  /** What earlier processes started and never launched has been found. */
  #isRecovered = false;

  constructor(parts: RecoveryParts, work: RecoveryWork) {
    this.#parts = parts;
    this.#work = work;
    this.#hold = new Hold(parts, work.gate, work.alarms.heartbeat);
    this.#resender = new Resender(parts, work.launcher);
  }

  /**
   * Adopts, at the start, every attempt of earlier processes. When Redis goes away meanwhile it may be called again.
   *
   * @param registered The reply to `register`.
   */
  async recover({ seq, mixed, stale }: Registered): Promise<void> {
    const { queue, journal, checkpoint, log } = this.#parts;
    const { membership, backlog } = this.#work;
    this.#isMixed ||= mixed;
    this.#found ??= await this.#findAttempts();
    queue.recall(Math.max(0, ...journal.records().map(({ attempt }) => attempt.seq ?? 0)));
    this.#redisSeq = Math.min(this.#redisSeq, seq);
    const forgot = this.#redisSeq < queue.reported;
    const serverId = await queue.serverId();
    const restarted = journal.server !== null && journal.server !== serverId;
    if (restarted) log.warn("Redis was restarted while no runner was there");
    if (forgot) log.warn("Redis lost data while no runner was there");
    const doubtful = restarted || forgot || stale;
    const owned = new Map((await queue.owned()).map((attempt) => [attempt.id, attempt.token]));
    for (const [active, found] of this.#found) {
      const { id, token } = active.attempt;
      if (active.ended || owned.get(id) === token || await this.#claimBack(active)) this.#adopt(active, found);
      this.#found.delete(active);
    }
    checkpoint("after_recover");
    if (forgot) await this.#reportAgain();
    if (doubtful) await membership.register({ restored: true }); // the others wait for this
    else await this.adoptStrays();
    await backlog.reconcile();
    this.#settled(serverId);
    if (doubtful) this.#holdFor(null);
  }

  /** Asks the executors what became of the attempts without an end on record. */
  async #findAttempts(): Promise<Map<ActiveAttempt, FoundAttempt>> {
    const { journal, executors, log } = this.#parts;
    const { attempts, launcher } = this.#work;
    const open = journal.records().filter((record) => record.end === null);
    const found = new Map<string, FoundAttempt>();
    for (const [kind, executor] of executors) {
      const mine = open.map((record) => launcher.launchOf(record.attempt))
        .filter((launch) => launch.target.split(".", 1)[0] === kind);
      for (const record of open) {
        const launch = mine.find((one) => one.name === record.attempt.name);
        if (launch) launcher.adopt(record.attempt); // before `recover`, which may report its end at once
      }
      for (const [name, state] of await executor.recover(mine)) found.set(name, state);
    }
    if (open.length > 0) log.info("adopted attempts of an earlier process", { count: open.length });
    return new Map(open.flatMap(({ attempt: { name } }) => {
      const active = attempts.get(name);
      return active ? [[active, found.get(name) ?? "unlaunched"]] : [];
    }));
  }

  /**
   * Notes that this Redis is the known one, and that nothing is missing there. Doubts that came meanwhile are settled,
   * too: heartbeats raise them until everything is restored. A loss before that makes the last `register` reject; one
   * after it leaves no instance record, which the next heartbeat reports.
   */
  #settled(serverId: string): void {
    const { queue, journal } = this.#parts;
    this.#serverId = serverId;
    this.#redisSeq = Infinity;
    this.#doubts = queue.doubts;
    this.#isUnfinished = false;
    queue.trust(serverId);
    journal.syncedWith(serverId);
  }

  #adopt(active: ActiveAttempt, found: FoundAttempt): void {
    const { launcher, finisher } = this.#work;
    if (active.ended || found !== "unlaunched") return;
    if (this.#isMixed) {
      return finisher.lose(active, "a copy of its runner's spool folder was in use meanwhile: it may have run");
    }
    if (active.attempt.bootId === launcher.bootId) return void launcher.relaunch(active);
    // before a crash of the host its start may not have reached the disk: it may have run
    finisher.lose(active, "the host restarted before its start was on record");
  }

  /** Claims an attempt that Redis does not say is ours. Returns whether it is. */
  async #claimBack(active: ActiveAttempt): Promise<boolean> {
    const { attempt } = active;
    const reply = await this.#parts.queue.reassert(reassertionOf(attempt));
    this.#parts.checkpoint("after_reassert");
    this.#parts.log.info("reasserted", { job: attempt.id, attempt: attempt.number, state: reply });
    if (reply === "OK" || active.ended) return true; // of one that ended meanwhile the finisher brings the end
    await this.abandon(active);
    return false;
  }

  /** Stops an attempt that is no longer ours, and forgets it except for an end that Redis has on record. */
  async abandon(active: ActiveAttempt): Promise<void> {
    const { journal, settings, log, queue } = this.#parts;
    const { name, id } = active.attempt;
    const end = await queue.endOf(active.attempt);
    if (active.ended) return;
    this.#work.attempts.end(active);
    try {
      await active.executor.stop(name, "cancelled", settings.killGraceMs);
    } catch (error) {
      log.warn("could not stop an attempt", { job: id, error: String(error) });
    }
    const noted = journal.settle(name, end ?? "gone");
    this.#work.attempts.remove(active);
    // one that still runs is forgotten when it ends; a full disk holds up nothing but this
    noted.then(() => active.executor.forget(name))
      .catch((error) => log.warn("could not remove files of an attempt", { error: String(error) }));
  }

  /** Adopts attempts that Redis says are ours and that have no record here; not while other hosts bring theirs back. */
  async adoptStrays(): Promise<void> {
    if (!this.#work.gate.has("restoring")) await this.#adoptStrays(() => true);
  }

  async #adoptStrays(isCurrent: () => boolean): Promise<void> {
    const { queue, log } = this.#parts;
    const { attempts } = this.#work;
    for (const { id } of await queue.owned()) {
      if (!isCurrent()) return; // Redis lost data once more
      if (attempts.ofJob(id) || attempts.starting.has(id)) continue;
      const reply = await queue.start(id);
      if (reply.type === "HELD") await this.#adoptStray(id, reply);
    }
    if (!isCurrent()) return;
    this.#isDoubtful = false;
    if (this.#isRecovered) return;
    this.#isRecovered = true;
    this.#completed().catch((error) =>
      log.warn("could not say that all records are complete", { error: String(error) })
    );
  }

  /**
   * Such an attempt was started and never launched, unless a record may be missing. A Redis that went back may say so
   * of attempts whose records were forgotten long ago.
   */
  async #adoptStray(id: string, reply: Started & StartReply): Promise<void> {
    const { journal, log } = this.#parts;
    const { launcher } = this.#work;
    const isComplete = this.#isRecovered || !this.#isMixed && journal.isWhole;
    const record = journal.records().find(({ attempt }) => attempt.token === reply.token && attempt.id === id);
    if (record?.end === "gone") {
      launcher.refuse(id, reply, { kind: "lost", why: "it had been taken away from its runner" });
    } else if (record) await this.#resender.resend(record);
    else if (!isComplete || this.#isDoubtful && Number(reply.meta.started_ms ?? 0) <= journal.forgottenUntil) {
      launcher.refuse(id, reply, { kind: "lost", why: "its record is gone: it may have run" });
    } else {
      log.info("launching a started job", { job: id, attempt: reply.attempt });
      launcher.accept(id, reply);
    }
  }

  /** Lets the next process believe its records again, once what may have run elsewhere has its end in Redis. */
  async #completed(): Promise<void> {
    await this.#work.finisher.idle();
    if (this.#isMixed) await this.#work.membership.register({ unmixed: true });
    this.#isMixed = false;
    this.#parts.journal.restored();
  }

  /** Gives attempts back to a Redis that has no record of them. */
  async reassert(attempts: readonly ActiveAttempt[]): Promise<void> {
    for (const active of attempts) if (!active.ended) await this.#claimBack(active);
  }

  /** One round, after Redis could not be reached: finds out whether it is the one that we knew. */
  async tick(): Promise<void> {
    const { queue, clock, log } = this.#parts;
    const { alarms, backlog, fail, gate } = this.#work;
    try {
      const same = await queue.serverId() === this.#serverId;
      if (!same) log.warn("Redis was restarted");
      if (same && !this.isUnfinished) {
        await this.adoptStrays(); // the reply about them may be what was lost
        await backlog.reconcile();
      } else await this.dataLost();
      this.#failures = 0;
      // a failure that came meanwhile has asked for another round, which decides
      if (alarms.recover.at === Infinity) gate.open("unreachable");
    } catch (error) {
      if (!(error instanceof UnavailableError)) return fail(error);
      const pause = Math.min(OUTAGE_PAUSE[0] * 2 ** this.#failures++, OUTAGE_PAUSE[1]);
      alarms.recover.soon(pause * (0.5 + clock.random() / 2));
    }
  }

  /** Notes a heartbeat that Redis acknowledged. */
  heartbeatReplied(): void {
    this.#recentSeqs = [...this.#recentSeqs, this.#parts.queue.reported].slice(-RECENT);
  }

  /** Whether Redis may have lost data that is not all brought back yet. */
  get isUnfinished(): boolean {
    return this.#isUnfinished || this.#parts.queue.doubts !== this.#doubts;
  }

  /** Brings back what runs here; nothing is claimed until every host had the time to do the same. */
  dataLost(): Promise<void> {
    this.#isUnfinished = true;
    this.#restoring ??= this.#restore().finally(() => this.#restoring = null);
    return this.#restoring;
  }

  async #restore(): Promise<void> {
    const { queue, journal, log } = this.#parts;
    const { attempts, backlog, membership } = this.#work;
    this.#hold.close();
    const serverId = await queue.serverId(); // when it changes once more meanwhile, the next round notices
    journal.syncedWith(""); // in case this process ends before it has brought everything back
    const isAcknowledged = (await queue.heartbeat(attempts.owned(), membership.state)).type === "OK";
    const leases = isAcknowledged ? await this.#hold.leases() : null;
    this.#redisSeq = Math.min(this.#redisSeq, (await membership.register()).seq);
    await this.reassert(attempts.all());
    await this.#reportAgain();
    await backlog.reconcile();
    // leases of a state that is older show neither who lives nor who had come meanwhile
    const isRecent = this.#redisSeq >= (this.#recentSeqs[0] ?? 0);
    this.#settled(serverId);
    this.#holdFor(isRecent ? leases : null);
    log.info("brought back what runs here", { count: attempts.size });
  }

  /**
   * Reports the ends of attempts again that Redis went back behind. Redis itself names the attempts whose
   * start it has and whose end it lacks; what is gone of the others was removed.
   */
  async #reportAgain(): Promise<void> {
    const { journal, queue, clock, settings } = this.#parts;
    const { attempts, membership } = this.#work;
    let heartbeatAt = clock.now() + settings.heartbeatMs;
    for (const record of journal.records()) {
      if (record.end !== null && (record.attempt.seq ?? 0) > this.#redisSeq) {
        // a later attempt may have ended on another host, which has yet to report it
        if (record.end !== "gone" && record.end.retry) this.#retries.set(record.attempt.name, record);
        else await this.#resender.resend(record);
      }
      if (clock.now() < heartbeatAt) continue;
      // the heartbeat loop waits for this, and thousands over a slow link need longer than a lease lasts
      await queue.heartbeat(attempts.owned(), membership.state);
      heartbeatAt = clock.now() + settings.heartbeatMs;
    }
    await membership.register({ restored: true }); // only now Redis may say that it has all
  }

  #holdFor(leases: Leases): void {
    this.#isDoubtful = true;
    this.#hold.begin(leases, {
      release: (isCurrent) => this.#release(isCurrent),
      failed: () => this.#isUnfinished = true, // the next heartbeat begins anew
    });
  }

  /** Everything is brought back that will be: what Redis says now counts, also for processes that are new. */
  async #release(isCurrent: () => boolean): Promise<void> {
    for (const [name, record] of this.#retries) {
      await this.#resender.resend(record);
      if (!isCurrent()) return; // Redis lost data once more
      this.#retries.delete(name);
    }
    await this.#adoptStrays(isCurrent);
    if (isCurrent()) await this.#parts.queue.seal();
  }
}
