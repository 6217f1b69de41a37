import { pause } from "../support/barrier.ts";
import { type Host, LEASE } from "./chaos_host.ts";
import type { Fault } from "./chaos_schedule.ts";

/** Faults of processes, links and Redis, after which nothing may be different but later. */
export const BASIC: readonly Fault[] = [
  {
    name: "kill",
    weight: 30,
    on: ["process"],
    work: async (host, random) => {
      await host.down("SIGKILL");
      await pause(random() < 0.5 ? 0 : random() * 2 * LEASE);
      await host.up();
    },
  },
  {
    name: "terminate",
    weight: 8,
    on: ["process"],
    work: async (host, random) => {
      await host.down("SIGTERM");
      await pause(random() * 300);
      await host.up();
    },
  },
  {
    name: "freeze_short",
    weight: 10,
    on: ["process"],
    work: (host, random) => freeze(host, 50 + random() * LEASE / 2),
  },
  { name: "freeze_long", weight: 8, on: ["process"], work: (host, random) => freeze(host, LEASE * (1.2 + random())) },
  { name: "cut", weight: 20, on: ["link"], work: (host) => Promise.resolve(host.proxy.cut()) },
  {
    name: "refuse",
    weight: 8,
    on: ["link"],
    work: async (host, random) => {
      await host.proxy.refuse();
      await pause(random() * 1500);
      host.proxy.pass();
    },
  },
  { name: "stall_short", weight: 10, on: ["link"], work: (host, random) => stall(host, random() * 1000) },
  { name: "stall_long", weight: 5, on: ["link"], work: (host, random) => stall(host, 2000 + random() * 2000) },
  {
    name: "stall_and_kill",
    weight: 5,
    on: ["link", "process"],
    work: async (host, random) => {
      host.proxy.stall();
      await pause(random() * 500);
      await host.down("SIGKILL");
      host.proxy.pass();
      await host.up();
    },
  },
  {
    name: "redis_kill",
    weight: 8,
    on: ["redis"],
    work: async ({ fixture }, random) => {
      await fixture.redis.kill9();
      await pause(random() * 800);
      await fixture.redis.restart();
    },
  },
  {
    name: "redis_freeze",
    weight: 5,
    on: ["redis"],
    work: async ({ fixture }, random) => {
      fixture.redis.freeze();
      await pause(random() * 2500);
      fixture.redis.thaw();
    },
  },
];

/** Faults of a host's disk, spool and terminals; each says what may come of it. */
export const LOCAL: readonly Fault[] = [
  {
    // a job may start later, and its output may be marked as truncated
    name: "disk_full",
    weight: 12,
    on: ["disk"],
    work: async ({ disk, timeline, letter }, random) => {
      await timeline.during("disk_full", letter, async () => {
        await disk?.fill();
        await pause(200 + random() * 2800);
        await disk?.free();
      });
    },
  },
  {
    // the copy is refused beside its living original; when it comes after its end, one of the two may be in
    name: "copied_spool",
    weight: 4,
    on: ["process", "link", "redis"],
    work: copySpool,
  },
  {
    // jobs that ran there may be lost; the runner may end by itself, and says why
    name: "spool_deleted",
    weight: 4,
    on: ["process", "link", "redis", "disk"],
    work: deleteSpool,
  },
  {
    // everything may be late
    name: "tmux_frozen",
    weight: 5,
    on: ["tmux"],
    work: (host, random) =>
      freezeTmux(host, "tmux_frozen", () => pause(500 + random() * (random() < 0.7 ? 2000 : 11_500))),
  },
  {
    // it ends in time all the same
    name: "term_frozen",
    weight: 4,
    on: ["process", "link", "tmux"],
    work: async (host, random) => {
      const leave = async () => {
        await pause(random() * 500);
        await host.down("SIGTERM");
      };
      if (random() < 0.5) await freezeTmux(host, "term_frozen", leave);
      else {
        host.proxy.stall();
        await leave();
        host.proxy.pass();
      }
      await host.up();
    },
  },
];

/** Faults that make Redis forget what it had acknowledged. */
export const DATA: readonly Fault[] = [
  {
    // what was pushed since the copy may be gone, when it did not run; every runner is there to bring back what it runs
    name: "rollback",
    weight: 3,
    on: ["redis", "everyone"],
    work: rollBack,
  },
  {
    // what did not run may be gone
    name: "flush",
    weight: 3,
    on: ["redis"],
    work: async ({ fixture, timeline }) => {
      await timeline.during("flush", "*", async () => {
        await timeline.read(fixture.redis);
        await fixture.redis.call("FLUSHALL");
      });
      // or else nothing would ever be queued for long enough to run
      await pause(2 * LEASE);
    },
  },
];

/** Faults that end all terminals of a host: jobs that ran there may be lost. */
export const TMUX: readonly Fault[] = [
  {
    name: "tmux_kill",
    weight: 5,
    on: ["tmux"],
    work: (host) => host.timeline.during("tmux_kill", host.letter, () => host.killTmux()),
  },
  {
    name: "tmux_crash",
    weight: 5,
    on: ["tmux"],
    work: async (host) => {
      await host.timeline.during("tmux_crash", host.letter, () => host.signalTmux("SIGSEGV"));
    },
  },
];

/** Name of what is no fault of a moment: people attach, resize, leave, and have sessions of their own, all the time. */
export const PEOPLE = "people";

async function copySpool(host: Host, random: () => number): Promise<void> {
  const { timeline, letter } = host;
  const socket = random() < 0.5 ? host.socket : `${host.socket}-copy`;
  const ms = 1000 + random() * 3000;
  await host.heartbeats();
  if (random() < 0.5) {
    const copy = await host.copySpool();
    if (await host.runCopy(copy, socket, ms)) {
      host.unexpected.push(`a copied spool of host ${letter} was let in beside its living original`);
    }
    return;
  }
  await timeline.during("copied_spool", letter, async () => {
    await host.down("SIGKILL");
    const copy = await host.copySpool();
    const back = pause(random() * 2 * LEASE).then(() => host.up());
    // what ran in a copy is on record there alone
    await timeline.during("copy_ran", letter, () => host.runCopy(copy, socket, ms));
    await back;
  });
}

async function deleteSpool(host: Host): Promise<void> {
  await host.heartbeats();
  await host.timeline.during("spool_deleted", host.letter, async () => {
    // the runner makes files meanwhile
    for (let tries = 0; tries < 5; tries++) {
      await Deno.remove(host.instance, { recursive: true }).catch(() => {});
    }
  });
  const end = performance.now() + 5000;
  while (host.runner && performance.now() < end) await pause(50);
  await host.down("SIGTERM");
  await host.up();
}

/** Freezes a tmux server for the time of some work. */
async function freezeTmux(host: Host, name: string, work: () => Promise<void>): Promise<void> {
  await host.timeline.during(name, host.letter, async () => {
    const frozen = await host.signalTmux("SIGSTOP");
    try {
      await work();
    } finally {
      if (frozen) host.thaw(frozen);
    }
  });
}

async function rollBack(host: Host, random: () => number, hosts: readonly Host[]): Promise<void> {
  const { fixture: { redis }, timeline } = host;
  await Promise.all(hosts.map((each) => each.heartbeats()));
  await timeline.during("rollback", "*", async () => {
    const copy = await redis.copy();
    try {
      await pause(100 + random() * 1900);
      await timeline.read(redis);
      await redis.goBackTo(copy);
    } finally {
      await copy[Symbol.asyncDispose]();
    }
  });
  // the runners notice by themselves; all of them bring back what they run before any of them claims a job
  await pause(2 * LEASE);
}

async function freeze(host: Host, ms: number): Promise<void> {
  const { runner } = host;
  if (!runner) return; // it has ended by itself, which the audit names
  runner.signal("SIGSTOP");
  await pause(ms);
  runner.signal("SIGCONT");
}

async function stall(host: Host, ms: number): Promise<void> {
  host.proxy.stall();
  await pause(ms);
  host.proxy.pass();
}
