/**
 * The kinds of executors. A new kind is a folder beside this file and a row here; nothing outside its folder depends on
 * its name.
 *
 * @module
 */
import { InvalidInputError } from "../domain/errors.ts";
import type { OpenedExecutor, Place, TerminalAccess } from "../ports/executor.ts";
import type { Check, HostPrograms } from "../ports/finding.ts";
import type { HostOutput } from "../ports/host_output.ts";
import type { Viewer } from "../ports/viewer.ts";
import { attachCommand } from "./tmux/people/attach.ts";
import type { HostOutputOptions } from "./tmux/output/host_output.ts";
import type { TmuxOptions } from "./tmux/options.ts";
import { placeOf as tmuxPlace } from "./tmux/target.ts";
import type { ViewerOptions } from "./tmux/people/viewer.ts";

/** Dependencies of all executors; each uses the ones that it needs. */
export type ExecutorSetup = TmuxOptions;

interface Kind {
  /** Parses a target of this kind. */
  readonly place: (target: string) => Place;
  /**
   * Returns the command that attaches to a session of a runner, from the runner's own record; `null` when there is
   * none.
   */
  readonly attach: (access: TerminalAccess | null, session: string) => string | null;
  /** The program that the process itself starts. */
  readonly starts: string;
  /** Returns whether a host is fit for it. */
  readonly examine: (programs: HostPrograms) => Promise<readonly Check[]>;
  /** Opens the executor. Its code is loaded on demand: clients only parse targets. */
  readonly open: (setup: ExecutorSetup, signal?: AbortSignal) => Promise<OpenedExecutor>;
}

const KINDS: Readonly<Record<string, Kind>> = {
  tmux: {
    place: tmuxPlace,
    attach: attachCommand,
    starts: "tmux",
    examine: async (programs) => (await import("./tmux/server/examine.ts")).examine(programs),
    open: async (setup, signal) => (await import("./tmux/open_tmux.ts")).openTmux(setup, signal),
  },
};

/**
 * Parses a target such as `tmux.main.build`.
 *
 * @throws {InvalidInputError} No executor accepts it; the message gives the reason.
 */
export function checkTarget(target: string): Place {
  const name = target.split(".", 1)[0];
  if (!Object.hasOwn(KINDS, name)) {
    throw new InvalidInputError(
      `Cannot use executor ${JSON.stringify(target)}: kinds are ${
        Object.keys(KINDS).join(", ")
      }; write for example tmux.main`,
    );
  }
  return KINDS[name].place(target);
}

/**
 * Returns the command with which a person attaches to the terminals of a target.
 *
 * @param said What the runner of the target wrote into Redis.
 * @returns `null` when no runner writes such text, or no executor accepts the target.
 */
export function attachLine(access: TerminalAccess | null, target: string): string | null {
  try {
    const { session } = checkTarget(target);
    return KINDS[target.split(".", 1)[0]].attach(access, session);
  } catch (error) {
    if (error instanceof InvalidInputError) return null;
    throw error;
  }
}

/** Returns whether a host is fit for each kind. */
export async function examineKinds(programs: HostPrograms): Promise<readonly Check[]> {
  return (await Promise.all(Object.values(KINDS).map((kind) => kind.examine(programs)))).flat();
}

/** Returns the programs that the process itself starts for its kinds. */
export function startedPrograms(): readonly string[] {
  return Object.values(KINDS).map(({ starts }) => starts);
}

/** Creates the viewer for terminals of executors. */
export async function makeViewer(options: ViewerOptions): Promise<Viewer> {
  return new (await import("./tmux/people/viewer.ts")).TmuxViewer(options);
}

/** Creates the reader of outputs that executors keep on this host. */
export async function makeHostOutput(options: HostOutputOptions): Promise<HostOutput> {
  return new (await import("./tmux/output/host_output.ts")).TmuxHostOutput(options);
}

/**
 * Opens one executor of each kind. When one fails, those before it are closed.
 *
 * @throws {SetupError} This host cannot run a kind. Rejects with the reason of `signal` when that aborts.
 */
export async function openExecutors(setup: ExecutorSetup, signal?: AbortSignal): Promise<readonly OpenedExecutor[]> {
  const opened: OpenedExecutor[] = [];
  try {
    for (const kind of Object.values(KINDS)) opened.push(await kind.open(setup, signal));
    return opened;
  } catch (error) {
    await Promise.all(opened.map(({ executor }) => executor.close()));
    throw error;
  }
}
