import type { FoundAttempt } from "../../ports/executor.ts";
import type { InstanceState, RegisterOptions, RegisterReply } from "../../ports/queue.ts";
import type { JournalRecord } from "../../ports/attempt_journal.ts";
import { UnavailableError } from "../../domain/errors.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { Finisher } from "./finisher.ts";
import type { Launcher } from "./launcher.ts";
import { type ActiveAttempt, reassertionOf, type RunnerParts } from "./parts.ts";
import type { Attempts } from "./attempts.ts";
import { NO_OUTPUT, resultText } from "../../domain/output.ts";
import { metaNumber } from "../../domain/job_meta.ts";

/**
 * The longest that a link of a runner takes to reach a Redis that is back, milliseconds: its longest pause, and a
 * little.
 */
const RECONNECT = 1200;

/** How long other hosts are waited for at the most, milliseconds. */
const LONGEST_HOLD = 60_000;

/** Beats after which a lease is too old to tell who lives. */
const RECENT = 3;

/** What Redis answered to a process that owns its instance. */
export type Registered = Omit<RegisterReply & { readonly type: "OK" }, "type">;

/** Makes Redis, the spool and the terminals agree: at the start, after an outage, and after Redis lost data. */
export class Reconciler {
  readonly #parts: RunnerParts;
  readonly #attempts: Attempts;
  readonly #launcher: Launcher;
  readonly #finisher: Finisher;
  readonly #dispatcher: Dispatcher;
  /** Called when claims are held back, and when they go on. */
  readonly #holdChanged: () => void;
  #serverId = "";
  /** Doubts of the queue that are settled. */
  #doubts = 0;
  #outage: Promise<boolean> | null = null;
  #restoring: Promise<void> | null = null;
  #unfinished = false;
  /** Runs of earlier processes as the executors found them, until they are taken up. */
  #found: Map<ActiveAttempt, FoundAttempt> | null = null;
  /** Up to which of our numbers Redis knew us; ends of later attempts are still to be told again. */
  #redisSeq = Infinity;
  /** The number at each of the last heartbeats, oldest first: by them the age of a Redis that went back is known. */
  #recentSeqs: number[] = [];
  /** Counts the orders to claim nothing: only the last one may be taken back. */
  #holds = 0;
  /** Others may still bring back what they run: what Redis says is ours may be theirs. */
  #isHeld = false;
  /** Ends of attempts that are to be tried again: reported when all hosts had the time to bring back later attempts. */
  readonly #retries = new Map<string, JournalRecord>();
  /** Redis went back, and what it says is ours has not been looked at since. */
  #isDoubtful = false;
  /** Another folder had our identity meanwhile: it may have run what is on record here. */
  #mixed = false;
  /** What earlier processes started and never launched has been found. */
  #isRecovered = false;
  /** What others are told about us. */
  state: () => InstanceState = () => "up";
  /** Registers the instance anew. */
  register: (state?: Pick<RegisterOptions, "restored" | "unmixed">) => Promise<Registered> = () =>
    Promise.resolve({ seq: 0, mixed: false, stale: false });

  constructor(
    parts: RunnerParts,
    attempts: Attempts,
    work: { launcher: Launcher; finisher: Finisher; dispatcher: Dispatcher; holdChanged: () => void },
  ) {
    this.#parts = parts;
    this.#attempts = attempts;
    this.#launcher = work.launcher;
    this.#finisher = work.finisher;
    this.#dispatcher = work.dispatcher;
    this.#holdChanged = work.holdChanged;
  }

  /**
   * At the start, after `register`: takes up every run of earlier processes. When Redis goes away meanwhile it may be
   * called again.
   *
   * @param registered What Redis answered to `register`.
   */
  async recover({ seq, mixed, stale }: Registered): Promise<void> {
    const { queue, journal, checkpoint, log } = this.#parts;
    this.#mixed ||= mixed;
    this.#found ??= await this.#findRuns();
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
    if (doubtful) await this.register({ restored: true }); // the others wait for this
    else await this.adoptStrays();
    await this.#dispatcher.reconcile();
    this.#settled(serverId);
    if (doubtful) this.#hold(null);
  }

  /** Asks the executors what became of the runs without an end on record. */
  async #findRuns(): Promise<Map<ActiveAttempt, FoundAttempt>> {
    const { journal, executors, log } = this.#parts;
    const open = journal.records().filter((record) => record.end === null);
    const found = new Map<string, FoundAttempt>();
    for (const [kind, executor] of executors) {
      const mine = open.map((record) => this.#launcher.launchOf(record.attempt))
        .filter((launch) => launch.target.split(".", 1)[0] === kind);
      for (const record of open) {
        const launch = mine.find((one) => one.name === record.attempt.name);
        if (launch) this.#launcher.adopt(record.attempt); // before `recover`, which may report its end at once
      }
      for (const [name, state] of await executor.recover(mine)) found.set(name, state);
    }
    if (open.length > 0) log.info("adopted runs of an earlier process", { count: open.length });
    return new Map(open.flatMap(({ attempt: { name } }) => {
      const active = this.#attempts.get(name);
      return active ? [[active, found.get(name) ?? "unlaunched"]] : [];
    }));
  }

  /** Redis is the one that we know, and has all that we know. */
  #settled(serverId: string): void {
    const { queue, journal } = this.#parts;
    this.#serverId = serverId;
    this.#redisSeq = Infinity;
    this.#doubts = queue.doubts;
    this.#unfinished = false;
    queue.trust(serverId);
    journal.syncedWith(serverId);
  }

  #adopt(active: ActiveAttempt, found: FoundAttempt): void {
    if (active.ended || found !== "unlaunched") return;
    if (this.#mixed) {
      return this.#finisher.lose(active, "a copy of its runner's spool folder was in use meanwhile: it may have run");
    }
    if (active.attempt.bootId === this.#launcher.bootId) return void this.#launcher.relaunch(active);
    // Before a crash of the host its start may not have reached the disk: it may have run.
    this.#finisher.lose(active, "the host restarted before its start was on record");
  }

  /** Asks for an attempt that Redis does not say is ours. Answers whether it is. */
  async #claimBack(active: ActiveAttempt): Promise<boolean> {
    const { attempt } = active;
    const reply = await this.#parts.queue.reassert(reassertionOf(attempt));
    this.#parts.checkpoint("after_reassert");
    this.#parts.log.info("reasserted", { job: attempt.id, attempt: attempt.number, state: reply });
    if (reply === "OK" || active.ended) return true; // of one that ended meanwhile the finisher brings the end
    await this.abandon(active);
    return false;
  }

  /** Stops a run that is no longer ours and forgets it, but for an end that Redis has on record. */
  async abandon(active: ActiveAttempt): Promise<void> {
    const { journal, settings, log, queue } = this.#parts;
    const { name, id } = active.attempt;
    const end = await queue.endOf(active.attempt);
    if (active.ended) return;
    this.#attempts.end(active);
    try {
      await active.executor.stop(name, "cancelled", settings.killGraceMs);
    } catch (error) {
      log.warn("could not stop a run", { job: id, error: String(error) });
    }
    const noted = journal.settle(name, end ?? "gone");
    this.#attempts.remove(active);
    // one that still runs is forgotten when it ends; a full disk holds up nothing but this
    noted.then(() => active.executor.forget(name))
      .catch((error) => log.warn("could not remove files of a run", { error: String(error) }));
  }

  /**
   * Runs that Redis says are ours and the spool does not know: they were started and never launched, unless a record
   * may be missing. A Redis that went back may say so of attempts whose records were forgotten long ago.
   */
  async adoptStrays(): Promise<void> {
    if (this.#isHeld) return; // at its end
    const { queue, journal, log } = this.#parts;
    const isComplete = this.#isRecovered || !this.#mixed && journal.isWhole;
    for (const { id } of await queue.owned()) {
      if (this.#attempts.ofJob(id) || this.#attempts.starting.has(id)) continue;
      const reply = await queue.start(id);
      if (reply.type !== "HELD") continue;
      const known = journal.records().find((record) =>
        record.attempt.token === reply.token && record.attempt.id === id
      );
      if (known?.end === "gone") {
        this.#launcher.refuse(id, reply, { kind: "lost", why: "it had been taken away from its runner" });
      } else if (known) await this.#resend(known);
      else if (!isComplete || this.#isDoubtful && Number(reply.meta.started_ms ?? 0) <= journal.forgottenUntil) {
        this.#launcher.refuse(id, reply, { kind: "lost", why: "its record is gone: it may have run" });
      } else {
        log.info("launching a started job", { job: id, attempt: reply.attempt });
        this.#launcher.accept(id, reply);
      }
    }
    this.#isDoubtful = false;
    if (this.#isRecovered) return;
    this.#isRecovered = true;
    this.#completed().catch((error) =>
      log.warn("could not say that all records are complete", { error: String(error) })
    );
  }

  /** Once what may have run elsewhere has its end in Redis, the next process may believe its records again. */
  async #completed(): Promise<void> {
    await this.#finisher.idle();
    if (this.#mixed) await this.register({ unmixed: true });
    this.#mixed = false;
    this.#parts.journal.restored();
  }

  /** Runs that Redis does not know: gives them back. */
  async reassert(attempts: readonly ActiveAttempt[]): Promise<void> {
    for (const active of attempts) if (!active.ended) await this.#claimBack(active);
  }

  /** Redis could not be reached: finds out whether it is the one that we knew. Answers whether that is known. */
  afterOutage(): Promise<boolean> {
    this.#outage ??= this.#afterOutage().finally(() => this.#outage = null);
    return this.#outage;
  }

  async #afterOutage(): Promise<boolean> {
    const { queue, log } = this.#parts;
    try {
      const same = await queue.serverId() === this.#serverId;
      if (!same) log.warn("Redis was restarted");
      if (same && !this.unfinished) {
        await this.adoptStrays(); // the reply that told of them may be what was lost
        await this.#dispatcher.reconcile();
      } else await this.dataLost();
      return true;
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error;
      return false;
    }
  }

  /** Nothing is claimed as long as other hosts may bring back what they run. */
  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** A heartbeat was answered. */
  heartbeatReplied(): void {
    this.#recentSeqs = [...this.#recentSeqs, this.#parts.queue.reported].slice(-RECENT);
  }

  /** Redis may have lost data, and not everything is brought back yet. */
  get unfinished(): boolean {
    return this.#unfinished || this.#parts.queue.doubts !== this.#doubts;
  }

  /** Redis may have lost data: nothing is claimed until every host had time to bring back what it runs. */
  dataLost(): Promise<void> {
    this.#unfinished = true;
    this.#restoring ??= this.#restore().finally(() => this.#restoring = null);
    return this.#restoring;
  }

  async #restore(): Promise<void> {
    const { queue, journal, log } = this.#parts;
    this.#dispatcher.held = this.#isHeld = true;
    this.#holds++;
    const serverId = await queue.serverId(); // when it changes once more meanwhile, the next look notices
    journal.syncedWith(""); // should this process end before it has brought everything back
    const known = (await queue.heartbeat(this.#attempts.owned(), this.state())).type === "OK"
      ? await this.#leases()
      : null;
    this.#redisSeq = Math.min(this.#redisSeq, (await this.register()).seq);
    await this.reassert(this.#attempts.all());
    await this.#reportAgain();
    await this.#dispatcher.reconcile();
    // leases of a state that is older tell neither who lives nor who had come meanwhile
    const recent = this.#redisSeq >= (this.#recentSeqs[0] ?? 0);
    this.#settled(serverId);
    this.#hold(recent ? known : null);
    log.info("brought back what runs here", { count: this.#attempts.size });
  }

  /**
   * Tells again the ends of attempts that Redis went back behind. Of those that it knows the start of it says itself
   * that they have no end; what is gone of the others was removed.
   */
  async #reportAgain(): Promise<void> {
    const { journal, queue, clock, settings } = this.#parts;
    let heartbeatAt = clock.now() + settings.heartbeatMs;
    for (const record of journal.records()) {
      if (record.end !== null && (record.attempt.seq ?? 0) > this.#redisSeq) {
        // a later attempt may have ended on another host, which has yet to say so
        if (record.end !== "gone" && record.end.retry) this.#retries.set(record.attempt.name, record);
        else await this.#resend(record);
      }
      if (clock.now() < heartbeatAt) continue;
      // the heart waits for this, and thousands on a long way take longer than a lease holds
      await queue.heartbeat(this.#attempts.owned(), this.state());
      heartbeatAt = clock.now() + settings.heartbeatMs;
    }
    await this.register({ restored: true }); // only now Redis may say that it knows all
  }

  /** Claims nothing until the other hosts, too, have brought back what they run. */
  #hold(known: ReadonlyMap<string, number> | null): void {
    const order = ++this.#holds;
    this.#dispatcher.held = this.#isHeld = this.#isDoubtful = true;
    const isShort = known?.size === 0;
    if (!isShort) {
      this.#parts.log.info("takes no jobs until all hosts have brought back what they run");
      this.#holdChanged();
    }
    const open = () => {
      if (order !== this.#holds) return;
      this.#dispatcher.held = this.#isHeld = false;
      if (isShort) return;
      this.#parts.log.info("takes jobs again");
      this.#holdChanged();
    };
    this.#resume(known).then(() => this.#release(order)).then(open, (error) => {
      if (order !== this.#holds) return;
      this.#parts.log.warn("could not bring back everything", { error: String(error) });
      if (!(error instanceof UnavailableError)) return open();
      // all of it is done once more after the next heartbeat
      this.#isHeld = this.#unfinished = true;
      this.#holdChanged();
    });
  }

  /** Everything is brought back that will be: what Redis says now counts, also for processes that are new. */
  async #release(order: number): Promise<void> {
    if (order !== this.#holds) return;
    for (const [name, record] of this.#retries) {
      await this.#resend(record);
      if (order !== this.#holds) return; // Redis lost data once more
      this.#retries.delete(name);
    }
    this.#isHeld = false;
    await this.adoptStrays();
    if (order === this.#holds) await this.#parts.queue.seal();
  }

  /**
   * Waits until the other hosts have brought back what they run. Where the leases survived, they tell who lives: each
   * is waited for until it says so itself, or its lease ends. Where they did not, everybody gets the same time.
   */
  async #resume(known: ReadonlyMap<string, number> | null): Promise<void> {
    const { queue, clock, settings } = this.#parts;
    const pause = Math.min(RECONNECT / 10, settings.heartbeatMs);
    if (known === null) return await clock.sleep(Math.max(2 * settings.heartbeatMs, 2 * RECONNECT));
    const limit = clock.now() + LONGEST_HOLD;
    for (let open = [...known.keys()]; open.length > 0 && clock.now() < limit; await clock.sleep(pause)) {
      const [leases, back] = [await this.#leases(), await queue.back(open)];
      open = open.filter((instance) => leases.has(instance) && !back.includes(instance));
    }
  }

  /** When the leases of the other live instances end, by our monotonic clock. */
  async #leases(): Promise<Map<string, number>> {
    const { queue, clock } = this.#parts;
    const leases = await queue.leases();
    return new Map(
      leases.filter((lease) => lease.expiredMs <= 0).map((lease) => [
        lease.instance,
        clock.now() - lease.expiredMs,
      ]),
    );
  }

  /** Tells an end again that Redis had acknowledged and may have forgotten. */
  async #resend(record: JournalRecord): Promise<void> {
    const { queue, settings } = this.#parts;
    const { attempt, end } = record;
    if (end === null || end === "gone") return;
    const { retry, ...reported } = end;
    const executor = this.#parts.executors.get(this.#launcher.launchOf(attempt).target.split(".", 1)[0]);
    // one that cannot be read is reported as cut
    const found = await executor?.sample(attempt.name).catch(() => null);
    // an empty output has no file that could say so
    const truncated = end.truncated || (found?.truncated ?? end.outputBytes > 0);
    const sample = { ...found ?? NO_OUTPUT, truncated };
    await queue.restore(reassertionOf(attempt), {
      ...reported,
      ...(end.result === undefined && truncated && { truncated }),
      id: attempt.id,
      token: attempt.token,
      result: end.result ?? resultText(sample),
      keep: metaNumber(attempt.meta.keep, settings.keep),
      retryDelayMs: retry ? 0 : null,
    });
  }
}
