import { launchdList, type ServiceFile, type ServicePlan, systemdUnit } from "../../client/service_unit.ts";
import { InvalidInputError, SetupError } from "../../domain/errors.ts";
import { EXIT } from "../../domain/exit_codes.ts";
import { messageOf } from "../../domain/message_of.ts";
import type { Command } from "../command.ts";
import type { ServiceHost } from "../../compose/contract.ts";
import type { Context } from "../context.ts";
import { flagOf, type OptionRow, type OptionRows, type OptionValue } from "../../settings/option_row.ts";
import { GLOBAL_ROWS, RUN_ROWS } from "../../settings/options.ts";
import { printable, toJson } from "../view/text.ts";

const { burst: _, ...LASTING_ROWS } = RUN_ROWS;

/** Its own options, and those of `run` for the runner that it keeps alive. */
const SERVICE_ROWS = {
  scope: {
    type: "choice",
    choices: ["system", "user"],
    value: "WHOSE",
    defaultText: "system for root, else user",
    help: "Install a service of the host, or of one user",
  },
  runAs: { type: "string", value: "USER", help: "User of a service of the host, and of its jobs; required for one" },
  program: { type: "string", value: "FILE", defaultText: "this one", help: "Program that the service starts" },
  print: { type: "flag", help: "Only print the file that install would write" },
  ...LASTING_ROWS,
} as const satisfies OptionRows;

type ServiceContext = Context<typeof SERVICE_ROWS>;

/** The folders of system programs; a fixed path, so that no user's own tmux gets into a service of the host. */
const SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const DARWIN_PATH = `/opt/homebrew/bin:${SYSTEM_PATH}`;

/** World-readable, as supervisors require. */
const MODE = 0o644;

/** Global options that mean nothing to an unattended runner, and the name, which is always written. */
const LEFT_OUT = ["name", "help", "color"];

function holdsPassword({ compose, settings }: ServiceContext): boolean {
  return compose.maskUrl(settings.redisUrl) !== settings.redisUrl;
}

function words(flag: string, row: OptionRow, value: OptionValue): string[] {
  if (row.type === "flag") return value ? [flag] : [];
  const text = row.type === "duration" ? `${value}s` : String(value);
  return text.startsWith("-") ? [`${flag}=${text}`] : [flag, text];
}

function scopeOf({ settings }: ServiceContext, host: ServiceHost): ServicePlan["scope"] {
  return settings.scope ?? (host.isRoot ? "system" : "user");
}

/**
 * Returns the configuration file that was read; `undefined` when there is none, or a service of the user finds it by
 * itself.
 */
function configOf(
  { origins, compose: { environment } }: ServiceContext,
  scope: ServicePlan["scope"],
): string | undefined {
  if (scope === "user" && !environment.get("RUNNER_CONFIG")) return undefined;
  return Object.values(origins).find((origin) => origin.startsWith("file "))?.slice("file ".length);
}

/** Refuses relative paths: a supervisor starts programs in a folder of its own choice. */
function checkPaths(paths: readonly (string | undefined)[]): void {
  for (const path of paths) {
    if (path?.includes("/") && !path.startsWith("/")) {
      throw new InvalidInputError(`Cannot use ${JSON.stringify(path)} in a service: it needs an absolute path`);
    }
  }
}

/**
 * Returns the options from the command line and the environment; the runner reads those of the configuration file
 * itself.
 */
function runArguments(context: ServiceContext): string[] {
  const { settings, origins } = context;
  const rows = Object.entries({ ...GLOBAL_ROWS, ...RUN_ROWS } as Readonly<Record<string, OptionRow>>);
  const given = rows.filter(([key]) => !LEFT_OUT.includes(key) && /^(flag|environment) /.test(origins[key] ?? ""))
    .filter(([key]) => key !== "redisUrl" || !holdsPassword(context));
  const values = settings as Readonly<Record<string, OptionValue>>;
  return ["run", "--name", settings.name, ...given.flatMap(([key, row]) => words(flagOf(key), row, values[key]))];
}

function programOf({ settings }: ServiceContext, host: ServiceHost): string {
  const program = settings.program ?? host.program;
  if (program === null) {
    throw new InvalidInputError(
      "Cannot make a service of a program that runs from source: name one with --program FILE",
    );
  }
  if (!program.startsWith("/")) {
    throw new InvalidInputError(`Cannot use program ${JSON.stringify(program)}: a service needs an absolute path`);
  }
  return program;
}

function homeFolders({ compose: { environment } }: ServiceContext, scope: ServicePlan["scope"]) {
  const home = environment.get("HOME") ?? "";
  const config = environment.get("XDG_CONFIG_HOME") || (home && `${home}/.config`);
  if (scope === "user" && config === "") {
    throw new InvalidInputError("Cannot find the folder of the user's services: HOME is not set");
  }
  return { home, config };
}

function fileFor(context: ServiceContext, host: ServiceHost, command: readonly string[]): ServiceFile {
  const { settings, compose } = context;
  const scope = scopeOf(context, host);
  if (settings.runAs !== undefined && scope === "user") {
    throw new InvalidInputError("Cannot use --run-as with a service of a user: it runs as that user");
  }
  const plan: ServicePlan = {
    name: settings.name,
    scope,
    command,
    path: (scope === "user" && compose.environment.get("PATH")) || (host.os === "darwin" ? DARWIN_PATH : SYSTEM_PATH),
    user: settings.runAs,
    config: configOf(context, scope),
  };
  checkPaths([settings.spool, settings.shell, plan.config]);
  const { home, config } = homeFolders(context, scope);
  if (host.os === "linux") return systemdUnit(plan, config);
  if (host.os === "darwin") return launchdList(plan, home);
  throw new SetupError(
    `Cannot make a service on ${host.os}: only systemd and launchd are supported; start runner run another way`,
  );
}

async function change(file: ServiceFile, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const why = messageOf(error);
    throw new SetupError(
      `Cannot change ${
        JSON.stringify(file.path)
      }: ${why}; do it as root, or use --scope user for a service of your own`,
      { cause: error },
    );
  }
}

function commands(lines: readonly string[]): string {
  return lines.map((line) => `  ${line}\n`).join("");
}

async function install(context: ServiceContext, host: ServiceHost): Promise<number> {
  const { terminal, settings } = context;
  if (settings.runAs === undefined && scopeOf(context, host) === "system") {
    throw new InvalidInputError(
      "Cannot make a service of the host without a user: its jobs would run as root; " +
        "name one with --run-as USER, or root itself",
    );
  }
  const { files } = host;
  const file = fileFor(context, host, [programOf(context, host), ...runArguments(context)]);
  if (settings.print) {
    await terminal.write(file.content);
    await terminal.say(`runner: ${printable(file.path)} would have this content\n`);
    return EXIT.ok;
  }
  const old = await files.readText(file.path);
  if (old !== file.content) {
    await change(file, async () => {
      await files.makeFolder(file.path.slice(0, file.path.lastIndexOf("/")));
      await files.write(file.path, file.content, MODE);
    });
  }
  await terminal.write(`${file.path}\n`);
  const done = old === file.content ? "was there already" : old === null ? "is written" : "is written anew";
  await terminal.say(`runner: the service ${done}; these start it, and running jobs go on:\n${commands(file.start)}`);
  if (holdsPassword(context)) {
    await terminal.say(
      `runner: the address of Redis holds a password and everybody can read this file: ` +
        `put it into ${file.secrets}, mode 0600\n`,
    );
  }
  return EXIT.ok;
}

async function uninstall(context: ServiceContext, host: ServiceHost): Promise<number> {
  const file = fileFor(context, host, []);
  let removed = false;
  await change(file, async () => {
    for (const link of file.links) await host.files.remove(link);
    removed = await host.files.remove(file.path);
  });
  await context.terminal.say(
    removed
      ? `runner: ${printable(file.path)} is removed; this stops it, and running jobs go on:\n${commands(file.stop)}`
      : `runner: there is no ${printable(file.path)}; nothing was changed\n`,
  );
  return EXIT.ok;
}

async function status(context: ServiceContext, host: ServiceHost): Promise<number> {
  const { terminal, settings } = context;
  const file = fileFor(context, host, []);
  const installed = await host.files.readText(file.path) !== null;
  const text = `${file.path}  ${installed ? "installed" : "not installed"}\n`;
  await terminal.write(settings.json ? `${toJson({ path: file.path, installed })}\n` : text);
  if (installed && !settings.json) await terminal.say(`runner: for its state: ${file.show}\n`);
  return installed ? EXIT.ok : EXIT.failed;
}

const ACTIONS = { install, uninstall, status };

/** `runner service`. */
export const service: Command<typeof SERVICE_ROWS> = {
  name: "service",
  summary: "Keep a runner alive with systemd or launchd",
  usage: ["install [OPTIONS]", "uninstall [OPTIONS]", "status [OPTIONS]"],
  description: [
    "Writes or removes the file that makes the supervisor start `runner run` with these options, and prints the " +
    "commands that put it into effect: the program itself starts only tmux. A restart of the service does not affect " +
    "the jobs: only the runner is stopped, and the next one takes over its jobs.",
    "Options from the command line and the environment are written into the service. A Redis address with a password " +
    "is not written, because every user of the host can read the file.",
  ],
  examples: [
    { command: "runner service install --print --name build --run-as builder", does: "print the unit" },
    {
      command: "runner service install --name build --run-as builder",
      does: "as root: install a runner of the whole host",
    },
    { command: "runner service uninstall --name build", does: "remove it; running jobs go on" },
  ],
  rows: SERVICE_ROWS,
  needs: [
    { of: ["service install --print"], env: ["PATH"], sys: ["uid"] },
    { of: ["service status"], env: ["PATH"], read: "its file", sys: ["uid"] },
    { of: ["service install"], env: ["PATH"], read: "its file", write: "the folder of its file", sys: ["uid"] },
    { of: ["service uninstall"], env: ["PATH"], write: "the folder of its file", sys: ["uid"] },
  ],
  positionals: { min: 1, max: 1, what: "one of install, uninstall and status" },
  async run(context) {
    const [action] = context.positionals;
    if (!Object.hasOwn(ACTIONS, action)) {
      throw new InvalidInputError(
        `Cannot do ${JSON.stringify(action)} with a service: there are install, uninstall and status`,
      );
    }
    return await ACTIONS[action as keyof typeof ACTIONS](context, await context.compose.serviceHost());
  },
};
