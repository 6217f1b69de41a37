import { digestOf } from "../../src/system/digest.ts";
import { TmuxViewer } from "../../src/executors/tmux/viewer.ts";
import { runName } from "../../src/domain/run_name.ts";
import { NoTerminalError } from "../../src/domain/errors.ts";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { isolatedTest, type TmuxWorld } from "../support/tmux.ts";
import { until } from "../support/until.ts";
import { Desk, launchOf, up } from "./desk.ts";

const ATTEMPT = { id: "the job", token: "1.0123456789ab" };
const ATTACH = "tmux -L test attach -t";
const SIGHT = { attach: ATTACH, instance: "one", ended: false, ...ATTEMPT };
const HERE = { write: false, host: null };

/** A viewer whose views run in terminals made by `script`; they end when they are told. */
function viewerIn(world: TmuxWorld) {
  const open: { leave(): Promise<void> }[] = [];
  const env = { ...world.env, TERM: "xterm-256color", SHELL: "/bin/sh" };
  const viewer = new TmuxViewer({
    process: world.process,
    env,
    digestOf,
    newId: () => crypto.randomUUID(),
    inTerminal: async (command, args) => {
      const line = [command, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
      const child = world.process.spawn("script", ["-qfc", `stty cols 100 rows 30; exec ${line}`, "/dev/null"], {
        env,
      });
      open.push({
        leave: () => child.write(new TextEncoder().encode("\x02d")),
      });
      for await (const _ of child.output);
      return { code: await child.exited, errors: "" };
    },
  });
  return { viewer, open };
}

/** Names of the sessions of views. */
async function views(world: TmuxWorld): Promise<string[]> {
  return (await world.tmux("list-sessions -F '#{session_name}'")).filter((name) => name.startsWith("~runner-view-"));
}

isolatedTest(
  "a view shows the pane of a run, and nothing is left of it, nor of one whose process was killed",
  async (world) => {
    const desk = await Desk.open(world.executor());
    const { viewer, open } = viewerIn(world);
    const launch = launchOf("echo up; sleep 60", { run: runName(ATTEMPT, digestOf) });
    assertEquals(await viewer.find(SIGHT), null);
    await desk.executor.launch(launch);
    await up(desk, launch.run);
    const place = await desk.executor.locate(launch.run);
    // what a process that was killed leaves behind
    await world.tmux("new-session -d -t main -s ~runner-view-old");
    assertEquals(await viewer.find(SIGHT), place);
    assertEquals(await viewer.find({ ...SIGHT, ended: true }), null);
    assertEquals(await viewer.find({ ...SIGHT, token: "2.0123456789ab" }), null);
    await assertRejects(() => viewer.find({ ...SIGHT, attach: "tmux -L none attach -t" }), NoTerminalError, '"none"');

    const view = viewer.view(ATTACH, place!, HERE);
    await until("it is shown", async () => {
      const attached = await world.tmux("list-sessions -F '#{session_attached} #{session_name}'");
      return attached.some((line) => line.startsWith("1 ~runner-view-"));
    });
    assertEquals((await views(world)).length, 1);
    await open[0].leave();
    await view;
    assertEquals(await views(world), []);
  },
);

isolatedTest(
  "a session that closes with its last terminal takes its views with it, one by one, before",
  async (world) => {
    const said: string[] = [];
    const { process } = world.options();
    const desk = await Desk.open(world.executor({
      idleLanes: 0,
      idleMs: 0,
      process: {
        ...process,
        run: (command, args, options) => {
          said.push(args.slice(args.indexOf("-u") + 1).join(" "));
          return process.run(command, args, options);
        },
      },
    }));
    await desk.executor.recover([]);
    await desk.executor.launch(launchOf(`until [ -e '${world.dir}/go' ]; do sleep 0.02; done`));
    await world.tmux("new-session -d -t main -s view1");
    await world.tmux("new-session -d -t main -s view2");
    await world.tmux("new-session -d -s theirs cat");
    const ids = await world.tmux("list-sessions -F '#{session_id} #{session_group}' | grep main | cut -d' ' -f1");
    await Deno.writeTextFile(`${world.dir}/go`, "");
    await until(
      "the sessions are gone",
      async () => (await world.tmux("list-sessions -F '#{session_name}'")).sort().join() === "_runner-one,theirs",
    );
    const closed = said.filter((line) => /^kill-(pane|session)/.test(line));
    assertEquals(closed.slice(0, 2).filter((line) => ids.includes(line.split(" -t ")[1])).length, 2);
    assertEquals(closed.slice(2), ["kill-pane -t %1"]);
  },
);

isolatedTest("views come after the sessions that they join in the order of names", async (world) => {
  const desk = await Desk.open(world.executor());
  const { viewer, open } = viewerIn(world);
  const launch = launchOf("echo up; sleep 60", { run: runName(ATTEMPT, digestOf), target: "tmux.zzz" });
  await desk.executor.launch(launch);
  await up(desk, launch.run);
  const view = viewer.view(ATTACH, (await desk.executor.locate(launch.run))!, HERE);
  await until("it is shown", async () => (await views(world)).length > 0);
  const sessions = await world.tmux("list-sessions -F '#{session_name}' -f '#{session_grouped}'");
  assertEquals([sessions[0], sessions.length], ["zzz", 2]);
  await until("it can be left", async () => (await world.tmux("list-clients")).length === 1);
  await world.tmux("kill-session -t =zzz");
  await open[0].leave();
  await view;
});

isolatedTest("the server outlives many views that come and go while others ask it", async (world) => {
  const desk = await Desk.open(world.executor());
  const { viewer, open } = viewerIn(world);
  const launch = launchOf("echo up; sleep 60", { run: runName(ATTEMPT, digestOf) });
  await desk.executor.launch(launch);
  await up(desk, launch.run);
  const place = await viewer.find(SIGHT);
  const server = await world.tmux("display-message -p '#{pid}'");
  const asking = new AbortController();
  const askers = [1, 2].map(async () => {
    while (!asking.signal.aborted) await world.tmux("list-sessions");
  });
  for (let i = 0; i < 30; i++) {
    const view = viewer.view(ATTACH, place!, HERE);
    await until("it is shown", async () => (await views(world)).length > 0);
    await open[i].leave();
    await view;
  }
  asking.abort();
  await Promise.all(askers);
  assertEquals(await world.tmux("display-message -p '#{pid}'"), server);
  assert(desk.ends.length === 0, "the run has ended");
});
