import type { TmuxOptions } from "../../src/executors/tmux/options.ts";
import { assertEquals } from "../support/assert.ts";
import { isolatedTest, type TmuxHost } from "../support/tmux_host.ts";
import { until } from "../support/until.ts";
import { ExecutorFixture, patient, textOf, up } from "./executor_fixture.ts";

const target = "tmux.main.work";

/** Files of an executor that counts how often it reads logs of terminals. */
function countingFiles(host: TmuxHost): { files: TmuxOptions["files"]; reads: () => number } {
  let count = 0;
  const { files } = host.options();
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
async function kept(host: TmuxHost): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(`${host.dir}/spool/kept`))).map(({ name }) => name);
}

isolatedTest("an end that a runner does not report any more leaves no part of an output", async (host) => {
  const { files, reads } = countingFiles(host);
  const first = await ExecutorFixture.open(host.executor({ files }));
  const launch = patient(host.dir, { target }, "echo over");
  await first.executor.launch(launch);
  await up(first, launch.name);
  const writer = (signal: string) => host.sh(`kill -${signal} $(${host.writer})`);
  await writer("STOP");
  const before = reads();
  await Deno.writeTextFile(`${host.dir}/go`, "");
  await until("it reads the output", () => reads() > before + 2);
  await first.executor.close();
  await writer("CONT");
  const second = await ExecutorFixture.open(host.executor());
  assertEquals(await kept(host), []);
  await second.executor.recover([launch]);
  const end = await second.end(launch.name);
  assertEquals([end.kind, end.code, textOf(end.output), end.output.truncated], ["exited", 0, "up\nover\n", false]);
  assertEquals(await second.executor.sample(launch.name), end.output);
});

isolatedTest("what a killed runner has written of an output gives way to the whole one", async (host) => {
  const first = await ExecutorFixture.open(host.executor());
  const launch = patient(host.dir, { target }, "echo over");
  await first.executor.launch(launch);
  await up(first, launch.name);
  await first.executor.close();
  await Deno.writeTextFile(`${host.dir}/go`, "");
  for (const name of [launch.name, `${launch.name}.cut`]) {
    await Deno.writeTextFile(`${host.dir}/spool/kept/${name}`, "u");
  }
  const second = await ExecutorFixture.open(host.executor());
  await second.executor.recover([launch]);
  const { output } = await second.end(launch.name);
  assertEquals([textOf(output), output.truncated], ["up\nover\n", false]);
  assertEquals([await second.executor.sample(launch.name), await kept(host)], [output, []]);
});

isolatedTest("a stop order that cannot be read does not keep a run from its end", async (host) => {
  const first = await ExecutorFixture.open(host.executor());
  const launch = patient(host.dir, { target }, "exit 7");
  await first.executor.launch(launch);
  await up(first, launch.name);
  await first.executor.close();
  await Deno.mkdir(`${host.dir}/spool/jobs/${launch.name}.stop`);
  const second = await ExecutorFixture.open(host.executor());
  await second.executor.recover([launch]);
  await Deno.writeTextFile(`${host.dir}/go`, "");
  const end = await second.end(launch.name);
  assertEquals([end.kind, end.code, textOf(end.output)], ["exited", 7, "up\n"]);
});

for (const name of ["a$b", 'a"b', "a\\b", 'a"$b']) {
  isolatedTest(`a runner recognizes its terminals in a spool folder named ${name}`, async (host) => {
    const options = { spool: `${host.dir}/${name}` };
    const first = await ExecutorFixture.open(host.executor(options));
    await first.output("true", { target });
    await first.output("true", { target: "tmux.main.other" });
    await first.executor.close();
    // as a runner leaves it that dies before the mark is set
    await host.tmux("set-option -pu -t main:other @runner_lane");
    const second = await ExecutorFixture.open(host.executor(options));
    await second.executor.recover([]);
    assertEquals(await host.tmux("list-windows -t main -F '#{window_name}'"), ["work"]);
    assertEquals(await second.output("echo next", { target }), "next\n");
  });
}
