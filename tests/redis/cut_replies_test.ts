/**
 * The reply to any one command is lost after Redis carried it out: repeating the step ends where one that was never
 * repeated does.
 */
import { UnavailableError } from "../../src/domain/errors.ts";
import type { Trouble } from "../../src/ports/queue.ts";
import { Keys } from "../../src/redis/keys.ts";
import { openQueue } from "../../src/redis/open.ts";
import { openStore } from "../../src/redis/open_store.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { Proxy } from "../support/proxy.ts";
import { RedisServer } from "../support/redis_server.ts";
import { job } from "./everything.ts";
import { ended, INFO, placeAt, raw } from "./redis_fixture.ts";

/** Repeats a step while the connection breaks. */
async function surely<T>(step: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await step();
    } catch (error) {
      if (!(error instanceof UnavailableError) || (error as UnavailableError & Trouble).condition !== "unreachable") {
        throw error;
      }
    }
  }
}

/** A day in the life of a runner and a client. */
async function live(server: RedisServer, address: string, namespace: string): Promise<void> {
  const place = placeAt(address, namespace);
  const store = openStore(place);
  const [queue, lost] = ["i", "gone"].map((instance) =>
    openQueue(place, { runner: "r", instance, nonce: instance, leaseMs: instance === "i" ? 60_000 : 1 })
  );
  const error = { state: "error", error: "exited with code 1", exitCode: 1 } as const;
  /** A claim whose reply is lost is in the claim list. */
  const claim = async (from = queue) => {
    while ((await surely(() => from.claimed())).length === 0) await surely(() => from.claim(1));
  };
  const start = async (id: string, from = queue) => {
    await claim(from);
    const reply = await surely(() => from.start(id));
    assert(reply.type === "OK" || reply.type === "HELD", `${id}: ${reply.type}`);
    return { id, token: reply.token };
  };
  await surely(() => queue.register(INFO));
  await surely(() => lost.register(INFO));
  await server.call("HSET", new Keys(namespace).limitState(), "hold", 0);
  for (const id of ["gone-run", "gone-claim"]) await surely(() => store.submit(job(id)));
  await start("gone-run", lost);
  await claim(lost);

  await surely(() => store.submit(job("a", { retries: 1 })));
  const first = await start("a");
  await surely(() => store.submit(job("b", { after: "a" })));
  await surely(() => queue.heartbeat([first], "up"));
  await surely(() => queue.finish(ended(first, { ...error, retryDelayMs: 0 })));
  await surely(() => queue.promote("a"));
  const second = await start("a");
  await surely(() => queue.finish(ended(second)));
  const submission = job("s@1", { runner: "other" });
  const definition = { cron: "@daily", tz: "UTC", sinceMs: 0, overlap: "skip", catchUp: 0, jitter: 0 } as const;
  await surely(() => store.schedules.scheduleAdd("s", { ...definition, submission }, 1));
  const [schedule] = (await surely(() => queue.schedules.read())).schedules;
  const firing = { schedule, timeMs: 1, nextMs: null, graceMs: 9e12, submission, plannedId: "s@1" };
  await surely(() => queue.schedules.scheduleFired(firing));
  await surely(() => store.schedules.schedulePause("s", "pause"));
  await surely(() => store.schedules.scheduleRemove("s", 9_000_000));
  await surely(() => queue.promote("b", { force: true }));
  const run = await start("b");
  await surely(() => store.cancel("b", "why"));
  await surely(() => queue.finish(ended(run, { ...error, error: "cancelled: why" })));

  await surely(() => store.retry("b"));
  const again = await start("b");
  await surely(() => queue.finish(ended(again)));

  await surely(() => store.submit(job("c")));
  await claim();
  await surely(() => store.cancel("c", ""));
  await surely(() => queue.start("c"));
  await surely(() => store.submit(job("d")));
  await claim();
  await surely(() => queue.deadLetter(raw("d"), "odd"));
  await surely(() => store.submit(job("e", { runner: "q" })));
  await surely(() => store.submit(job("f")));
  await claim();
  await surely(() => queue.reroute("f", "q"));
  await surely(() => store.submit(job("g")));
  await claim();
  await surely(() => queue.release(raw("g")));

  await surely(() => store.limits.limitSet("gpu", 2));
  await surely(() => store.limits.limitSet("other", 2));
  await surely(() => store.limits.limitRemove("other"));
  await surely(() => queue.claim(9, ["tmux.main"])); // g, and what was queued above
  const limited = { limits: ["gpu", "one"] };
  for (const id of ["l1", "l2", "l3"]) await surely(() => store.submit(job(id, limited)));
  await surely(() => queue.claim(9, ["tmux.main"]));
  await surely(() => queue.limits.unpark());
  const held = (await surely(() => queue.owned())).find(({ id }) => id === "l1")!;
  await surely(() => queue.finish(ended(held)));
  await surely(() => store.cancel("l3", ""));
  await surely(() => queue.claim(9, ["tmux.main"]));

  const reap = { policy: "requeue", graceMs: 0, lostAfterMs: 0 } as const;
  await surely(() => queue.reap("gone", { claim: raw("gone-claim") }, reap));
  await surely(() => queue.reap("gone", { attempt: "gone-run" }, reap));
  await surely(() => queue.retire("gone"));
  await surely(() => queue.reassert({ ...second, attempt: 2, startedMs: 1, job: {}, meta: {} }));
  await surely(() => queue.restore({ ...second, attempt: 2, startedMs: 1, job: {}, meta: {} }, ended(second)));
  await surely(() => queue.endOf(second));
  for (const one of [store, queue, lost]) one.close();
}

const TIMES = /(created_at|updated_at|_ms)$|^(since|seq|rev|removed|birth|version|hold|checked|rank|parked)$/;

/** Removes revisions, ranks, and the ends of tokens, which are the times of their starts. */
function withoutTimes(text: string): string {
  return text.replace(/(^|\n)(\d+\.\D*)[0-9a-f]+/, "$1$2").replace(/\d{13,}/g, "TIME");
}

/** Everything in Redis but times and repeated events. */
async function stateOf(server: RedisServer, namespace: string): Promise<Record<string, unknown>> {
  const state: Record<string, unknown> = {};
  for (const key of (await server.keys()).filter((key) => key.startsWith(namespace))) {
    const name = key.slice(namespace.length);
    const type = await server.call("TYPE", key);
    if (type === "hash") {
      const fields = Object.entries(await server.hash(key));
      const lasting = fields.filter(([field]) => !TIMES.test(field));
      state[name] = Object.fromEntries(lasting.map(([field, value]) => [field, withoutTimes(value)]));
    } else if (type === "list") state[name] = await server.call("LRANGE", key, 0, -1);
    else if (type === "set") state[name] = await server.call("SMEMBERS", key);
    else if (type === "zset") {
      state[name] = (await server.call("ZRANGE", key, 0, -1) as string[]).map(withoutTimes).sort();
    } else {
      const events = await server.call("XRANGE", key, "-", "+") as [string, string[]][];
      // a request to cancel may be published twice; every other event is published once
      state[name] = events.map(([, [, event, , id]]) => `${event} ${id}`).filter((one, i, all) => one !== all[i - 1]);
    }
    state[`${name} stays`] = await server.call("PTTL", key) === -1;
  }
  return state;
}

Deno.test("a reply to any command that is lost, or cut in the middle, changes nothing in the end", async () => {
  await using server = await RedisServer.start();
  await using proxy = Proxy.start(server.port);
  await live(server, proxy.address, "whole:");
  const expected = await stateOf(server, "whole:");
  assert(Object.keys(expected).length > 20);
  let nth = 1;
  for (let cut = true; cut; nth++) {
    cut = false;
    proxy.cutReply({ nth, after: nth % 2 === 0 ? 3 : 0 }).then(() => cut = true);
    const before = proxy.commands.length;
    await live(server, proxy.address, `${nth}:`);
    const command = proxy.commands[before + nth - 1];
    assertEquals(await stateOf(server, `${nth}:`), expected, `reply ${nth}, to ${command}, was cut`);
    await server.call("FLUSHDB");
  }
  // the last round had fewer commands than that
  assert(nth > 50, String(nth));
  proxy.forgetCut();
});
