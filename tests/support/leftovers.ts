/**
 * Processes and mounts that a fixture has left behind.
 *
 * @module
 */
import { pause } from "./barrier.ts";

/** How long a process of no job may still need to end, milliseconds. */
const PATIENCE = 4000;

interface Found {
  readonly pid: string;
  /** Number and start: a later process may have the number. */
  readonly key: string;
  readonly name: string;
  readonly command: string;
  readonly variables: string;
}

async function processes(): Promise<Found[]> {
  const found: Found[] = [];
  for await (const { name: pid } of Deno.readDir("/proc")) {
    if (!/^[0-9]+$/.test(pid) || Number(pid) === Deno.pid) continue;
    const read = (file: string) => Deno.readTextFile(`/proc/${pid}/${file}`).catch(() => "");
    const [stat, name, command, variables] = [
      await read("stat"),
      await read("comm"),
      await read("cmdline"),
      await read("environ"),
    ];
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // it has ended
    if (fields.length < 20 || fields[0] === "Z") continue;
    found.push({
      pid,
      key: `${pid}.${fields[19]}`,
      name: name.trim(),
      command: command.replaceAll("\0", " ").trim(),
      variables,
    });
  }
  return found;
}

/** Those that stay: the same process is found again until the patience is over. */
async function thatStay(fits: (one: Found) => boolean): Promise<Found[]> {
  const end = performance.now() + PATIENCE;
  let left = (await processes()).filter(fits);
  while (left.length > 0 && performance.now() < end) {
    await pause(200);
    const now = new Set((await processes()).map(({ key }) => key));
    left = left.filter(({ key }) => now.has(key));
  }
  return left;
}

function shown({ pid, command, name }: Found): string {
  return `${pid} ${command || name}`;
}

/**
 * What should be gone when all jobs have ended and the runners live: kill scripts, sleepers that a script left, and
 * tmux clients besides the one of each runner.
 *
 * @param dir The fixture's folder.
 * @param sockets The names of its tmux servers.
 */
export async function leftAtRest(dir: string, sockets: readonly string[]): Promise<string[]> {
  const inTerminal = (one: Found) => sockets.some((socket) => one.variables.includes(`/${socket},`));
  const scripts = await thatStay((one) =>
    one.command.includes(`${dir}/`) && /\/bin\/kill-[^/]*\.sh[' ]/.test(one.command) ||
    one.name === "sleep" && inTerminal(one) && !one.variables.includes("VISITOR=")
  );
  const findings = scripts.map((one) => `process left: ${shown(one)}`);
  const clients = await thatStay((one) => one.name === "tmux: client");
  for (const socket of sockets) {
    const own = clients.filter(({ command }) => command.split(" ").includes(socket));
    if (own.length > 1) findings.push(`tmux clients left: ${own.map(shown).join("; ")}`);
  }
  return findings;
}

/**
 * What should be gone when all runners and servers of the fixture have been ended: all that names its folder or
 * servers.
 */
export async function leftAtTheEnd(dir: string, socket: string): Promise<string[]> {
  const left = await thatStay(({ command, variables }) =>
    command.includes(dir) || command.includes(socket) || variables.includes(dir) || variables.includes(`/${socket}`)
  );
  for (const { pid } of left) {
    try {
      Deno.kill(Number(pid), "SIGKILL");
    } catch {
      // it has just ended
    }
  }
  return left.map((one) => `process left at the end: ${shown(one)}`);
}

/** Mounts in a folder. */
export async function mountsLeft(dir: string): Promise<string[]> {
  const mounts = await Deno.readTextFile("/proc/self/mounts").catch(() => "");
  return mounts.split("\n").filter((line) => line.includes(dir)).map((line) => `mount left: ${line}`);
}
