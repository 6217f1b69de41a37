import { reasonOf } from "../../src/redis/reason.ts";
import { Link } from "../../src/redis/link.ts";
import { DeadlineError } from "../../src/redis/client.ts";
import { parseRedisUrl } from "../../src/redis/url.ts";
import { systemClock } from "../../src/system/clock.ts";
import type { UnavailableError } from "../../src/domain/errors.ts";
import type { Trouble } from "../../src/ports/queue.ts";
import { assert, assertEquals, assertStringIncludes } from "../support/assert.ts";
import { freePort, RedisServer } from "../support/redis_server.ts";

const tls = (file: string) => new URL(`./tls/${file}`, import.meta.url).pathname;

/** What a new link says of a Redis that it does not reach. */
async function reasonAt(address: string, connectMs = 3_000): Promise<Trouble & UnavailableError> {
  const url = parseRedisUrl(address);
  const caCerts = url.caFile === undefined ? undefined : [await Deno.readTextFile(url.caFile)];
  const link = new Link({ url, caCerts, connectMs }, systemClock);
  try {
    return await link.call("TIME", []).then(() => Promise.reject(new Error("it answered")), (error) => error);
  } finally {
    link.close();
  }
}

/**
 * A server that says one thing to each connection, and records what it receives; one that `hangsUp` says nothing and
 * closes it.
 */
function sayer(text: string, hangsUp = false) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const reported: string[] = [];
  const open: Deno.Conn[] = [];
  const serving = (async () => {
    for await (const connection of listener) {
      if (hangsUp) {
        connection.close();
        continue;
      }
      open.push(connection);
      if (text !== "") await connection.write(new TextEncoder().encode(text)).catch(() => {});
      const buffer = new Uint8Array(4096);
      connection.read(buffer).then((count) => reported.push(new TextDecoder().decode(buffer.subarray(0, count ?? 0))))
        .catch(() => {});
    }
  })();
  return {
    port: listener.addr.port,
    reported,
    async [Symbol.asyncDispose]() {
      listener.close();
      await serving;
      for (const connection of open) connection.close();
    },
  };
}

Deno.test("a link that does not reach a Redis says why, and what to do", async () => {
  const [tlsPort, strictPort] = [freePort(), freePort()];
  const config = (port: number, strict: boolean) => ({
    "tls-port": String(port),
    "tls-cert-file": tls("server.pem"),
    "tls-key-file": tls("server.key"),
    "tls-ca-cert-file": tls("ca.pem"),
    "tls-auth-clients": strict ? "yes" : "no",
  });
  await using server = await RedisServer.start({ config: config(tlsPort, false) });
  await using _strict = await RedisServer.start({ config: config(strictPort, true) });
  await using web = sayer("HTTP/1.1 400 Bad Request\r\n\r\n");
  await using shell = sayer("SSH-2.0-OpenSSH_9.2\r\n");
  await using silent = sayer("");
  await using tunnel = sayer("", true);
  const cases: [address: string, says: string, remedy: string | undefined][] = [
    ["no-such-host.invalid:6379", 'the name service knows no address of "no-such-host.invalid"', "DNS"],
    [`127.0.0.1:${freePort()}`, "nothing listens at that port", undefined],
    [`127.0.0.1:${silent.port}`, "it did not answer within 500 ms", "firewall"],
    [`rediss://127.0.0.1:${silent.port}`, "it did not answer within 500 ms", "firewall"],
    [`127.0.0.1:${tunnel.port}`, "it closed the connection without an answer", "tunnel"],
    [`rediss://127.0.0.1:${tunnel.port}`, "it closed the connection without an answer", "tunnel"],
    [`127.0.0.1:${web.port}`, "a web server (HTTP) answers there", "6379"],
    [`rediss://127.0.0.1:${web.port}`, "a web server (HTTP) answers there", "6379"],
    [`127.0.0.1:${shell.port}`, "another program than Redis answers there", "6379"],
    [`127.0.0.1:${tlsPort}`, "it speaks TLS at this port", "write rediss://"],
    [`127.0.0.1:${strictPort}`, "it speaks TLS at this port", "write rediss://"],
    [`rediss://${server.address}`, "it speaks no TLS at this port", "write redis://"],
    [`rediss://127.0.0.1:${tlsPort}`, "self-signed, or of an authority that this host does not trust", "?ca=FILE"],
    [`rediss://127.0.0.1:${tlsPort}?ca=${tls("server.pem")}`, "do not vouch for its certificate", "?ca=FILE"],
    [`rediss://127.0.0.1:${strictPort}?ca=${tls("ca.pem")}`, "a certificate of each client", "tls-auth-clients no"],
  ];
  for (const [address, says, remedy] of cases) {
    const error = await reasonAt(address, 500);
    assertEquals([error.condition, error.sent], ["unreachable", false], address);
    assertStringIncludes(error.message, says, address);
    assertStringIncludes(error.says!, "cannot be reached: ", address);
    if (remedy === undefined) assertEquals(error.remedy, undefined, address);
    else assertStringIncludes(error.remedy ?? "", remedy, address);
  }
});

Deno.test("a link that checks whether TLS is what is wrong sends the other side no password", async () => {
  await using silent = sayer("");
  await reasonAt(`rediss://me:sesame@127.0.0.1:${silent.port}/3`, 200);
  assertEquals(silent.reported.filter((text) => text.includes("PING")).length, 1);
  assert(!silent.reported.join().includes("sesame") && !silent.reported.join().includes("me"), silent.reported.join());
});

Deno.test("reasonOf() reads what name service, network and certificates say", () => {
  const target = { url: parseRedisUrl("rediss://redis.example:6380"), connectMs: 700 };
  const cases: [error: Error, says: RegExp][] = [
    [new DeadlineError("did not answer within 700 ms"), /^it did not answer within 700 ms$/],
    [
      new Error("failed to lookup address information: Temporary failure in name resolution"),
      /no address of "redis\.example" \(temporary failure in name resolution\)/,
    ],
    [new Error("No route to host (os error 113)"), /^there is no way to that host \(no route to host\)$/],
    [new Error("Network is unreachable (os error 101)"), /^there is no way to that host/],
    [new Error("invalid peer certificate: NotValidForName"), /for another name than "redis\.example"/],
    [new Error('invalid peer certificate: certificate not valid for name "x"'), /for another name than/],
    [new Error("invalid peer certificate: Expired"), /not valid at the time/],
    [new Error("invalid peer certificate: certificate expired: verification time 1"), /not valid at the time/],
    [new Error("invalid peer certificate: Other(OtherError(CaUsedAsEndEntity))"), /that of an authority/],
    [new Error("invalid peer certificate: UnknownIssuer"), /self-signed, or of an authority/],
    [new Error("Connection reset by peer (os error 104)"), /^it closed the connection without an answer$/],
    [new Error("something new"), /^something new$/],
    [new TypeError(""), /^TypeError$/],
  ];
  for (const [error, says] of cases) {
    assert(says.test(reasonOf(error, target).says), `${error.message} -> ${reasonOf(error, target).says}`);
  }
});
