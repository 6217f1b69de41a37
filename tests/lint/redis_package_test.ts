import * as redis from "jsr:@db/redis@^0.41.2";
import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "../support/assert.ts";

// The facts about the package that src/redis/client.ts is built around. Under deno.json they are checked on the real
// package, under scripts/npm/deno.json on its stand-in, so both are held to the same ones.

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A server that runs `talk` on each connection; `talk` reads a request and writes the reply itself. */
function serve(talk: (peer: Peer, nth: number) => Promise<void>) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const peers: Peer[] = [];
  const done = (async () => {
    for await (const conn of listener) {
      const peer = new Peer(conn);
      peers.push(peer);
      // a client that goes away ends the talk
      talk(peer, peers.length).catch(() => {});
    }
  })();
  return {
    options: { hostname: "127.0.0.1", port: listener.addr.port, maxRetryCount: 0 as const },
    peers,
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const peer of peers) peer.close();
      await done;
    },
  };
}

class Peer {
  readonly heard: string[] = [];
  constructor(readonly conn: Deno.Conn) {}

  async receive(): Promise<string> {
    const buffer = new Uint8Array(4096);
    const count = await this.conn.read(buffer);
    if (count === null) throw new Error("the client closed the connection");
    const request = decoder.decode(buffer.subarray(0, count));
    this.heard.push(request);
    return request;
  }

  async say(reply: string): Promise<void> {
    await this.conn.write(encoder.encode(reply));
  }

  close() {
    try {
      this.conn.close();
    } catch {
      // closed before
    }
  }
}

/** Replies to one request with these bytes and closes. */
const answer = (reply: string) =>
  serve(async (peer) => {
    await peer.receive();
    await peer.say(reply);
    peer.close();
  });

Deno.test("a reply is text, a number, null or a list of them", async () => {
  const table: [string, unknown][] = [
    ["+OK\r\n", "OK"],
    [":-12\r\n", -12],
    ["$4\r\na\r\nb\r\n", "a\r\nb"],
    ["$-1\r\n", null],
    ["*-1\r\n", null],
    ["*3\r\n:1\r\n*1\r\n+x\r\n$-1\r\n", [1, ["x"], null]],
  ];
  for (const [bytes, reply] of table) {
    await using server = answer(bytes);
    using client = redis.createLazyClient(server.options);
    assertEquals(await client.sendCommand("X"), reply, JSON.stringify(bytes));
  }
});

Deno.test("a long reply arrives whole, as bytes when asked for", async () => {
  const body = "é".repeat(100_000);
  await using server = answer(`*2\r\n$200000\r\n${body}\r\n+OK\r\n`);
  using client = redis.createLazyClient(server.options);
  const reply = await client.sendCommand("X", [], { returnUint8Arrays: true });
  assertEquals(reply, [encoder.encode(body), encoder.encode("OK")]);
});

Deno.test("a reply that is cut off can pass for a whole one", async () => {
  for (const [bytes, reply] of [["$3\r\n", "\0\0\0"], [":12", 12], ["+O", "O"]] as const) {
    await using server = answer(bytes);
    using client = redis.createLazyClient(server.options);
    assertEquals(await client.sendCommand("X"), reply, JSON.stringify(bytes));
  }
  await using server = answer("$10\r\nabcd");
  using client = redis.createLazyClient(server.options);
  const error = await assertRejects(() => client.sendCommand("X"), Error);
  assertEquals(error.name, "PartialReadError");
});

Deno.test("an error that Redis returns keeps its dash, and leaves the connection in use", async () => {
  await using server = serve(async (peer) => {
    await peer.receive();
    await peer.say("-WRONGTYPE no\r\n");
    await peer.receive();
    await peer.say("+OK\r\n");
  });
  using client = redis.createLazyClient(server.options);
  const error = await assertRejects(() => client.sendCommand("X"), redis.ErrorReplyError);
  assertEquals(error.message, "-WRONGTYPE no");
  assertEquals(await client.sendCommand("X"), "OK");
});

Deno.test("an error inside a list leaves the replies out of step", async () => {
  await using server = serve(async (peer) => {
    await peer.receive();
    await peer.say("*3\r\n:1\r\n-ERR in\r\n$5\r\nthree\r\n");
  });
  using client = redis.createLazyClient(server.options);
  await assertRejects(() => client.sendCommand("X"), redis.ErrorReplyError, "-ERR in");
  assertEquals(await client.sendCommand("X"), "three");
});

Deno.test("a connection that Redis drops is an EOFError, and stays broken while isConnected says true", async () => {
  await using server = answer("+OK\r\n");
  using client = redis.createLazyClient(server.options);
  assertEquals(await client.sendCommand("X"), "OK");
  const error = await assertRejects(() => client.sendCommand("X"), Error);
  assertEquals([error.name, error.constructor.name], ["Error", "EOFError"]);
  await assertRejects(() => client.sendCommand("X"));
  assert(client.isConnected);
  assertEquals(server.peers.length, 1);
});

Deno.test("commands are sent one after the other, each argument as a string", async () => {
  await using server = serve(async (peer) => {
    for (;;) {
      await peer.receive();
      await peer.say("+OK\r\n");
    }
  });
  using client = redis.createLazyClient(server.options);
  await client.sendCommand("PING");
  await Promise.all([client.sendCommand("A", ["é", 1.5, new Uint8Array([0x78])]), client.sendCommand("B")]);
  assertEquals(server.peers[0].heard, [
    "*1\r\n$4\r\nPING\r\n",
    "*4\r\n$1\r\nA\r\n$2\r\né\r\n$3\r\n1.5\r\n$1\r\nx\r\n",
    "*1\r\n$1\r\nB\r\n",
  ]);
});

Deno.test("close() ends the waiting command and those behind it", async () => {
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  await using server = serve(async (peer) => {
    await peer.receive();
    await peer.say("+PONG\r\n");
    await peer.receive();
    resolve();
  });
  const client = redis.createLazyClient(server.options);
  await client.sendCommand("PING");
  const waiting = assertRejects(() => client.sendCommand("BLMOVE"), Deno.errors.Interrupted);
  const behind = assertRejects(() => client.sendCommand("X"), Deno.errors.BadResource);
  await asked;
  client.close();
  await Promise.all([waiting, behind]);
  assert(!client.isConnected);
  client.close();
});

Deno.test("close() before the first command does nothing", () => {
  const client = redis.createLazyClient({ hostname: "127.0.0.1", port: 1, maxRetryCount: 0 as const });
  client.close();
});

Deno.test("a lazy client must not be used by two before it is connected, nor closed after it failed to connect", async () => {
  await using server = answer("+OK\r\n");
  using client = redis.createLazyClient(server.options);
  const first = client.sendCommand("X");
  await assertRejects(() => client.sendCommand("X"), TypeError);
  assertEquals(await first, "OK");

  const refused = redis.createLazyClient({ hostname: "127.0.0.1", port: 1, maxRetryCount: 0 as const });
  await assertRejects(() => refused.sendCommand("X"), Deno.errors.ConnectionRefused);
  assertThrows(() => refused.close(), TypeError);
});

Deno.test("a refused password is thrown as Redis said it", async () => {
  await using server = answer("-WRONGPASS invalid\r\n");
  const options = { ...server.options, username: "alice", password: "p w" };
  const error = await assertRejects(() => redis.createLazyClient(options).sendCommand("X"), redis.ErrorReplyError);
  assertEquals(error.message, "-WRONGPASS invalid");
  assertEquals(server.peers[0].heard, ["*3\r\n$4\r\nAUTH\r\n$5\r\nalice\r\n$3\r\np w\r\n"]);
});

Deno.test("AUTH and SELECT come before the first command", async () => {
  await using server = serve(async (peer) => {
    for (;;) {
      await peer.receive();
      await peer.say("+OK\r\n");
    }
  });
  using client = redis.createLazyClient({ ...server.options, password: "p", db: 3 });
  await client.sendCommand("PING");
  assertEquals(server.peers[0].heard.map((request) => request.split("\r\n").filter((_, i) => i > 0 && i % 2 === 0)), [
    ["AUTH", "p"],
    ["SELECT", "3"],
    ["PING"],
  ]);
});

Deno.test("the signal ends the dialling", async () => {
  const options = { hostname: "127.0.0.1", port: 1, maxRetryCount: 0 as const, signal: () => AbortSignal.abort() };
  const error = await assertRejects(() => redis.createLazyClient(options).sendCommand("X"));
  assertInstanceOf(error, Error);
  assert(!(error instanceof Deno.errors.ConnectionRefused), "the connection was tried");
});

Deno.test("a subscription gives messages, subscribes again after one lost connection, and ends with close()", async () => {
  await using server = serve(async (peer, nth) => {
    while (!(await peer.receive()).includes("SUBSCRIBE"));
    await peer.say("*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n");
    await peer.say(`*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\n${nth}\r\n`);
    if (nth === 1) peer.close();
  });
  const client = redis.createLazyClient(server.options);
  const subscription = await client.subscribe("c");
  const messages: { channel: string; message: string }[] = [];
  for await (const message of subscription.receive()) {
    messages.push(message);
    if (messages.length === 2) client.close();
  }
  assertEquals(messages, [{ channel: "c", message: "1" }, { channel: "c", message: "2" }]);
});

Deno.test("a subscription whose Redis is gone throws", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const client = redis.createLazyClient({ hostname: "127.0.0.1", port: listener.addr.port, maxRetryCount: 0 as const });
  const [conn, subscription] = await Promise.all([listener.accept(), client.subscribe("c")]);
  listener.close();
  await new Peer(conn).receive();
  conn.close();
  await assertRejects(() => subscription.receive().next(), Deno.errors.ConnectionRefused);
});
