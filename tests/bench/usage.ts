/** What a process has used. */
export interface Usage {
  /** Milliseconds of CPU of itself, and of its children that have ended. */
  readonly cpuMs: number;
  /** Bytes in memory that are its own or shared. */
  readonly rss: number;
}

/** Ticks of the kernel's clock a second, as all Linux report them. */
const TICKS = 100;

/** Usage of a process; Linux only. */
export async function usageOf(pid: number): Promise<Usage> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
  // the name of the program may hold spaces
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = fields.slice(11, 15).reduce((sum, text) => sum + Number(text), 0);
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return { cpuMs: ticks * 1000 / TICKS, rss: Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024 };
}
