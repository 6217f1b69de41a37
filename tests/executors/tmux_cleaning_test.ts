import { assertEquals } from "../support/assert.ts";
import { isolatedTest, type TmuxWorld } from "../support/tmux.ts";
import { until } from "../support/until.ts";
import { Desk, launchOf, textOf } from "./desk.ts";

const target = "tmux.main.work";

/** A lane whose programs of a name take their time: what they say of themselves is in the file `slow`. */
async function slowLane(world: TmuxWorld, program: string): Promise<string> {
  await Deno.mkdir(`${world.dir}/bin`);
  const path = `${world.dir}/bin/${program}`;
  const slow = `echo "$*" >>'${world.dir}/slow'; sleep 0.2; exec /bin/${program} "$@"`;
  await Deno.writeTextFile(path, `#!/bin/sh\n${slow}\n`, { mode: 0o755 });
  await Deno.writeTextFile(`${world.dir}/lane`, `PATH='${world.dir}/bin':$PATH exec dash "$@"`);
  return `sh ${world.dir}/lane`;
}

isolatedTest("what is typed at a run whose terminal is being cleaned for it reaches the run", async (world) => {
  const desk = await Desk.open(world.executor({ laneShell: await slowLane(world, "dd") }));
  await desk.run(launchOf("exit 130", { target }));
  const reading = launchOf("read -r line; echo got $line", { target });
  await desk.executor.launch(reading);
  assertEquals(await desk.executor.type(reading.run, { bytes: new TextEncoder().encode("hello\n") }), true);
  assertEquals(textOf((await desk.end(reading.run)).output), "got hello\n");
});

isolatedTest("what one run has left unread does not reach the next, however soon that one comes", async (world) => {
  const desk = await Desk.open(world.executor());
  await desk.output("true", { target });
  for (let i = 0; i < 3; i++) {
    const [first, second] = ["read -r line; echo got $line", "read -r -t 1 line; echo got $line"]
      .map((payload) => launchOf(payload, { target }));
    await desk.executor.launch(first);
    await desk.executor.launch(second);
    assertEquals(await desk.executor.type(first.run, { bytes: new TextEncoder().encode("one\ntwo\n") }), true);
    assertEquals(
      textOf((await desk.end(first.run)).output) + textOf((await desk.end(second.run)).output),
      "got one\ngot\n",
    );
  }
});

isolatedTest("Ctrl-C while a terminal is being cleaned does not leave it in disorder", async (world) => {
  const desk = await Desk.open(world.executor({ laneShell: await slowLane(world, "stty") }));
  await desk.run(launchOf("exit 130", { target }));
  const said = async () => (await Deno.readTextFile(`${world.dir}/slow`)).split("\n").length;
  const before = await said();
  const launch = launchOf("stty -a | grep -o -- '-*icanon'", { target });
  await desk.executor.launch(launch);
  for (const count of [1, 2]) {
    await until("it is being cleaned", async () => await said() === before + count);
    await world.tmux("send-keys -t main:work C-c");
  }
  assertEquals(textOf((await desk.end(launch.run)).output), "icanon\n");
});
