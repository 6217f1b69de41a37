import { InvalidInputError } from "../domain/errors.ts";
import { EXIT } from "../domain/exit_codes.ts";
import type { Environment } from "../ports/environment.ts";
import type { ClientStore } from "../ports/schedules.ts";
import type { Terminal } from "../ports/terminal.ts";
import { type CommandLine, findCommand, hasFlag, parseCommandLine } from "./input/args.ts";
import { type Command, rowsOf } from "./command.ts";
import { allCommands, COMMANDS, loadCommand } from "./commands.ts";
import type { Compose } from "../compose/contract.ts";
import type { Context } from "./context.ts";
import { guardTerminal } from "./guard_terminal.ts";
import type { OptionRows } from "../settings/option_row.ts";
import { GLOBAL_ROWS, SETTING_ROWS } from "../settings/options.ts";
import { resolveSettings } from "../settings/settings.ts";
import { suggest } from "../settings/suggest.ts";

async function chooseCommand(name: string): Promise<Command> {
  const command = await loadCommand(name);
  if (command) return command;
  const near = suggest(name, Object.keys(COMMANDS));
  throw new InvalidInputError(
    `Cannot run command ${JSON.stringify(name)}: there is no such command${near ? `, perhaps you mean ${near}` : ""}`,
  );
}

/** Returns the positional arguments; after "--" all arguments are positional. */
function argumentsOf(command: Command, { positionals: before, rest }: CommandLine): readonly string[] {
  const { min, max, what } = command.positionals;
  const positionals = command.acceptsRest ? before : [...before, ...rest ?? []];
  if (positionals.length > max) {
    throw new InvalidInputError(
      `Cannot use ${JSON.stringify(positionals[max])}: runner ${command.name} takes ${
        max === 0 ? "no arguments" : what
      }`,
    );
  }
  if (positionals.length < min) {
    throw new InvalidInputError(`Cannot run runner ${command.name}: it needs ${what}`);
  }
  return positionals;
}

/** Applies the conventions of no-color.org and bixense.com/clicolors; the flag overrides them. */
function wantsColor(terminal: Terminal, environment: Environment, when: "auto" | "always" | "never"): boolean {
  if (when !== "auto") return when === "always";
  if (environment.get("NO_COLOR")) return false;
  if ((environment.get("CLICOLOR_FORCE") ?? "0") !== "0") return true;
  return terminal.isTerminal.output && environment.get("TERM") !== "dumb";
}

/** Connects at the first call; `close` closes what was opened. */
function storeOpener(compose: Compose, settings: Context["settings"]) {
  let opened: Promise<ClientStore> | null = null;
  return {
    open: () =>
      opened ??= compose.openStore({
        redisUrl: settings.redisUrl,
        namespace: settings.namespace,
        redisTimeoutSeconds: settings.redisTimeout,
      }),
    close: async () => {
      const store = await opened?.catch(() => null);
      store?.close();
    },
  };
}

/** An empty environment, for commands that need none. */
const NOTHING: Environment = {
  get: () => undefined,
  readFile: () => Promise.resolve(null),
  openFile: () => Promise.resolve(null),
};

async function runCommand(command: Command, args: readonly string[], compose: Compose): Promise<number> {
  const terminal = guardTerminal(compose.terminal);
  const rows: typeof GLOBAL_ROWS & OptionRows = { ...GLOBAL_ROWS, ...rowsOf(command) };
  const line = parseCommandLine(args, rows);
  const positionals = argumentsOf(command, line);
  const environment = command.bare ? NOTHING : compose.environment;
  const file = command.bare ? null : await readFile(environment);
  const { values, origins } = resolveSettings(rows, { typed: line.typed, environment, file });
  const store = storeOpener(compose, values);
  try {
    return await command.run({
      compose,
      terminal,
      settings: values,
      origins,
      positionals,
      rest: line.rest,
      color: wantsColor(terminal, environment, values.color),
      store: store.open,
    });
  } finally {
    await store.close();
  }
}

async function readFile(environment: Environment) {
  const { readConfigFile } = await import("../settings/config_file.ts");
  return await readConfigFile(environment, SETTING_ROWS);
}

async function dispatch(name: string | null, args: readonly string[], compose: Compose): Promise<number> {
  const full = hasFlag(args, "--help");
  if (name === null) {
    if (hasFlag(args, "--version")) return await runCommand(await chooseCommand("version"), [], compose);
    parseCommandLine(args, GLOBAL_ROWS);
    const { programHelp } = await import("./view/help.ts");
    await compose.terminal.write(programHelp(await allCommands()));
    return EXIT.ok;
  }
  const command = await chooseCommand(name);
  if (full || hasFlag(args, "-h")) {
    const { commandHelp } = await import("./view/help.ts");
    await compose.terminal.write(commandHelp(command, full));
    return EXIT.ok;
  }
  return await runCommand(command, args, compose);
}

/**
 * Finds and runs a command, and turns every error into one sentence and an exit code. It loads only what the command
 * needs, because the program is started for each job.
 *
 * @param args The arguments after the name of the program.
 * @param compose Everything outside the program.
 * @returns The exit code; nothing is thrown.
 */
export async function main(args: readonly string[], compose: Compose): Promise<number> {
  const { name, args: rest } = findCommand(args, GLOBAL_ROWS);
  try {
    return await dispatch(name, rest, compose);
  } catch (error) {
    const command = name !== null && Object.hasOwn(COMMANDS, name) ? name : null;
    const { reportError } = await import("./report_error.ts");
    return await reportError(error, guardTerminal(compose.terminal), { json: hasFlag(rest, "--json"), command });
  }
}
