/**
 * The kinds of executors. A new one is a folder beside this file and a row here; nothing outside its folder knows its
 * name.
 *
 * @module
 */
import { InvalidInputError } from "../domain/errors.ts";
import type { Executor, Place } from "../ports/executor.ts";
import type { HostOutput } from "../ports/host_output.ts";
import type { Viewer } from "../ports/viewer.ts";
import { attachCommand } from "./tmux/attach.ts";
import type { HostOutputOptions } from "./tmux/host_output.ts";
import type { TmuxOptions } from "./tmux/options.ts";
import { placeOf as tmuxPlace } from "./tmux/target.ts";
import type { ViewerOptions } from "./tmux/viewer.ts";

/** What executors are made of; each takes what it needs. */
export type ExecutorSetup = TmuxOptions;

interface Kind {
  /** Reads a target of this kind. */
  readonly place: (target: string) => Place;
  /** The command that attaches to a session of a runner, by what the runner says; `null`: there is none. */
  readonly attach: (said: string, session: string) => string | null;
  /** Loaded when there is something to run: clients only read targets. */
  readonly make: (setup: ExecutorSetup) => Promise<Executor>;
}

const KINDS: Readonly<Record<string, Kind>> = {
  tmux: {
    place: tmuxPlace,
    attach: attachCommand,
    make: async (setup) => new (await import("./tmux/executor.ts")).TmuxExecutor(setup),
  },
};

/**
 * Reads an executor string such as `tmux.main.build`.
 *
 * @throws {InvalidInputError} No executor would take it; the message says why.
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
 * The command with which a person sees the terminals of a target.
 *
 * @param said What its runner says, from Redis.
 * @returns `null` when the runner says nothing that a runner says, or nothing takes the target.
 */
export function attachLine(said: string, target: string): string | null {
  try {
    const { session } = checkTarget(target);
    return KINDS[target.split(".", 1)[0]].attach(said, session);
  } catch (error) {
    if (error instanceof InvalidInputError) return null;
    throw error;
  }
}

/** What is to be said of the program behind terminals, by what it says of its version; `null`: nothing. */
export async function weaknessOf(said: string): Promise<{ readonly says: string; readonly remedy: string } | null> {
  return (await import("./tmux/weaknesses.ts")).weaknessOf(said);
}

/** Programs besides tmux that executors call on this host. */
export async function neededPrograms(): Promise<readonly string[]> {
  return (await import("./tmux/weaknesses.ts")).PROGRAMS;
}

/** What shows terminals of executors. */
export async function makeViewer(options: ViewerOptions): Promise<Viewer> {
  return new (await import("./tmux/viewer.ts")).TmuxViewer(options);
}

/** Reads outputs that executors keep on this host. */
export async function makeHostOutput(options: HostOutputOptions): Promise<HostOutput> {
  return new (await import("./tmux/host_output.ts")).TmuxHostOutput(options);
}

/** One executor of each kind, by kind; not open yet. */
export async function makeExecutors(setup: ExecutorSetup): Promise<ReadonlyMap<string, Executor>> {
  const made = await Promise.all(Object.values(KINDS).map((kind) => kind.make(setup)));
  return new Map(made.map((executor) => [executor.kind, executor]));
}
