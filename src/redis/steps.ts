import { UnavailableError } from "../domain/errors.ts";
import type { JobFields } from "../domain/job.ts";
import { DEFAULT_KEEP } from "../domain/limits.ts";
import type { PromoteReply } from "../ports/queue.ts";
import type { Argument } from "./client.ts";
import type { Batch } from "./batch.ts";
import type { Keys } from "./keys.ts";
import { hasCode, type Link } from "./link.ts";
import type { Items } from "./items.ts";
import type { Script, ScriptCall } from "./script.ts";
import { SCRIPTS } from "./scripts.ts";

/** Keys and arguments of a script about one job besides its first five keys and three arguments. */
interface Rest {
  readonly keys?: readonly string[];
  readonly args?: readonly (string | number)[];
  /** Milliseconds that Redis keeps a job that ends now, unless its submission set them. */
  readonly keepMs?: number;
}

/** Runs the steps in the life of jobs that runners and clients share. */
export class Steps {
  readonly link: Link;
  readonly keys: Keys;

  constructor(link: Link, keys: Keys) {
    this.link = link;
    this.keys = keys;
  }

  /**
   * Runs a script about one job. `raw` is the id as a list holds it, when it may be no text; `more` are further
   * arguments.
   */
  job(
    script: Script,
    id: string,
    rest: Rest & { readonly raw?: Uint8Array; readonly more?: readonly Argument[] } = {},
  ): Promise<Items> {
    const { keys, args: [, ...args] } = this.callOf(id, rest);
    return this.link.run(script, keys, [rest.raw ?? id, ...args, ...rest.more ?? []]);
  }

  /** Runs a batch's script about one job, together with others. */
  together(batch: Batch, id: string, rest: Rest): Promise<Items> {
    const { keys, args } = this.callOf(id, rest);
    return batch.run(keys, args);
  }

  /** Returns keys and arguments of a script about one job. */
  callOf(id: string, rest: Rest): ScriptCall {
    const { keys } = this;
    const own = [keys.job(id), keys.meta(id), keys.output(id), keys.after(id), keys.events()];
    const keepMs = rest.keepMs ?? DEFAULT_KEEP * 1_000;
    return { keys: [...own, ...rest.keys ?? []], args: [id, keys.channel(id), keepMs, ...rest.args ?? []] };
  }

  /** Turns a job that is a JSON string into a hash, unless it was changed meanwhile. */
  async convert(id: string, raw: string, fields: JobFields): Promise<"OK" | "CHANGED"> {
    const keys = [this.keys.job(id), this.keys.meta(id)];
    return (await this.link.run(SCRIPTS.convert, keys, [raw, ...Object.entries(fields).flat()]))[0] as "OK" | "CHANGED";
  }

  /** Reads a field of a hash; `null` when there is none, or no hash. */
  async field(key: string, name: string): Promise<string | null> {
    try {
      return await this.link.call("HGET", [key, name]) as string | null;
    } catch (error) {
      if (hasCode(error, "WRONGTYPE")) return null;
      throw error;
    }
  }

  /** Promotes a job; when that ends it, settles those that wait for it. */
  async promote(runner: string, id: string, force: boolean): Promise<PromoteReply> {
    const { keys } = this;
    const [type, ...open] = await this.job(SCRIPTS.promote, id, {
      keys: [keys.delay(runner), keys.queue(runner), keys.low(runner)],
      args: [runner, force ? 1 : 0],
    });
    await this.settleAll(open.map(String));
    return type as PromoteReply;
  }

  /** Settles the next jobs that wait for an ended one; returns the ended jobs for which others still wait. */
  async settle(id: string): Promise<readonly string[]> {
    const [, ...open] = await this.job(SCRIPTS.settle, id, { args: [""] });
    return open.map(String);
  }

  /** Settles all jobs that wait for ended ones. When Redis becomes unreachable meanwhile, any runner goes on. */
  async settleAll(ended: readonly string[]): Promise<void> {
    const open = [...ended];
    try {
      for (let id = open.pop(); id !== undefined; id = open.pop()) open.push(...await this.settle(id));
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error;
    }
  }

  /** Settles those jobs that wait for an ended one and whose condition it has met; the others go on waiting. */
  async settleMet(id: string): Promise<void> {
    for (let cursor: string | null = "0"; cursor !== null;) {
      const [type, next]: Items = await this.job(SCRIPTS.settle, id, { args: [cursor] });
      cursor = type === "NEXT" && next !== "0" ? String(next) : null;
    }
  }
}
