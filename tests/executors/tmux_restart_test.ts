import type { TmuxOptions } from "../../src/executors/tmux/options.ts";
import { assertEquals } from "../support/assert.ts";
import { isolatedTest, type TmuxWorld } from "../support/tmux.ts";
import { until } from "../support/until.ts";
import { Desk, patient, textOf, up } from "./desk.ts";

const target = "tmux.main.work";

/** Files of an executor that counts how often it reads logs of terminals. */
function countingFiles(world: TmuxWorld): { files: TmuxOptions["files"]; reads: () => number } {
  let count = 0;
  const { files } = world.options();
  const open: typeof files.open = async (path, how) => {
    const file = await files.open(path, how);
    if (!path.endsWith("/log")) return file;
    const read: typeof file.read = (buffer, offset) => {
      count++;
      return file.read(buffer, offset);
    };
    return { read, append: (bytes) => file.append(bytes), size: () => file.size(), close: () => file.close() };
  };
  return { files: { ...files, open }, reads: () => count };
}

/** Names of the outputs that are kept beside results. */
async function kept(world: TmuxWorld): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(`${world.dir}/spool/kept`))).map(({ name }) => name);
}

isolatedTest("an end that a runner does not report any more leaves no part of an output", async (world) => {
  const { files, reads } = countingFiles(world);
  const first = await Desk.open(world.executor({ files }));
  const launch = patient(world.dir, { target }, "echo over");
  await first.executor.launch(launch);
  await up(first, launch.run);
  const writer = (signal: string) =>
    world.sh(`pkill -${signal} -x cat -P "$(cat '${world.dir}/spool/lanes/1/writer')"`);
  await writer("STOP");
  const before = reads();
  await Deno.writeTextFile(`${world.dir}/go`, "");
  await until("it reads the output", () => reads() > before + 2);
  await first.executor.close();
  await writer("CONT");
  const second = await Desk.open(world.executor());
  assertEquals(await kept(world), []);
  await second.executor.recover([launch]);
  const end = await second.end(launch.run);
  assertEquals([end.kind, end.code, textOf(end.output), end.output.truncated], ["exited", 0, "up\nover\n", false]);
  assertEquals(await second.executor.sample(launch.run), end.output);
});

isolatedTest("what a killed runner has written of an output gives way to the whole one", async (world) => {
  const first = await Desk.open(world.executor());
  const launch = patient(world.dir, { target }, "echo over");
  await first.executor.launch(launch);
  await up(first, launch.run);
  await first.executor.close();
  await Deno.writeTextFile(`${world.dir}/go`, "");
  for (const name of [launch.run, `${launch.run}.cut`]) {
    await Deno.writeTextFile(`${world.dir}/spool/kept/${name}`, "u");
  }
  const second = await Desk.open(world.executor());
  await second.executor.recover([launch]);
  const { output } = await second.end(launch.run);
  assertEquals([textOf(output), output.truncated], ["up\nover\n", false]);
  assertEquals([await second.executor.sample(launch.run), await kept(world)], [output, []]);
});

isolatedTest("a stop order that cannot be read does not keep a run from its end", async (world) => {
  const first = await Desk.open(world.executor());
  const launch = patient(world.dir, { target }, "exit 7");
  await first.executor.launch(launch);
  await up(first, launch.run);
  await first.executor.close();
  await Deno.mkdir(`${world.dir}/spool/jobs/${launch.run}.stop`);
  const second = await Desk.open(world.executor());
  await second.executor.recover([launch]);
  await Deno.writeTextFile(`${world.dir}/go`, "");
  const end = await second.end(launch.run);
  assertEquals([end.kind, end.code, textOf(end.output)], ["exited", 7, "up\n"]);
});

for (const name of ["a$b", 'a"b', "a\\b", 'a"$b']) {
  isolatedTest(`a runner knows its terminals again in a spool folder named ${name}`, async (world) => {
    const options = { spool: `${world.dir}/${name}` };
    const first = await Desk.open(world.executor(options));
    await first.output("true", { target });
    await first.output("true", { target: "tmux.main.other" });
    await first.executor.close();
    // as a runner leaves it that dies before the mark is set
    await world.tmux("set-option -pu -t main:other @runner_lane");
    const second = await Desk.open(world.executor(options));
    await second.executor.recover([]);
    assertEquals(await world.tmux("list-windows -t main -F '#{window_name}'"), ["work"]);
    assertEquals(await second.output("echo next", { target }), "next\n");
  });
}
