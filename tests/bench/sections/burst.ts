import { Heartbeats } from "../../support/heartbeats.ts";
import { type Bench, OURS, pause, percentile, type Section } from "../harness.ts";
import { Ours } from "../peers/ours.ts";

/** Milliseconds between two heartbeats. */
const HEARTBEAT = 200;

async function measure(bench: Bench): Promise<Record<string, number>> {
  await using ours = await Ours.start(16, ["--heartbeat", String(HEARTBEAT / 1000)]);
  await ours.run("warm", bench.size(100, 10));
  const quiet = new Heartbeats(ours.fixture);
  await pause(bench.size(5_000, 1_000));
  const before = await quiet.gaps();
  const heartbeats = new Heartbeats(ours.fixture);
  await ours.add("burst", bench.size(100_000, 1_000));
  const during = await heartbeats.gaps();
  return {
    "idle: gap of heartbeats, p99": percentile(before, 99),
    "burst: gap of heartbeats, p50": percentile(during, 50),
    "burst: gap of heartbeats, p99": percentile(during, 99),
    "burst: gap of heartbeats, longest": Math.max(...during),
  };
}

/** Whether a burst of submissions delays the runner's heartbeats. */
export default {
  name: "burst",
  summary:
    `100,000 submissions while a runner with 16 slots works on them: the gaps between its heartbeats, one is due each ${HEARTBEAT} ms`,
  limit: 300,
  async run(bench: Bench) {
    return await bench.compare([{ who: OURS, measure: () => measure(bench) }], () => ["ms", "less"]);
  },
} satisfies Section as Section;
