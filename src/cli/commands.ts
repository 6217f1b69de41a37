import type { Command } from "./command.ts";

/** All commands in the order of the help. Each is loaded on use, so that the others cost no time. */
export const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  run: () => import("./commands/run.ts").then(({ run }) => run),
  submit: () => import("./commands/submit.ts").then(({ submit }) => submit),
  status: () => import("./commands/status.ts").then(({ status }) => status),
  logs: () => import("./commands/logs.ts").then(({ logs }) => logs),
  attach: () => import("./commands/attach.ts").then(({ attach }) => attach),
  send: () => import("./commands/send.ts").then(({ send }) => send),
  screen: () => import("./commands/screen.ts").then(({ screen }) => screen),
  wait: () => import("./commands/wait.ts").then(({ wait }) => wait),
  cancel: () => import("./commands/cancel.ts").then(({ cancel }) => cancel),
  retry: () => import("./commands/retry.ts").then(({ retry }) => retry),
  pause: () => import("./commands/pause.ts").then(({ pause }) => pause),
  resume: () => import("./commands/resume.ts").then(({ resume }) => resume),
  purge: () => import("./commands/purge.ts").then(({ purge }) => purge),
  events: () => import("./commands/events.ts").then(({ events }) => events),
  stats: () => import("./commands/stats.ts").then(({ stats }) => stats),
  schedule: () => import("./commands/schedule.ts").then(({ schedule }) => schedule),
  limit: () => import("./commands/limit.ts").then(({ limit }) => limit),
  doctor: () => import("./commands/doctor.ts").then(({ doctor }) => doctor),
  completions: () => import("./commands/completions.ts").then(({ completions }) => completions),
  service: () => import("./commands/service.ts").then(({ service }) => service),
  config: () => import("./commands/config.ts").then(({ config }) => config),
  version: () => import("./commands/version.ts").then(({ version }) => version),
  help: () => import("./commands/help.ts").then(({ help }) => help),
};

/** Commands for programs, hidden from the help. */
const UNLISTED: typeof COMMANDS = {
  complete: () => import("./commands/complete.ts").then(({ complete }) => complete),
};

/** Loads all listed commands. */
export async function allCommands(): Promise<Command[]> {
  return await Promise.all(Object.values(COMMANDS).map((load) => load()));
}

/**
 * Loads a command.
 *
 * @returns `null` when there is none with this name.
 */
export async function loadCommand(name: string): Promise<Command | null> {
  for (const commands of [COMMANDS, UNLISTED]) if (Object.hasOwn(commands, name)) return await commands[name]();
  return null;
}
