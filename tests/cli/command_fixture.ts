import { main } from "../../src/cli/main.ts";
import type {
  Compose,
  HostInspection,
  OpenedRunner,
  RunnerOptions,
  StoreSettings,
} from "../../src/compose/contract.ts";
import type { Finding } from "../../src/ports/finding.ts";
import { attachLine } from "../../src/executors/registry.ts";
import { InvalidInputError } from "../../src/domain/errors.ts";
import type { AttemptOutput } from "../../src/ports/host_output.ts";
import type { Viewer, ViewOptions } from "../../src/ports/viewer.ts";
import { systemCalendar } from "../../src/system/calendar.ts";
import { systemClock } from "../../src/system/clock.ts";
import { newId } from "../../src/system/new_id.ts";
import { FakeStore } from "./fake_store.ts";

/** How a fixture differs from an empty one without a terminal. */
export interface CommandOptions {
  readonly env?: Record<string, string>;
  readonly files?: Record<string, string | Uint8Array>;
  readonly input?: string | Uint8Array;
  /** Columns of a terminal on all three streams. */
  readonly columns?: number;
  /** Kind of system; `linux` when left out. */
  readonly os?: string;
  /** The program is not compiled. */
  readonly fromSource?: boolean;
  /** Not root. */
  readonly plainUser?: boolean;
  /** No file of a service can be written. */
  readonly readOnly?: boolean;
  /** Lines of that terminal; 24 when left out. */
  readonly rows?: number;
  /** Writes to standard output that succeed before its reader goes away. */
  readonly writesUntilClosed?: number;
}

/** The fixture of one run of the program: what it reads, and what it wrote. */
export class CommandFixture implements Compose {
  readonly redis = new FakeStore();
  readonly opened: StoreSettings[] = [];
  stdout = "";
  stderr = "";
  openError: Error | null = null;
  runner: OpenedRunner | null = null;
  findings: Finding[] = [];
  host: HostInspection = {
    executors: [{ severity: "ok", subject: "tmux", says: "tmux 3.3a" }],
    spool: { path: "", is: "folder", unsafe: null, mode: 0o700, writable: true, full: false },
    missingRights: [],
  };
  /** What a runner of this host keeps. */
  hostOutput: AttemptOutput | null = null;
  readonly clock = systemClock;
  readonly newId = newId;
  readonly openCalendar = () => Promise.resolve(systemCalendar);
  readonly #options: CommandOptions;
  #writes = 0;
  #resized: (() => void) | null = null;
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  /** Columns of the terminal since its last change. */
  columns: number | null = null;
  #handler: ((signal: "SIGINT" | "SIGTERM" | "SIGHUP") => void) | null = null;

  constructor(options: CommandOptions = {}) {
    this.#options = options;
  }

  readonly environment = {
    get: (name: string) => this.#options.env?.[name],
    readFile: (path: string) => {
      const content = this.#options.files?.[path];
      return Promise.resolve(
        content === undefined ? null : typeof content === "string" ? new TextEncoder().encode(content) : content,
      );
    },
    openFile: async (path: string) => {
      const bytes = await this.environment.readFile(path);
      return bytes && (async function* () {
        yield bytes;
      })();
    },
  };

  get terminal() {
    const options = this.#options;
    const is = options.columns !== undefined;
    const decoder = new TextDecoder();
    return {
      isTerminal: { input: is, output: is, errors: is },
      columns: () => this.columns ?? options.columns ?? null,
      rows: () => options.rows ?? (is ? 24 : null),
      onResize: (handler: () => void) => {
        this.#resized = handler;
        return () => this.#resized = null;
      },
      write: (data: string | Uint8Array) => {
        if (this.#writes++ >= (options.writesUntilClosed ?? Infinity)) {
          return Promise.reject(new Deno.errors.BrokenPipe("the reader has closed its end"));
        }
        this.stdout += typeof data === "string" ? data : this.#decoder.decode(data, { stream: true });
        return Promise.resolve();
      },
      say: (data: string | Uint8Array) => {
        this.stderr += typeof data === "string" ? data : decoder.decode(data);
        return Promise.resolve();
      },
      // in small pieces, as a pipe may give them
      input: async function* () {
        const all = typeof options.input === "string" ? new TextEncoder().encode(options.input) : options.input;
        for (let at = 0; at < (all?.length ?? 0); at += 7) yield all!.slice(at, at + 7);
      },
    };
  }

  onSignals(handler: (signal: "SIGINT" | "SIGTERM" | "SIGHUP") => void) {
    this.#handler = handler;
    return () => {
      this.#handler = null;
    };
  }

  /** Sends a signal; returns whether the program listened. */
  signal(name: "SIGINT" | "SIGTERM" | "SIGHUP"): boolean {
    this.#handler?.(name);
    return this.#handler !== null;
  }

  /** Gives the terminal another width; returns whether the program listened. */
  resize(columns: number): boolean {
    this.columns = columns;
    this.#resized?.();
    return this.#resized !== null;
  }

  openStore(settings: StoreSettings) {
    this.opened.push(settings);
    return this.openError ? Promise.reject(this.openError) : Promise.resolve(this.redis);
  }

  openRunner(_settings: RunnerOptions) {
    return this.runner ? Promise.resolve(this.runner) : Promise.reject(new Error("there is no runner in this fixture"));
  }

  checkExecutor(target: string) {
    const [kind, session] = target.split(".");
    if (kind !== "tmux" || !session) throw new InvalidInputError(`Cannot use executor ${JSON.stringify(target)}`);
    const serialKey = target.split(".").length > 2 ? target : null;
    return { serialKey, session };
  }

  readonly attachLine = attachLine;

  checkRedis() {
    return this.openError ? Promise.reject(this.openError) : Promise.resolve(this.findings);
  }

  /** Terminals of this host by id and token, and what was shown. */
  readonly places = new Map<string, string>();
  readonly viewed: [place: string, options: ViewOptions][] = [];

  hostName() {
    return Promise.resolve("alpha");
  }

  openHostOutput() {
    return Promise.resolve({ open: () => Promise.resolve(this.hostOutput) });
  }

  openViewer(): Promise<Viewer> {
    return Promise.resolve({
      find: ({ id, token }) => Promise.resolve(this.places.get(`${id} ${token}`) ?? null),
      leaveKeys: () => Promise.resolve("Ctrl-b d"),
      view: (_attach, place, options) => {
        this.viewed.push([place, options]);
        return Promise.resolve();
      },
      command: (_attach, place, { host }) => `ssh ${host} see ${place}`,
    });
  }

  inspectHost(spool = "/var/tmp/runner-0") {
    return Promise.resolve({ ...this.host, spool: { ...this.host.spool, path: spool } });
  }

  maskUrl(url: string) {
    return url.replace(/:[^:@/]*@/, ":***@");
  }

  /** Content of the files of services, by path. */
  readonly services = new Map<string, string>();

  serviceHost() {
    return Promise.resolve({
      os: this.#options.os ?? "linux",
      program: this.#options.fromSource ? null : "/usr/local/bin/runner",
      isRoot: !this.#options.plainUser,
      files: {
        readText: (path: string) => Promise.resolve(this.services.get(path) ?? null),
        makeFolder: () => Promise.resolve(),
        write: (path: string, text: string) => {
          if (this.#options.readOnly) return Promise.reject(new Error("Permission denied (os error 13)"));
          this.services.set(path, text);
          return Promise.resolve();
        },
        remove: (path: string) => Promise.resolve(this.services.delete(path)),
      },
    });
  }

  /** Runs the program with these arguments to its end. */
  run(...args: string[]): Promise<number> {
    return main(args, this);
  }
}
