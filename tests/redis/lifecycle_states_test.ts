import { LIFECYCLE, type LifecycleEvent, type LifecycleEventName } from "../../src/domain/lifecycle.ts";
import type { ReassertRequest } from "../../src/ports/queue.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { ended, INFO, raw, RedisFixture } from "./redis_fixture.ts";

/** A job in one of its states, and the newest attempt that some host has on record of it. */
type Attempt = Pick<ReassertRequest, "id" | "token" | "attempt">;

const NONE: Attempt = { id: "j", token: "1.n10", attempt: 1 };
const failed = { state: "error", exitCode: 1, error: "exited with code 1" } as const;
const FOREIGN = { runner: "r", executor: "tmux.main", payload: "true" };

/** Ways to each state of the job `j`; the first word of a name is the state. */
const SETUPS: Readonly<Record<string, (fixture: RedisFixture) => Promise<Attempt>>> = {
  "absent": () => Promise.resolve(NONE),
  "dispatched, stored as a JSON string": async ({ server, keys }) => {
    await server.call("SET", keys.job("j"), JSON.stringify(FOREIGN));
    return NONE;
  },
  "dispatched, queued": async (fixture) => ({ ...NONE, id: await queued(fixture) }),
  "dispatched, claimed": async (fixture) => ({ ...NONE, id: await fixture.claimed("j") }),
  "dispatched, cancelled by a foreign program": async (fixture) => {
    await fixture.claimed("j");
    await fixture.server.call("HSET", fixture.keys.meta("j"), "cancel", "why");
    return NONE;
  },
  "dispatched, moved before": async (fixture) => {
    await fixture.claimed("j");
    await fixture.server.call("HSET", fixture.keys.meta("j"), "rerouted", "1");
    return NONE;
  },
  "dispatched, delayed": async (fixture) => {
    await fixture.submit("j", { notBeforeMs: Date.now() + 3_600_000 });
    return NONE;
  },
  "dispatched, waits for one that fails": async (fixture) => {
    await fixture.submit("first");
    await fixture.submit("j", { after: "first" });
    await fixture.server.call("HSET", fixture.keys.job("first"), "status", "error");
    return NONE;
  },
  "dispatched, waits for the end of one that has failed": async (fixture) => {
    await fixture.submit("first");
    await fixture.submit("j", { afterEnd: "first" });
    await fixture.server.call("HSET", fixture.keys.job("first"), "status", "error");
    return NONE;
  },
  "dispatched, to be tried again": async (fixture) => {
    const attempt = await fixture.started("j");
    await fixture.queue.finish(ended(attempt, { ...failed, retryDelayMs: 3_600_000 }));
    return attempt;
  },
  "dispatched, as a foreign program wrote back": async (fixture) => {
    const attempt = await fixture.started("j");
    await fixture.server.call("HSET", fixture.keys.job("j"), "status", "dispatched");
    return attempt;
  },
  "started": (fixture) => fixture.started("j"),
  "started, queued twice": async (fixture) => {
    const attempt = await fixture.started("j");
    await fixture.server.call("HSET", fixture.keys.meta("j"), "rerouted", "1");
    return attempt;
  },
  "finished": async (fixture) => {
    const attempt = await fixture.started("j");
    await fixture.queue.finish(ended(attempt));
    return attempt;
  },
  "finished, says a foreign program": async (fixture) => {
    const attempt = await fixture.started("j");
    await fixture.server.call("HSET", fixture.keys.job("j"), "status", "finished");
    return attempt;
  },
  "error": async (fixture) => {
    const attempt = await fixture.started("j");
    await fixture.queue.finish(ended(attempt, failed));
    return attempt;
  },
  "error, cancelled before its start": async (fixture) => {
    await fixture.claimed("j");
    await fixture.store.cancel("j", "");
    return NONE;
  },
};

async function queued(fixture: RedisFixture): Promise<string> {
  await fixture.submit("j");
  return "j";
}

/** Puts the id of `j` into the claim list. */
const claim = ({ server, keys }: RedisFixture) => server.call("LPUSH", keys.claim("r", "i"), "j");

type Drive = (fixture: RedisFixture, attempt: Attempt) => Promise<unknown>;

/** Ways to cause each event; all are tried in each state. */
const DRIVES: Readonly<Partial<Record<LifecycleEventName, readonly Drive[]>>> = {
  submit: [
    (fixture) => fixture.submit("j"),
    async (fixture) => {
      await fixture.submit("bad");
      await fixture.store.cancel("bad", "");
      await fixture.submit("j", { after: "bad" });
    },
  ],
  promote: [async ({ queue, server, keys }) => {
    await server.call("ZADD", keys.delay("r"), 1, "j");
    await queue.promote("j");
  }],
  settle: [({ queue }) => queue.settle("first")],
  skipped: [({ queue }) => queue.settle("first")],
  reroute: [async (fixture) => {
    await claim(fixture);
    await fixture.queue.reroute("j", "q");
  }],
  convert: [({ queue }) => queue.convert("j", JSON.stringify(FOREIGN), { ...FOREIGN, status: "dispatched" })],
  start: [async (fixture) => {
    await claim(fixture);
    await fixture.queue.start("j");
  }],
  park: [async (fixture) => {
    if ((await fixture.meta("j")).cancel !== undefined) return; // its start ends it
    await fixture.server.call("HSET", fixture.keys.meta("j"), "limits", "gpu");
    await claim(fixture);
    await fixture.queue.start("j"); // nothing with a limit starts so soon
  }],
  finish: [
    ({ queue }, attempt) => queue.finish(ended(attempt)),
    ({ queue }, attempt) => queue.finish(ended(attempt, failed)),
    ({ queue }, attempt) => queue.finish(ended(attempt, { ...failed, retryDelayMs: 1000 })),
  ],
  input_required: [({ queue }, attempt) => queue.inputRequired(attempt, "?")],
  input_resolved: [async ({ queue, server, keys }, attempt) => {
    if (await server.call("EXISTS", keys.meta("j"))) await server.call("HSET", keys.meta("j"), "input_ms", 1);
    await queue.inputResolved(attempt);
  }],
  cancel: [({ store }) => store.cancel("j", "why")],
  retry: [({ store }) => store.retry("j")],
  reassert: [
    ({ queue }, attempt) => queue.reassert({ ...attempt, startedMs: 1, job: FOREIGN, meta: {} }),
    ({ queue }, { id, attempt }) => {
      const later = { token: `${attempt + 1}.n1`, attempt: attempt + 1 };
      return queue.reassert({ id, ...later, startedMs: 1, job: FOREIGN, meta: {} });
    },
  ],
  schedule_fired: [async (fixture) => {
    const { queue, store } = fixture;
    const timeMs = await fixture.now() - 1000;
    const submission = { ...FOREIGN, id: "j" };
    const rest = { sinceMs: 0, overlap: "skip", catchUp: 0, jitter: 0, submission } as const;
    await store.schedules.scheduleAdd("s", { cron: "@daily", tz: "UTC", ...rest }, timeMs);
    const [schedule] = (await queue.schedules.read()).schedules;
    const times = { timeMs, nextMs: null, graceMs: 60_000, plannedId: "j" };
    await queue.schedules.scheduleFired({ schedule, submission, ...times });
  }],
  reap: (["requeue", "fail"] as const).map((policy) => async (fixture, attempt) => {
    await fixture.server.call("HSET", fixture.keys.attempts("r", "i"), "j", attempt.token);
    await fixture.expire("i");
    await fixture.queue.reap("i", { attempt: "j" }, { policy, graceMs: 0, lostAfterMs: 0 });
  }),
};

/** Events that happen within others, and are reported under their own names. */
const WITHIN: Readonly<Partial<Record<LifecycleEventName, readonly LifecycleEventName[]>>> = {
  submit: ["skipped"],
  promote: ["skipped"],
  settle: ["promote", "skipped"],
};

/** Events of an id: their scripts do not read the job. */
const IDS: Readonly<Partial<Record<LifecycleEventName, Drive>>> = {
  claim: async (fixture) => {
    await fixture.server.call("LPUSH", fixture.keys.queue("r"), "j");
    assert((await fixture.claim(9)).includes("j"));
  },
  release: async (fixture) => {
    await claim(fixture);
    assertEquals(await fixture.queue.release(raw("j")), true);
  },
  dead_letter: async (fixture) => {
    await claim(fixture);
    assertEquals(await fixture.queue.deadLetter(raw("j"), "no job"), true);
  },
};

/** Empties Redis and brings the job into a state. */
async function prepare(fixture: RedisFixture, setup: string): Promise<Attempt> {
  await fixture.server.call("FLUSHALL");
  for (const restored of [false, true]) await fixture.queue.register(INFO, { restored });
  return await SETUPS[setup](fixture);
}

/** State of the job; a job that is stored as a string has not begun. */
async function stateOf({ server, keys }: RedisFixture): Promise<string> {
  const type = await server.call("TYPE", keys.job("j"));
  return type === "none" ? "absent" : type === "string" ? "dispatched" : (await server.hash(keys.job("j"))).status;
}

/** States that events of this name, and those within them, have reported for `j`, in `rr:events`. */
async function reported({ server, keys }: RedisFixture, name: LifecycleEventName): Promise<string[]> {
  const names: readonly string[] = [name, ...WITHIN[name] ?? []];
  const entries = await server.call("XRANGE", keys.events(), "-", "+") as [string, string[]][];
  const fields = entries.map(([, list]) => Object.fromEntries(list.map((_, i) => list.slice(2 * i, 2 * i + 2))));
  return fields.filter(({ e, id }) => names.includes(e) && id === "j").map(({ s }) => s);
}

Deno.test("each setup leaves the job in the state of its name", async () => {
  await using fixture = await RedisFixture.open();
  for (const setup of Object.keys(SETUPS)) {
    await prepare(fixture, setup);
    assertEquals(await stateOf(fixture), setup.split(",")[0], setup);
  }
});

for (const [name, { from, to }] of Object.entries(LIFECYCLE) as [LifecycleEventName, LifecycleEvent][]) {
  Deno.test(`the event ${name} finds and leaves a job in the states of its row, and in no other`, async () => {
    await using fixture = await RedisFixture.open();
    const found = { from: new Set<string>(), to: new Set<string>() };
    for (const setup of Object.keys(SETUPS)) {
      for (const drive of DRIVES[name] ?? []) {
        const attempt = await prepare(fixture, setup);
        const [before, earlier] = [await stateOf(fixture), await reported(fixture, name)];
        const type = await fixture.server.call("TYPE", fixture.keys.job("j"));
        await drive(fixture, attempt);
        const after = await stateOf(fixture);
        const isSame = after === before && await fixture.server.call("TYPE", fixture.keys.job("j")) === type;
        const news = (await reported(fixture, name)).slice(earlier.length).filter((state) => state !== "late");
        assertEquals(news.at(-1) ?? after, after, `${setup}: ${name} reports the state in which it leaves the job`);
        if (news.length === 0 && isSame) continue;
        found.from.add(before);
        found.to.add(after);
      }
      if (!IDS[name]) continue;
      const attempt = await prepare(fixture, setup);
      const jobKeys = [fixture.keys.job("j"), fixture.keys.meta("j")];
      const dump = () => Promise.all(jobKeys.map((key) => fixture.server.call("DUMP", key)));
      const before = await dump();
      await IDS[name](fixture, attempt);
      assertEquals(await dump(), before, `${setup}: ${name} changes the job`);
    }
    if (IDS[name]) return;
    assertEquals([[...found.from].sort(), [...found.to].sort()], [[...from].sort(), [...to].sort()]);
  });
}
