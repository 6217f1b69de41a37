import { assert, assertEquals } from "../support/assert.ts";

const DRIVER = new URL("chaos.ts", import.meta.url).pathname;
const CONFIG = new URL("../../scripts/npm/deno.json", import.meta.url).pathname;

/** A process namespace of its own, where there can be one: whatever goes wrong stays in there, and ends with it. */
const NAMESPACE = ["--pid", "--fork", "--mount-proc", "--kill-child"];

/** The first process in there: it adopts orphans, which the driver does not. */
const INIT = ["sh", "-c", '"$@"; exit $?', "sh"];

async function can(command: string, ...args: string[]): Promise<boolean> {
  try {
    return (await new Deno.Command(command, { args, stdout: "null", stderr: "null" }).output()).success;
  } catch {
    return false;
  }
}

const isolated = await can("unshare", ...NAMESPACE, "true");

async function drive(...options: string[]): Promise<{ code: number; said: string }> {
  const config = Deno.env.get("RUNNER_REGISTRY") === "jsr" ? [] : ["--config", CONFIG];
  const run = [Deno.execPath(), "run", "-A", "--quiet", ...config, DRIVER, ...options];
  const [command, ...args] = isolated ? ["unshare", ...NAMESPACE, ...INIT, ...run] : run;
  const { code, stdout, stderr } = await new Deno.Command(command, { args }).output();
  const decoder = new TextDecoder();
  return { code, said: decoder.decode(stdout) + decoder.decode(stderr) };
}

/** `RUNNER_CHAOS_SEED` repeats the faults of one that failed. */
function seed(): string {
  return Deno.env.get("RUNNER_CHAOS_SEED") ?? String(crypto.getRandomValues(new Uint16Array(1))[0]);
}

Deno.test("30, 52, 53, 63-65 faults of many kinds under load: no job is lost, none is executed twice, nothing is left behind", async () => {
  const { code, said } = await drive("--seed", seed(), "--jobs", "600", "--faults", "40");
  console.log(said.trimEnd().replaceAll(/^/gm, "      "));
  assertEquals(code, 0, said);
});

Deno.test("32, 53 when tmux servers are killed or crash as well, jobs are lost with them, and nothing else happens", async () => {
  const only = "tmux_kill,tmux_crash,kill,cut,people";
  const { code, said } = await drive("--seed", seed(), "--jobs", "150", "--faults", "20", "--only", only);
  assertEquals(code, 0, said);
});

for (
  const [naive, what, violation] of [
    ["lossy", "pops and then works", "  lost: job"],
    ["greedy", "does everything again when it starts", "  executed too often: job"],
  ]
) {
  Deno.test(`53 the driver finds what is wrong with a runner that ${what}`, async () => {
    // a seed's few faults may all fall where they do no harm
    for (let tries = 1;; tries++) {
      const { code, said } = await drive("--seed", seed(), "--jobs", "80", "--faults", "10", "--naive", naive);
      if (said.includes(violation)) return assertEquals(code, 1, said);
      assert(tries < 5, said);
    }
  });
}
