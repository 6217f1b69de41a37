import { assertEquals } from "../support/assert.ts";
import { isolatedTest, type TmuxHost } from "../support/tmux_host.ts";
import { until } from "../support/until.ts";
import { ExecutorFixture, launchOf, textOf } from "./executor_fixture.ts";

const target = "tmux.main.work";

/** A lane whose programs of a name are slow: what they say of themselves is in the file `slow`. */
async function slowLane(host: TmuxHost, program: string): Promise<string> {
  await Deno.mkdir(`${host.dir}/bin`);
  const path = `${host.dir}/bin/${program}`;
  const slow = `echo "$*" >>'${host.dir}/slow'; sleep 0.2; exec /bin/${program} "$@"`;
  await Deno.writeTextFile(path, `#!/bin/sh\n${slow}\n`, { mode: 0o755 });
  await Deno.writeTextFile(`${host.dir}/lane`, `PATH='${host.dir}/bin':$PATH exec dash "$@"`);
  return `sh ${host.dir}/lane`;
}

isolatedTest("what is typed at a run whose terminal is being cleaned for it reaches the run", async (host) => {
  const fixture = await ExecutorFixture.open(host.executor({ laneShell: await slowLane(host, "dd") }));
  await fixture.run(launchOf("exit 130", { target }));
  const reading = launchOf("read -r line; echo got $line", { target });
  await fixture.executor.launch(reading);
  assertEquals(await fixture.executor.type(reading.name, { bytes: new TextEncoder().encode("hello\n") }), true);
  assertEquals(textOf((await fixture.end(reading.name)).output), "got hello\n");
});

isolatedTest("what one run has left unread does not reach the next, however soon that one comes", async (host) => {
  const fixture = await ExecutorFixture.open(host.executor());
  await fixture.output("true", { target });
  for (let i = 0; i < 3; i++) {
    const [first, second] = ["read -r line; echo got $line", "read -r -t 1 line; echo got $line"]
      .map((payload) => launchOf(payload, { target }));
    await fixture.executor.launch(first);
    await fixture.executor.launch(second);
    assertEquals(await fixture.executor.type(first.name, { bytes: new TextEncoder().encode("one\ntwo\n") }), true);
    assertEquals(
      textOf((await fixture.end(first.name)).output) + textOf((await fixture.end(second.name)).output),
      "got one\ngot\n",
    );
  }
});

isolatedTest("Ctrl-C while a terminal is being cleaned does not leave it in disorder", async (host) => {
  const fixture = await ExecutorFixture.open(host.executor({ laneShell: await slowLane(host, "stty") }));
  await fixture.run(launchOf("exit 130", { target }));
  const said = async () => (await Deno.readTextFile(`${host.dir}/slow`)).split("\n").length;
  const before = await said();
  const launch = launchOf("stty -a | grep -o -- '-*icanon'", { target });
  await fixture.executor.launch(launch);
  for (const count of [1, 2]) {
    await until("it is being cleaned", async () => await said() === before + count);
    await host.tmux("send-keys -t main:work C-c");
  }
  assertEquals(textOf((await fixture.end(launch.name)).output), "icanon\n");
});
