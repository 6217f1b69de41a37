import { assertEquals, assertMatch, assertStringIncludes } from "../support/assert.ts";
import { until } from "../support/until.ts";
import { RunnerFixture } from "../support/runner_fixture.ts";

/** A user that is not ours. */
const OTHER = "54321";

async function sh(script: string): Promise<void> {
  const { success, stderr } = await new Deno.Command("sh", { args: ["-ec", script] }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

/** What is done to a folder that waits for the runner of a fixture, and what the runner says. */
const PLANTED: readonly [name: string, plant: (dir: string) => string, says: RegExp][] = [
  [
    "a folder of another user",
    (dir) => `mkdir -p ${dir}/bin; chown -R ${OTHER} ${dir}`,
    /belongs to user 54321, not to user 0/,
  ],
  [
    "a folder that all may write into",
    (dir) => `mkdir -p ${dir}; chmod 777 ${dir}`,
    /others may write into .* \(mode 777\)/,
  ],
  [
    "a link to a folder",
    (dir) => `mkdir -p ${dir}; mv ${dir} ${dir}-real; ln -s ${dir}-real ${dir}`,
    /is a symbolic link/,
  ],
  [
    "an identity of another user",
    (dir) => `mkdir -p ${dir}; echo x >${dir}/instance; chown ${OTHER} ${dir}/instance`,
    /belongs to user/,
  ],
  ["a pipe as lock", (dir) => `mkdir -p ${dir}; mkfifo ${dir}/lock`, /lock" is a pipe/],
  ["a pipe as journal", (dir) => `mkdir -p ${dir}; mkfifo ${dir}/runs.jsonl`, /runs\.jsonl" is a pipe/],
  [
    "a script of another user",
    (dir) => `mkdir -p ${dir}/bin; echo >${dir}/bin/lane-1.sh; chown ${OTHER} ${dir}/bin/*`,
    /belongs to user/,
  ],
];

Deno.test({
  name: "66 a spool that another user has a hand in ends the start with a sentence, and nothing runs from it",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    await using fixture = await RunnerFixture.create();
    for (const [what, plant, says] of PLANTED) {
      await Deno.remove(`${fixture.dir}/spool`, { recursive: true }).catch(() => {});
      await Deno.mkdir(`${fixture.dir}/spool`, { mode: 0o700 });
      await sh(plant(fixture.instance()));
      const runner = await fixture.runner({ ready: false });
      await until(`the runner refuses ${what}; it said:\n${runner.log}`, () => runner.code !== null);
      assertEquals(runner.code, 1, `${what}: ${runner.log}`);
      assertMatch(runner.log, says, what);
      assertStringIncludes(runner.log, "name a folder of your own with --spool");
      assertEquals(runner.log.trim().split("\n").length, 1, runner.log);
    }
  },
});

Deno.test({
  name: "66 a home folder of another user is no place for the default spool",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    await using fixture = await RunnerFixture.create();
    const home = `${fixture.dir}/home`;
    await Deno.mkdir(home);
    await Deno.chown(home, Number(OTHER), Number(OTHER));
    const cache = { XDG_CACHE_HOME: Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME")}/.cache` };
    const runner = await fixture.runner({
      env: { ...cache, HOME: home, XDG_STATE_HOME: "", RUNNER_SPOOL: "" },
      ready: false,
    });
    assertEquals(await runner.ended, 1);
    assertMatch(runner.log, /home" belongs to user 54321/);
    assertEquals([...Deno.readDirSync(home)], []);
  },
});

const hasCleaner =
  await (async () => (await new Deno.Command("systemd-tmpfiles", { args: ["--version"] }).output()).success)().catch(
    () => false,
  );

Deno.test({
  name: "66 systemd's cleaner of temporary folders leaves the spool of a living runner alone",
  ignore: !hasCleaner,
  fn: async () => {
    await using fixture = await RunnerFixture.create();
    const runner = await fixture.runner();
    await fixture.ended(await fixture.push({ payload: "true" }));
    const config = `${fixture.dir}/cleaner.conf`;
    // whatever is older than nothing
    await Deno.writeTextFile(config, `d ${fixture.dir}/spool - - - 0\n`);
    await sh(`mkdir ${fixture.dir}/spool/other; systemd-tmpfiles --clean ${config}`);
    assertEquals([...Deno.readDirSync(`${fixture.dir}/spool`)].map(({ name }) => name), [fixture.name]);
    assertEquals((await fixture.ended(await fixture.push({ payload: "echo here; exit 3" }))).result, "here\n");
    assertEquals([await runner.stop(), runner.log.includes("removed")], [0, false]);
  },
});
