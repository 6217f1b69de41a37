import type { Hook } from "../../../ports/executor.ts";
import { LaunchError } from "../../../domain/errors.ts";
import { messageOf } from "../../../domain/message_of.ts";
import { inTime } from "../../../domain/in_time.ts";
import { poll } from "../../../domain/poll.ts";
import type { TmuxOptions } from "../options.ts";
import { exportsOf } from "../lanes/job_script.ts";
import { word } from "../quoting.ts";
import type { HostReply, TmuxServer } from "../server/server.ts";
import type { Spool } from "../spool.ts";

/** Time between the limit of a hook and the report of its end, at most, milliseconds. */
const SLACK = 10_000;
/** How long a new window may need to begin while the runner ends, and the pause between two checks, milliseconds. */
const BEGIN_LIMIT = 2000;
const CHECK_EVERY = 10;

/** The line that ends the input in a script; the input is one line of JSON, and so never this one. */
const INPUT_END = "END";

/** What a hook inherits: its shell, and the commands that apply the mask and the limits of this process. */
type HookHost = Pick<HostReply, "shell" | "inherit">;

/** Runs commands beside the jobs, each in a window of the runner's own session: a lane never waits for one. */
export class Hooks {
  readonly #options: TmuxOptions;
  readonly #server: TmuxServer;
  readonly #spool: Spool;
  readonly #base: Readonly<Record<string, string>>;
  readonly #waiting = new Map<string, (code: number | null) => void>();
  readonly #opening = new Set<Promise<void>>();
  readonly #host: HookHost;

  constructor(
    options: TmuxOptions,
    parts: { server: TmuxServer; spool: Spool; base: Readonly<Record<string, string>>; host: HookHost },
  ) {
    this.#options = options;
    this.#server = parts.server;
    this.#spool = parts.spool;
    this.#base = parts.base;
    this.#host = parts.host;
  }

  /** Removes scripts of an earlier process that no window has read. */
  async begin(): Promise<void> {
    await this.#options.files.remove(this.#spool.hooks);
    await this.#options.files.makeFolder(this.#spool.hooks);
  }

  /** Runs a hook; returns its exit code, `null` when that is unknown. */
  async run(hook: Hook): Promise<number | null> {
    const { files, clock } = this.#options;
    const script = this.#spool.hook(hook.name);
    const ended = Promise.withResolvers<number | null>();
    this.#waiting.set(hook.name, ended.resolve);
    try {
      const opening = files.write(script, this.#script(hook)).then(() => this.#open(hook));
      this.#opening.add(opening);
      await opening.finally(() => this.#opening.delete(opening));
      const isKnown = await inTime(ended.promise, { clock, ms: hook.limitMs + SLACK });
      return isKnown ? await ended.promise : null;
    } catch (error) {
      throw new LaunchError(`Cannot run hook: ${messageOf(error)}`, { cause: error });
    } finally {
      this.#waiting.delete(hook.name);
      await files.remove(script); // no window has read it
    }
  }

  /** Returns the script of a hook. Values are in the script only: all users can read a command line. */
  #script({ command, env, input }: Hook): string {
    const all = Object.entries({ ...this.#base, ...env }).map(([name, value]) => [name, value.replaceAll("\0", "")]);
    const lines = [
      "exec 3<&-",
      ...this.#host.inherit,
      ...exportsOf(Object.fromEntries(all)),
      `cd -- ${word(this.#options.cwd)} || exit 126`,
      ...input === undefined ? [] : [`exec <<'${INPUT_END}'\n${input}\n${INPUT_END}`],
      command,
    ];
    return `${lines.join("\n")}\n`;
  }

  async #open({ name: run, limitMs }: Hook): Promise<void> {
    const { holder } = this.#server;
    const seconds = String(Math.ceil(limitMs / 1000));
    const program = ["sh", this.#spool.scripts.hook, this.#spool.dir, run, this.#host.shell, seconds];
    const name = `hook-${run.replaceAll(".", "-")}`;
    await this.#server.run(
      ["new-window", "-d", "-t", `=${holder}:`, "-n", name, ...program],
      // the user's own server may keep windows whose program has ended
      ["set-option", "-p", "-t", `=${holder}:=${name}`, "remain-on-exit", "off"],
    );
  }

  /** Handles the end of a hook, as its window reports it. */
  ended(run: string, code: number): void {
    this.#waiting.get(run)?.(code);
  }

  /** Waits until the window of a hook has opened and removed its script: without the script there would be no hook. */
  async #begun(run: string, until: number): Promise<void> {
    const { files, clock } = this.#options;
    await poll(async () => await files.stat(this.#spool.hook(run)) === null, {
      clock,
      everyMs: CHECK_EVERY,
      limitMs: until - clock.now(),
    });
  }

  /** Stops waiting for hooks; they keep running, at most until their limit. */
  async close(): Promise<void> {
    const until = this.#options.clock.now() + BEGIN_LIMIT;
    await Promise.allSettled(this.#opening);
    await Promise.all([...this.#waiting.keys()].map((run) => this.#begun(run, until)));
    for (const resolve of this.#waiting.values()) resolve(null);
  }
}
