/**
 * Redis servers of their own for tests, and a plain client that shares no code with the program: what a foreign program
 * would do.
 *
 * @module
 */

import { until } from "./until.ts";

/** What Redis forgets when it is killed. */
export type Persistence = "none" | "aof-everysec" | "aof-always";

/** How to start a server. */
export interface RedisServerOptions {
  /** `none` when left out. */
  readonly persistence?: Persistence;
  /** Lines of redis.conf, over those of the test's own. */
  readonly config?: Readonly<Record<string, string>>;
}

/** A value as Redis sends it; texts are UTF-8 with invalid bytes replaced. */
export type RedisValue = string | number | null | RedisValue[];

/** A redis-server on a free loopback port with a folder of its own; gone when disposed. */
export class RedisServer implements AsyncDisposable {
  readonly port: number;
  readonly dir: string;
  readonly #options: RedisServerOptions;
  #process: Deno.ChildProcess | null = null;
  #client: Promise<RawClient> | null = null;

  private constructor(port: number, dir: string, options: RedisServerOptions) {
    this.port = port;
    this.dir = dir;
    this.#options = options;
  }

  /** Starts a server and waits until it replies. */
  static async start(options: RedisServerOptions = {}): Promise<RedisServer> {
    const dir = await Deno.makeTempDir({ prefix: "redis-" });
    for (let tries = 0;; tries++) {
      const server = new RedisServer(freePort(), dir, options);
      try {
        await server.restart();
        return server;
      } catch (error) {
        // another test took the port meanwhile
        if (tries === 5) throw error;
      }
    }
  }

  /** `host:port`. */
  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Process id. */
  get pid(): number {
    if (!this.#process) throw new Error("the server does not run");
    return this.#process.pid;
  }

  /**
   * Starts it again, with the same port and folder, after `kill9` or `stop`; `more` are further lines of redis.conf.
   */
  async restart(more: Readonly<Record<string, string>> = {}): Promise<void> {
    const { persistence = "none", config = {} } = this.#options;
    const lines = {
      port: String(this.port),
      bind: "127.0.0.1",
      dir: this.dir,
      save: '""',
      appendonly: persistence === "none" ? "no" : "yes",
      appendfsync: persistence === "aof-always" ? "always" : "everysec",
      "enable-debug-command": "local",
      ...config,
      ...more,
    };
    const file = `${this.dir}/redis.conf`;
    await Deno.writeTextFile(file, Object.entries(lines).map(([name, value]) => `${name} ${value}\n`).join(""));
    const process = new Deno.Command("redis-server", { args: [file], stdin: "null", stdout: "null", stderr: "null" })
      .spawn();
    this.#process = process;
    let ended = false;
    process.status.then(() => ended = true);
    await until("redis-server answers", async () => {
      if (ended) throw new Error("redis-server did not start");
      return await this.#replies();
    });
  }

  async #replies(): Promise<boolean> {
    try {
      await using client = await RawClient.connect(this.port);
      await client.call("PING");
      return true;
    } catch (error) {
      return error instanceof RedisError && !error.message.startsWith("LOADING");
    }
  }

  /** Runs a command as a foreign client would, as the default user. Bytes and texts may be mixed. */
  async call(...command: (string | number | Uint8Array)[]): Promise<RedisValue> {
    this.#client ??= RawClient.connect(this.port);
    const client = this.#client;
    try {
      return await (await client).call(...command);
    } catch (error) {
      // a broken connection is of no use to the next command
      if (!(error instanceof RedisError) && this.#client === client) {
        this.#client = null;
        await client.then((one) => one.close(), () => {});
      }
      throw error;
    }
  }

  /** A hash as a record. */
  async hash(key: string): Promise<Record<string, string>> {
    const items = await this.call("HGETALL", key) as string[];
    return Object.fromEntries(items.flatMap((name, i) => i % 2 === 0 ? [[name, items[i + 1]]] : []));
  }

  /** Every key, sorted. */
  async keys(): Promise<string[]> {
    return (await this.call("KEYS", "*") as string[]).sort();
  }

  /** Number of changes of the data so far: equal when nothing was written, and faster than `digest`. */
  async changes(): Promise<number> {
    return Number(/^rdb_changes_since_last_save:(\d+)/m.exec(String(await this.call("INFO", "persistence")))![1]);
  }

  /** A hash of the whole data set: equal when the data is. */
  async digest(): Promise<string> {
    return String(await this.call("DEBUG", "DIGEST"));
  }

  /** Ends it at once, as a crash does. */
  async kill9(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** Ends it in good order. */
  async stop(): Promise<void> {
    await this.#end("SIGTERM");
  }

  /** Freezes it; connections stay. */
  freeze(): void {
    Deno.kill(this.pid, "SIGSTOP");
  }

  /** Lets a frozen one go on. */
  thaw(): void {
    Deno.kill(this.pid, "SIGCONT");
  }

  /** Starts a second server with a copy of the data of now. */
  async copy(): Promise<RedisServer> {
    const copy = await RedisServer.start();
    await this.call("CONFIG", "SET", "repl-diskless-sync-delay", 0);
    await copy.call("CONFIG", "SET", "repl-diskless-sync-delay", 0);
    await copy.#follow(this);
    return copy;
  }

  /**
   * Goes back to the data of a copy without saying so: its master for a moment, as after two failovers. Its process,
   * its run id and its connections stay. Resolves when the data is on disk, too.
   */
  async goBackTo(copy: RedisServer): Promise<void> {
    await this.#follow(copy);
    await until("the data is on disk", async () => {
      const text = String(await this.call("INFO", "persistence"));
      return !/^aof_rewrite_(in_progress|scheduled):1/m.test(text);
    });
  }

  /** Copies the data of another server, and is a master afterwards. */
  async #follow(master: RedisServer): Promise<void> {
    await this.call("REPLICAOF", "127.0.0.1", master.port);
    await until("the data has come over", async () => {
      const text = String(await this.call("INFO", "replication"));
      return /^master_link_status:up/m.test(text) && /^master_sync_in_progress:0/m.test(text);
    }).finally(() => this.call("REPLICAOF", "NO", "ONE"));
  }

  async #end(signal: Deno.Signal): Promise<void> {
    const client = this.#client;
    this.#client = null;
    await client?.then((one) => one.close(), () => {});
    const process = this.#process;
    if (!process) return;
    this.#process = null;
    try {
      process.kill(signal);
      process.kill("SIGCONT");
    } catch {
      // it has ended already
    }
    await process.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill9();
    await Deno.remove(this.dir, { recursive: true });
  }
}

/** An error reply, without the `-`. */
export class RedisError extends Error {
  override name = "RedisError";
}

const encoder = new TextEncoder();

/** One connection that speaks RESP2, one command after the other. */
export class RawClient implements AsyncDisposable {
  readonly #conn: Deno.Conn;
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  readonly #chunk = new Uint8Array(1 << 16);
  #buffer = new Uint8Array();
  /** The reply before. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(conn: Deno.Conn) {
    this.#conn = conn;
  }

  static async connect(port: number): Promise<RawClient> {
    return new RawClient(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  call(...command: (string | number | Uint8Array)[]): Promise<RedisValue> {
    const turn = () => this.#exchange(command);
    const reply = this.#last.then(turn, turn);
    this.#last = reply;
    return reply;
  }

  close(): void {
    this.#conn.close();
  }

  async #exchange(command: readonly (string | number | Uint8Array)[]): Promise<RedisValue> {
    const parts = command.flatMap((word) => {
      const bytes = word instanceof Uint8Array ? word : encoder.encode(String(word));
      return [encoder.encode(`\r\n$${bytes.length}\r\n`), bytes];
    });
    const request = joined([encoder.encode(`*${command.length}`), ...parts, encoder.encode("\r\n")]);
    for (let sent = 0; sent < request.length;) sent += await this.#conn.write(request.subarray(sent));
    const reply = await this.#read();
    if (reply instanceof RedisError) throw reply;
    return reply as RedisValue;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  async #read(): Promise<RedisValue | RedisError> {
    const line = await this.#line();
    const rest = line.slice(1);
    switch (line[0]) {
      case "+":
        return rest;
      case "-":
        return new RedisError(rest);
      case ":":
        return Number(rest);
      case "$":
        return rest === "-1" ? null : this.#decoder.decode((await this.#bytes(Number(rest) + 2)).subarray(0, -2));
      case "*": {
        if (rest === "-1") return null;
        const items: RedisValue[] = [];
        for (let i = 0; i < Number(rest); i++) items.push(await this.#read() as RedisValue);
        return items;
      }
      default:
        throw new Error(`no reply of Redis: ${line}`);
    }
  }

  async #line(): Promise<string> {
    for (;;) {
      const end = this.#buffer.indexOf(10);
      if (end >= 0) return this.#decoder.decode((await this.#bytes(end + 1)).subarray(0, -2));
      await this.#more();
    }
  }

  async #bytes(count: number): Promise<Uint8Array> {
    while (this.#buffer.length < count) await this.#more();
    const taken = this.#buffer.subarray(0, count);
    this.#buffer = this.#buffer.subarray(count);
    return taken;
  }

  async #more(): Promise<void> {
    const count = await this.#conn.read(this.#chunk);
    if (count === null) throw new Error("Redis closed the connection");
    this.#buffer = joined([this.#buffer, this.#chunk.subarray(0, count)]);
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Certificates and keys of a root of the tests' own; good until 2126. */
export const tlsFile = (name: string) => new URL(`../redis/tls/${name}`, import.meta.url).pathname;

/** Lines of redis.conf for a server that also talks TLS. */
export function tlsConfig(port: number): Record<string, string> {
  return {
    "tls-port": String(port),
    "tls-cert-file": tlsFile("server.pem"),
    "tls-key-file": tlsFile("server.key"),
    "tls-ca-cert-file": tlsFile("ca.pem"),
    "tls-auth-clients": "no",
  };
}

/** Why no server can talk TLS here, for the name of a test; `""` when one can. */
export async function whyNoTls(): Promise<string> {
  try {
    await using _server = await RedisServer.start({ config: tlsConfig(freePort()) });
    return "";
  } catch {
    return " (cannot run: this redis-server was built without TLS)";
  }
}

/** A TCP port that is free on the loopback address now. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
