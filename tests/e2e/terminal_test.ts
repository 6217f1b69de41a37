/** What people do with the terminals of jobs, typed at a real one. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "../support/assert.ts";
import { Barrier } from "../support/barrier.ts";
import { TerminalUser } from "../support/terminal_user.ts";
import { until } from "../support/until.ts";
import { RunnerFixture } from "../support/runner_fixture.ts";

/** What `status --json` says about a job. */
async function statusOf(fixture: RunnerFixture, id: string) {
  return JSON.parse((await fixture.run(["status", "--json", id])).stdout);
}

/** Waits until a job's output has a text. */
async function shows(fixture: RunnerFixture, id: string, text: string): Promise<void> {
  await until(`job ${id} shows ${JSON.stringify(text)}`, async () => {
    return (await fixture.run(["logs", id])).stdout.includes(text);
  });
}

/** Events of a job, in order. */
async function eventsOf(fixture: RunnerFixture, id: string): Promise<string[]> {
  const { stdout } = await fixture.run(["events", "--json", "-n", "1000"]);
  const all = stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  return all.filter((event) => event.id === id).map(({ event }) => event);
}

Deno.test("a job that asks says so, and is answered with send; one that works or sleeps does not ask", async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.runner();
  await using user = await TerminalUser.at(fixture);
  const barrier = new Barrier(fixture.dir);
  const quiet = [await fixture.submit("while :; do :; done"), await fixture.submit("sleep 60 | cat")];
  const id = await fixture.submit(`read -rp "Continue? " answer; ${barrier.wait}; echo "answer <$answer>"`);
  const asking = await until("it asks", async () => {
    const status = await statusOf(fixture, id);
    return status.waiting_for_input && status;
  });
  assertEquals([asking.status, asking.waiting_for_input.line], ["started", "Continue?"]);
  assertMatch(asking.waiting_for_input.since, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  assertStringIncludes(asking.now, `answer it: runner send ${id} TEXT --enter`);
  assertMatch((await fixture.run(["status"])).stdout, /waiting for input .* ▸ Continue\?\n/);
  assertMatch((await fixture.run(["status", id])).stdout, /^asks +Continue\?$/m);

  await user.types(`runner send ${id.slice(0, 8)} yes --enter`);
  await user.sees(`job ${id}: typed 4 bytes`);
  await until("it asks no more", async () => (await statusOf(fixture, id)).waiting_for_input === null);
  assertEquals((await eventsOf(fixture, id)).slice(-2), ["input_required", "input_resolved"]);
  await barrier.open();
  assertEquals((await fixture.ended(id)).result, "Continue? answer <yes>\n");
  for (const other of quiet) {
    assertEquals((await statusOf(fixture, other)).waiting_for_input, null);
    assertEquals(await eventsOf(fixture, other), ["submit", "start"]);
    await fixture.run(["cancel", other]);
  }
});

Deno.test("what a job asks is cleared by keys of its terminal, and by the next runner", async () => {
  await using fixture = await RunnerFixture.create();
  const first = await fixture.runner();
  const barrier = new Barrier(fixture.dir);
  const id = await fixture.submit(`read -r a; read -r b; echo "$a and $b"; ${barrier.wait}`);
  const asks = async () => (await statusOf(fixture, id)).waiting_for_input !== null;
  await until("it asks", asks);
  await first.kill9();
  assert(await asks());
  await fixture.tmux("send-keys", "-t", "main:", "one", "Enter");
  const second = await fixture.runner();
  await until("it asks again, or still", asks);
  await fixture.tmux("send-keys", "-t", "main:", "two", "Enter");
  await shows(fixture, id, "one and two");
  await until("it asks no more", async () => !await asks());
  await second.stop();
  await barrier.open();
});

Deno.test("attach shows a job's own pane: typing changes nothing without --write, and leaving leaves the job", async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.runner();
  await using user = await TerminalUser.at(fixture);
  const other = await fixture.submit("echo the other one; sleep 100");
  const id = await fixture.submit('echo "here it is"; read -r line; echo "got <$line>"; sleep 100');
  await shows(fixture, other, "the other one");
  await shows(fixture, id, "here it is");
  const current = () => fixture.tmux("display-message", "-p", "-t", "=main:", "#{window_id} #{pane_id}");
  const sessions = async () => (await fixture.tmux("list-sessions", "-F", "#{session_name}")).split("\n");
  await fixture.tmux("select-window", "-t", "=main:0");
  const before = await current();

  for (const job of [other, id]) {
    await user.attaches(job, job === id ? "here it is" : "the other one");
    await user.types("no");
    await user.presses("C-c");
    assertEquals((await sessions()).filter((name) => name.startsWith("~runner-view-")).length, 1);
    assertStringIncludes(await user.leaves(), `job ${job}: read-only; leave with Ctrl-b`);
    await until("the view is gone", async () => !(await sessions()).some((name) => name.startsWith("~runner-view-")));
    assertEquals(await current(), before);
    assertEquals((await statusOf(fixture, job)).status, "started");
  }

  await user.attaches(`--write ${id}`, "here it is");
  await user.types("yes");
  await user.sees("got <yes>");
  assertStringIncludes(await user.leaves(), `job ${id}: keys reach the job; leave with Ctrl-b`);
  await shows(fixture, id, "here it is\ngot <yes>\n");
  assertEquals((await statusOf(fixture, id)).status, "started");

  await user.attaches(`${id} --write`, "got <yes>");
  await user.presses("C-c");
  assertEquals((await fixture.ended(id)).error, "killed by signal 2 (INT)");
  await user.leaves();
});

Deno.test("attach uses another TERM when tmux refuses the one there is, and fails with the words of tmux", async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.runner();
  await using user = await TerminalUser.at(fixture);
  const id = await fixture.submit('echo "here it is"; sleep 100');
  await shows(fixture, id, "here it is");
  await user.types("TERM=xterm-none");
  await user.attaches(id, "here it is");
  await user.leaves();
  await user.types(`clear; TERM=dumb runner attach ${id} 2>'${fixture.dir}/said'; echo "left with $?"`);
  await user.sees("left with 1");
  assertStringIncludes(await Deno.readTextFile(`${fixture.dir}/said`), "terminal does not support clear");
});

Deno.test("attach --ssh fails when ssh does", async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.runner();
  const bin = `${fixture.dir}/ssh-bin`;
  await Deno.mkdir(bin);
  await Deno.writeTextFile(`${bin}/ssh`, "#!/bin/sh\necho no route; exit 255\n", { mode: 0o755 });
  await using user = await TerminalUser.at(fixture, { path: bin });
  const id = await fixture.submit("sleep 100");
  await fixture.reaches(id, "started");
  const [node] = (await fixture.redis.keys()).filter((key) => key.startsWith("rr:instance:"));
  await fixture.redis.call("HSET", node, "host", "far");
  await user.types(`runner attach --ssh ${id} 2>'${fixture.dir}/said'; echo "left with $?"`);
  await user.sees("ssh ended with exit code 255; press Enter");
  await user.presses("Enter");
  await user.sees("left with 1");
  assertStringIncludes(await Deno.readTextFile(`${fixture.dir}/said`), 'on host "far": ssh ended with exit code 255');
});

Deno.test("attach works while no runner lives, and a person who is attached disturbs no restart", async () => {
  await using fixture = await RunnerFixture.create();
  const first = await fixture.runner();
  await using user = await TerminalUser.at(fixture);
  const id = await fixture.submit('echo "here it is"; read -r line; echo "got <$line>"');
  await shows(fixture, id, "here it is");
  await first.kill9();
  await user.attaches(`${id} --write`, "here it is");
  await fixture.runner();
  await user.types("yes");
  assertEquals((await fixture.ended(id)).result, "here it is\ngot <yes>\n");
  const next = await fixture.ended(await fixture.submit("echo next"));
  assertEquals(next.result, "next\n");
});

Deno.test("screen shows what a program of the whole screen shows", async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.runner();
  await using user = await TerminalUser.at(fixture);
  const draw = "printf '\\033[?1049h\\033[2J\\033[3;5Hmenu of \\033[1mchoices\\033[0m\\033[5;7H\\033]2;chooser\\007'";
  const id = await fixture.submit(`echo before; ${draw}; read -r x; printf '\\033[?1049l'; echo over`);
  await until("it has drawn", async () => (await fixture.run(["screen", id])).stdout === "\n\n    menu of choices\n");
  const json = JSON.parse((await fixture.run(["screen", "--json", id])).stdout);
  assertEquals(json, {
    id,
    lines: ["", "", "    menu of choices"],
    cursor: { column: 6, row: 4 },
    columns: 200,
    rows: 50,
    title: "chooser",
  });
  await user.types(`runner screen ${id}`);
  await user.sees("menu of choices");
  await user.attaches(id, "menu of choices");
  await user.leaves();
  await user.types(`clear; printf x | runner send ${id} - -e`);
  await fixture.ended(id);
});

Deno.test("the pane of a failed job is kept, and can be read", async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.runner({ args: ["--keep-pane", "failed"] });
  await using user = await TerminalUser.at(fixture);
  const target = ["-e", "tmux.main.build"];
  const fine = await fixture.submit(...target, "echo all is well");
  const broken = await fixture.submit(...target, "echo it broke here; exit 3");
  const next = await fixture.submit(...target, "echo next one");
  assertEquals((await fixture.ended(broken)).error, "exited with code 3");
  assertEquals([(await fixture.ended(broken)).result, (await fixture.ended(next)).result], [
    "it broke here\n",
    "next one\n",
  ]);
  await user.attaches(broken, "it broke here");
  assert(!(await user.screen()).includes("next one"));
  await user.leaves();
  await user.types(`clear; runner attach ${fine}`);
  await user.sees("it has ended with status finished");
});

Deno.test("attach says the ssh command for a job of another host, and --ssh runs it", async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.runner();
  const bin = `${fixture.dir}/ssh-bin`;
  await Deno.mkdir(bin);
  const script = `#!/bin/sh\n[ "$1 $2 $3" = "-t -- far" ] || exit 7\necho "over to $3"\nshift 3\nexec sh -c "$*"\n`;
  await Deno.writeTextFile(`${bin}/ssh`, script, { mode: 0o755 });
  await using user = await TerminalUser.at(fixture, { path: bin });
  const id = await fixture.submit('echo "here it is"; read -r line; echo "got <$line>"; sleep 100');
  await shows(fixture, id, "here it is");
  const [node] = (await fixture.redis.keys()).filter((key) => key.startsWith("rr:instance:"));
  await fixture.redis.call("HSET", node, "host", "far");
  await user.types(`runner attach ${id} 2>${fixture.dir}/refused; echo "ended with $?"`);
  await user.sees("ended with 1");
  const said = (await Deno.readTextFile(`${fixture.dir}/refused`)).trim();
  assertStringIncludes(said, `it runs on host "far"; write runner attach --ssh ${id}, or ssh -t 'far' 'tmux `);
  await user.attaches(`--ssh --write ${id}`, "here it is");
  await user.types("from far away");
  await user.sees("got <from far away>");
  assertStringIncludes(await user.leaves(), "keys reach the job; leave with Ctrl-b");
  assertEquals((await statusOf(fixture, id)).status, "started");
});

Deno.test("attach, send and screen say in a sentence why they cannot, and what to do", async () => {
  await using fixture = await RunnerFixture.create();
  const runner = await fixture.runner({ args: ["--lease", "1500ms", "--heartbeat", "200ms"] });
  const ended = await fixture.submit("true");
  await fixture.ended(ended);
  const waiting = await fixture.submit("--in", "1h", "true");
  const id = await fixture.submit("read -r line");
  await fixture.reaches(id, "started");
  const says = async (args: string[], want: string) => {
    const { code, stdout, stderr } = await fixture.run(args);
    assertEquals([code, stdout], [1, ""], stderr);
    assertStringIncludes(stderr, want);
  };
  await says(["send", ended, "x"], `Cannot type into job "${ended}": it has ended with status finished; its output: `);
  await says(["screen", ended], `Cannot show screen of job "${ended}": it has ended with status finished`);
  await says(["screen", waiting], "it has not started yet; why it waits: runner status");
  await says(["attach", id], "standard input and output are not a terminal; use runner logs -f ID");
  assertEquals((await fixture.run(["send", "nothing", "x"])).code, 4);
  assertEquals((await fixture.run(["send", id])).code, 2);
  assertEquals((await fixture.run(["send", id, "x".repeat(65_537)])).code, 2);

  runner.signal("SIGSTOP");
  await says(["send", "--redis-timeout", "300ms", id, "x"], "did not answer within 300ms; nothing was done");
  await until("its lease is over", async () => {
    const { code, stderr } = await fixture.run(["screen", "--redis-timeout", "300ms", id]);
    return code === 1 && stderr.includes("is gone or stopped for");
  });
  assertEquals((await fixture.redis.keys()).filter((key) => /^rr:(requests|reply):/.test(key)), []);
  runner.signal("SIGCONT");
  await until("it is back", async () => (await fixture.run(["screen", id])).code === 0);
  assertEquals((await fixture.run(["send", id, "y", "-e"])).code, 0);
  assertEquals((await fixture.ended(id)).status, "finished");
  await until("no answer is left", async () => {
    return !(await fixture.redis.keys()).some((key) => /^rr:(requests|reply):/.test(key));
  });
});
