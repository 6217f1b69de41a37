import { type NamedNeed, needsOf } from "../../scripts/needs.ts";
import { allCommands } from "../../src/cli/commands.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "../support/assert.ts";
import { until } from "../support/until.ts";
import { RunnerFixture } from "../support/runner_fixture.ts";
import { allCases, type Case } from "./permission_cases.ts";
import { CONFIG, permissionFlags, type Ran, ROOT, run } from "./support.ts";

const NEEDS = needsOf(await allCommands());

function needOf(name: string): NamedNeed {
  const need = NEEDS.find(({ of }) => of.includes(name));
  assert(need, `no command has a row for ${name}`);
  const { besides, run = [] } = need;
  if (besides === undefined) return need;
  const base = needOf(besides);
  return { ...base, run: [...base.run ?? [], ...run] };
}

/** The flags that grant exactly what a case needs, by kind. */
function flagsOf(fixture: RunnerFixture, { of, read, write, env }: Case): Map<string, string> {
  const need = needOf(of);
  assertEquals([need.read !== undefined, need.write !== undefined], [read !== undefined, write !== undefined], of);
  const values: [kind: string, values: readonly string[] | undefined][] = [
    ["net", need.net && [env?.REDIS_URL ?? fixture.redis.address]],
    ["env", need.env],
    ["read", read],
    ["write", write],
    ["run", need.run],
    ["sys", need.sys],
  ];
  const granted = values.filter(([, values]) => values !== undefined && values.length > 0);
  return new Map(granted.map(([kind, values]) => [kind, `--allow-${kind}=${values}`]));
}

function environment(fixture: RunnerFixture, { env = {} }: Case): Record<string, string> {
  const all: Record<string, string | null> = { ...fixture.env(), ...env };
  return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== null));
}

function word(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Runs the program from source with some permissions and no others. */
async function runWith(fixture: RunnerFixture, flags: Iterable<string>, job: Case, audit = ""): Promise<Ran> {
  const program = [Deno.execPath(), "run", "--quiet", "--no-prompt", "--config", ROOT + CONFIG];
  const command = [...program, ...flags, `${ROOT}main.ts`, ...job.args];
  const env = { ...environment(fixture, job), ...(audit === "" ? {} : { DENO_AUDIT_PERMISSIONS: audit }) };
  if (!job.terminal) return await run(command, { bare: true, env, cwd: fixture.dir });
  return await inTerminal(fixture, { command, env, leave: job.leave });
}

/** Runs a program in a terminal of its own; what it says on stderr goes elsewhere. */
async function inTerminal(
  fixture: RunnerFixture,
  { command, env, leave }: { command: string[]; env: Record<string, string>; leave?: () => Promise<void> },
): Promise<Ran> {
  const dir = await Deno.makeTempDir({ dir: fixture.dir });
  // one of its own: the last one may still be on its way out
  const socket = `terminal-${dir.split("/").at(-1)}`;
  const line = `${command.map(word).join(" ")} 2>${dir}/err; echo $? >${dir}/new; mv ${dir}/new ${dir}/code`;
  await Deno.writeTextFile(`${dir}/script`, `cd ${word(fixture.dir)}; ${line}`);
  const tmux = (...args: string[]) => run(["tmux", "-L", socket, "-f", "/dev/null", ...args], { bare: true, env });
  const read = (name: string) => Deno.readTextFile(`${dir}/${name}`).catch(() => "");
  try {
    await tmux("new-session", "-d", "-x", "120", "-y", "30", "sh", `${dir}/script`);
    await until("it has ended", async () => {
      await leave?.();
      return await read("code") !== "";
    });
    return { code: Number(await read("code")), stdout: "", stderr: await read("err") };
  } finally {
    await tmux("kill-server");
  }
}

/** What the cases of a command asked for. */
class Asked {
  readonly byKind = new Map<string, Set<string>>();

  add(text: string): void {
    for (const line of text.split("\n").slice(0, -1)) {
      const { permission, value } = JSON.parse(line) as { permission: string; value: string };
      const values = this.byKind.get(permission) ?? new Set();
      this.byKind.set(permission, values.add(value));
    }
  }

  values(kind: string): string[] {
    return [...this.byKind.get(kind) ?? []].sort();
  }
}

/** What no test sees: Deno itself lets every program read NO_COLOR, and TERM counts on a terminal only. */
const UNSEEN = ["NO_COLOR", "TERM"];

/** Holds a row of needs to what the cases of one command asked for. */
function compare(need: NamedNeed, asked: Asked, what: string): void {
  const names = need.env;
  const seen = asked.values("env");
  assertEquals(seen.filter((name) => !names.includes(name)), [], `${what} reads variables that its row does not name`);
  const unread = names.filter((name) => !seen.includes(name) && !UNSEEN.includes(name));
  assertEquals(unread, [], `${what} does not read variables that its row names`);
  assertEquals(asked.values("sys"), [...need.sys ?? []].sort(), what);
  assertEquals(asked.values("net").length > 0, need.net === true, what);
  const more = [...asked.byKind.keys()].filter((kind) =>
    !["env", "import", "net", "read", "sys", "write"].includes(kind)
  );
  assertEquals(more, [], what);
}

/** Newer ones write down what a program asks for. */
async function canAudit(): Promise<boolean> {
  const { stdout } = await run([Deno.execPath(), "run", "--help"]);
  return stdout.includes("DENO_AUDIT_PERMISSIONS");
}

Deno.test("each command works with the permissions that its row names, asks for them all and for no others", async (t) => {
  await using fixture = await RunnerFixture.create();
  await fixture.runner();
  const asked = new Map<string, { need: NamedNeed; asked: Asked }>();
  const audits = await canAudit();
  const cases = await allCases(fixture);
  if (Deno.build.os === "linux") {
    const forms = NEEDS.flatMap(({ of }) => of);
    assertEquals(forms.filter((form) => cases.every(({ of }) => of !== form)), [], "no case tests these");
  }
  try {
    for (const [i, job] of cases.entries()) {
      const { of, args, code = 0, terminal } = job;
      await t.step(
        `runner ${args.join(" ").replaceAll(fixture.dir, "")}${terminal ? " in a terminal" : ""}`,
        async () => {
          const audit = `${fixture.dir}/audit-${i}`;
          const ran = await runWith(fixture, flagsOf(fixture, job).values(), job, audits ? audit : "");
          assertEquals(ran.code, code, ran.stderr);
          const key = `${args[0]}, ${needOf(of).of.join()}`;
          const all = asked.get(key) ?? { need: needOf(of), asked: new Asked() };
          asked.set(key, all);
          all.asked.add(await Deno.readTextFile(audit).catch(() => ""));
        },
      );
    }
    if (audits) { for (const [key, all] of asked) compare(all.need, all.asked, key); }
  } finally {
    await run(["tmux", "-L", `runner-${fixture.name}b`, "kill-server"]);
  }
});

Deno.test("each command says what is missing when it has one permission less, and ends", async (t) => {
  await using fixture = await RunnerFixture.create();
  await fixture.runner();
  const first = new Map((await allCases(fixture)).reverse().map((job) => [`${job.of}, ${job.args[0]}`, job]));
  for (const job of first.values()) {
    const flags = flagsOf(fixture, job);
    const { spares = [] } = needOf(job.of);
    for (const kind of flags.keys()) {
      if (spares.some((spare) => spare === kind)) continue;
      await t.step(`runner ${job.args.join(" ").replaceAll(fixture.dir, "")} without ${kind}`, async () => {
        const less = [...flags].filter(([other]) => other !== kind).map(([, flag]) => flag);
        const { code, stdout, stderr } = await runWith(fixture, less, job);
        assert(code !== 0, `${stdout}${stderr}`);
        if (job.of === "doctor" && stderr === "") assertMatch(stdout, /^error /m);
        else assertMatch(stderr, /^(\d.+\n)*runner: Cannot .+\n(\d.+\n)*$/); // the log is written by itself
      });
    }
  }
});

Deno.test("every command has a row for its name or its forms, and for no other command", async () => {
  for (const command of await allCommands()) {
    const words = new Set(needsOf([command]).flatMap(({ of }) => of.map((form) => form.split(" ")[0])));
    assertEquals([...words], command.name === "help" ? ["help", "--help"] : [command.name]);
  }
});

Deno.test("the binary may do what some command needs, and nothing else", async () => {
  const flags = await permissionFlags();
  const values = (kind: string) =>
    flags.find((flag) => flag.startsWith(`--allow-${kind}`))?.split("=")[1]?.split(",").sort();
  const needed = (of: (need: NamedNeed) => readonly string[]) => [...new Set(NEEDS.flatMap(of))].sort();
  assertEquals(flags.map((flag) => flag.replace(/=.*/, "")).sort(), [
    ...["--allow-env", "--allow-net", "--allow-read", "--allow-run", "--allow-sys", "--allow-write", "--no-prompt"],
  ]);
  assertEquals(values("env"), needed(({ env }) => env));
  const { stdout: read } = await run(["grep", "-rhoE", 'nvironment\\.get\\("[A-Z_]+"', `${ROOT}src`]);
  const names = [...read.matchAll(/"(.*)"/g)].map(([, name]) => name);
  assert(names.includes("HOME"), `found only ${names}`);
  assertEquals(names.filter((name) => !values("env")!.includes(name)), []);
  assertEquals(values("run"), needed(({ run = [] }) => run));
  assertEquals(values("sys"), needed(({ sys = [] }) => sys));
});

Deno.test("a file that may not be read is an error when the user named it", async () => {
  await using fixture = await RunnerFixture.create();
  const file = `${fixture.dir}/file`;
  await Deno.writeTextFile(file, "true");
  const job = { of: "submit", args: ["submit", "--script", file] };
  const { code, stdout, stderr } = await runWith(fixture, flagsOf(fixture, job).values(), job);
  assertEquals([code, stdout], [2, ""]);
  assertStringIncludes(stderr, `Cannot read file "${file}"`);
});
