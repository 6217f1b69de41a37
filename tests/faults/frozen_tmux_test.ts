import { SetupError } from "../../src/domain/errors.ts";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { Desk, launchOf, patient, textOf, up } from "../executors/desk.ts";
import { isolatedTest, type TmuxWorld } from "../support/tmux.ts";
import { until } from "../support/until.ts";

const quiet = () => {};

/** Freezes the server and answers what lets it go on. */
async function freeze(world: TmuxWorld): Promise<() => Promise<unknown>> {
  const [pid] = await world.tmux("display-message -p '#{pid}'");
  await world.sh(`kill -STOP ${pid}`);
  return () => world.sh(`kill -CONT ${pid}`);
}

/** Clients of tmux that wait for its server. */
async function clients(world: TmuxWorld): Promise<number> {
  return Number(await world.sh("pgrep -xc 'tmux: client' || true"));
}

isolatedTest(
  "59: a runner that ends beside a frozen tmux server ends all the same, and its runs go on",
  async (world) => {
    const first = await Desk.open(world.executor());
    const launch = patient(world.dir);
    await first.executor.launch(launch);
    await up(first, launch.run);
    const thaw = await freeze(world);
    const sweeping = assertRejects(() => first.executor.sweep(), Error, "closed");
    // needs a terminal of its own, and none can be made
    const launching = assertRejects(() => first.executor.launch(launchOf("true", { target: "tmux.other" })), Error);
    const hooking = assertRejects(
      () => first.executor.hook({ run: "1.x", command: "true", env: {}, limitMs: 1000 }),
      Error,
    );
    const since = performance.now();
    await first.executor.close();
    assert(performance.now() - since < 5000, "it took too long");
    await Promise.all([sweeping, launching, hooking]);
    await thaw();
    const second = await Desk.open(world.executor());
    assertEquals([...(await second.executor.recover([launch])).values()], ["adopted"]);
    await Deno.writeTextFile(`${world.dir}/go`, "");
    assertEquals((await second.end(launch.run)).code, 0);
  },
);

isolatedTest(
  "59: open() beside a frozen tmux server says so in one sentence, and leaves no client behind",
  async (world) => {
    const first = await Desk.open(world.executor());
    await first.executor.close();
    const thaw = await freeze(world);
    await assertRejects(
      () => world.executor().open(quiet),
      SetupError,
      'Cannot use tmux: tmux did not answer within 10 s; if its server "test" is stopped let it go on, or end it',
    );
    await thaw();
    await until("no client is left", async () => await clients(world) === 0);
    const last = await Desk.open(world.executor());
    assertEquals(await last.output("echo fine"), "fine\n");
  },
);

isolatedTest("59: open() beside a frozen tmux server ends at once when it is aborted", async (world) => {
  const first = await Desk.open(world.executor());
  await first.executor.close();
  await freeze(world);
  const abort = new AbortController();
  const opening = assertRejects(() => world.executor().open(quiet, abort.signal), Error, "enough");
  await until("it asks", async () => await clients(world) > 0);
  const since = performance.now();
  abort.abort(new Error("enough"));
  await opening;
  assert(performance.now() - since < 2000, "it took too long");
});

isolatedTest(
  "59: a frozen tmux server gets a few clients only, and jobs in terminals that are there go on",
  async (world) => {
    const desk = await Desk.open(world.executor());
    assertEquals(await desk.output("echo before", { target: "tmux.main.work" }), "before\n");
    const thaw = await freeze(world);
    const asked = Array.from({ length: 100 }, () => desk.executor.sweep().catch(quiet));
    const screens = Array.from(
      { length: 100 },
      (_, i) => desk.executor.hook({ run: `${i}.x`, command: "true", env: {}, limitMs: 1000 }).catch(quiet),
    );
    const launch = launchOf(`: >'${world.dir}/ran'; echo out; exit 7`, { target: "tmux.main.work" });
    await desk.executor.launch(launch);
    await until("it runs", () => Deno.stat(`${world.dir}/ran`).then(() => true, () => false));
    assert(await clients(world) <= 8, "it has many clients");
    await thaw();
    // its output was late, not lost
    const end = await desk.end(launch.run);
    assertEquals([end.kind, end.code, textOf(end.output)], ["exited", 7, "out\n"]);
    await Promise.all([...asked, ...screens]);
  },
);
