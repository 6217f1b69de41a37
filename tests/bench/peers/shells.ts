/**
 * Peers without a program of ours: loops of a shell, task-spooler, GNU parallel, rq.
 *
 * @module
 */
import { Absent, rate } from "../harness.ts";
import { benchRedis } from "../harness.ts";

async function mustRun(command: string, args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args: [...args], env, stdin: "null" }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`Cannot measure ${command}: ${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}

async function need(program: string, args: readonly string[]): Promise<void> {
  try {
    const { success } = await new Deno.Command(program, { args: [...args], stdin: "null" }).output();
    if (success) return;
  } catch {
    // said below
  }
  throw new Absent(`${[program, ...args].join(" ")} does not run here`);
}

/** How many `sh -c true` a second some loops of a shell start, side by side. */
export async function forkRate(jobs: number, loops: number): Promise<number> {
  const each = Math.ceil(jobs / loops);
  const script = `i=0; while [ $i -lt ${each} ]; do sh -c true; i=$((i + 1)); done`;
  return await rate(
    each * loops,
    () => Promise.all(Array.from({ length: loops }, () => mustRun("sh", ["-c", script]))),
  );
}

/** Jobs a second of task-spooler: each is put into the queue by its client. */
export async function taskSpoolerRate(jobs: number, slots: number): Promise<number> {
  await need("tsp", ["-V"]);
  const dir = await Deno.makeTempDir({ prefix: "tsp-" });
  const env = { TS_SOCKET: `${dir}/socket`, TS_SLOTS: String(slots), TS_MAXFINISHED: "10", TMPDIR: dir };
  try {
    // without -n each job would write a file of output; a label per job is work that no other peer does
    const script = `i=0; while [ $i -lt ${jobs} ]; do tsp -n sh -c true >/dev/null; i=$((i + 1)); done; tsp -w`;
    return await rate(jobs, () => mustRun("sh", ["-c", script], env));
  } finally {
    await mustRun("tsp", ["-K"], env);
    await Deno.remove(dir, { recursive: true });
  }
}

/** Jobs a second of GNU parallel. */
export async function parallelRate(jobs: number, slots: number): Promise<number> {
  await need("parallel", ["--version"]);
  const script = `seq ${jobs} | parallel --will-cite -j ${slots} 'sh -c true {}'`;
  return await rate(jobs, () => mustRun("sh", ["-c", script]));
}

/** Jobs a second of rq: an `rqworker` for each slot. */
export async function rqRate(jobs: number, slots: number): Promise<number> {
  // the Python that the system's packages are for
  await need("/usr/bin/python3", ["-c", "import rq"]);
  await using redis = await benchRedis();
  const program = new URL("./rq_peer.py", import.meta.url).pathname;
  return Number(await mustRun("/usr/bin/python3", [program, String(redis.port), String(slots), String(jobs)]));
}
