import { InvalidInputError, SetupError } from "../domain/errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { ChildProcess, Process } from "../ports/process.ts";

/** How long a server may take to answer, or to end, milliseconds. */
const LIMIT = 15_000;

/** Where the server is to listen. */
export interface Address {
  readonly hostname: string;
  readonly port: number;
  readonly password?: string;
  readonly username?: string;
  /** It shall talk TLS. */
  readonly tls?: boolean;
}

/** What the program can ask a server. */
export interface ServerTalk {
  /** Path of its configuration file; `null` when none answers. */
  configFile(): Promise<string | null>;
  shutDown(): Promise<void>;
}

/** A redis-server of the runner's own: on the loopback, with an append-only file in a folder of its own. */
export class OwnRedis {
  readonly #dir: string;
  readonly #address: Address;
  readonly #outside: { process: Pick<Process, "spawn">; clock: Clock; talk: ServerTalk; path: string };
  #child: ChildProcess | null = null;
  #starting: Promise<void> | null = null;
  #stopping = false;
  #ours = false;

  /**
   * @param dir Folder for its data.
   * @param outside `path` is the environment variable PATH for the server.
   */
  constructor(
    dir: string,
    address: Address,
    outside: { process: Pick<Process, "spawn">; clock: Clock; talk: ServerTalk; path: string },
  ) {
    this.#dir = dir;
    this.#address = address;
    this.#outside = outside;
  }

  /**
   * Starts it; one that an earlier runner left behind is taken over.
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
    if (!/^(127\.\d+\.\d+\.\d+|localhost)$/.test(hostname) || username !== "default" || tls) {
      throw new InvalidInputError(
        `Cannot start a Redis at ${shown}: --embedded-redis is for this host alone, without TLS; use --redis-url 127.0.0.1:PORT`,
      );
    }
    const config = `${this.#dir}/redis.conf`;
    await this.#write(config);
    const found = await this.#outside.talk.configFile();
    if (found === null) await this.#spawn(config, shown);
    else if (found !== config) {
      throw new SetupError(
        `Cannot start a Redis at ${shown}: one answers there already; leave out --embedded-redis to use it, or choose another port with --redis-url`,
      );
    }
    this.#ours = true;
  }

  /** The password stands in a file for the owner alone, never on a command line. */
  async #write(config: string): Promise<void> {
    const { port, password } = this.#address;
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
      ...(password === undefined ? [] : [`requirepass ${JSON.stringify(password)}`]),
    ];
    await Deno.writeTextFile(config, lines.map((line) => line + "\n").join(""), { mode: 0o600 });
  }

  async #spawn(config: string, shown: string): Promise<void> {
    const { process, clock, talk, path } = this.#outside;
    // detached: INT on the terminal is for the runner, which ends its Redis last
    const child = process.spawn("redis-server", [config], { env: { PATH: path }, detached: true });
    this.#child = child;
    let code: number | null = null;
    child.exited.then((exit) => code = exit);
    for (const end = clock.now() + LIMIT; clock.now() < end; await clock.sleep(20)) {
      if (code !== null || this.#stopping) break;
      if (await talk.configFile() === config) return;
    }
    child.kill();
    await child.exited;
    throw new SetupError(`Cannot start a Redis at ${shown}: see "${this.#dir}/redis.log"`);
  }

  /** Ends it, when `start` has succeeded or is under way. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#starting?.catch(() => {});
    if (!this.#ours) return;
    this.#ours = false;
    const { clock, talk } = this.#outside;
    await talk.shutDown();
    for (const end = clock.now() + LIMIT; clock.now() < end; await clock.sleep(20)) {
      if (await talk.configFile() === null) break;
    }
    await this.#child?.exited;
  }
}
