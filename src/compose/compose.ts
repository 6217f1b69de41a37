/**
 * Composes the program: only this folder connects the faces with the real Redis, terminals and files. What only some
 * commands need is loaded with them.
 *
 * @module
 */
import { attachLine, checkTarget } from "../executors/registry.ts";
import { maskUrl } from "../redis/url.ts";
import { systemClock } from "../system/clock.ts";
import { systemEnvironment } from "../system/environment.ts";
import { newId } from "../system/new_id.ts";
import { onSignals } from "../system/signals.ts";
import { systemTerminal } from "../system/terminal.ts";
import { checkRedis, openStore } from "./client.ts";
import type { Compose } from "./contract.ts";

/** The real outside of the program. */
export const compose: Compose = {
  terminal: systemTerminal,
  environment: systemEnvironment,
  clock: systemClock,
  openCalendar: async () => (await import("../system/calendar.ts")).systemCalendar,
  newId,
  onSignals,
  openStore,
  openRunner: async (settings) => await (await import("./runner.ts")).openRunner(settings),
  checkExecutor: checkTarget,
  attachLine,
  checkRedis,
  inspectHost: async (...where) => await (await import("./host.ts")).inspectHost(...where),
  serviceHost: async () => await (await import("../system/service_host.ts")).serviceHost(),
  openViewer: async () => await (await import("./host.ts")).openViewer(),
  openHostOutput: async (where) => await (await import("./host.ts")).openHostOutput(where),
  hostName: async () => (await import("../system/host.ts")).hostName(),
  maskUrl,
};
