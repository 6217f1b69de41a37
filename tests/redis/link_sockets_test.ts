/** The sockets of a link, counted among all of this process: nothing else may open any meanwhile. */
import { assert, assertEquals } from "../support/assert.ts";
import { until } from "../support/until.ts";
import { failureOf, linkTo } from "./link_fixture.ts";

/** Sockets that this process has open. */
function sockets(): number {
  return [...Deno.readDirSync("/proc/self/fd")].filter(({ name }) => {
    try {
      return Deno.readLinkSync(`/proc/self/fd/${name}`).startsWith("socket:");
    } catch {
      return false; // the folder's own
    }
  }).length;
}

Deno.test("a link to a server that completes no handshake keeps no socket for each try", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const held: Deno.Conn[] = [];
  const accepting = (async () => {
    for await (const conn of listener) held.push(conn);
  })();
  using link = linkTo(`rediss://127.0.0.1:${(listener.addr as Deno.NetAddr).port}`, { connectMs: 100 });
  const tries = async (count: number) => {
    const before = held.length;
    for (let i = 0; i < count; i++) assertEquals((await failureOf(link.call("PING", []))).condition, "unreachable");
    // a try without an answer may have a second one, for its reason
    assert(held.length - before >= count, "each try reaches the server");
  };
  const kept = () => sockets() - held.length;
  await tries(1);
  const first = kept();
  await tries(8);
  await until(`no more than ${first} sockets are left, and one`, () => kept() <= first + 1);
  listener.close();
  for (const conn of held) conn.close();
  await accepting.catch(() => {});
});
