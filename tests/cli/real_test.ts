/** Commands about jobs that really run, and a picture on a real terminal. */
import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import { Gate } from "../support/gate.ts";
import { until } from "../support/until.ts";
import { World } from "../support/world.ts";

Deno.test("logs shows the output of a real job: live, to the byte, and afterwards", async () => {
  await using world = await World.create();
  await world.runner();
  const gate = new Gate(world.dir);
  const id = await world.submit(`printf 'one\\n\\033[31mtwo\\033[0m\\n'; ${gate.wait}; printf 'three'; exit 3`);
  await until("the first lines are there", async () => (await world.run(["logs", id])).stdout === "one\ntwo\n");
  const following = world.run(["logs", "-f", "-n", "1", id]);
  await until(
    "it listens",
    async () => (await world.redis.call("PUBSUB", "CHANNELS", `rr:ev:${id}`) as string[]).length > 0,
  );
  await gate.open();
  assertEquals(await following, { code: 0, stdout: "two\nthree", stderr: `job ${id}: exited with code 3\n` });
  const raw = await world.run(["logs", "--raw", id]);
  assertEquals([raw.code, raw.stdout, raw.stderr], [0, "one\n\x1b[31mtwo\x1b[0m\nthree", ""]);
});

Deno.test("logs -f goes on after Redis was away, and shows each byte once", async () => {
  await using world = await World.create({ persistence: "aof-always" });
  await world.runner();
  const gate = new Gate(world.dir);
  const id = await world.submit(`echo one; ${gate.wait}; for i in 1 2 3 4 5; do echo "line $i"; sleep 0.2; done`);
  await until("the first line is there", async () => (await world.run(["logs", id])).stdout === "one\n");
  const following = world.run(["logs", "-f", id]);
  await until(
    "it listens",
    async () => (await world.redis.call("PUBSUB", "CHANNELS", `rr:ev:${id}`) as string[]).length > 0,
  );
  await world.redis.kill9();
  await gate.open();
  await world.redis.restart();
  const { code, stdout } = await following;
  assertEquals([code, stdout], [0, "one\nline 1\nline 2\nline 3\nline 4\nline 5\n"]);
});

Deno.test("retry runs a failed job again, as its next attempt", async () => {
  await using world = await World.create();
  await world.runner();
  const id = await world.submit(`echo "attempt $RUNNER_ATTEMPT"; [ "$RUNNER_ATTEMPT" = 2 ]`);
  assertEquals((await world.ended(id)).error, "exited with code 1");
  const retried = await world.run(["retry", id]);
  assertEquals(retried, { code: 0, stdout: "", stderr: `job ${id}: queued for a new attempt\n` });
  assertEquals((await world.run(["wait", id])).code, 0);
  assertEquals((await world.run(["logs", id])).stdout, "attempt 2\n");
  const job = await world.job(id);
  assertEquals([job.status, job.error, job.result], ["finished", "", "attempt 2\n"]);
  const purged = await world.run(["purge", "--yes"]);
  assertEquals(purged.stderr, "deleted 1 ended job\n");
  assertEquals((await world.run(["status", id])).code, 4);
});

Deno.test("a paused queue takes no jobs until it is resumed, and status says why a job waits", async () => {
  await using world = await World.create();
  await world.runner({ args: ["--beat", "100ms"] });
  assertEquals((await world.run(["pause"])).code, 0);
  await new Promise((resolve) => setTimeout(resolve, 500));
  // a runner that waits for a job in this moment may still take one
  await world.submit("true");
  const id = await world.submit("true");
  const { now } = JSON.parse((await world.run(["status", "--json", id])).stdout);
  assertEquals(now, "its queue is paused; it is the next one");
  assertEquals((await world.run(["wait", "--timeout", "300ms", id])).code, 75);
  assertEquals((await world.run(["resume"])).code, 0);
  assertEquals((await world.run(["wait", id])).code, 0);
});

Deno.test("status says for which terminal a job waits, and which job runs there", async () => {
  await using world = await World.create();
  await world.runner();
  const gate = new Gate(world.dir);
  const first = await world.submit("-e", "tmux.main.build", gate.wait);
  await world.reaches(first, "started");
  const second = await world.submit("-e", "tmux.main.build", "true");
  const now = async () => String(JSON.parse((await world.run(["status", "--json", second])).stdout).now);
  await until("it was taken", async () => (await now()).startsWith("waits on"));
  assertMatch(await now(), new RegExp(`^waits on .* for tmux\\.main\\.build, busy with job "${first}"$`));
  await gate.open();
  assertEquals((await world.run(["wait", second])).code, 0);
});

Deno.test("status -w on a real terminal shows changes by itself, and gives the screen back", async () => {
  await using world = await World.create();
  await world.runner();
  const program = Deno.env.get("RUNNER_BIN") ?? new URL("../../scripts/runner", import.meta.url).pathname;
  const socket = `watch-${world.name}`;
  const tmux = async (...args: string[]) => {
    const { stdout } = await new Deno.Command("tmux", {
      args: ["-L", socket, "-f", "/dev/null", ...args],
      clearEnv: true,
      env: world.env({ PS1: "prompt> ", ENV: "", TERM: "xterm-256color" }),
      stdin: "null",
    }).output();
    return new TextDecoder().decode(stdout);
  };
  try {
    await tmux("new-session", "-d", "-x", "100", "-y", "30", "sh");
    const screen = () => tmux("capture-pane", "-p");
    await tmux("send-keys", "-l", `echo before; "${program}" status -w; echo "ended with $?"\n`);
    await until("the overview is there", async () => (await screen()).includes("no job\n"));
    const id = await world.submit("exit 3");
    await until("the job is shown", async () => (await screen()).includes(id.slice(0, 8)));
    await until("its end is shown", async () => /error +3 /.test(await screen()));
    await tmux("send-keys", "C-c");
    await until("the screen is back", async () => (await screen()).includes("ended with 130"));
    const text = await screen();
    assert(text.includes("before") && !text.includes("RUNNER  "), text);
  } finally {
    await tmux("kill-server");
  }
});

Deno.test("events --follow shows a job's way while it goes", async () => {
  await using world = await World.create();
  await world.runner();
  const first = await world.submit("true");
  await world.ended(first);
  const { stdout } = await world.run(["events", "--json"]);
  const events = stdout.trimEnd().split("\n").map((line) => JSON.parse(line)).filter(({ id }) => id === first);
  assertEquals(events.map(({ event, state }) => `${event} ${state}`), [
    "submit dispatched",
    "start started",
    "finish finished",
  ]);
});
