import v8 from "node:v8";
import vm from "node:vm";

/** What a repeated piece of work leaves behind in the heap. */
export interface Growth {
  /** Bytes that each round kept, on average over many rounds. */
  readonly perRound: number;
}

/** Rounds of one series: enough that a few bytes a round are more than what the runtime itself moves. */
const ROUNDS = 4_000;
const SERIES = 4;

/**
 * Measures the slope of the heap over rounds of work, each time after a full garbage collection.
 *
 * @param work Does `rounds` rounds.
 */
export async function growthOf(work: (rounds: number) => Promise<void>): Promise<Growth> {
  // Deno 2.4 has the flag on the command line alone
  v8.setFlagsFromString("--expose-gc");
  const gc = (globalThis as { gc?: () => void }).gc ?? vm.runInNewContext("gc") as () => void;
  const used = async () => {
    // finalizers and microtasks of what was collected run between two collections
    for (let i = 0; i < 3; i++) {
      gc();
      await new Promise((resolve) => setTimeout(resolve));
    }
    return Deno.memoryUsage().heapUsed;
  };
  await work(ROUNDS); // caches and compiled code
  const before = await used();
  for (let i = 0; i < SERIES; i++) await work(ROUNDS);
  return { perRound: (await used() - before) / (SERIES * ROUNDS) };
}
