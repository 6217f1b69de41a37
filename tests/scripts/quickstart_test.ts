import { assertEquals, assertMatch, assertStringIncludes } from "../support/assert.ts";
import { until } from "../support/until.ts";

const SCRIPTS = new URL("../../scripts/", import.meta.url).pathname;

// what this machine needs to reach its network and its packages stays
const INHERITED = Object.fromEntries(
  Object.entries(Deno.env.toObject()).filter(([name]) =>
    !/^(RUNNER_(?!REGISTRY)|XDG_(?!CACHE_HOME)|REDIS_URL$|TMUX)/.test(name)
  ),
);

/** Runs a script to its end; what it leaves in the background may hold its output open. */
async function script(args: string[], env: Record<string, string>) {
  const dir = await Deno.makeTempDir();
  try {
    const { code } = await new Deno.Command("sh", {
      args: ["-c", 'd=$1; shift; exec "$@" >"$d/out" 2>"$d/err"', "sh", dir, ...args],
      clearEnv: true,
      env: { ...INHERITED, DENO: Deno.execPath(), ...env },
      stdin: "null",
    }).output();
    return { code, stdout: await Deno.readTextFile(`${dir}/out`), stderr: await Deno.readTextFile(`${dir}/err`) };
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Processes whose command lines name a folder. */
async function processesOf(folder: string): Promise<number[]> {
  const found: number[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^[0-9]+$/.test(name)) continue;
    const command = await Deno.readTextFile(`/proc/${name}/cmdline`).catch(() => "");
    if (command.includes(folder)) found.push(Number(name));
  }
  return found;
}

const hasDpkg = await new Deno.Command("dpkg-query", { args: ["--version"], stdout: "null" }).output()
  .then(({ success }) => success, () => false);

Deno.test({
  name: "quickstart.sh starts, runs a job and stops with the programs of a minimal Debian and those it brings" +
    (hasDpkg ? "" : " (cannot run: there is no dpkg to say which)"),
  ignore: !hasDpkg,
  async fn() {
    // short: tmux' socket has its place in there
    const dir = await Deno.makeTempDir({ prefix: "qs-" });
    const bin = `${dir}/bin`;
    const made = await script([`${SCRIPTS}bare.sh`, bin], {});
    assertEquals([made.code, made.stderr], [0, ""]);
    for (const name of ["ps", "python3", "busybox"]) {
      assertEquals(await Deno.lstat(`${bin}/${name}`).catch(() => null), null, `${name} is not brought`);
    }
    const env = { PATH: bin, HOME: dir, XDG_STATE_HOME: `${dir}/state`, TMUX_TMPDIR: dir };
    const quickstart = (...args: string[]) => script([`${SCRIPTS}quickstart.sh`, ...args], env);
    try {
      const first = await quickstart();
      assertEquals(first.code, 0, first.stderr);
      assertMatch(first.stdout, /^part one\npart two\npart three\ndone on [^\n]+\n/);
      const second = await quickstart();
      assertEquals(second.code, 0, second.stderr);
      assertStringIncludes(second.stderr, "the runner is already running");
      const stopped = await quickstart("--stop");
      assertMatch(
        stopped.stderr,
        /^stopped the runner \(process \d+\) and its Redis\nended the terminals of [^\n]+\n$/,
      );
      await until("nothing of it is left", async () => (await processesOf(dir)).length === 0);
      assertEquals((await quickstart("--stop")).stderr, "the runner was not running\n");
    } finally {
      for (const pid of await processesOf(dir)) Deno.kill(pid, "SIGKILL");
    }
    await Deno.remove(dir, { recursive: true });
  },
});
