import type { LimitList, LimitQueue, LimitStore, StoredLimit } from "../ports/limits.ts";
import { SCRIPTS } from "./scripts.ts";
import type { Steps } from "./steps.ts";

/** The most holders, and waiting jobs of each queue, that are read of one limit. */
const NAMED = 100;
/** Time for which no other runner repeats a repair, milliseconds: somewhat less than the period of a runner. */
const REPAIR_EVERY = 45_000;

/** A limit as the script `limits` returns it; an empty list comes as an object. */
interface Row {
  readonly limit: string;
  readonly n: number;
  readonly revision: string;
  readonly held: number;
  readonly parked: number;
  readonly holders: readonly (readonly [number: string, member: string])[] | Record<never, never>;
  readonly waiting: readonly (readonly [queue: string, member: string])[] | Record<never, never>;
}

/** Limits in Redis, for runners and for clients. */
export class Limits implements LimitQueue, LimitStore {
  readonly #steps: Steps;
  readonly #leaseMs: number;

  /** @param leaseMs Time of a lease of the runner, milliseconds; 0 for a client, which repairs nothing. */
  constructor(steps: Steps, leaseMs: number) {
    this.#steps = steps;
    this.#leaseMs = leaseMs;
  }

  async read(limits: readonly string[] = []): Promise<LimitList> {
    const [, heldMs, text] = await this.#run("limits", [NAMED, ...limits]);
    return { heldMs: Number(heldMs), limits: (JSON.parse(String(text)) as Row[]).map(limitOf).sort(byKey) };
  }

  async limitSet(limit: string, n: number): Promise<void> {
    await this.#run("limit_set", [limit, n]);
  }

  async limitRemove(limit: string): Promise<boolean> {
    return (await this.#run("limit_remove", [limit]))[0] === "OK";
  }

  async unpark(): Promise<number> {
    for (let cursor = "0";;) {
      const [, next, , heldMs] = await this.#run("unpark", [cursor, REPAIR_EVERY, this.#leaseMs]);
      cursor = String(next);
      if (cursor === "0") return Number(heldMs);
    }
  }

  #run(name: "limits" | "limit_set" | "limit_remove" | "unpark", args: readonly (string | number)[]) {
    const { link, keys } = this.#steps;
    const namespace = keys.queue("").slice(0, -"runner:".length);
    return link.run(SCRIPTS[name], [keys.limits(), keys.events()], [namespace, ...args]);
  }
}

function byKey(a: StoredLimit, b: StoredLimit): number {
  return a.key < b.key ? -1 : 1;
}

function limitOf({ limit, n, revision, held, parked, holders, waiting }: Row): StoredLimit {
  return {
    ...{ key: limit, n, held, parked },
    isSet: revision !== "0",
    holders: asList(holders).map(([number, member]) => {
      const [, owner = "", id = ""] = /^([^\n]*)\n[^\n]*\n(.*)$/s.exec(member) ?? [];
      const colon = owner.lastIndexOf(":");
      return { id, runner: owner.slice(0, colon), instance: owner.slice(colon + 1), number: Number(number) };
    }),
    waiting: asList(waiting).map(([runner, member]) => ({
      runner,
      rank: member.slice(0, member.indexOf("\n")),
      id: member.slice(member.indexOf("\n") + 1),
    }))
      .sort((a, b) => a.rank < b.rank ? -1 : 1)
      .map(({ runner, id }) => ({ runner, id })),
  };
}

/** Reads a list of Lua, which has no empty ones. */
function asList<Item>(found: readonly Item[] | Record<never, never>): readonly Item[] {
  return Array.isArray(found) ? found : [];
}
