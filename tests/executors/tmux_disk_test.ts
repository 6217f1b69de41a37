import type { TmuxOptions } from "../../src/executors/tmux/options.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { isolatedTest, smallDiskTest, type TmuxHost } from "../support/tmux_host.ts";
import { until } from "../support/until.ts";
import { ExecutorFixture, launchOf, patient, textOf, up } from "./executor_fixture.ts";

const target = "tmux.main.work";
const BLOCK = 4096;

function journalOf(host: TmuxHost): string {
  return `${host.dir}/spool/lanes/1/journal`;
}

/** Bytes until the next disk block. */
async function left(path: string): Promise<number> {
  const { size } = await Deno.stat(path);
  return (BLOCK - size % BLOCK) % BLOCK;
}

/** What is appended next needs another disk block. */
async function reachBorder(path: string): Promise<void> {
  await Deno.writeTextFile(path, " ".repeat(await left(path)), { append: true });
}

/** Records of the journal without their padding. */
async function records(path: string): Promise<string[]> {
  const lines = (await Deno.readTextFile(path)).split("\n").filter((line) => line.endsWith(" ."));
  return lines.map((line) => line.replace(/ +/g, " ").slice(0, -2).trim());
}

/** A run that ended with 7 while no runner lived, on a full disk whose next block its end record needs. */
async function endUnwritten(host: TmuxHost, options: Partial<TmuxOptions>) {
  const first = await ExecutorFixture.open(host.executor(options));
  const launch = patient(host.dir, { target }, "exit 7");
  await first.executor.launch(launch);
  await up(first, launch.name);
  await first.executor.close();
  await reachBorder(journalOf(host));
  await host.disk!.fill();
  await Deno.writeTextFile(`${host.dir}/go`, "");
  const title = async () => (await host.tmux("display-message -p -t main:work '#{pane_title}'"))[0];
  await until("the lane is idle", async () => await title() === "idle");
  return launch;
}

/** Reads what the lanes have reported, as a runner does that dies right after. */
async function dropReports(host: TmuxHost): Promise<string> {
  const dropped = `${host.dir}/dropped`;
  return await until("the end is reported", async () => {
    await host.sh(`timeout 0.2 cat <>'${host.dir}/spool/done' >>'${dropped}'`);
    const text = await Deno.readTextFile(dropped);
    return text.includes("\nE ") || text.startsWith("E ") ? text : null;
  });
}

for (const laneShell of ["dash", "busybox sh", "mksh -i", "bash --norc -i"]) {
  smallDiskTest(
    `a lane of ${laneShell} begins nothing that it cannot write down, and goes on when there is room`,
    async (host) => {
      const fixture = await ExecutorFixture.open(host.executor({ laneShell }));
      await fixture.output("true", { target });
      await reachBorder(journalOf(host));
      await host.disk!.fill();
      const payload = `echo x >>'${host.dir}/ran'`;
      for (let tries = 0; tries < 3; tries++) {
        const end = await fixture.run(launchOf(payload, { target }));
        assertEquals([end.kind, end.code], ["unlaunched", null]);
        assert(end.why!.includes("disk"), end.why);
      }
      assertEquals(await Deno.readTextFile(`${host.dir}/ran`).catch(() => ""), "");
      assertEquals((await records(journalOf(host))).length, 2);
      await host.disk!.free();
      const last = launchOf(payload, { target });
      assertEquals((await fixture.run(last)).code, 0);
      assertEquals(await Deno.readTextFile(`${host.dir}/ran`), "x\n");
      assertEquals((await records(journalOf(host))).slice(2), [`S ${last.name}`, `E ${last.name} 0`]);
    },
  );

  smallDiskTest(
    `a lane of ${laneShell} says again how a run ended until that is written, and begins nothing before`,
    async (host) => {
      const launch = await endUnwritten(host, { laneShell });
      await dropReports(host);
      assertEquals(await records(journalOf(host)), [`S ${launch.name}`]);
      await host.disk!.free();
      const fixture = await ExecutorFixture.open(host.executor({ laneShell }));
      await fixture.executor.recover([launch]);
      const end = await fixture.end(launch.name);
      assertEquals([end.kind, end.code, textOf(end.output), end.output.truncated], ["exited", 7, "up\n", false]);
      const next = launchOf("exit 8", { target });
      assertEquals((await fixture.run(next)).code, 8);
      assertEquals(await records(journalOf(host)), [
        `S ${launch.name}`,
        `E ${launch.name} 7`,
        `S ${next.name}`,
        `E ${next.name} 8`,
      ]);
    },
  );
}

smallDiskTest(
  "the end of a run finds its place in the journal on a disk that filled up after its start",
  async (host) => {
    const fixture = await ExecutorFixture.open(host.executor());
    for (let runs = 0; runs === 0 || await left(journalOf(host)) > 0; runs++) {
      assert(runs < 100, "records do not fill a block");
      await fixture.output("true", { target });
    }
    const launch = patient(host.dir, { target }, "exit 7");
    await fixture.executor.launch(launch);
    await up(fixture, launch.name);
    await host.disk!.fill();
    await Deno.writeTextFile(`${host.dir}/go`, "");
    assertEquals((await fixture.end(launch.name)).code, 7);
    assertEquals((await records(journalOf(host))).slice(-2), [`S ${launch.name}`, `E ${launch.name} 7`]);
  },
);

smallDiskTest(
  "a run whose end is in no journal and no report ends by its mark, also when its lane is gone",
  async (host) => {
    const launch = await endUnwritten(host, {});
    await dropReports(host);
    await host.tmux("kill-pane -t main:work");
    await host.disk!.free();
    const fixture = await ExecutorFixture.open(host.executor());
    assertEquals([...(await fixture.executor.recover([launch])).values()], ["ended"]);
    const end = await fixture.end(launch.name);
    assertEquals([end.kind, end.code, textOf(end.output), end.output.truncated], ["exited", 7, "up\n", false]);
  },
);

smallDiskTest(
  "an end that is reported before recover() is not lost with a journal that does not have it",
  async (host) => {
    const launch = await endUnwritten(host, {});
    await host.disk!.free();
    // the lane gets no question that it could answer
    const lane = (await host.tmux("list-panes -t main:work -F '#{pane_pid}'"))[0];
    await host.sh(`kill -STOP ${lane}`);
    const fixture = await ExecutorFixture.open(host.executor());
    assertEquals([...(await fixture.executor.recover([launch])).values()], ["ended"]);
    assertEquals((await fixture.end(launch.name)).code, 7);
    await host.sh(`kill -CONT ${lane}`);
  },
);

isolatedTest("without a readable journal the answer of an idle lane says how its run ended", async (host) => {
  const first = await ExecutorFixture.open(host.executor());
  const launch = patient(host.dir, { target }, "exit 7");
  await first.executor.launch(launch);
  await up(first, launch.name);
  await first.executor.close();
  await host.sh(`rm '${journalOf(host)}'; mkdir '${journalOf(host)}'`);
  await Deno.writeTextFile(`${host.dir}/go`, "");
  await dropReports(host);
  const fixture = await ExecutorFixture.open(host.executor());
  await fixture.executor.recover([launch]);
  const end = await fixture.end(launch.name);
  assertEquals([end.kind, end.code, textOf(end.output)], ["exited", 7, "up\n"]);
});
