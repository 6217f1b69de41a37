import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import { anInstance } from "./fake_store.ts";
import { CommandFixture, type CommandOptions } from "./command_fixture.ts";
import { until } from "../support/until.ts";
import { unavailable } from "../support/unavailable.ts";

/** Runs `runner submit` and gives what it queued. */
async function submit(args: string[], options: CommandOptions = {}) {
  const fixture = new CommandFixture(options);
  const code = await fixture.run("submit", ...args);
  return { code, fixture, jobs: fixture.redis.submitted, job: fixture.redis.submitted[0] };
}

Deno.test("submit queues shell text and prints its id and nothing else", async () => {
  const { code, fixture, job } = await submit(["echo hi"]);
  assertEquals([code, fixture.stdout, fixture.stderr], [0, `${job.id}\n`, ""]);
  assertMatch(job.id, /^[0-9a-f-]{36}$/);
  assertEquals(
    job,
    {
      id: job.id,
      payload: "echo hi",
      runner: "test_runner",
      executor: "tmux.main",
      priority: "normal",
    },
  );
  assert(fixture.redis.closed);
});

Deno.test("submit passes every option on", async () => {
  const { code, fixture, job } = await submit([
    ...["-n", "builder", "-s", "prod", "-r", "h:1", "--redis-timeout", "1s", "-e", "tmux.a.b", "-t", "5m"],
    ...[
      "--env",
      "A=1",
      "--env",
      "B=x=y",
      "--env-file",
      "/env",
      "--cwd",
      "/srv",
      "--caller-id",
      "me",
      "--context-id",
      "ctx",
    ],
    ...[
      "--id",
      "job-1",
      "--title",
      "Title",
      "--label",
      "k=v",
      "--label",
      "bare",
      "--priority",
      "high",
      "--at",
      "2026-02-01T00:00:00Z",
    ],
    ...["--retries", "3", "--backoff", "2s..5m", "--keep", "0", "true"],
  ], { files: { "/env": '# comment\n\nA=from file\nC= as is "q" \r\n' } });
  assertEquals([code, fixture.stdout, fixture.stderr], [0, "job-1\n", ""]);
  assertEquals(fixture.opened, [{ redisUrl: "h:1", namespace: "prod:", redisTimeoutSeconds: 1 }]);
  assertEquals(job, {
    payload: "true",
    runner: "builder",
    executor: "tmux.a.b",
    id: "job-1",
    callerId: "me",
    contextId: "ctx",
    timeout: 300,
    env: { A: "1", B: "x=y", C: ' as is "q" ' },
    cwd: "/srv",
    title: "Title",
    labels: { k: "v", bare: "" },
    priority: "high",
    notBeforeMs: Date.UTC(2026, 1, 1),
    retries: 3,
    backoff: { from: 2, to: 300 },
    keep: 0,
  });
});

Deno.test("submit accepts a command, a script and standard input as well", async () => {
  assertEquals((await submit(["--", "ls", "-n", "a b", "$x"])).job.payload, "ls -n 'a b' '$x'");
  assertEquals(
    (await submit(["--script", "/s.sh"], { files: { "/s.sh": "#!/bin/sh\necho ü\n" } })).job.payload,
    "#!/bin/sh\necho ü\n",
  );
  assertEquals((await submit(["-"], { input: "echo größe\n" })).job.payload, "echo größe\n");
});

Deno.test("submit --in counts from Redis' clock", async () => {
  const { fixture, job } = await submit(["--in", "90", "true"]);
  assertEquals(job.notBeforeMs, fixture.redis.nowMs + 90_000);
});

Deno.test("submit --after finds the job by what a user writes", async () => {
  const fixture = new CommandFixture();
  fixture.redis.put("first-job", { status: "started" });
  assertEquals(await fixture.run("submit", "--after", "@", "true"), 0);
  assertEquals(await fixture.run("submit", "--after", "first", "true"), 0);
  assertEquals(fixture.redis.submitted.map(({ after }) => after), [["first-job"], ["first-job"]]);
  assertEquals(await fixture.run("submit", "--after", "other", "true"), 4);
  fixture.redis.put("second", { status: "started" });
  fixture.redis.put("third", { status: "started" });
  assertEquals(await fixture.run("submit", "--after", "first,sec", "--after", "third", "--after-end", "@", "true"), 0);
  const { after, afterEnd } = fixture.redis.submitted.at(-1)!;
  assertEquals([after, afterEnd], [["first-job", "second", "third"], ["third"]]);
  assertEquals(await fixture.run("submit", "--after", "first,", "true"), 2);
});

Deno.test("submit says when the id is there already, and succeeds", async () => {
  const fixture = new CommandFixture();
  await fixture.run("submit", "--id", "x", "true");
  fixture.stdout = "";
  assertEquals(await fixture.run("submit", "--id", "x", "false"), 0);
  assertEquals([fixture.stdout, fixture.stderr], ["x\n", "runner: job x is already there; nothing was queued\n"]);
  assertEquals(fixture.redis.submitted.length, 1);
  fixture.stdout = "";
  await fixture.run("submit", "--json", "--id", "x", "true");
  assertEquals(fixture.stdout, '{"id":"x","queued":false}\n');
});

Deno.test("submit refuses a wrong job in one sentence and queues nothing", async () => {
  const files = { "/bad": "NOEQUALS", "/bin": new Uint8Array([0x66, 0xff]), "/env": "1A=b" };
  const cases: [string[], string][] = [
    [[], "no job is given; write shell text, -- COMMAND, --script FILE, --from FILE or - for standard input"],
    [["a", "--script", "/s"], "more than one job is given; write only one of shell text"],
    [["a", "--", "b"], "more than one job is given"],
    [["echo", "hi"], "Cannot submit 2 texts: quote shell text as one argument, or put -- in front of a command"],
    [["--"], 'Cannot submit: no command follows "--"'],
    [["  \n"], "Cannot submit job: its payload is empty; write shell text"],
    [["a\0b"], "Cannot submit job: its payload holds a NUL character"],
    [["x".repeat((1 << 20) + 1)], "Cannot submit job: its payload has 1048577 bytes, more than 1048576"],
    [["--title", "t".repeat(1 << 19), "true"], "Cannot submit job: its texts and labels have 5243"],
    [["--script", "/none"], 'Cannot submit file "/none": there is no such file'],
    [["--script", "/bin"], 'Cannot submit file "/bin": it is not UTF-8'],
    [["-e", "ssh.x", "true"], 'Cannot use executor "ssh.x"'],
    [["-t", "0", "true"], "Cannot use -t: 0 seconds is less than the minimum of 0.001 seconds"],
    [["-t", "31d", "true"], "Cannot use -t: 2678400 seconds is more than the maximum of 2592000 seconds"],
    [["--env", "SECRET", "true"], "Cannot use --env: it is not NAME=VALUE"],
    [["--env", "1A=x", "true"], 'Cannot set environment variable "1A": a name has letters'],
    [["--env-file", "/none", "true"], 'Cannot read environment file "/none": there is no such file'],
    [["--env-file", "/bad", "true"], 'Cannot use line 1 of environment file "/bad": it is not NAME=VALUE'],
    [["--env-file", "/bin", "true"], 'Cannot submit with environment file "/bin": it is not UTF-8'],
    [["--env-file", "/env", "true"], 'Cannot set environment variable "1A"'],
    [["--cwd", "src", "true"], 'Cannot submit job: its working directory must begin with "/"'],
    [["--label", "=c", "true"], "Cannot use --label: it is not NAME=VALUE"],
    [["--label", "", "true"], "Cannot use --label: it is not NAME=VALUE"],
    [["--label", "a b", "true"], 'Cannot submit job: label "a b" is no name'],
    [["--label", "a b=c", "true"], 'Cannot submit job: label "a b" is no name'],
    [["--id", "@x", "true"], 'Cannot use id "@x"'],
    [["--at", "tomorrow", "true"], 'Cannot read time "tomorrow": write for example'],
    [["--at", "2026-02-30 10:00", "true"], 'Cannot read time "2026-02-30 10:00"'],
    [["--in", "5m", "--at", "2026-01-31 10:00", "true"], "Cannot use --in and --at together"],
    [["--backoff", "5m..2s", "true"], "Cannot submit job: backoff ends below its begin"],
    [["--backoff", "1..2..3", "true"], 'Cannot read backoff "1..2..3"'],
    [["--retries", "-1", "true"], "Cannot use --retries: its N is missing"],
    [["--retries=-1", "true"], "Cannot use --retries: -1 is less than the minimum of 0"],
    [["--priority", "urgent", "true"], 'Cannot use --priority: "urgent" is not one of high, normal, low'],
    [["--skip-bad", "true"], "Cannot use --skip-bad without --from"],
    [["--from", "/j", "--id", "x"], "Cannot use --id with --from: it is for one job"],
    [["--dry-run", "--wait", "true"], "Cannot use --dry-run with --wait or --follow"],
  ];
  for (const [args, message] of cases) {
    const { code, fixture, jobs } = await submit(args, { files });
    const label = `${args.join(" ").slice(0, 60)}: ${fixture.stderr.slice(0, 200)}`;
    assertEquals([code, fixture.stdout, jobs.length, fixture.opened.length], [2, "", 0, 0], label);
    assert(fixture.stderr.startsWith("runner: Cannot ") && fixture.stderr.includes(message), label);
    assert(
      fixture.stderr.endsWith("; see runner submit --help\n") &&
        fixture.stderr.indexOf("\n") === fixture.stderr.length - 1,
      label,
    );
    assert(!fixture.stderr.includes("SECRET"), label);
  }
});

Deno.test("submit says in JSON what is wrong when --json is there", async () => {
  const { code, fixture } = await submit(["--json", "--frm", "x"]);
  assertEquals(code, 2);
  assertEquals(JSON.parse(fixture.stderr), {
    error: 'Cannot use "--frm": there is no such option, perhaps you mean --from; see runner submit --help',
    name: "InvalidInputError",
    code: 2,
  });
});

Deno.test("submit says what to do when Redis cannot be reached", async () => {
  const fixture = new CommandFixture();
  fixture.openError = unavailable("Cannot run PING: Redis at h:1 cannot be reached: connection refused");
  assertEquals(await fixture.run("submit", "true"), 69);
  assertEquals(
    fixture.stderr,
    "runner: Cannot run runner submit: Redis at h:1 cannot be reached: connection refused; start one there, " +
      "name another with --redis-url, or for a first try: runner run --embedded-redis\n",
  );
});

Deno.test("submit says how to repeat safely when the connection broke under way", async () => {
  const fixture = new CommandFixture();
  fixture.redis.onSubmit = () =>
    Promise.reject(
      unavailable("Cannot run submit: gone", { sent: true }),
    );
  assertEquals(await fixture.run("submit", "--id", "abc", "true"), 69);
  assertMatch(fixture.stderr, /whether the job is queued is unknown, --id abc makes it safe to submit it again/);
});

Deno.test("submit --dry-run shows what would be queued and where it comes from, without Redis", async () => {
  const env = { RUNNER_NAME: "builder", REDIS_URL: "redis://u:secret@h:1" };
  const { code, fixture, jobs } = await submit(["--dry-run", "--in", "5m", "--env", "A=1", "--", "echo", "a b"], {
    env,
  });
  assertEquals([code, jobs.length, fixture.opened.length, fixture.stderr], [0, 0, 0, ""]);
  assertEquals(
    fixture.stdout,
    [
      "FIELD      VALUE              FROM",
      "payload    echo 'a b'         argument",
      "runner     builder            environment RUNNER_NAME",
      "executor   tmux.main          default",
      'env_vars   {"A":"1"}          flag --env',
      "priority   normal             default",
      "in         300                flag --in",
      "redis_url  redis://u:***@h:1  environment REDIS_URL",
      "namespace                     default",
      "",
    ].join("\n"),
  );
});

Deno.test("submit --dry-run --json gives a job that --from accepts", async () => {
  const { fixture } = await submit([
    "--dry-run",
    "--json",
    "--at",
    "2026-02-01T00:00:00Z",
    "--backoff",
    "2..9",
    "--label",
    "a=b",
    "true",
  ]);
  const { job, origins } = JSON.parse(fixture.stdout);
  assertEquals(origins.at, "flag --at");
  const again = await submit(["--from", "-"], { input: JSON.stringify(job) });
  assertEquals(again.code, 0);
  assertEquals(again.job.notBeforeMs, Date.UTC(2026, 1, 1));
  assertEquals([again.job.backoff, again.job.labels], [{ from: 2, to: 9 }, { a: "b" }]);
});

Deno.test("submit ends quietly when no process reads its output", async () => {
  const { code, fixture, jobs } = await submit(["true"], { writesUntilClosed: 0 });
  assertEquals([code, fixture.stderr, jobs.length], [0, "", 1]);
});

Deno.test("submit --max-queued refuses one job too many with a sentence and exit code 75", async () => {
  const fixture = new CommandFixture({ input: "" });
  assertEquals(await fixture.run("submit", "--id", "a", "--max-queued", "1", "true"), 0);
  assertEquals(await fixture.run("submit", "--id", "b", "--max-queued", "1", "true"), 75);
  assertEquals(fixture.stdout, "a\n");
  assertEquals(
    fixture.stderr,
    'runner: Cannot submit: 1 job waits for runner "test_runner" already, and 1 is the most; try again when some have started\n',
  );
  assertEquals(fixture.redis.submitted.map(({ id }) => id), ["a"]);
});

Deno.test("submit says on a terminal that no runner of that name is alive, and which may be meant", async () => {
  const said = async (alive: string[], options: CommandOptions, ...args: string[]) => {
    const fixture = new CommandFixture(options);
    fixture.redis.instanceList = [
      ...alive.map((runner) => anInstance({ runner })),
      anInstance({ runner: "gone", alive: false }),
    ];
    let asked = 0;
    const instances = fixture.redis.instances.bind(fixture.redis);
    fixture.redis.instances = () => (asked++, instances());
    assertEquals(await fixture.run("submit", ...args), 0);
    return [fixture.stderr, asked];
  };
  const terminal = { columns: 80 };
  assertEquals(await said(["build"], terminal, "-n", "biuld", "true"), [
    'runner: no runner "biuld" is alive yet; did you mean "build"?\n',
    1,
  ]);
  assertEquals(await said(["build"], terminal, "-n", "gone", "true"), [
    'runner: no runner "gone" is alive yet; start one: runner run --name gone\n',
    1,
  ]);
  assertEquals(await said(["build"], terminal, "-n", "build", "true"), ["", 1]);
  assertEquals(await said([], {}, "-n", "biuld", "true"), ["", 0]);
  const input = Array.from({ length: 50 }, (_, i) => `{"payload":"true","runner":"${i % 2 ? "build" : "biuld"}"}`);
  assertEquals(await said(["build"], { ...terminal, input: input.join("\n") }, "--from", "-"), [
    'runner: no runner "biuld" is alive yet; did you mean "build"?\n',
    1,
  ]);
});

Deno.test("submit of a job that is queued ends well, whether the runners can be asked or not", async () => {
  const fixture = new CommandFixture({ columns: 80 });
  fixture.redis.instances = () => Promise.reject(unavailable("no"));
  assertEquals([await fixture.run("submit", "true"), fixture.stderr], [0, ""]);
});

Deno.test("what waits for a job says, also in a pipe, that no runner of its name is alive", async () => {
  const lines = 'runner: no runner "biuld" is alive yet; did you mean "build"?\n';
  const waits = async (ended: boolean, alive: string, ...args: string[]) => {
    const fixture = new CommandFixture({ input: '{"payload":"true","runner":"biuld","id":"a"}\n' });
    fixture.redis.instanceList = [anInstance({ runner: alive })];
    const end = () =>
      fixture.redis.change("a", { status: "finished", runner: "biuld", result: "" }, { exit_code: "0" });
    if (args[0] !== "submit") fixture.redis.put("a", { status: "dispatched", runner: "biuld" });
    if (ended) end();
    const code = fixture.run(...args);
    await until("it waits", () => ended || fixture.redis.isWatched("a"));
    if (!ended) end();
    assertEquals(await code, 0, fixture.stderr);
    return fixture.stderr.replace(/^job .*\n/gm, "");
  };
  for (const args of [["submit", "-n", "biuld", "--id", "a", "--wait", "true"], ["wait", "a"], ["logs", "-f", "a"]]) {
    assertEquals(await waits(false, "build", ...args), lines, args.join(" "));
    assertEquals(await waits(false, "biuld", ...args), "", args.join(" "));
  }
  assertEquals(await waits(false, "build", "submit", "-n", "biuld", "--id", "a", "--follow", "true"), lines);
  assertEquals(await waits(false, "build", "submit", "--from", "-", "--wait"), lines);
  assertEquals(await waits(true, "build", "wait", "a"), "");
});
