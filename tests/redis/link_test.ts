import { RefusedError } from "../../src/domain/errors.ts";
import type { Condition } from "../../src/ports/queue.ts";
import { Script } from "../../src/redis/script.ts";
import { assert, assertEquals, assertInstanceOf, assertMatch, assertStringIncludes } from "../support/assert.ts";
import { Proxy } from "../support/proxy.ts";
import { freePort, RedisServer, tlsConfig, tlsFile, whyNoTls } from "../support/redis_server.ts";
import { settle, until } from "../support/until.ts";
import { type Failure, failureOf, fakeRedis, linkTo } from "./link_fixture.ts";

Deno.test("a link connects with its first command, and again after Redis was killed", async () => {
  await using server = await RedisServer.start({ persistence: "aof-always" });
  using link = linkTo(server.address);
  assertEquals(await link.call("SET", ["k", "v"]), "OK");
  await server.kill9();
  const broken = await failureOf(link.call("GET", ["k"]));
  assertEquals([broken.condition, broken.sent], ["unreachable", true]);
  const refused = await failureOf(link.call("GET", ["k"]));
  assertEquals([refused.condition, refused.sent], ["unreachable", false]);
  assertStringIncludes(refused.message, `Cannot run GET: Redis at ${server.address} cannot be reached: `);
  await server.restart();
  assertEquals(await until("it answers", () => link.call("GET", ["k"]).catch(() => null)), "v");
});

Deno.test("a link never sends a command twice", async () => {
  await using server = await RedisServer.start();
  await using proxy = Proxy.start(server.port);
  using link = linkTo(proxy.address);
  await link.call("PING", []);
  const cut = proxy.cutReply({ nth: 1, command: "INCR" });
  const { sent, condition } = await failureOf(link.call("INCR", ["n"]));
  await cut;
  assertEquals([sent, condition, await link.call("GET", ["n"])], [true, "unreachable", "1"]);
});

Deno.test("a link gives up on a stalled path at its deadline and makes a new connection", async () => {
  await using server = await RedisServer.start();
  await using proxy = Proxy.start(server.port);
  using link = linkTo(proxy.address, { connectMs: 100 });
  await link.call("PING", []);
  proxy.stall();
  const failures = await Promise.all([
    failureOf(link.call("GET", ["a"], { ms: 100 })),
    failureOf(link.call("GET", ["b"], { ms: 100 })),
  ]);
  assertEquals(failures.map((failure) => failure.sent), [true, false]);
  assertStringIncludes(failures[0].message, "did not answer within 100 ms");
  assertStringIncludes((await failureOf(link.call("GET", ["c"]))).message, "did not answer within 100 ms");
  proxy.pass();
  assertEquals(await until("it answers", () => link.call("ECHO", ["x"]).catch(() => null)), "x");
  await until("the old connections are gone", () => proxy.open === 1);
});

Deno.test("a link gives a command that missed its deadline more time the next time", async () => {
  await using server = await RedisServer.start();
  using link = linkTo(server.address);
  const slow = () => link.call("DEBUG", ["SLEEP", "0.3"], { ms: 100, name: "slow" });
  for (const ms of [100, 200]) {
    assertStringIncludes((await failureOf(slow())).message, `did not answer within ${ms} ms`);
  }
  await until("it answers in time", () => slow().catch(() => null));
  assertStringIncludes((await failureOf(slow())).message, "did not answer within 100 ms");
});

Deno.test("a link waits no longer than its deadline for a connection", async () => {
  const rows: [string, string | null][] = [["", null], ["redis://:hunter2@", null], ["rediss://", null]];
  for (const [scheme, pong] of rows) {
    await using silent = fakeRedis(null, pong);
    using link = linkTo(`${scheme}${silent.address}`, { connectMs: 80 });
    const { sent, message } = await failureOf(link.call("GET", ["x"]));
    assertStringIncludes(message, "did not answer within 80 ms");
    assertEquals(sent, false);
    assert(!message.includes("hunter2"));
  }
});

Deno.test("a link that is closed while its connection is being made leaves none behind", async () => {
  await using server = await RedisServer.start();
  for (let i = 0; i < 40; i++) {
    using link = linkTo(server.address);
    const waits = link.call("PING", []).catch((error) => String(error));
    // some are closed in the moment in which the connection stands
    for (let turns = 0; turns <= i % 4; turns++) await settle();
    link.close();
    assertMatch(String(await waits), /PONG|the link was closed/);
  }
  await until("only the test's own connection is left", async () => {
    return /^connected_clients:1\r?$/m.test(String(await server.call("INFO", "clients")));
  });
});

Deno.test("close() of a link does not wait for a connection that is being made", async () => {
  await using silent = fakeRedis(null, null);
  using link = linkTo(silent.address, { connectMs: 60_000 });
  const waits = failureOf(link.call("GET", ["x"]));
  await until("it was accepted", () => silent.accepted() === 1);
  link.close();
  assertStringIncludes((await waits).message, "the link was closed");
});

Deno.test("a link refuses what is no Redis", async () => {
  await using strange = fakeRedis("+OK\r\n", "+HELLO\r\n");
  using link = linkTo(strange.address);
  assertStringIncludes((await failureOf(link.call("GET", ["x"]))).message, "its answer to PING is not Redis'");
});

Deno.test("a link says when no server listens", async () => {
  using link = linkTo(`127.0.0.1:${freePort()}`);
  assertMatch((await failureOf(link.call("GET", ["x"]))).message, /refused/i);
});

Deno.test({
  name: "a link says when there is no such host",
  // Deno 2.4 keeps a handle of Deno.connect's signal when the resolution fails
  sanitizeResources: false,
  async fn() {
    using link = linkTo("no-such-host.invalid");
    assertStringIncludes((await failureOf(link.call("GET", ["x"]))).message, "no-such-host.invalid:6379");
  },
});

Deno.test("a link says what an error reply means", async () => {
  const rows: [string, Condition, string, number][] = [
    ["LOADING Redis is loading the dataset in memory", "busy", "LOADING", 1],
    ["BUSY Redis is busy running a script", "busy", "BUSY", 1],
    ["MASTERDOWN Link with MASTER is down", "busy", "MASTERDOWN", 1],
    ["TRYAGAIN Multiple keys request", "busy", "TRYAGAIN", 1],
    ["CLUSTERDOWN The cluster is down", "busy", "CLUSTERDOWN", 1],
    ["READONLY You can't write against a read only replica.", "unreachable", "READONLY", 2],
    ["ERR READONLY proxied", "unreachable", "READONLY", 2],
    ["UNBLOCKED force unblock", "unreachable", "UNBLOCKED", 2],
    ["MISCONF Redis is configured to save RDB snapshots", "full", "MISCONF", 1],
    ["OOM command not allowed when used memory > 'maxmemory'.", "full", "OOM", 1],
    [
      "ERR Error running script (call to f_1): @user_script:1: @user_script: 1: -OOM command not allowed",
      "full",
      "OOM",
      1,
    ],
    ["NOAUTH Authentication required.", "refused", "NOAUTH", 1],
    ["WRONGPASS invalid username-password pair", "refused", "WRONGPASS", 1],
    ["NOPERM User bob has no permissions to run the 'get' command", "refused", "NOPERM", 1],
    ["CROSSSLOT Keys in request don't hash to the same slot", "unfit", "CROSSSLOT", 1],
    ["MOVED 3999 127.0.0.1:6381", "unfit", "MOVED", 1],
    ["WRONGTYPE Operation against a key", "unfit", "WRONGTYPE", 1],
    ["ERR unknown command 'FOO', with args beginning with: 'hunter2'", "unfit", "ERR", 1],
  ];
  for (const [reply, condition, code, connections] of rows) {
    await using fake = fakeRedis(`-${reply}\r\n`);
    using link = linkTo(fake.address);
    for (let i = 0; i < 2; i++) {
      const failure = await failureOf(link.call("GET", ["x"]));
      assertEquals([failure.condition, failure.code, failure.sent], [condition, code, true], reply);
      assertEquals(failure instanceof RefusedError, condition === "refused");
      assert(!Deno.inspect(failure).includes("hunter2"));
    }
    assertEquals(fake.accepted(), connections, reply);
  }
});

Deno.test("a link drops a connection whose script reply was cut", async () => {
  const script = new Script("start", "", ["return {'OK', '.'}"]);
  for (const reply of ["*1\r\n$2\r\nOK\r\n", "+OK\r\n", ":1\r\n", "*0\r\n", "$-1\r\n"]) {
    await using fake = fakeRedis(reply);
    using link = linkTo(fake.address);
    for (let i = 0; i < 2; i++) {
      const failure = await failureOf(link.run(script, [], []));
      assertEquals([failure.condition, failure.sent], ["unreachable", true], reply);
    }
    assertEquals(fake.accepted(), 2, reply);
  }
});

Deno.test("a link sends a script whole when Redis does not have it", async () => {
  await using server = await RedisServer.start();
  await using proxy = Proxy.start(server.port);
  using link = linkTo(proxy.address);
  const script = new Script("echo", "", ["local a = ARGV[1]", "return {a, KEYS[1], '.'}"]);
  for (let i = 0; i < 2; i++) assertEquals(await link.run(script, ["k"], ["\ufeffä"]), ["\ufeffä", "k"]);
  await server.call("SCRIPT", "FLUSH");
  assertEquals(await link.run(script, ["k"], ["b"]), ["b", "k"]);
  assertEquals(proxy.commands, ["PING", "EVALSHA", "EVAL", "EVALSHA", "EVALSHA", "EVAL"]);
});

Deno.test("a link refuses a wrong password, a missing one and a missing right, without a word of them", async () => {
  await using server = await RedisServer.start({ config: { requirepass: "hunter2" } });
  await server.call("AUTH", "hunter2");
  await server.call("ACL", "SETUSER", "bob", "on", ">hunter3", "+ping", "~*");
  const rows: [string, string, string][] = [
    ["redis://:hunter1@", "WRONGPASS", 'password of user "default"'],
    ["redis://bob:hunter1@", "WRONGPASS", 'password of user "bob"'],
    ["", "NOAUTH", "wants a password"],
    ["redis://bob:hunter3@", "NOPERM", 'user "bob"'],
  ];
  for (const [scheme, code, says] of rows) {
    using link = linkTo(scheme + server.address);
    const failure = await failureOf(link.call("GET", ["x"]));
    assertInstanceOf(failure, RefusedError);
    assertEquals([failure.code, failure.condition], [code, "refused"]);
    assertStringIncludes(failure.message, says);
    assert(!Deno.inspect(failure).includes("hunter"), Deno.inspect(failure));
  }
  using good = linkTo(`redis://:hunter2@${server.address}/3`);
  await good.call("SET", ["k", "v"]);
  await server.call("SELECT", 3);
  assertEquals(await server.call("GET", "k"), "v");
});

Deno.test("a link without a password at Redis says so when one was given", async () => {
  await using server = await RedisServer.start();
  using link = linkTo(`redis://:hunter2@${server.address}`);
  const failure = await failureOf(link.call("GET", ["x"]));
  assertEquals(failure.code, "WRONGPASS");
  assert(!Deno.inspect(failure).includes("hunter2"));
});

Deno.test("a link reads from a Redis that cannot save, and says why it does not write", async () => {
  await using server = await RedisServer.start({ config: { save: "3600 1" } });
  await server.call("SET", "k", "v");
  await Deno.mkdir(`${server.dir}/dump.rdb`);
  await server.call("BGSAVE");
  await until("the save has failed", async () => /last_bgsave_status:err/.test(String(await server.call("INFO"))));
  using link = linkTo(server.address);
  assertEquals(await link.call("GET", ["k"]), "v");
  const failure = await failureOf(link.call("SET", ["k", "w"]));
  assertEquals([failure.condition, failure.code], ["full", "MISCONF"]);
});

Deno.test("a link waits while Redis loads", async () => {
  await using server = await RedisServer.start({ persistence: "aof-always" });
  await server.call("EVAL", "for i=1,3000 do redis.call('SET', i, i) end", 0);
  await server.kill9();
  using link = linkTo(server.address);
  const conditions = new Set<Condition>();
  const restarted = server.restart({ "key-load-delay": "300", "loading-process-events-interval-bytes": "1024" });
  await until("it answers", () =>
    link.call("GET", [1]).catch((error) => {
      conditions.add(error.condition);
      return null;
    }));
  await restarted;
  assert(conditions.has("busy"), [...conditions].join());
});

Deno.test("a link leaves a Redis that became a replica, and comes back when it is a master again", async () => {
  await using server = await RedisServer.start();
  using link = linkTo(server.address);
  const blocked = failureOf(link.call("BLMOVE", ["from", "to", "RIGHT", "LEFT", 5], { ms: 7_000 }));
  await until("it waits", async () => /blocked_clients:1/.test(String(await server.call("INFO", "clients"))));
  await server.call("REPLICAOF", "127.0.0.1", 1);
  const { code, condition } = await blocked;
  assertEquals([code, condition], ["UNBLOCKED", "unreachable"]);
  assertEquals((await failureOf(link.call("SET", ["k", "v"]))).code, "READONLY");
  await server.call("REPLICAOF", "NO", "ONE");
  assertEquals(await until("it writes", () => link.call("SET", ["k", "v"]).catch(() => null)), "OK");
});

const noTls = await whyNoTls();

Deno.test({
  name: "a link talks TLS, and only with a server that its root certificate vouches for" + noTls,
  ignore: noTls !== "",
  async fn() {
    const tlsPort = freePort();
    await using server = await RedisServer.start({
      config: tlsConfig(tlsPort),
    });
    const caCerts = [await Deno.readTextFile(tlsFile("ca.pem"))];
    using good = linkTo(`rediss://127.0.0.1:${tlsPort}`, { caCerts });
    assertEquals(await good.call("ECHO", ["x"]), "x");
    using unknown = linkTo(`rediss://127.0.0.1:${tlsPort}`);
    assertEquals((await failureOf(unknown.call("ECHO", ["x"]))).condition, "unreachable");
    using plain = linkTo(`rediss://${server.address}`, { caCerts, connectMs: 200 });
    assertEquals((await failureOf(plain.call("ECHO", ["x"]))).condition, "unreachable");
  },
});

Deno.test({
  name: "a link comes back to a server that answered no handshake for a while" + noTls,
  ignore: noTls !== "",
  async fn() {
    const tlsPort = freePort();
    await using _server = await RedisServer.start({ config: tlsConfig(tlsPort) });
    const caCerts = [await Deno.readTextFile(tlsFile("ca.pem"))];
    await using proxy = Proxy.start(tlsPort);
    using link = linkTo(`rediss://${proxy.address}`, { caCerts, connectMs: 500 });
    proxy.stall();
    for (let i = 0; i < 3; i++) await failureOf(link.call("PING", []));
    proxy.pass();
    assertEquals(await until("it is back", () => link.call("ECHO", ["x"]).catch(() => null)), "x");
  },
});

Deno.test("a link with TLS to a Redis without it keeps no socket for each try", async () => {
  await using server = await RedisServer.start();
  using link = linkTo(`rediss://${server.address}`, { connectMs: 100 });
  await failureOf(link.call("PING", []));
  const before = Number(/^connected_clients:(\d+)/m.exec(String(await server.call("INFO", "clients")))![1]);
  for (let i = 0; i < 8; i++) await failureOf(link.call("PING", []));
  await until("no more are left than after the first", async () => {
    return Number(/^connected_clients:(\d+)/m.exec(String(await server.call("INFO", "clients")))![1]) <= before;
  });
});

Deno.test("a link lets a thousand commands wait and fails the next at once", async () => {
  await using server = await RedisServer.start();
  await using proxy = Proxy.start(server.port);
  using link = linkTo(proxy.address);
  await link.call("PING", []);
  proxy.stall();
  const waiting = Array.from({ length: 1_000 }, () => link.call("INCR", ["n"], { ms: 300 }).catch((error) => error));
  const failure = await failureOf(link.call("INCR", ["n"]));
  assertStringIncludes(failure.message, "1000 commands wait");
  const all = await Promise.all(waiting) as Failure[];
  assertEquals(all.map((one) => one.sent).filter(Boolean).length, 1);
  proxy.pass();
  assertEquals(await until("it answers", () => link.call("ECHO", ["x"]).catch(() => null)), "x");
});

Deno.test("close() of a link ends what waits and what comes later", async () => {
  await using server = await RedisServer.start();
  for (const isConnected of [false, true]) {
    using link = linkTo(server.address);
    const blocked = failureOf(link.call("BLPOP", ["q", 0], { ms: 60_000 }));
    const second = failureOf(link.call("PING", []));
    if (!isConnected) await settle();
    else {
      await until("Redis has the command", async () => {
        return /^blocked_clients:1\r?$/m.test(String(await server.call("INFO", "clients")));
      });
    }
    link.close();
    assertStringIncludes((await blocked).message, "the link was closed");
    await second;
    assertStringIncludes((await failureOf(link.call("PING", []))).message, "the link was closed");
    // one that was being made is closed as soon as it is there
    await until("only the test's own connection is left", async () => {
      return /^connected_clients:1\r?$/m.test(String(await server.call("INFO", "clients")));
    });
  }
  using paused = linkTo(`127.0.0.1:${freePort()}`);
  for (let i = 0; i < 4; i++) await failureOf(paused.call("PING", []));
  const waits = failureOf(paused.call("PING", []));
  paused.close();
  await waits;
});

Deno.test("a link leaves nothing behind after forty broken connections", async () => {
  await using server = await RedisServer.start();
  await using proxy = Proxy.start(server.port);
  using link = linkTo(proxy.address);
  for (let i = 0; i < 40; i++) {
    await link.call("PING", []);
    proxy.cut();
    await link.call("PING", []).catch(() => {});
  }
  await until("it answers", () => link.call("PING", []).catch(() => null));
  await until("one connection is left", () => proxy.open === 1);
  assertMatch(String(await server.call("INFO", "clients")), /connected_clients:[23]\r/);
});
