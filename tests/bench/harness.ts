/**
 * What the sections of the benchmark share: rounds, medians, and the limit of their time.
 *
 * @module
 */
import { RedisServer } from "../support/redis_server.ts";
import { RunnerFixture } from "../support/runner_fixture.ts";

/** The program that all others are compared with. */
export const OURS = "runner";

/** Something that was measured, of one program. */
export interface Row {
  /** What was measured; rows with the same text are compared. */
  readonly what: string;
  /** Whose it is. */
  readonly who: string;
  readonly unit: string;
  /** Which values are good. */
  readonly better: "more" | "less";
  /** A value of each round. */
  readonly values: readonly number[];
}

/** A part of the benchmark. */
export interface Section {
  readonly name: string;
  readonly summary: string;
  /** Seconds after which it is given up, at full size. */
  readonly limit: number;
  run(bench: Bench): Promise<readonly Row[]>;
}

/** How to measure. */
export interface BenchOptions {
  /** Small sizes: shows that it works, says little about speed. */
  readonly quick: boolean;
  readonly rounds: number;
  /** Jobs side by side in `throughput`; as many as it likes when left out. */
  readonly slots?: readonly number[];
  /** Which of them `throughput` compares; all when left out. */
  readonly who?: readonly string[];
  readonly say: (text: string) => void;
}

/** One side of a comparison; returns a value for each measured thing. */
export interface Contestant {
  readonly who: string;
  /** Rejects with `Absent` when it is not installed here. */
  measure(): Promise<Readonly<Record<string, number>>>;
}

/** A peer that is not on this machine. */
export class Absent extends Error {
  override name = "Absent";
}

/** The unit of each measured thing, and which values are good. */
export type Units = (what: string) => readonly [unit: string, better: "more" | "less"];

/** One run of the benchmark. */
export class Bench {
  readonly options: BenchOptions;

  constructor(options: BenchOptions) {
    this.options = options;
  }

  /** Shows progress to the person who waits. */
  say(text: string): void {
    this.options.say(text);
  }

  /** A size: the first at full size, the second with `--quick`. */
  size(full: number, quick: number): number {
    return this.options.quick ? quick : full;
  }

  /** Runs a section; rejects at its limit. */
  async within(section: Section): Promise<readonly Row[]> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      const why = `Cannot measure ${section.name}: it takes longer than ${section.limit} s`;
      timer = setTimeout(() => reject(new Error(why)), section.limit * 1000);
    });
    return await Promise.race([section.run(this), late]).finally(() => clearTimeout(timer));
  }

  /** Lets everybody measure once a round, in turn; every second round in the opposite order. */
  async compare(contestants: readonly Contestant[], units: Units): Promise<Row[]> {
    const found = new Map<string, { what: string; who: string; values: number[] }>();
    const absent = new Set<string>();
    for (let round = 0; round < this.options.rounds; round++) {
      for (const { who, measure } of round % 2 ? contestants.toReversed() : contestants) {
        if (absent.has(who)) continue;
        try {
          for (const [what, value] of Object.entries(await measure())) {
            const key = `${what}\n${who}`;
            if (!found.has(key)) found.set(key, { what, who, values: [] });
            found.get(key)!.values.push(value);
          }
        } catch (error) {
          if (!(error instanceof Absent)) throw error;
          absent.add(who);
          this.say(`without ${who}: ${error.message}`);
        }
      }
    }
    return [...found.values()].map((row) => {
      const [unit, better] = units(row.what);
      return { ...row, unit, better };
    });
  }
}

/** The value in the middle; of an even number, the higher of the two. */
export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/** The value that `percent` of all do not exceed. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * percent / 100))];
}

/** How many of something there were a second. */
export async function rate(count: number, work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return count * 1000 / (performance.now() - begun);
}

/** The Redis that everybody measures with: as a careful operator has it. */
export function benchRedis(): Promise<RedisServer> {
  return RedisServer.start({ persistence: "aof-everysec" });
}

/** A private fixture with such a Redis. */
export function benchWorld(): Promise<RunnerFixture> {
  return RunnerFixture.create({ persistence: "aof-everysec" });
}

/** Resolves after a time. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
