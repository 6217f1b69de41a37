/** Which reply to cut. */
export interface Cut {
  /** From 1: the n-th command that fits, counted from the order on. */
  readonly nth: number;
  /** Name of the command; any when left out. */
  readonly command?: string;
  /** Bytes of the reply that are passed on before the cut; 0 when left out. */
  readonly after?: number;
}

/**
 * A TCP proxy in front of a Redis, which can misbehave: stall, cut connections, cut the reply to the n-th command after
 * Redis has carried it out, or refuse connections. Commands are counted over all connections.
 */
export class Proxy implements AsyncDisposable {
  readonly port: number;
  readonly #target: number;
  #listener: Deno.Listener | null;
  #accepting: Promise<void>;
  readonly #pairs = new Set<Pair>();
  #stall: PromiseWithResolvers<void> | null = null;
  #cut: Cut | null = null;
  #matched = 0;
  #done: PromiseWithResolvers<void> = Promise.withResolvers();
  /** Connections that were accepted so far. */
  accepted = 0;
  /** Names of the commands that clients sent, in order. */
  readonly commands: string[] = [];

  private constructor(target: number) {
    this.#target = target;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.port = (this.#listener.addr as Deno.NetAddr).port;
    this.#accepting = this.#accept(this.#listener);
  }

  /** Starts a proxy that passes everything on to a port of the loopback address. */
  static start(targetPort: number): Proxy {
    return new Proxy(targetPort);
  }

  /** `host:port`. */
  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Connections that stand now. */
  get open(): number {
    return this.#pairs.size;
  }

  /** Passes on everything, also what was held back. */
  pass(): void {
    this.#stall?.resolve();
    this.#stall = null;
    if (this.#listener) return;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: this.port });
    this.#accepting = this.#accept(this.#listener);
  }

  /** Holds back every byte in both directions; connections stand, and new ones are accepted. */
  stall(): void {
    this.#stall ??= Promise.withResolvers();
  }

  /** Cuts one reply: Redis has carried the command out, its client never learns. Resolves when it was done. */
  cutReply(cut: Cut): Promise<void> {
    this.#cut = cut;
    this.#matched = 0;
    this.#done = Promise.withResolvers();
    return this.#done.promise;
  }

  /** Withdraws an order to cut a reply that was not carried out. */
  forgetCut(): void {
    this.#cut = null;
  }

  /** Cuts every connection; new ones are passed on. */
  cut(): void {
    for (const pair of this.#pairs) pair.close();
  }

  /** Cuts every connection and refuses new ones, until `pass`. */
  async refuse(): Promise<void> {
    this.#listener?.close();
    this.#listener = null;
    await this.#accepting;
    this.cut();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.refuse();
    this.#stall?.resolve();
    await Promise.all([...this.#pairs].map((pair) => pair.ended));
  }

  async #accept(listener: Deno.Listener): Promise<void> {
    try {
      for await (const client of listener) {
        this.accepted++;
        const pair = new Pair(client as Deno.TcpConn, this.#target, {
          gate: async () => await this.#stall?.promise,
          seen: (command) => this.#seen(command),
          wasCut: () => this.#done.resolve(),
        });
        this.#pairs.add(pair);
        pair.ended.then(() => this.#pairs.delete(pair));
      }
    } catch {
      // the listener was closed
    }
  }

  /** Bytes of the reply to pass on before the cut, when it is this command's turn. */
  #seen(command: string): number | null {
    this.commands.push(command);
    const cut = this.#cut;
    if (!cut || (cut.command !== undefined && cut.command !== command) || ++this.#matched !== cut.nth) return null;
    this.#cut = null;
    return cut.after ?? 0;
  }
}

interface Watcher {
  gate(): Promise<void>;
  seen(command: string): number | null;
  wasCut(): void;
}

/** One client and its connection to the server. */
class Pair {
  readonly ended: Promise<void>;
  readonly #client: Deno.TcpConn;
  readonly #watcher: Watcher;
  #server: Deno.TcpConn | null = null;
  #closed = false;
  /** Bytes to pass on to the client before the cut. */
  #left: number | null = null;

  constructor(client: Deno.TcpConn, target: number, watcher: Watcher) {
    this.#client = client;
    this.#watcher = watcher;
    this.ended = this.#run(target);
  }

  close(): void {
    this.#closed = true;
    for (const conn of [this.#client, this.#server]) {
      try {
        conn?.close();
      } catch {
        // closed before
      }
    }
  }

  async #run(target: number): Promise<void> {
    try {
      this.#server = await Deno.connect({ hostname: "127.0.0.1", port: target });
    } catch {
      // the server is down: the client sees its connection end
    }
    if (this.#server && !this.#closed) await Promise.all([this.#up(this.#server), this.#down(this.#server)]);
    this.close();
  }

  async #up(server: Deno.TcpConn): Promise<void> {
    const commands = new CommandReader();
    await this.#pump(this.#client, async (bytes) => {
      for (const command of commands.push(bytes)) this.#left ??= this.#watcher.seen(command);
      await writeAll(server, bytes);
    });
  }

  async #down(server: Deno.TcpConn): Promise<void> {
    await this.#pump(server, async (bytes) => {
      if (this.#left === null) return await writeAll(this.#client, bytes);
      const passed = bytes.subarray(0, this.#left);
      this.#left -= passed.length;
      if (passed.length > 0) await writeAll(this.#client, passed);
      if (this.#left > 0) return;
      this.close();
      this.#watcher.wasCut();
    });
  }

  async #pump(from: Deno.TcpConn, pass: (bytes: Uint8Array) => Promise<void>): Promise<void> {
    const buffer = new Uint8Array(1 << 16);
    try {
      while (!this.#closed) {
        const count = await from.read(buffer);
        await this.#watcher.gate();
        if (count === null || this.#closed) break;
        await pass(buffer.slice(0, count));
      }
    } catch {
      // one side went away: so does the other
    }
    this.close();
  }
}

async function writeAll(conn: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await conn.write(bytes.subarray(sent));
}

/** Finds the names of the commands in a stream of RESP arrays, however it is chopped. */
class CommandReader {
  #line = "";
  /** Bytes of an argument, with its line end, that are still to come. */
  #skip = 0;
  /** Arguments of the command that are still to come. */
  #args = 0;
  #isName = false;
  #name = "";

  /** Names of the commands that are complete with these bytes. */
  push(bytes: Uint8Array): string[] {
    const done: string[] = [];
    for (let i = 0; i < bytes.length;) {
      if (this.#skip > 0) {
        const end = Math.min(bytes.length, i + this.#skip);
        if (this.#isName) this.#name += String.fromCharCode(...bytes.subarray(i, end));
        this.#skip -= end - i;
        i = end;
        if (this.#skip === 0) this.#argument(done);
        continue;
      }
      const char = String.fromCharCode(bytes[i++]);
      this.#line += char;
      if (char === "\n") this.#header();
    }
    return done;
  }

  #header(): void {
    const count = Number.parseInt(this.#line.slice(1));
    if (this.#line[0] === "*") {
      this.#args = count;
      this.#isName = true;
      this.#name = "";
    } else this.#skip = count + 2;
    this.#line = "";
  }

  #argument(done: string[]): void {
    this.#isName = false;
    if (--this.#args === 0) done.push(this.#name.trim().toUpperCase());
  }
}
