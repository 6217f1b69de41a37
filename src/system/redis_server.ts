import { InvalidInputError, SetupError } from "../domain/errors.ts";
import { isOlder, OLDEST_REDIS } from "../domain/versions.ts";
import { poll } from "../domain/poll.ts";
import type { Clock } from "../ports/clock.ts";
import type { ChildProcess, Process } from "../ports/process.ts";
import { programVersion } from "./process.ts";
import { newAccess, OWN_HOST, readAccess, removeAccess, writeAccess } from "./redis_access.ts";

/** Longest wait until a server replies or ends, milliseconds. */
const LIMIT = 15_000;

/** Address at which the server is to listen. */
export interface Address {
  readonly hostname: string;
  readonly port: number;
  readonly password?: string;
  readonly username?: string;
  /** True when TLS is requested. */
  readonly tls?: boolean;
}

/** Requests that the program can send to a server. */
export interface ServerTalk {
  /**
   * Returns the path of its configuration file, `""` when it does not prove its identity, and `null` when no server
   * replies.
   */
  configFile(): Promise<string | null>;
  /** Shuts the server down. */
  shutDown(): Promise<void>;
}

/** Dependencies of a runner's own Redis. */
export interface Outside {
  readonly process: Pick<Process, "spawn">;
  readonly clock: Clock;
  readonly talk: ServerTalk;
  /** The environment variable PATH for the server. */
  readonly path: string;
  /** Access that `talk` uses, which this class sets first. `file` is where other programs of the user find it. */
  readonly own: { known: ReturnType<typeof newAccess> | null; readonly file: string };
}

/**
 * A runner's own redis-server: on the loopback, with an append-only file in its own folder. Each start creates a new
 * password: a program that listened at its address while it was down may have received the old one.
 */
export class OwnRedis {
  readonly #dir: string;
  readonly #address: Address;
  readonly #outside: Outside;
  #child: ChildProcess | null = null;
  #starting: Promise<void> | null = null;
  #stopping = false;
  #ours = false;

  /** @param dir Folder for its data. */
  constructor(dir: string, address: Address, outside: Outside) {
    this.#dir = dir;
    this.#address = address;
    this.#outside = outside;
  }

  /**
   * Starts the server, or adopts one that an earlier runner left behind.
   *
   * @throws {InvalidInputError} The address is not one of this host's loopback.
   * @throws {SetupError} Another server has the address, or it does not start.
   */
  start(): Promise<void> {
    return this.#starting ??= this.#start();
  }

  async #start(): Promise<void> {
    const { hostname, port, username = "default", tls = false } = this.#address;
    const shown = `${hostname}:${port}`;
    if (!OWN_HOST.test(hostname) || username !== "default" || tls) {
      throw new InvalidInputError(
        `Cannot start a Redis at ${shown}: --embedded-redis is for this host alone, without TLS; ` +
          `use --redis-url 127.0.0.1:PORT`,
      );
    }
    const { own, talk } = this.#outside;
    const config = `${this.#dir}/redis.conf`;
    const kept = `${this.#dir}/access`;
    own.known = await readAccess(kept);
    const found = await talk.configFile();
    if (found === null) {
      own.known = newAccess(this.#address.password);
      await this.#write(config, own.known);
      await writeAccess(kept, own.known);
      await this.#spawn(config, shown);
    } else if (own.known === null || found !== config) {
      throw new SetupError(
        `Cannot start a Redis at ${shown}: one answers there already; ` +
          `leave out --embedded-redis to use it, or choose another port with --redis-url`,
      );
    }
    this.#ours = true;
    await writeAccess(own.file, own.known);
  }

  /** Writes the configuration. The password is only in files that the owner alone may read, never on a command line. */
  async #write(config: string, { password, proof }: ReturnType<typeof newAccess>): Promise<void> {
    const { port } = this.#address;
    await Deno.mkdir(this.#dir, { recursive: true, mode: 0o700 });
    const dir = JSON.stringify(this.#dir);
    const lines = [
      "bind 127.0.0.1",
      `port ${port}`,
      `dir ${dir}`,
      `logfile ${JSON.stringify(`${this.#dir}/redis.log`)}`,
      "appendonly yes",
      'save ""',
      "maxmemory-policy noeviction",
      "hash-max-listpack-value 1024",
      `requirepass ${JSON.stringify(password)}`,
      `masterauth ${proof}`,
    ];
    const text = lines.map((line) => line + "\n").join("");
    await Deno.remove(config).catch(() => {}); // an old file would keep its mode
    await Deno.writeTextFile(config, text, { mode: 0o600, createNew: true });
  }

  async #spawn(config: string, shown: string): Promise<void> {
    const { process, clock, talk, path } = this.#outside;
    // detached: INT on the terminal is for the runner, which ends its Redis last
    const child = process.spawn("redis-server", [config], { env: { PATH: path }, detached: true });
    this.#child = child;
    let code: number | null = null;
    child.exited.then((exit) => code = exit);
    const state = await poll(
      async () => code !== null || this.#stopping ? "over" : await talk.configFile() === config && "up",
      { clock, everyMs: 20, limitMs: LIMIT },
    );
    if (state === "up") return;
    child.kill();
    await child.exited;
    // an old server rejects a line of its configuration, and logs nothing about it
    const version = /v=(\S+)/.exec(await programVersion("redis-server", "--version", path) ?? "")?.[1] ?? "";
    const why = isOlder(version, OLDEST_REDIS)
      ? `redis-server ${version} is too old: install ${OLDEST_REDIS} or newer`
      : `see "${this.#dir}/redis.log"`;
    throw new SetupError(`Cannot start a Redis at ${shown}: ${why}`);
  }

  /** Stops the server when `start` has succeeded or is under way. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#starting?.catch(() => {});
    if (!this.#ours) return;
    this.#ours = false;
    const { clock, talk, own } = this.#outside;
    await talk.shutDown();
    await removeAccess(own.file, own.known!);
    await poll(async () => await talk.configFile() === null, { clock, everyMs: 20, limitMs: LIMIT });
    await this.#child?.exited;
  }
}
