import { readJsonJob } from "../domain/json_job.ts";
import type { AttemptQueue, ClaimQueue, StartReply } from "../ports/queue.ts";
import type { Attempts } from "./attempts.ts";
import type { Backlog, Claim } from "./backlog.ts";
import type { ClaimGate } from "./claim_gate.ts";
import type { Launcher } from "./launcher.ts";
import type { RunnerParts } from "./parts.ts";
import type { SerialKeys } from "./serial_keys.ts";

/** What it works with. */
type StarterParts = Pick<RunnerParts, "log" | "settings"> & { readonly queue: ClaimQueue & AttemptQueue };

/** Starts claimed jobs in Redis, and does what the reply asks for. */
export class Starter {
  readonly #parts: StarterParts;
  readonly #attempts: Attempts;
  readonly #gate: ClaimGate;
  readonly #backlog: Backlog;
  readonly #launcher: Launcher;
  readonly #serialKeys: SerialKeys;

  constructor(
    parts: StarterParts,
    work: { attempts: Attempts; gate: ClaimGate; backlog: Backlog; launcher: Launcher; serialKeys: SerialKeys },
  ) {
    this.#parts = parts;
    this.#attempts = work.attempts;
    this.#gate = work.gate;
    this.#backlog = work.backlog;
    this.#launcher = work.launcher;
    this.#serialKeys = work.serialKeys;
  }

  /** Starts a claim; on an error it waits again. */
  async start(claim: Claim): Promise<void> {
    this.#attempts.starting.add(claim.id);
    try {
      const reply = await this.#parts.queue.start(claim.id);
      // later ones start when they are claimed
      if (reply.type === "OK") this.#serialKeys.of(reply.job.executor ?? null);
      await this.handle(claim, reply);
    } catch (error) {
      this.#backlog.add(claim);
      throw error;
    } finally {
      this.#attempts.starting.delete(claim.id);
    }
  }

  /** Handles the reply to a start. */
  async handle(claim: Claim, reply: StartReply): Promise<void> {
    const { queue, log, settings } = this.#parts;
    switch (reply.type) {
      case "OK":
      case "HELD":
        return this.#launcher.accept(claim.id, reply);
      case "MISSING":
        return await this.#backlog.postpone(claim, "there is no job with this id");
      case "BADSTATUS":
        return await this.#backlog.postpone(claim, `the job has the unknown status ${JSON.stringify(reply.status)}`);
      case "BADTYPE":
        return await this.#backlog.deadLetter(claim.raw, `the job is a Redis ${reply.redisType}, not a hash`);
      case "JSON": {
        const fields = settings.jsonJobs === "convert" ? readJsonJob(reply.raw) : null;
        if (!fields) return await this.#backlog.deadLetter(claim.raw, "the job is a string, not a hash");
        await queue.convert(claim.id, reply.raw, fields);
        claim.serialKey = undefined; // that of a string is not known: it is no reason to use a slot
        return await this.#backlog.retry(claim, "the job changes all the time");
      }
      case "PARKED":
        return log.debug("parked", { job: claim.id, state: reply.limit });
      case "OTHER":
        return await this.#other(claim, reply.runner);
      case "FENCED":
        this.#backlog.add(claim);
        this.#gate.close("fenced"); // the next heartbeat says who owns the instance now
        return;
      default:
        log.info("skipped", { job: claim.id, state: reply.type.toLowerCase() });
    }
  }

  /** Handles a job that names another runner. */
  async #other(claim: Claim, runner: string): Promise<void> {
    const { queue, settings } = this.#parts;
    if (settings.otherRunner === "reroute") {
      this.#parts.log.info("rerouted", { job: claim.id, runner });
      await queue.reroute(claim.id, runner);
      return;
    }
    const reply = await queue.start(claim.id, { anyRunner: true });
    if (reply.type !== "OK" && reply.type !== "HELD") return await this.handle(claim, reply);
    if (settings.otherRunner === "run") return this.#launcher.accept(claim.id, reply);
    const [named, own] = [runner, settings.name].map((name) => JSON.stringify(name));
    const why = `Cannot run job: it names runner ${named}, and this is ${own}`;
    this.#launcher.refuse(claim.id, reply, { kind: "failed", why });
  }
}
