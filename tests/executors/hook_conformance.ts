import type { Hook } from "../../src/ports/executor.ts";
import { assertEquals } from "../support/assert.ts";
import { until } from "../support/until.ts";
import type { Kind } from "./conformance.ts";
import { ExecutorFixture, launchOf } from "./executor_fixture.ts";

/** What the port src/ports/executor.ts promises about hooks. */
export function hookConformance({ test, line }: Kind): void {
  const hookOf = (command: string, changes: Partial<Hook> = {}): Hook => ({
    name: launchOf("").name,
    command,
    env: {},
    limitMs: 20_000,
    ...changes,
  });

  test("hook() gives every value to the command as it is, and its exit code back", async ({ executor, dir }) => {
    const fixture = await ExecutorFixture.open(executor);
    const value = `'"$(touch '${dir}/no')\\ #{pane_id} %H \n~ ünï 🦊\n`;
    const env = { RUNNER_JOB_ID: value, TARGET: `${dir}/said` };
    const command = `printf %s "$RUNNER_JOB_ID" >"$TARGET"; printf '%s' "$HOME" >>"$TARGET"; exit 7`;
    assertEquals(await fixture.executor.hook(hookOf(command, { env })), 7);
    assertEquals(await Deno.readTextFile(`${dir}/said`), value + Deno.env.get("HOME"));
    const codes = await Promise.all([0, 1, 255].map((code) => fixture.executor.hook(hookOf(`exit ${code}`))));
    assertEquals(codes, [0, 1, 255]);
    assertEquals(await fixture.executor.hook(hookOf("cat; kill -KILL $$")), 137);
    assertEquals(await fixture.executor.hook(hookOf("syntax error ((")), 2);
  });

  test("hook() holds up no run, whatever it writes, and leaves nothing behind", async ({ executor, dir }) => {
    const fixture = await ExecutorFixture.open(executor);
    const slow = fixture.executor.hook(
      hookOf(`head -c 1000000 /dev/zero; head -c 1000000 /dev/zero >&2; until [ -e '${dir}/go' ]; do sleep 0.02; done`),
    );
    for (let i = 0; i < 20; i++) assertEquals(await fixture.output(`echo ${i}`, { target: line }), `${i}\n`);
    await until("its script is gone", async () => (await hookFiles(dir)).length === 0);
    await Deno.writeTextFile(`${dir}/go`, "");
    assertEquals(await slow, 0);
    assertEquals(await hookFiles(dir), []);
  });

  test("hook() stops what is slower than its limit, with all that it started", async ({ executor, dir }) => {
    const fixture = await ExecutorFixture.open(executor);
    const stubborn =
      `trap '' TERM HUP; echo x >>'${dir}/begun'; (while :; do echo x >>'${dir}/heartbeats'; sleep 0.05; done)`;
    const code = await fixture.executor.hook(hookOf(stubborn, { limitMs: 1000 }));
    assertEquals(code, 137);
    const size = async () => (await Deno.stat(`${dir}/heartbeats`)).size;
    const before = await size();
    await fixture.output("sleep 0.3");
    assertEquals([await size(), await Deno.readTextFile(`${dir}/begun`)], [before, "x\n"]);
    assertEquals(await fixture.executor.hook(hookOf("sleep 60", { limitMs: 1000 })), 143);
    assertEquals(
      await fixture.executor.hook(hookOf(`(${stubborn}) & until [ -e '${dir}/heartbeats' ]; do :; done`)),
      0,
    );
    const after = await size();
    await fixture.output("sleep 0.3");
    assertEquals(await size(), after);
  });

  test("a hook goes on without the runner, and none of its files stays", async ({ executor, dir }) => {
    const first = await ExecutorFixture.open(executor);
    const going = first.executor.hook(
      hookOf(`echo x >>'${dir}/begun'; until [ -e '${dir}/go' ]; do sleep 0.02; done; echo x >>'${dir}/over'`),
    );
    await first.executor.close();
    assertEquals(await going, null);
    const second = await ExecutorFixture.open(executor);
    await second.executor.recover([]);
    await Deno.writeTextFile(`${dir}/go`, "");
    await until("it is over", () => Deno.readTextFile(`${dir}/over`).then((text) => text === "x\n", () => false));
    assertEquals([await Deno.readTextFile(`${dir}/begun`), await hookFiles(dir)], ["x\n", []]);
    assertEquals(await second.output("echo free"), "free\n");
  });
}

/** Everything below a folder that belongs to a hook. */
async function hookFiles(dir: string): Promise<string[]> {
  const { stdout } = await new Deno.Command("find", { args: [dir, "-path", "*/hooks/*"] }).output();
  return new TextDecoder().decode(stdout).split("\n").filter((path) => path !== "");
}
