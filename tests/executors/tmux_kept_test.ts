import { MAX_KEPT } from "../../src/executors/tmux/kept_panes.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { isolatedTest, type TmuxWorld } from "../support/tmux.ts";
import { until } from "../support/until.ts";
import { Desk, launchOf, textOf } from "./desk.ts";

/** Panes that are kept: name of the run, id of the pane, name of the window. */
async function keptPanes(world: TmuxWorld): Promise<{ run: string; pane: string; window: string }[]> {
  const lines = await world.tmux("list-panes -a -F '#{@runner_kept} #{pane_id} #{window_name}'");
  return lines.filter((line) => !line.startsWith(" ")).map((line) => {
    const [run, pane, window] = line.split(" ");
    return { run, pane, window };
  });
}

/** Waits until so many panes are kept. */
function untilKept(world: TmuxWorld, count: number) {
  return until(`${count} panes are kept`, async () => {
    const kept = await keptPanes(world);
    return kept.length === count && kept;
  });
}

for (const target of ["tmux.main", "tmux.main.work", "tmux.main.work.side"]) {
  isolatedTest(`the pane of a failed run of ${target} stays, and another takes its place`, async (world) => {
    const desk = await Desk.open(world.executor({ keepPane: "failed" }));
    assertEquals(await desk.output("echo fine", { target }), "fine\n");
    assertEquals(await keptPanes(world), []);
    const failing = launchOf("sleep 987 & echo it broke; exit 3", { target });
    const end = await desk.run(failing);
    assertEquals([end.kind, end.code, textOf(end.output), end.output.truncated], ["exited", 3, "it broke\n", false]);
    await desk.executor.forget(failing.run);
    const [kept] = await untilKept(world, 1);
    assertEquals(kept.run, failing.run);
    // the mark comes first, then the name
    await until("its window has a name of its own", async () => (await keptPanes(world))[0].window !== "work");
    for (let i = 0; i < 3; i++) {
      const mine = `"#{==:#{pane_tty},$(tty)}"`;
      const pane = `tmux -L test list-panes -a -f ${mine} -F '#{pane_id} #{pane_width}x#{pane_height}'`;
      const [id, size] = (await desk.output(pane, { target, env: { TMUX_TMPDIR: world.dir } })).trim().split(" ");
      assert(id !== kept.pane);
      assertEquals(size, "200x50");
    }
    await desk.executor.sweep();
    assertEquals((await world.tmux(`capture-pane -p -t ${kept.pane}`)).filter((line) => line !== ""), ["it broke"]);
    assertEquals(await world.sh("pgrep -fx 'sleep 987' || true"), "");
  });
}

isolatedTest("without the option no pane is kept, with always each one", async (world) => {
  const desk = await Desk.open(world.executor());
  await desk.run(launchOf("exit 3"));
  await desk.output("true");
  assertEquals(await keptPanes(world), []);
  await desk.executor.close();
  const always = await Desk.open(world.executor({ keepPane: "always" }));
  await always.run(launchOf("exit 3"));
  await always.output("true");
  await untilKept(world, 2);
});

isolatedTest(
  "the newest panes are kept, also by the next process, and closed by one that keeps none",
  async (world) => {
    const desk = await Desk.open(world.executor({ keepPane: "failed" }));
    const runs: string[] = [];
    for (let i = 0; i < MAX_KEPT + 2; i++) {
      const launch = launchOf(`echo number ${i}; exit 1`);
      runs.push(launch.run);
      await desk.run(launch);
      await desk.executor.forget(launch.run);
      await until("it is kept", async () => (await keptPanes(world)).some(({ run }) => run === launch.run));
    }
    const kept = await untilKept(world, MAX_KEPT);
    assertEquals(kept.map(({ run }) => run).sort(), runs.slice(2).sort());
    await world.tmux(`kill-pane -t ${kept[0].pane}`);
    await desk.executor.sweep();
    await desk.executor.close();

    const next = await Desk.open(world.executor({ keepPane: "failed" }));
    await next.executor.recover([]);
    assertEquals(await next.output("echo other"), "other\n");
    const still = await untilKept(world, MAX_KEPT - 1);
    for (const { pane, run } of still) {
      const lines = (await world.tmux(`capture-pane -p -t ${pane}`)).filter((line) => line !== "");
      assertEquals(lines, [`number ${runs.indexOf(run)}`]);
    }
    await next.executor.close();

    const last = await Desk.open(world.executor());
    assertEquals(await keptPanes(world), []);
    assertEquals(await last.output("echo other"), "other\n");
  },
);

isolatedTest("a lane that has another run already is not kept", async (world) => {
  const desk = await Desk.open(world.executor({ keepPane: "failed" }));
  const target = "tmux.main.work";
  const first = launchOf(`until [ -e '${world.dir}/go' ]; do sleep 0.02; done; exit 1`, { target });
  const second = launchOf("echo second", { target });
  await desk.executor.launch(first);
  await desk.executor.launch(second);
  await Deno.writeTextFile(`${world.dir}/go`, "");
  assertEquals((await desk.end(first.run)).code, 1);
  assertEquals(textOf((await desk.end(second.run)).output), "second\n");
  assertEquals(await desk.output("echo third", { target }), "third\n");
  assertEquals(await keptPanes(world), []);
});
