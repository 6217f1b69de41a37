import type { Hook } from "../../ports/executor.ts";
import { LaunchError } from "../../domain/errors.ts";
import type { TmuxOptions } from "./options.ts";
import { exportsOf } from "./job_script.ts";
import { word } from "./quoting.ts";
import type { HostReply, TmuxServer } from "./server.ts";
import type { Spool } from "./spool.ts";

/** How much longer than its limit the end of a hook may take to be told, milliseconds. */
const SLACK = 10_000;
/** How long a new window may take to begin when the runner ends, and the pause between two looks, milliseconds. */
const BEGIN_LIMIT = 2000;
const LOOK_EVERY = 10;

/** Runs commands beside the jobs, each in a window of the runner's own session: a lane never waits for one. */
export class Hooks {
  readonly #options: TmuxOptions;
  readonly #server: TmuxServer;
  readonly #spool: Spool;
  readonly #base: Readonly<Record<string, string>>;
  readonly #waiting = new Map<string, (code: number | null) => void>();
  readonly #opening = new Set<Promise<void>>();
  #shell = "sh";
  /** Commands that give a hook what the runner was given. */
  #inherit: readonly string[] = [];

  constructor(
    options: TmuxOptions,
    parts: { server: TmuxServer; spool: Spool; base: Readonly<Record<string, string>> },
  ) {
    this.#options = options;
    this.#server = parts.server;
    this.#spool = parts.spool;
    this.#base = parts.base;
  }

  /** Removes what an earlier process wrote and no window has taken. */
  async begin({ shell, inherit }: Pick<HostReply, "shell" | "inherit">): Promise<void> {
    this.#shell = shell;
    this.#inherit = inherit;
    await this.#options.files.remove(this.#spool.hooks);
    await this.#options.files.makeFolder(this.#spool.hooks);
  }

  /** Runs one; answers its exit code, `null` when that is not known. */
  async run(hook: Hook): Promise<number | null> {
    const { files, clock } = this.#options;
    const script = this.#spool.hook(hook.name);
    const ended = Promise.withResolvers<number | null>();
    const late = new AbortController();
    this.#waiting.set(hook.name, ended.resolve);
    try {
      const opening = files.write(script, this.#script(hook)).then(() => this.#open(hook));
      this.#opening.add(opening);
      await opening.finally(() => this.#opening.delete(opening));
      clock.sleep(hook.limitMs + SLACK, late.signal).then(() => ended.resolve(null));
      return await ended.promise;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new LaunchError(`Cannot run hook: ${why}`, { cause: error });
    } finally {
      late.abort();
      this.#waiting.delete(hook.name);
      await files.remove(script); // no window has taken it
    }
  }

  /** Values stand in the script only: a command line can be read by everybody. */
  #script({ command, env }: Hook): string {
    const all = Object.entries({ ...this.#base, ...env }).map(([name, value]) => [name, value.replaceAll("\0", "")]);
    const lines = [
      "exec 3<&-",
      ...this.#inherit,
      ...exportsOf(Object.fromEntries(all)),
      `cd -- ${word(this.#options.cwd)} || exit 126`,
      command,
    ];
    return `${lines.join("\n")}\n`;
  }

  async #open({ name: run, limitMs }: Hook): Promise<void> {
    const { holder } = this.#server;
    const seconds = String(Math.ceil(limitMs / 1000));
    const program = ["sh", this.#spool.hookProgram, this.#spool.dir, run, this.#shell, seconds];
    const name = `on-end-${run.replaceAll(".", "-")}`;
    await this.#server.run(
      ["new-window", "-d", "-t", `=${holder}:`, "-n", name, ...program],
      // the user's own server may keep windows whose program has ended
      ["set-option", "-p", "-t", `=${holder}:=${name}`, "remain-on-exit", "off"],
    );
  }

  /** The end of one, as its window told it. */
  ended(run: string, code: number): void {
    this.#waiting.get(run)?.(code);
  }

  /** Waits until the window of a hook has taken its script: without it there would be no hook. */
  async #begun(run: string, until: number): Promise<void> {
    const { files, clock } = this.#options;
    while (clock.now() < until && await files.stat(this.#spool.hook(run)) !== null) {
      await clock.sleep(LOOK_EVERY);
    }
  }

  /** Lets go; what runs goes on, to its time limit at the longest. */
  async close(): Promise<void> {
    const until = this.#options.clock.now() + BEGIN_LIMIT;
    await Promise.allSettled(this.#opening);
    await Promise.all([...this.#waiting.keys()].map((run) => this.#begun(run, until)));
    for (const resolve of this.#waiting.values()) resolve(null);
  }
}
