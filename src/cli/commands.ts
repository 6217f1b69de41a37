import type { Command } from "./command.ts";

/** Every command, in the order of the help; each is loaded when it is used, so that the others cost no time. */
export const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  run: () => import("./commands/run.ts").then(({ run }) => run),
  submit: () => import("./commands/submit.ts").then(({ submit }) => submit),
  status: () => import("./commands/status.ts").then(({ status }) => status),
  logs: () => import("./commands/logs.ts").then(({ logs }) => logs),
  wait: () => import("./commands/wait.ts").then(({ wait }) => wait),
  cancel: () => import("./commands/cancel.ts").then(({ cancel }) => cancel),
  config: () => import("./commands/config.ts").then(({ config }) => config),
  version: () => import("./commands/version.ts").then(({ version }) => version),
  help: () => import("./commands/help.ts").then(({ help }) => help),
};

/**
 * Loads a command.
 *
 * @returns `null` when there is none with this name.
 */
export async function loadCommand(name: string): Promise<Command | null> {
  return Object.hasOwn(COMMANDS, name) ? await COMMANDS[name]() : null;
}
