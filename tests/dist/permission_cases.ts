/** Every way to use the program that has its own needs, for tests/dist/permissions_test.ts. */
import { Barrier } from "../support/barrier.ts";
import { freePort } from "../support/redis_server.ts";
import type { RunnerFixture } from "../support/runner_fixture.ts";

/** A way to use a command. */
export interface Case {
  /** Its row in the table of needs. */
  readonly of: string;
  readonly args: readonly string[];
  /** What its words in the table stand for. */
  readonly read?: readonly string[];
  readonly write?: readonly string[];
  /** Changes to the environment; `null` removes a variable. */
  readonly env?: Readonly<Record<string, string | null>>;
  /** Its standard streams are a terminal. */
  readonly terminal?: true;
  /** Its exit code; 0 when left out. */
  readonly code?: number;
  /** Is called until it has ended, to bring that about. */
  readonly leave?: () => Promise<void>;
}

/** Every way to use the program that has its own needs. */
export async function allCases(fixture: RunnerFixture): Promise<Case[]> {
  const file = `${fixture.dir}/file`;
  await Deno.writeTextFile(file, "NAME=value\n");
  const jobs = `${fixture.dir}/jobs`;
  await Deno.writeTextFile(jobs, '{"payload":"true"}\n');
  const ended = await fixture.submit("--id", "ended", "true");
  await fixture.ended(ended);
  const waiting = await fixture.submit("--id", "waiting", "--in", "1h", "true");
  const running = await fixture.submit("--id", "running", new Barrier(fixture.dir).wait);
  await fixture.reaches(running, "started");
  const client = (...args: string[]): Case => ({ of: args[0], args });
  // what shows an output searches for it in the spool, where the runner keeps it or by default
  const shown = (of: string, ...args: string[]): Case[] => {
    const read = [`${fixture.dir}/spool`, `${fixture.dir}/state`];
    const state = { RUNNER_SPOOL: null, XDG_STATE_HOME: `${fixture.dir}/state` };
    return [{ of, args, read }, { of, args, read, env: state }];
  };
  return [
    { of: "version", args: ["version"] },
    { of: "--help", args: ["--version"] },
    { of: "--help", args: ["submit", "--help"] },
    { of: "help", args: ["help"] },
    { of: "help", args: ["help", "submit"] },
    { of: "completions", args: ["completions", "bash"] },
    { of: "config", args: ["config"] },
    { of: "submit --dry-run", args: ["submit", "--dry-run", "true"] },
    client("submit", "--wait", "true"),
    ...shown("submit --follow", "submit", "--follow", "true"),
    { of: "submit --env-file", args: ["submit", "--env-file", file, "true"], read: [file] },
    { of: "submit --script", args: ["submit", "--script", file], read: [file] },
    { of: "submit --from", args: ["submit", "--from", jobs], read: [jobs] },
    { of: "submit --each", args: ["submit", "--id", "grid", "--each", file, "true"], read: [file] },
    client("status", "grid"),
    client("cancel", "grid"),
    client("status"),
    { ...client("status"), terminal: true },
    client("status", ended),
    client("wait", ended),
    ...shown("logs", "logs", ended),
    client("events"),
    client("stats"),
    client("send", running, "x"),
    client("screen", running),
    { of: "attach", args: ["attach", running], terminal: true, leave: () => detach(fixture) },
    client("cancel", waiting),
    client("retry", ended),
    client("pause"),
    client("resume"),
    client("schedule", "add", "nightly", "@daily", "true"),
    { of: "schedule add --script", args: ["schedule", "add", "b", "@daily", "--script", file], read: [file] },
    { of: "schedule add --env-file", args: ["schedule", "add", "b", "@daily", "--env-file", file, "x"], read: [file] },
    client("schedule", "next", "nightly"),
    client("schedule", "list"),
    client("limit", "set", "gpu", "2"),
    client("limit", "list"),
    client("purge", "--yes", "--older-than", "1d"),
    ...hostCases(fixture),
  ];
}

/** Those that use the host. */
function hostCases(fixture: RunnerFixture): Case[] {
  const { dir } = fixture;
  const other = { RUNNER_NAME: `${fixture.name}b` };
  const run = (spool: string, env: Case["env"]): Case => ({
    of: "run",
    args: ["run", "--burst"],
    read: [dir, spool],
    write: [spool],
    env: { ...other, ...env },
  });
  const state = { RUNNER_SPOOL: null, XDG_STATE_HOME: `${dir}/state` };
  const own = {
    REDIS_URL: `127.0.0.1:${freePort()}`,
    RUNNER_SPOOL: `${dir}/spool-r`,
    XDG_STATE_HOME: `${dir}/state-r`,
  };
  const cases: Case[] = [
    run(`${dir}/spool-b`, { RUNNER_SPOOL: `${dir}/spool-b` }),
    run(`${dir}/state`, state),
    // the default folder is the user's own: not to be written
    { ...run(`${dir}/none`, { RUNNER_SPOOL: null, XDG_STATE_HOME: null }), code: 1 },
    {
      ...run(`${dir}/spool-r`, own),
      of: "run --embedded-redis",
      args: ["run", "--burst", "--embedded-redis"],
      write: [`${dir}/spool-r`, `${dir}/state-r`],
    },
    { of: "doctor", args: ["doctor"], read: [`${dir}/spool`], write: [`${dir}/spool`] },
    { of: "doctor", args: ["doctor"], read: [dir], write: [dir], env: state },
  ];
  // where launchd is, the folder would be the user's real one
  if (Deno.build.os !== "linux") return cases;
  const install = ["service", "install", "--scope", "user", "--program", "/bin/true"];
  const files = { read: [dir], write: [dir] };
  return [
    ...cases,
    { of: "service install --print", args: [...install, "--print"] },
    { of: "service install", args: install, ...files },
    { of: "service status", args: ["service", "status", "--scope", "user"], read: [dir] },
    { of: "service uninstall", args: ["service", "uninstall", "--scope", "user"], write: [dir] },
  ];
}

/** Detaches all people from the runner's terminals. */
async function detach(fixture: RunnerFixture): Promise<void> {
  const clients = await fixture.tmux("list-clients", "-F", "#{client_control_mode} #{client_name}");
  for (const [, client] of clients.matchAll(/^0 (.+)$/gm)) await fixture.tmux("detach-client", "-t", client);
}
