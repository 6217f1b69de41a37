import { SetupError } from "../../src/domain/errors.ts";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { ExecutorFixture, launchOf, patient, textOf, up } from "../executors/executor_fixture.ts";
import { isolatedTest, type TmuxHost } from "../support/tmux_host.ts";
import { until } from "../support/until.ts";

const quiet = () => {};

/** Freezes the server and returns what lets it go on. */
async function freeze(host: TmuxHost): Promise<() => Promise<unknown>> {
  const [pid] = await host.tmux("display-message -p '#{pid}'");
  await host.sh(`kill -STOP ${pid}`);
  return () => host.sh(`kill -CONT ${pid}`);
}

/** Clients of tmux that wait for its server. */
async function clients(host: TmuxHost): Promise<number> {
  return Number(await host.sh("pgrep -xc 'tmux: client' || true"));
}

isolatedTest(
  "59: a runner that ends beside a frozen tmux server ends all the same, and its runs go on",
  async (host) => {
    const first = await ExecutorFixture.open(host.executor());
    const launch = patient(host.dir);
    await first.executor.launch(launch);
    await up(first, launch.name);
    const thaw = await freeze(host);
    const sweeping = assertRejects(() => first.executor.sweep(), Error, "closed");
    // needs a terminal of its own, and none can be made
    const launching = assertRejects(() => first.executor.launch(launchOf("true", { target: "tmux.other" })), Error);
    const hooking = assertRejects(
      () => first.executor.hook({ name: "1.x", command: "true", env: {}, limitMs: 1000 }),
      Error,
    );
    await first.executor.close();
    await Promise.all([sweeping, launching, hooking]);
    await thaw();
    const second = await ExecutorFixture.open(host.executor());
    assertEquals([...(await second.executor.recover([launch])).values()], ["adopted"]);
    await Deno.writeTextFile(`${host.dir}/go`, "");
    assertEquals((await second.end(launch.name)).code, 0);
  },
);

isolatedTest(
  "59: open() beside a frozen tmux server says so in one sentence, and leaves no client behind",
  async (host) => {
    const first = await ExecutorFixture.open(host.executor());
    await first.executor.close();
    const thaw = await freeze(host);
    await assertRejects(
      host.executor(),
      SetupError,
      'Cannot use tmux: tmux did not answer within 10 s; if its server "test" is stopped let it go on, or end it',
    );
    await thaw();
    await until("no client is left", async () => await clients(host) === 0);
    const last = await ExecutorFixture.open(host.executor());
    assertEquals(await last.output("echo fine"), "fine\n");
  },
);

isolatedTest("59: open() beside a frozen tmux server ends at once when it is aborted", async (host) => {
  const first = await ExecutorFixture.open(host.executor());
  await first.executor.close();
  await freeze(host);
  const abort = new AbortController();
  const opening = assertRejects(() => host.executor()(abort.signal), Error, "enough");
  await until("it asks", async () => await clients(host) > 0);
  abort.abort(new Error("enough"));
  await opening; // with this reason, and not with that of its own limit
});

isolatedTest(
  "59: a frozen tmux server gets a few clients only, and jobs in terminals that are there go on",
  async (host) => {
    const fixture = await ExecutorFixture.open(host.executor());
    assertEquals(await fixture.output("echo before", { target: "tmux.main.work" }), "before\n");
    const thaw = await freeze(host);
    const asked = Array.from({ length: 100 }, () => fixture.executor.sweep().catch(quiet));
    const screens = Array.from(
      { length: 100 },
      (_, i) => fixture.executor.hook({ name: `${i}.x`, command: "true", env: {}, limitMs: 1000 }).catch(quiet),
    );
    const launch = launchOf(`: >'${host.dir}/ran'; echo out; exit 7`, { target: "tmux.main.work" });
    await fixture.executor.launch(launch);
    await until("it runs", () => Deno.stat(`${host.dir}/ran`).then(() => true, () => false));
    assert(await clients(host) <= 8, "it has many clients");
    await thaw();
    // its output was late, not lost
    const end = await fixture.end(launch.name);
    assertEquals([end.kind, end.code, textOf(end.output)], ["exited", 7, "out\n"]);
    await Promise.all([...asked, ...screens]);
  },
);
