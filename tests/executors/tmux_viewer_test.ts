import { digestOf } from "../../src/system/digest.ts";
import { TmuxViewer } from "../../src/executors/tmux/people/viewer.ts";
import { attemptName } from "../../src/domain/attempt_name.ts";
import { NoTerminalError } from "../../src/domain/errors.ts";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { isolatedTest, type TmuxHost } from "../support/tmux_host.ts";
import { until } from "../support/until.ts";
import { ExecutorFixture, launchOf, up } from "./executor_fixture.ts";

const ATTEMPT = { id: "the job", token: "1.0123456789ab" };
const ACCESS = { kind: "tmux", socket: "test" };
const SIGHT = { access: ACCESS, instance: "one", ended: false, ...ATTEMPT };
const HERE = { write: false, host: null };

/** A viewer whose views run in terminals made by `script`; they end on request. */
function viewerIn(host: TmuxHost) {
  const open: { leave(): Promise<void> }[] = [];
  const env = { ...host.env, TERM: "xterm-256color", SHELL: "/bin/sh" };
  const viewer = new TmuxViewer({
    process: host.process,
    env,
    digestOf,
    newId: () => crypto.randomUUID(),
    inTerminal: async (command, args) => {
      const line = [command, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
      const child = host.process.spawn("script", ["-qfc", `stty cols 100 rows 30; exec ${line}`, "/dev/null"], {
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
async function views(host: TmuxHost): Promise<string[]> {
  return (await host.tmux("list-sessions -F '#{session_name}'")).filter((name) => name.startsWith("~runner-view-"));
}

isolatedTest(
  "a view shows the pane of a run, and nothing is left of it, nor of one whose process was killed",
  async (host) => {
    const fixture = await ExecutorFixture.open(host.executor());
    const { viewer, open } = viewerIn(host);
    const launch = launchOf("echo up; sleep 60", { name: attemptName(ATTEMPT, digestOf) });
    assertEquals(await viewer.find(SIGHT), null);
    await fixture.executor.launch(launch);
    await up(fixture, launch.name);
    const place = await fixture.executor.locate(launch.name);
    // what a process that was killed leaves behind
    await host.tmux("new-session -d -t main -s ~runner-view-old");
    assertEquals(await viewer.find(SIGHT), place);
    assertEquals(await viewer.find({ ...SIGHT, ended: true }), null);
    assertEquals(await viewer.find({ ...SIGHT, token: "2.0123456789ab" }), null);
    await assertRejects(
      () => viewer.find({ ...SIGHT, access: { kind: "tmux", socket: "none" } }),
      NoTerminalError,
      '"none"',
    );

    const view = viewer.view(ACCESS, place!, HERE);
    await until("it is shown", async () => {
      const attached = await host.tmux("list-sessions -F '#{session_attached} #{session_name}'");
      return attached.some((line) => line.startsWith("1 ~runner-view-"));
    });
    assertEquals((await views(host)).length, 1);
    await open[0].leave();
    await view;
    assertEquals(await views(host), []);
  },
);

isolatedTest(
  "a session that closes with its last terminal ends its views as well, one by one, before",
  async (host) => {
    const said: string[] = [];
    const { process } = host.options();
    const fixture = await ExecutorFixture.open(host.executor({
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
    await fixture.executor.recover([]);
    await fixture.executor.launch(launchOf(`until [ -e '${host.dir}/go' ]; do sleep 0.02; done`));
    await host.tmux("new-session -d -t main -s view1");
    await host.tmux("new-session -d -t main -s view2");
    await host.tmux("new-session -d -s theirs cat");
    const ids = await host.tmux("list-sessions -F '#{session_id} #{session_group}' | grep main | cut -d' ' -f1");
    await Deno.writeTextFile(`${host.dir}/go`, "");
    await until(
      "the sessions are gone",
      async () => (await host.tmux("list-sessions -F '#{session_name}'")).sort().join() === "_runner-one,theirs",
    );
    const closed = said.filter((line) => /^kill-(pane|session)/.test(line));
    assertEquals(closed.slice(0, 2).filter((line) => ids.includes(line.split(" -t ")[1])).length, 2);
    assertEquals(closed.slice(2), ["kill-pane -t %1"]);
  },
);

isolatedTest("views come after the sessions that they join in the order of names", async (host) => {
  const fixture = await ExecutorFixture.open(host.executor());
  const { viewer, open } = viewerIn(host);
  const launch = launchOf("echo up; sleep 60", { name: attemptName(ATTEMPT, digestOf), target: "tmux.zzz" });
  await fixture.executor.launch(launch);
  await up(fixture, launch.name);
  const view = viewer.view(ACCESS, (await fixture.executor.locate(launch.name))!, HERE);
  await until("it is shown", async () => (await views(host)).length > 0);
  const sessions = await host.tmux("list-sessions -F '#{session_name}' -f '#{session_grouped}'");
  assertEquals([sessions[0], sessions.length], ["zzz", 2]);
  await until("it can be left", async () => (await host.tmux("list-clients")).length === 1);
  await host.tmux("kill-session -t =zzz");
  await open[0].leave();
  await view;
});

isolatedTest("the server outlives many views that come and go while others ask it", async (host) => {
  const fixture = await ExecutorFixture.open(host.executor());
  const { viewer, open } = viewerIn(host);
  const launch = launchOf("echo up; sleep 60", { name: attemptName(ATTEMPT, digestOf) });
  await fixture.executor.launch(launch);
  await up(fixture, launch.name);
  const place = await viewer.find(SIGHT);
  const server = await host.tmux("display-message -p '#{pid}'");
  const asking = new AbortController();
  const askers = [1, 2].map(async () => {
    while (!asking.signal.aborted) await host.tmux("list-sessions");
  });
  for (let i = 0; i < 30; i++) {
    const view = viewer.view(ACCESS, place!, HERE);
    await until("it is shown", async () => (await views(host)).length > 0);
    await open[i].leave();
    await view;
  }
  asking.abort();
  await Promise.all(askers);
  assertEquals(await host.tmux("display-message -p '#{pid}'"), server);
  assert(fixture.ends.length === 0, "the run has ended");
});
