/** What people do with the terminals of jobs, typed at a real one. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "../support/assert.ts";
import { Gate } from "../support/gate.ts";
import { Person } from "../support/person.ts";
import { until } from "../support/until.ts";
import { World } from "../support/world.ts";

/** What `status --json` says about a job. */
async function statusOf(world: World, id: string) {
  return JSON.parse((await world.run(["status", "--json", id])).stdout);
}

/** Waits until a job's output has a text. */
async function shows(world: World, id: string, text: string): Promise<void> {
  await until(`job ${id} shows ${JSON.stringify(text)}`, async () => {
    return (await world.run(["logs", id])).stdout.includes(text);
  });
}

/** Events of a job, in order. */
async function eventsOf(world: World, id: string): Promise<string[]> {
  const { stdout } = await world.run(["events", "--json", "-n", "1000"]);
  const all = stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  return all.filter((event) => event.id === id).map(({ event }) => event);
}

Deno.test("a job that asks says so, and is answered with send; one that works or sleeps does not ask", async () => {
  await using world = await World.create();
  await world.runner();
  await using person = await Person.at(world);
  const gate = new Gate(world.dir);
  const quiet = [await world.submit("while :; do :; done"), await world.submit("sleep 60 | cat")];
  const id = await world.submit(`read -rp "Continue? " answer; ${gate.wait}; echo "answer <$answer>"`);
  const asking = await until("it asks", async () => {
    const status = await statusOf(world, id);
    return status.waiting_for_input && status;
  });
  assertEquals([asking.status, asking.waiting_for_input.line], ["started", "Continue?"]);
  assertMatch(asking.waiting_for_input.since, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  assertStringIncludes(asking.now, `answer it: runner send ${id} TEXT --enter`);
  assertMatch((await world.run(["status"])).stdout, /waiting for input .* ▸ Continue\?\n/);
  assertMatch((await world.run(["status", id])).stdout, /^asks +Continue\?$/m);

  await person.types(`runner send ${id.slice(0, 8)} yes --enter`);
  await person.sees(`job ${id}: typed 4 bytes`);
  await until("it asks no more", async () => (await statusOf(world, id)).waiting_for_input === null);
  assertEquals((await eventsOf(world, id)).slice(-2), ["ask", "proceed"]);
  await gate.open();
  assertEquals((await world.ended(id)).result, "Continue? answer <yes>\n");
  for (const other of quiet) {
    assertEquals((await statusOf(world, other)).waiting_for_input, null);
    assertEquals(await eventsOf(world, other), ["submit", "start"]);
    await world.run(["cancel", other]);
  }
});

Deno.test("what a job asks is cleared by keys of its terminal, and by the next runner", async () => {
  await using world = await World.create();
  const first = await world.runner();
  const gate = new Gate(world.dir);
  const id = await world.submit(`read -r a; read -r b; echo "$a and $b"; ${gate.wait}`);
  const asks = async () => (await statusOf(world, id)).waiting_for_input !== null;
  await until("it asks", asks);
  await first.kill9();
  assert(await asks());
  await world.tmux("send-keys", "-t", "main:", "one", "Enter");
  const second = await world.runner();
  await until("it asks again, or still", asks);
  await world.tmux("send-keys", "-t", "main:", "two", "Enter");
  await shows(world, id, "one and two");
  await until("it asks no more", async () => !await asks());
  await second.stop();
  await gate.open();
});

Deno.test("attach shows a job's own pane: typing changes nothing without --write, and leaving leaves the job", async () => {
  await using world = await World.create();
  await world.runner();
  await using person = await Person.at(world);
  const other = await world.submit("echo the other one; sleep 100");
  const id = await world.submit('echo "here it is"; read -r line; echo "got <$line>"; sleep 100');
  await shows(world, other, "the other one");
  await shows(world, id, "here it is");
  const current = () => world.tmux("display-message", "-p", "-t", "=main:", "#{window_id} #{pane_id}");
  const sessions = async () => (await world.tmux("list-sessions", "-F", "#{session_name}")).split("\n");
  await world.tmux("select-window", "-t", "=main:0");
  const before = await current();

  for (const job of [other, id]) {
    await person.attaches(job, job === id ? "here it is" : "the other one");
    await person.types("no");
    await person.presses("C-c");
    assertEquals((await sessions()).filter((name) => name.startsWith("~runner-view-")).length, 1);
    assertStringIncludes(await person.leaves(), `job ${job}: read-only; leave with Ctrl-b`);
    await until("the view is gone", async () => !(await sessions()).some((name) => name.startsWith("~runner-view-")));
    assertEquals(await current(), before);
    assertEquals((await statusOf(world, job)).status, "started");
  }

  await person.attaches(`--write ${id}`, "here it is");
  await person.types("yes");
  await person.sees("got <yes>");
  assertStringIncludes(await person.leaves(), `job ${id}: keys reach the job; leave with Ctrl-b`);
  await shows(world, id, "here it is\ngot <yes>\n");
  assertEquals((await statusOf(world, id)).status, "started");

  await person.attaches(`${id} --write`, "got <yes>");
  await person.presses("C-c");
  assertEquals((await world.ended(id)).error, "killed by signal 2 (INT)");
  await person.leaves();
});

Deno.test("attach takes another TERM when tmux does not know the one there is, and fails with the words of tmux", async () => {
  await using world = await World.create();
  await world.runner();
  await using person = await Person.at(world);
  const id = await world.submit('echo "here it is"; sleep 100');
  await shows(world, id, "here it is");
  await person.types("TERM=xterm-none");
  await person.attaches(id, "here it is");
  await person.leaves();
  await person.types(`clear; TERM=dumb runner attach ${id} 2>'${world.dir}/said'; echo "left with $?"`);
  await person.sees("left with 1");
  assertStringIncludes(await Deno.readTextFile(`${world.dir}/said`), "terminal does not support clear");
});

Deno.test("attach --ssh fails when ssh does", async () => {
  await using world = await World.create();
  await world.runner();
  const bin = `${world.dir}/ssh-bin`;
  await Deno.mkdir(bin);
  await Deno.writeTextFile(`${bin}/ssh`, "#!/bin/sh\necho no route; exit 255\n", { mode: 0o755 });
  await using person = await Person.at(world, { path: bin });
  const id = await world.submit("sleep 100");
  await world.reaches(id, "started");
  const [node] = (await world.redis.keys()).filter((key) => key.startsWith("rr:node:"));
  await world.redis.call("HSET", node, "host", "far");
  await person.types(`runner attach --ssh ${id} 2>'${world.dir}/said'; echo "left with $?"`);
  await person.sees("ssh ended with exit code 255; press Enter");
  await person.presses("Enter");
  await person.sees("left with 1");
  assertStringIncludes(await Deno.readTextFile(`${world.dir}/said`), 'on host "far": ssh ended with exit code 255');
});

Deno.test("attach works while no runner lives, and somebody who looks disturbs no restart", async () => {
  await using world = await World.create();
  const first = await world.runner();
  await using person = await Person.at(world);
  const id = await world.submit('echo "here it is"; read -r line; echo "got <$line>"');
  await shows(world, id, "here it is");
  await first.kill9();
  await person.attaches(`${id} --write`, "here it is");
  await world.runner();
  await person.types("yes");
  assertEquals((await world.ended(id)).result, "here it is\ngot <yes>\n");
  const next = await world.ended(await world.submit("echo next"));
  assertEquals(next.result, "next\n");
});

Deno.test("screen shows what a program of the whole screen shows", async () => {
  await using world = await World.create();
  await world.runner();
  await using person = await Person.at(world);
  const draw = "printf '\\033[?1049h\\033[2J\\033[3;5Hmenu of \\033[1mchoices\\033[0m\\033[5;7H\\033]2;chooser\\007'";
  const id = await world.submit(`echo before; ${draw}; read -r x; printf '\\033[?1049l'; echo over`);
  await until("it has drawn", async () => (await world.run(["screen", id])).stdout === "\n\n    menu of choices\n");
  const json = JSON.parse((await world.run(["screen", "--json", id])).stdout);
  assertEquals(json, {
    id,
    lines: ["", "", "    menu of choices"],
    cursor: { column: 6, row: 4 },
    columns: 200,
    rows: 50,
    title: "chooser",
  });
  await person.types(`runner screen ${id}`);
  await person.sees("menu of choices");
  await person.attaches(id, "menu of choices");
  await person.leaves();
  await person.types(`clear; printf x | runner send ${id} - -e`);
  await world.ended(id);
});

Deno.test("the pane of a failed job is kept, and can be looked at", async () => {
  await using world = await World.create();
  await world.runner({ args: ["--keep-pane", "failed"] });
  await using person = await Person.at(world);
  const target = ["-e", "tmux.main.build"];
  const fine = await world.submit(...target, "echo all is well");
  const broken = await world.submit(...target, "echo it broke here; exit 3");
  const next = await world.submit(...target, "echo next one");
  assertEquals((await world.ended(broken)).error, "exited with code 3");
  assertEquals([(await world.ended(broken)).result, (await world.ended(next)).result], [
    "it broke here\n",
    "next one\n",
  ]);
  await person.attaches(broken, "it broke here");
  assert(!(await person.screen()).includes("next one"));
  await person.leaves();
  await person.types(`clear; runner attach ${fine}`);
  await person.sees("it has ended with status finished");
});

Deno.test("attach says the ssh command for a job of another host, and --ssh runs it", async () => {
  await using world = await World.create();
  await world.runner();
  const bin = `${world.dir}/ssh-bin`;
  await Deno.mkdir(bin);
  const script = `#!/bin/sh\n[ "$1 $2 $3" = "-t -- far" ] || exit 7\necho "over to $3"\nshift 3\nexec sh -c "$*"\n`;
  await Deno.writeTextFile(`${bin}/ssh`, script, { mode: 0o755 });
  await using person = await Person.at(world, { path: bin });
  const id = await world.submit('echo "here it is"; read -r line; echo "got <$line>"; sleep 100');
  await shows(world, id, "here it is");
  const [node] = (await world.redis.keys()).filter((key) => key.startsWith("rr:node:"));
  await world.redis.call("HSET", node, "host", "far");
  await person.types(`runner attach ${id} 2>${world.dir}/refused; echo "ended with $?"`);
  await person.sees("ended with 1");
  const said = (await Deno.readTextFile(`${world.dir}/refused`)).trim();
  assertStringIncludes(said, `it runs on host "far"; write runner attach --ssh ${id}, or ssh -t 'far' 'tmux `);
  await person.attaches(`--ssh --write ${id}`, "here it is");
  await person.types("from far away");
  await person.sees("got <from far away>");
  assertStringIncludes(await person.leaves(), "keys reach the job; leave with Ctrl-b");
  assertEquals((await statusOf(world, id)).status, "started");
});

Deno.test("attach, send and screen say in a sentence why they cannot, and what to do", async () => {
  await using world = await World.create();
  const runner = await world.runner({ args: ["--lease", "1500ms", "--beat", "200ms"] });
  const ended = await world.submit("true");
  await world.ended(ended);
  const waiting = await world.submit("--in", "1h", "true");
  const id = await world.submit("read -r line");
  await world.reaches(id, "started");
  const says = async (args: string[], want: string) => {
    const { code, stdout, stderr } = await world.run(args);
    assertEquals([code, stdout], [1, ""], stderr);
    assertStringIncludes(stderr, want);
  };
  await says(["send", ended, "x"], `Cannot type into job "${ended}": it has ended with status finished; its output: `);
  await says(["screen", ended], `Cannot show screen of job "${ended}": it has ended with status finished`);
  await says(["screen", waiting], "it has not started yet; why it waits: runner status");
  await says(["attach", id], "standard input and output are no terminal; use runner logs -f ID");
  assertEquals((await world.run(["send", "nothing", "x"])).code, 4);
  assertEquals((await world.run(["send", id])).code, 2);
  assertEquals((await world.run(["send", id, "x".repeat(65_537)])).code, 2);

  runner.signal("SIGSTOP");
  await says(["send", "--redis-timeout", "300ms", id, "x"], "did not answer within 300ms; nothing was done");
  await until("its lease is over", async () => {
    const { code, stderr } = await world.run(["screen", "--redis-timeout", "300ms", id]);
    return code === 1 && stderr.includes("is gone or stopped for");
  });
  assertEquals((await world.redis.keys()).filter((key) => /^rr:(requests|reply):/.test(key)), []);
  runner.signal("SIGCONT");
  await until("it is back", async () => (await world.run(["screen", id])).code === 0);
  assertEquals((await world.run(["send", id, "y", "-e"])).code, 0);
  assertEquals((await world.ended(id)).status, "finished");
  await until("no answer is left", async () => {
    return !(await world.redis.keys()).some((key) => /^rr:(requests|reply):/.test(key));
  });
});
