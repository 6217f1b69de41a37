import { type Bench, rate, type Section } from "../harness.ts";
import { forkRate } from "../peers/shells.ts";
import { TmuxControl } from "../peers/tmux_control.ts";

async function tmuxRates(bench: Bench): Promise<Record<string, number>> {
  const count = bench.size(500, 30);
  await using control = await TmuxControl.start();
  const windows = await rate(
    count,
    () => control.run(Array.from({ length: count }, () => "new-window -d 'sh -c true'")),
  );
  await control.run(["set-option -g remain-on-exit on", ...Array.from({ length: 4 }, () => "new-window -d -n w true")]);
  const panes = Array.from({ length: count }, (_, i) => `respawn-pane -k -t bench:${i % 4 + 1} 'sh -c true'`);
  await control.run(["move-window -r -s bench"]);
  return { "tmux new-window": windows, "tmux respawn-pane": await rate(count, () => control.run(panes)) };
}

/** What no program on this machine can pass: fork and exec in a loop, and tmux alone. */
export default {
  name: "floors",
  summary: "fork+exec of sh -c true in a loop of a shell; tmux through one control connection",
  limit: 300,
  async run(bench) {
    const jobs = bench.size(3000, 60);
    const loops = [1, 2, 4].map((count) => ({
      who: "sh",
      measure: async () => ({ [`fork+exec, ${count} side by side`]: await forkRate(jobs, count) }),
    }));
    return await bench.compare(
      [...loops, { who: "tmux", measure: () => tmuxRates(bench) }],
      () => ["a second", "more"],
    );
  },
} satisfies Section as Section;
