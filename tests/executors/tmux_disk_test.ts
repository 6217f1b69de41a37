import type { TmuxOptions } from "../../src/executors/tmux/options.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { isolatedTest, smallDiskTest, type TmuxWorld } from "../support/tmux.ts";
import { until } from "../support/until.ts";
import { Desk, launchOf, patient, textOf, up } from "./desk.ts";

const target = "tmux.main.work";
const BLOCK = 4096;

function journalOf(world: TmuxWorld): string {
  return `${world.dir}/spool/lanes/1/journal`;
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
async function endUnwritten(world: TmuxWorld, options: Partial<TmuxOptions>) {
  const first = await Desk.open(world.executor(options));
  const launch = patient(world.dir, { target }, "exit 7");
  await first.executor.launch(launch);
  await up(first, launch.run);
  await first.executor.close();
  await reachBorder(journalOf(world));
  await world.disk!.fill();
  await Deno.writeTextFile(`${world.dir}/go`, "");
  const title = async () => (await world.tmux("display-message -p -t main:work '#{pane_title}'"))[0];
  await until("the lane is idle", async () => await title() === "idle");
  return launch;
}

/** Takes what the lanes have reported, as a runner does that dies right after. */
async function dropReports(world: TmuxWorld): Promise<string> {
  const dropped = `${world.dir}/dropped`;
  return await until("the end is reported", async () => {
    await world.sh(`timeout 0.2 cat <>'${world.dir}/spool/done' >>'${dropped}'`);
    const text = await Deno.readTextFile(dropped);
    return text.includes("\nE ") || text.startsWith("E ") ? text : null;
  });
}

for (const laneShell of ["dash", "busybox sh", "mksh -i", "bash --norc -i"]) {
  smallDiskTest(
    `a lane of ${laneShell} begins nothing that it cannot write down, and goes on when there is room`,
    async (world) => {
      const desk = await Desk.open(world.executor({ laneShell }));
      await desk.output("true", { target });
      await reachBorder(journalOf(world));
      await world.disk!.fill();
      const payload = `echo x >>'${world.dir}/ran'`;
      for (let tries = 0; tries < 3; tries++) {
        const end = await desk.run(launchOf(payload, { target }));
        assertEquals([end.kind, end.code], ["unlaunched", null]);
        assert(end.why!.includes("disk"), end.why);
      }
      assertEquals(await Deno.readTextFile(`${world.dir}/ran`).catch(() => ""), "");
      assertEquals((await records(journalOf(world))).length, 2);
      await world.disk!.free();
      const last = launchOf(payload, { target });
      assertEquals((await desk.run(last)).code, 0);
      assertEquals(await Deno.readTextFile(`${world.dir}/ran`), "x\n");
      assertEquals((await records(journalOf(world))).slice(2), [`S ${last.run}`, `E ${last.run} 0`]);
    },
  );

  smallDiskTest(
    `a lane of ${laneShell} says again how a run ended until that is written, and begins nothing before`,
    async (world) => {
      const launch = await endUnwritten(world, { laneShell });
      await dropReports(world);
      assertEquals(await records(journalOf(world)), [`S ${launch.run}`]);
      await world.disk!.free();
      const desk = await Desk.open(world.executor({ laneShell }));
      await desk.executor.recover([launch]);
      const end = await desk.end(launch.run);
      assertEquals([end.kind, end.code, textOf(end.output), end.output.truncated], ["exited", 7, "up\n", false]);
      const next = launchOf("exit 8", { target });
      assertEquals((await desk.run(next)).code, 8);
      assertEquals(await records(journalOf(world)), [
        `S ${launch.run}`,
        `E ${launch.run} 7`,
        `S ${next.run}`,
        `E ${next.run} 8`,
      ]);
    },
  );
}

smallDiskTest(
  "the end of a run finds its place in the journal on a disk that filled up after its start",
  async (world) => {
    const desk = await Desk.open(world.executor());
    for (let runs = 0; runs === 0 || await left(journalOf(world)) > 0; runs++) {
      assert(runs < 100, "records do not fill a block");
      await desk.output("true", { target });
    }
    const launch = patient(world.dir, { target }, "exit 7");
    await desk.executor.launch(launch);
    await up(desk, launch.run);
    await world.disk!.fill();
    await Deno.writeTextFile(`${world.dir}/go`, "");
    assertEquals((await desk.end(launch.run)).code, 7);
    assertEquals((await records(journalOf(world))).slice(-2), [`S ${launch.run}`, `E ${launch.run} 7`]);
  },
);

smallDiskTest(
  "a run whose end is in no journal and no report ends by its mark, also when its lane is gone",
  async (world) => {
    const launch = await endUnwritten(world, {});
    await dropReports(world);
    await world.tmux("kill-pane -t main:work");
    await world.disk!.free();
    const desk = await Desk.open(world.executor());
    assertEquals([...(await desk.executor.recover([launch])).values()], ["ended"]);
    const end = await desk.end(launch.run);
    assertEquals([end.kind, end.code, textOf(end.output), end.output.truncated], ["exited", 7, "up\n", false]);
  },
);

smallDiskTest(
  "an end that is reported before recover() is not lost with a journal that does not have it",
  async (world) => {
    const launch = await endUnwritten(world, {});
    await world.disk!.free();
    // the lane gets no question that it could answer
    const lane = (await world.tmux("list-panes -t main:work -F '#{pane_pid}'"))[0];
    await world.sh(`kill -STOP ${lane}`);
    const desk = await Desk.open(world.executor());
    assertEquals([...(await desk.executor.recover([launch])).values()], ["ended"]);
    assertEquals((await desk.end(launch.run)).code, 7);
    await world.sh(`kill -CONT ${lane}`);
  },
);

isolatedTest("without a readable journal the answer of an idle lane says how its run ended", async (world) => {
  const first = await Desk.open(world.executor());
  const launch = patient(world.dir, { target }, "exit 7");
  await first.executor.launch(launch);
  await up(first, launch.run);
  await first.executor.close();
  await world.sh(`rm '${journalOf(world)}'; mkdir '${journalOf(world)}'`);
  await Deno.writeTextFile(`${world.dir}/go`, "");
  await dropReports(world);
  const desk = await Desk.open(world.executor());
  await desk.executor.recover([launch]);
  const end = await desk.end(launch.run);
  assertEquals([end.kind, end.code, textOf(end.output)], ["exited", 7, "up\n"]);
});
