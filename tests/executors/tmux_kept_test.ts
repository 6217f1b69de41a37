import { MAX_KEPT } from "../../src/executors/tmux/people/kept_panes.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { isolatedTest, type TmuxHost } from "../support/tmux_host.ts";
import { until } from "../support/until.ts";
import { ExecutorFixture, launchOf, textOf } from "./executor_fixture.ts";

/** Panes that are kept: name of the run, id of the pane, name of the window. */
async function keptPanes(host: TmuxHost): Promise<{ run: string; pane: string; window: string }[]> {
  const lines = await host.tmux("list-panes -a -F '#{@runner_kept} #{pane_id} #{window_name}'");
  return lines.filter((line) => !line.startsWith(" ")).map((line) => {
    const [run, pane, window] = line.split(" ");
    return { run, pane, window };
  });
}

/** Waits until so many panes are kept. */
function untilKept(host: TmuxHost, count: number) {
  return until(`${count} panes are kept`, async () => {
    const kept = await keptPanes(host);
    return kept.length === count && kept;
  });
}

for (const target of ["tmux.main", "tmux.main.work", "tmux.main.work.side"]) {
  isolatedTest(`the pane of a failed run of ${target} stays, and another one replaces it`, async (host) => {
    const fixture = await ExecutorFixture.open(host.executor({ keepPane: "failed" }));
    assertEquals(await fixture.output("echo fine", { target }), "fine\n");
    assertEquals(await keptPanes(host), []);
    const failing = launchOf("sleep 987 & echo it broke; exit 3", { target });
    const end = await fixture.run(failing);
    assertEquals([end.kind, end.code, textOf(end.output), end.output.truncated], ["exited", 3, "it broke\n", false]);
    await fixture.executor.forget(failing.name);
    const [kept] = await untilKept(host, 1);
    assertEquals(kept.run, failing.name);
    // the mark comes first, then the name
    await until("its window has a name of its own", async () => (await keptPanes(host))[0].window !== "work");
    for (let i = 0; i < 3; i++) {
      const mine = `"#{==:#{pane_tty},$(tty)}"`;
      const pane = `tmux -L test list-panes -a -f ${mine} -F '#{pane_id} #{pane_width}x#{pane_height}'`;
      const [id, size] = (await fixture.output(pane, { target, env: { TMUX_TMPDIR: host.dir } })).trim().split(" ");
      assert(id !== kept.pane);
      assertEquals(size, "200x50");
    }
    await fixture.executor.sweep();
    assertEquals((await host.tmux(`capture-pane -p -t ${kept.pane}`)).filter((line) => line !== ""), ["it broke"]);
    assertEquals(await host.sh("pgrep -fx 'sleep 987' || true"), "");
  });
}

isolatedTest("without the option no pane is kept, with always each one", async (host) => {
  const fixture = await ExecutorFixture.open(host.executor());
  await fixture.run(launchOf("exit 3"));
  await fixture.output("true");
  assertEquals(await keptPanes(host), []);
  await fixture.executor.close();
  const always = await ExecutorFixture.open(host.executor({ keepPane: "always" }));
  await always.run(launchOf("exit 3"));
  await always.output("true");
  await untilKept(host, 2);
});

isolatedTest(
  "the newest panes are kept, also by the next process, and closed by one that keeps none",
  async (host) => {
    const fixture = await ExecutorFixture.open(host.executor({ keepPane: "failed" }));
    const runs: string[] = [];
    for (let i = 0; i < MAX_KEPT + 2; i++) {
      const launch = launchOf(`echo number ${i}; exit 1`);
      runs.push(launch.name);
      await fixture.run(launch);
      await fixture.executor.forget(launch.name);
      await until("it is kept", async () => (await keptPanes(host)).some(({ run }) => run === launch.name));
    }
    const kept = await untilKept(host, MAX_KEPT);
    assertEquals(kept.map(({ run }) => run).sort(), runs.slice(2).sort());
    await host.tmux(`kill-pane -t ${kept[0].pane}`);
    await fixture.executor.sweep();
    await fixture.executor.close();

    const next = await ExecutorFixture.open(host.executor({ keepPane: "failed" }));
    await next.executor.recover([]);
    assertEquals(await next.output("echo other"), "other\n");
    const still = await untilKept(host, MAX_KEPT - 1);
    for (const { pane, run } of still) {
      const lines = (await host.tmux(`capture-pane -p -t ${pane}`)).filter((line) => line !== "");
      assertEquals(lines, [`number ${runs.indexOf(run)}`]);
    }
    await next.executor.close();

    const last = await ExecutorFixture.open(host.executor());
    assertEquals(await keptPanes(host), []);
    assertEquals(await last.output("echo other"), "other\n");
  },
);

isolatedTest("a lane that has another run already is not kept", async (host) => {
  const fixture = await ExecutorFixture.open(host.executor({ keepPane: "failed" }));
  const target = "tmux.main.work";
  const first = launchOf(`until [ -e '${host.dir}/go' ]; do sleep 0.02; done; exit 1`, { target });
  const second = launchOf("echo second", { target });
  await fixture.executor.launch(first);
  await fixture.executor.launch(second);
  await Deno.writeTextFile(`${host.dir}/go`, "");
  assertEquals((await fixture.end(first.name)).code, 1);
  assertEquals(textOf((await fixture.end(second.name)).output), "second\n");
  assertEquals(await fixture.output("echo third", { target }), "third\n");
  assertEquals(await keptPanes(host), []);
});
