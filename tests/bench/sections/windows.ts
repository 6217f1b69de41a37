import { type Bench, OURS, rate, type Section } from "../harness.ts";
import { Ours } from "../peers/ours.ts";

/** Jobs a second while a number of windows that have nothing to do with them stand in the runner's tmux server. */
async function withWindows(windows: number, jobs: number): Promise<number> {
  await using ours = await Ours.start(16);
  await ours.run("warm", Math.min(jobs, 100));
  const session = ["new-session", "-d", "-s", "crowd", "sleep 100000"];
  for (let i = 0; i < windows; i++) {
    await ours.fixture.tmux(...(i === 0 ? session : ["new-window", "-dt", "crowd:", "sleep 100000"]));
  }
  return await rate(jobs, () => ours.run("job", jobs));
}

/** Whether a crowd of windows slows the runner. */
export default {
  name: "windows",
  summary: "jobs a second with 16 slots while 500 other windows stand in its tmux server, beside none",
  limit: 600,
  async run(bench: Bench) {
    const [windows, jobs] = [bench.size(500, 5), bench.size(2000, 40)];
    const what = "jobs, 16 side by side";
    return await bench.compare([
      { who: OURS, measure: async () => ({ [what]: await withWindows(0, jobs) }) },
      { who: `${windows} windows`, measure: async () => ({ [what]: await withWindows(windows, jobs) }) },
    ], () => ["a second", "more"]);
  },
} satisfies Section as Section;
