/**
 * The benchmark: our program and its peers on the same work, side by side in the same run, in turn, several rounds.
 * Prints a table of medians and ratios; `--json FILE` and `--svg FILE` write the same as data and as a plot.
 *
 *     deno task bench [--quick] [--rounds N] [--json FILE] [--svg FILE] [SECTION...]
 *     deno task bench throughput --slots 16 --who runner,BullMQ,fork+exec
 *
 * Peers that are not installed are left out, and said so; scripts/bench.sh installs them. RUNNER_BIN names another
 * program than the one from source.
 *
 * @module
 */
import { Bench, type Section } from "./harness.ts";
import { plot } from "./plot.ts";
import { table } from "./table.ts";

const SECTIONS = [
  "floors",
  "throughput",
  "latency",
  "submit",
  "scripts",
  "memory",
  "runner",
  "status",
  "startup",
  "windows",
  "burst",
  "fleet",
] as const;

function valueOf(args: string[], name: string): string | undefined {
  const at = args.indexOf(name);
  if (at < 0) return undefined;
  const [, value] = args.splice(at, 2);
  if (value === undefined) throw new Error(`Cannot use ${name}: there is no value after it`);
  return value;
}

function hasFlag(args: string[], name: string): boolean {
  const at = args.indexOf(name);
  if (at >= 0) args.splice(at, 1);
  return at >= 0;
}

async function load(name: string): Promise<Section> {
  if (!SECTIONS.some((known) => known === name)) {
    throw new Error(`Cannot run section ${JSON.stringify(name)}: there are ${SECTIONS.join(", ")}`);
  }
  return (await import(`./sections/${name}.ts`)).default;
}

async function main(args: string[]): Promise<number> {
  const [json, svg] = [valueOf(args, "--json"), valueOf(args, "--svg")];
  const quick = hasFlag(args, "--quick");
  const rounds = Number(valueOf(args, "--rounds") ?? (quick ? 1 : 3));
  const slots = valueOf(args, "--slots")?.split(",").map(Number);
  const who = valueOf(args, "--who")?.split(",");
  const bench = new Bench({ quick, rounds, slots, who, say: (text) => console.error(text) });
  const sections = await Promise.all((args.length > 0 ? args : SECTIONS).map(load));
  const begun = new Date().toISOString();
  const results = [];
  let failed = 0;
  for (const section of sections) {
    bench.say(`== ${section.name}: ${section.summary} (load ${Deno.loadavg()[0].toFixed(1)})`);
    try {
      const rows = await bench.within(section);
      console.log(table(section.name, rows));
      results.push({ section: section.name, load: Deno.loadavg()[0], rows });
    } catch (error) {
      // the others are still worth their time
      bench.say(error instanceof Error ? error.stack ?? error.message : String(error));
      failed++;
    }
  }
  const machine = { cpus: navigator.hardwareConcurrency, arch: Deno.build.arch, deno: Deno.version.deno };
  if (json !== undefined) {
    await Deno.writeTextFile(json, `${JSON.stringify({ begun, quick, rounds, machine, results }, null, 2)}\n`);
  }
  if (svg !== undefined) await Deno.writeTextFile(svg, plot(results));
  return failed === 0 ? 0 : 1;
}

// a peer that does not end by itself delays no other one
Deno.exit(await main([...Deno.args]));
