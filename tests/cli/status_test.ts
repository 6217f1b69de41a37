import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import { anInstance } from "./fake_store.ts";
import { CommandFixture, type CommandOptions } from "./command_fixture.ts";
import { assertGolden } from "./golden.ts";

/** A namespace with a bit of everything; Redis' clock shows 2026-01-31 12:00 UTC. */
function busyWorld(options: CommandOptions = {}): CommandFixture {
  const fixture = new CommandFixture(options);
  const { redis } = fixture;
  redis.instanceList = [
    anInstance({ runner: "build", instance: "i2", host: "beta", state: "draining", running: 0, pid: 12, slots: 16 }),
    anInstance(),
    anInstance({ runner: "build", instance: "i3", host: "gamma", alive: false, silentMs: 3_600_000 }),
  ];
  redis.queueList = [
    { runner: "test_runner", queued: 2, delayed: 0, parked: 0, paused: false },
    { runner: "build", queued: 0, delayed: 3, parked: 0, paused: true },
  ];
  const created_at = "2026-01-31T11:58:00.000Z";
  redis.put("job-foreign", {
    payload: "echo foreign",
    status: "finished",
    created_at: "2026-01-31 10:00:00",
    runner: "build",
  });
  redis.put("job-ended", {
    payload: "exit 3",
    status: "error",
    error: "exited with code 3",
    runner: "test_runner",
    executor: "tmux.main",
    created_at,
    updated_at: "2026-01-31T11:59:00.000Z",
  }, {
    exit: "3",
    attempt: "2",
    ms: "4200",
    started_ms: String(Date.UTC(2026, 0, 31, 11, 58, 30)),
    instance: "inst-1",
  });
  redis.put("job-running", {
    payload: "make -j4 all\nmake install",
    status: "started",
    runner: "test_runner",
    executor: "tmux.main.build",
    created_at,
    timeout: "600",
    env_vars: '{"TOKEN":"secret","A":"b"}',
    caller_id: "me",
  }, {
    attempt: "1",
    started_ms: String(Date.UTC(2026, 0, 31, 11, 59, 0)),
    instance: "inst-1",
    title: "Build \x1b[31mred\nall",
    "label:team": "core",
    retry_max: "2",
    cwd: "/srv/app",
  });
  redis.put("job-queued", {
    payload: "sleep 1",
    status: "dispatched",
    runner: "test_runner",
    executor: "tmux.main",
    created_at,
  });
  redis.deadLetterList = [{ id: "\x1b[2J", reason: "missing", ms: Date.UTC(2026, 0, 31, 11, 0, 0) }];
  return fixture;
}

async function shown(fixture: CommandFixture, ...args: string[]): Promise<string> {
  fixture.stdout = "";
  assertEquals([await fixture.run(...args), fixture.stderr], [0, ""], args.join(" "));
  return fixture.stdout;
}

Deno.test("status shows runners, queues and recent jobs, whole in a pipe and fitted on a terminal", async () => {
  await assertGolden("status_pipe", await shown(busyWorld(), "status"));
  await assertGolden("status_terminal", await shown(busyWorld({ columns: 80, env: { NO_COLOR: "1" } }), "status"));
  await assertGolden("status_empty", await shown(new CommandFixture(), "status"));
  const narrow = await shown(busyWorld({ columns: 60, env: { TERM: "dumb" } }), "status");
  for (const line of narrow.split("\n")) assert(line.length <= 60, line);
});

Deno.test("status --json is one object", async () => {
  const overview = JSON.parse(await shown(busyWorld(), "status", "--json", "-n", "1"));
  assertEquals(overview.time, "2026-01-31T12:00:00.000Z");
  assertEquals(overview.runners.map(({ runner, state }: Record<string, string>) => [runner, state]), [
    ["build", "draining"],
    ["build", "silent"],
    ["test_runner", "up"],
  ]);
  assertEquals(overview.runners[2].silent_seconds, 2);
  assertEquals(overview.queues[0], { runner: "build", queued: 0, delayed: 3, parked: 0, paused: true });
  assertEquals(overview.jobs.map(({ id }: { id: string }) => id), ["job-queued"]);
  assertEquals(overview.dead_letters, [{ id: "\x1b[2J", reason: "missing", time: "2026-01-31T11:00:00.000Z" }]);
});

Deno.test("status names an id that became a dead letter for an hour, and with --json as long as Redis has a record of it", async () => {
  const fixture = busyWorld();
  fixture.redis.deadLetterList = [{ id: "x", reason: "missing", ms: fixture.redis.nowMs - 3_600_001 }];
  assertEquals((await shown(fixture, "status")).includes("dead letter"), false);
  assertEquals(JSON.parse(await shown(fixture, "status", "--json")).dead_letters.length, 1);
  fixture.redis.deadLetterList = [{ id: "x", reason: "missing", ms: fixture.redis.nowMs - 3_600_000 }];
  assertEquals((await shown(fixture, "status")).includes("x: missing (1h ago)"), true);
});

Deno.test("status at a terminal cuts the id that became a dead letter, and in a pipe does not", async () => {
  for (const [options, id] of [[{ columns: 80 }, `${"x".repeat(35)}…`], [{}, "x".repeat(1000)]] as const) {
    const fixture = busyWorld(options);
    fixture.redis.deadLetterList = [{ id: "x".repeat(1000), reason: "missing", ms: fixture.redis.nowMs }];
    assertEquals((await shown(fixture, "status")).includes(`  ${id}: missing`), true);
  }
});

Deno.test("status ID shows everything about a job", async () => {
  const fixture = busyWorld();
  for (const id of ["job-running", "job-ended", "job-foreign"]) {
    await assertGolden(`status_${id}`, await shown(fixture, "status", id));
  }
});

Deno.test("status ID --json gives times in RFC 3339 and durations in seconds, and no environment values", async () => {
  const text = await shown(busyWorld(), "status", "--json", "job-running", "job-ended");
  assert(!text.includes("secret"));
  const [running, ended] = text.trimEnd().split("\n").map((line) => JSON.parse(line));
  assertEquals(running.started_at, "2026-01-31T11:59:00.000Z");
  assertEquals([running.timeout, running.exit_code, running.seconds, running.labels], [600, null, null, {
    team: "core",
  }]);
  assertEquals(running.env_names, ["A", "TOKEN"]);
  assertEquals(running.attach, "tmux -L runner-test_runner attach -t main");
  assertEquals(running.now, "runs on alpha");
  assertEquals([ended.exit_code, ended.seconds, ended.ended_at], [3, 4.2, "2026-01-31T11:59:00.000Z"]);
});

Deno.test("many jobs are found without asking for all at once", async () => {
  const fixture = new CommandFixture();
  const ids = Array.from({ length: 400 }, (_, i) => `job-${i}`);
  for (const id of ids) fixture.redis.put(id, { status: "finished" });
  assertEquals(await fixture.run("cancel", ...ids), 0);
  assert(fixture.redis.mostReads > 1 && fixture.redis.mostReads <= 100, String(fixture.redis.mostReads));
});

Deno.test("status never sends control characters of others to a terminal", async () => {
  for (
    const args of [["status"], ["status", "job-running"], ["status", "--json"], ["status", "--json", "job-running"]]
  ) {
    const text = await shown(busyWorld({ columns: 120, env: { NO_COLOR: "1" } }), ...args);
    // deno-lint-ignore no-control-regex
    assert(!/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/.test(text), text);
  }
});

Deno.test("colours follow --color, NO_COLOR, CLICOLOR_FORCE and TERM", async () => {
  const cases: [CommandOptions, string[], boolean][] = [
    [{}, [], false],
    [{ columns: 80 }, [], true],
    [{ columns: 80, env: { NO_COLOR: "1" } }, [], false],
    [{ columns: 80, env: { NO_COLOR: "" } }, [], true],
    [{ columns: 80, env: { TERM: "dumb" } }, [], false],
    [{ env: { CLICOLOR_FORCE: "1" } }, [], true],
    [{ env: { CLICOLOR_FORCE: "0" } }, [], false],
    [{ columns: 80 }, ["--color", "never"], false],
    [{ env: { NO_COLOR: "1" } }, ["--color=always"], true],
  ];
  for (const [options, args, colored] of cases) {
    const text = await shown(busyWorld(options), "status", ...args);
    assertEquals(text.includes("\x1b["), colored, JSON.stringify([options, args]));
  }
});

Deno.test("status says why a job waits", async () => {
  const base = { payload: "x", runner: "test_runner", status: "dispatched" };
  const ahead = (count: number) => ({ ahead: count, dueMs: null, claimedBy: null });
  const none = { ahead: null, dueMs: null, claimedBy: null };
  const up = anInstance();
  const due = Date.UTC(2026, 1, 1);
  const cases: [string, (fixture: CommandFixture) => void][] = [
    ['no runner "test_runner" is alive; start one: runner run --name test_runner', ({ redis }) => {
      redis.placement = ahead(3);
    }],
    ["its queue is paused; 1 job before it", ({ redis }) => {
      redis.placement = ahead(1);
      redis.queueList = [{ runner: "test_runner", queued: 2, delayed: 0, parked: 0, paused: true }];
    }],
    ['every runner "test_runner" is stopping and takes no more jobs', ({ redis }) => {
      redis.placement = ahead(0);
      redis.instanceList = [
        anInstance({ state: "draining" }),
        anInstance({ alive: false }),
        anInstance({ runner: "other" }),
      ];
    }],
    [
      'Redis was restarted, and runner "test_runner" waits until all hosts have brought back what they run; it is the next one',
      ({ redis }) => {
        redis.placement = ahead(0);
        redis.instanceList = [anInstance({ state: "restoring" }), anInstance({ state: "draining" })];
      },
    ],
    ["all 8 slots are busy; 2 jobs before it", ({ redis }) => {
      redis.placement = ahead(2);
      redis.instanceList = [anInstance({ running: 4 }), anInstance({ running: 5 })];
    }],
    ["the only slot is busy; it is the next one", ({ redis }) => {
      redis.placement = ahead(0);
      redis.instanceList = [anInstance({ running: 1, slots: 1 })];
    }],
    ["is in the queue; it is the next one", ({ redis }) => {
      redis.placement = ahead(0);
      redis.instanceList = [up];
    }],
    ["was taken by the runner on alpha and waits there for a free slot or pane", ({ redis }) => {
      redis.placement = { ...none, claimedBy: "inst-1" };
      redis.instanceList = [up];
    }],
    ['waits on alpha for tmux.main.build, busy with job "other"', ({ redis }) => {
      redis.placement = { ...none, claimedBy: "inst-1" };
      redis.instanceList = [up];
      redis.change("j", { executor: "tmux.main.build" });
      redis.put("elsewhere", { status: "started", executor: "tmux.main.test" }, { instance: "inst-1" });
      redis.put("odd", { status: "started", executor: "ssh" }, { instance: "inst-1" });
      redis.put("other", { status: "started", executor: "tmux.main.build" }, { instance: "inst-1" });
    }],
    ["was taken by the runner on alpha and waits there for a free slot or pane", ({ redis }) => {
      redis.placement = { ...none, claimedBy: "inst-1" };
      redis.instanceList = [up];
      redis.put("other", { status: "started", executor: "tmux.main" }, { instance: "inst-1" });
    }],
    ["was taken by a runner that has gone silent; another one takes it over", ({ redis }) => {
      redis.placement = { ...none, claimedBy: "inst-1" };
      redis.instanceList = [anInstance({ alive: false })];
    }],
    ["it is delayed until 2026-02-01T00:00:00.000Z", ({ redis }) => {
      redis.placement = { ...none, dueMs: due };
    }],
    ["its next attempt is delayed until 2026-02-01T00:00:00.000Z", ({ redis }) => {
      redis.placement = { ...none, dueMs: due };
      redis.change("j", {}, { attempt: "1" });
    }],
    [
      "its next attempt is delayed until 2026-02-01T00:00:00.000Z; the last one: No space left on device",
      ({ redis }) => {
        redis.placement = { ...none, dueMs: due };
        redis.change("j", {}, { attempt: "1", last_error: "No space left on device" });
      },
    ],
    ['waits for job "first" to finish', ({ redis }) => {
      redis.placement = { ...none, dueMs: due };
      redis.change("j", {}, { "after:first": "finished" });
    }],
    ['waits for job "first" to end, and for 2 other jobs', ({ redis }) => {
      redis.placement = { ...none, dueMs: due };
      redis.change("j", {}, { "after:first": "ended", "after:b": "ended", "after:c": "finished", "met:d": "ended" });
    }],
    ["it is delayed until 2026-02-01T00:00:00.000Z", ({ redis }) => {
      redis.placement = { ...none, dueMs: due };
      redis.change("j", {}, { "met:first": "finished" });
    }],
    ["is in no queue: it was stored and never pushed, or became a dead letter", () => {}],
    ["runs on alpha", ({ redis }) => {
      redis.instanceList = [up];
      redis.change("j", { status: "started" }, { instance: "inst-1" });
    }],
    ["is being stopped on alpha", ({ redis }) => {
      redis.instanceList = [up];
      redis.change("j", { status: "started" }, { instance: "inst-1", cancel: "" });
    }],
    [
      "its runner on alpha has been silent for 1h; the job may go on there, and the next runner finishes it",
      ({ redis }) => {
        redis.instanceList = [anInstance({ alive: false, silentMs: 3_600_000 })];
        redis.change("j", { status: "started" }, { instance: "inst-1" });
      },
    ],
    [
      "its runner is not known to Redis any more; the job may go on, and the next runner on its host finishes it",
      ({ redis }) => redis.change("j", { status: "started" }, { instance: "inst-1" }),
    ],
    ["null", ({ redis }) => redis.change("j", { status: "finished" })],
  ];
  for (const [now, arrange] of cases) {
    const fixture = new CommandFixture();
    fixture.redis.put("j", base);
    arrange(fixture);
    assertEquals(String(JSON.parse(await shown(fixture, "status", "--json", "j")).now), now);
  }
});

Deno.test("status of a job that a foreign client wrote oddly shows what there is", async () => {
  const fixture = new CommandFixture();
  fixture.redis.put("odd", {
    executor: "ssh.nowhere",
    env_vars: "{broken",
    timeout: "soon",
    created_at: "yesterday",
    status: "",
  });
  const job = JSON.parse(await shown(fixture, "status", "--json", "odd"));
  assertEquals([job.status, job.env_names, job.timeout, job.created_at, job.attach], [
    "dispatched",
    [],
    null,
    null,
    null,
  ]);
});

Deno.test("status ID draws what a job waits for and what waits for it, with their states", async () => {
  const fixture = new CommandFixture();
  const { redis } = fixture;
  redis.put("build", { status: "finished" });
  redis.put("lint", { status: "started" });
  redis.put("j", { status: "dispatched" }, {
    "met:build": "finished",
    "after:lint": "finished",
    "after:gone": "ended",
  });
  redis.put("deploy", { status: "dispatched" }, { "after:j": "finished" });
  redis.put("cancelled", { status: "error" }, { "after:j": "finished" });
  assertEquals(await fixture.run("status", "j"), 0);
  const drawing = `dependencies:
  ✓ build     finished
  ─ lint      running   must finish
  ─ gone      gone      must end
  ▸ j         queued
    ─ deploy  queued    waits for it
`;
  assert(fixture.stdout.includes(drawing), fixture.stdout);
  fixture.stdout = "";
  assertEquals(await fixture.run("status", "--json", "j"), 0);
  const { after, before, more_before } = JSON.parse(fixture.stdout);
  assertEquals(after, [
    { id: "build", condition: "finished", met: true, status: "finished" },
    { id: "lint", condition: "finished", met: false, status: "started" },
    { id: "gone", condition: "ended", met: false, status: null },
  ]);
  assertEquals([before, more_before], [[{ id: "deploy", status: "dispatched" }], 0]);
});

Deno.test("status ID says how many more wait for a job, and that a job was skipped", async () => {
  const fixture = new CommandFixture();
  const { redis } = fixture;
  redis.put("j", { status: "error", error: "skipped: no" }, { skipped: "1", exit: "123" });
  for (let i = 0; i < 30; i++) redis.put(`child${i}`, { status: "dispatched" }, { "after:j": "finished" });
  assertEquals(await fixture.run("status", "j"), 0);
  assertMatch(fixture.stdout, /^status +skipped$/m);
  assertMatch(fixture.stdout, /and 10 more$/m);
  assertEquals(fixture.stdout.split("waits for it").length - 1, 20);
});
