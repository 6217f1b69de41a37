/** What a job inherits of the real program. */
import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import { until } from "../support/until.ts";
import { RunnerFixture } from "../support/runner_fixture.ts";

const PROGRAM = Deno.env.get("RUNNER_BIN") ?? new URL("../../scripts/runner", import.meta.url).pathname;
const PASSWORD = "s3cr3t/%?@x";

/** Commands after which a job can start the program from source. */
function fromSource(fixture: RunnerFixture): string {
  const { DENO, DENO_DIR, XDG_CACHE_HOME, RUNNER_REGISTRY } = fixture.env();
  const all = { DENO, DENO_DIR, XDG_CACHE_HOME, RUNNER_REGISTRY };
  return Object.entries(all).flatMap(([name, value]) => value ? [`export ${name}='${value}'; `] : []).join("");
}

Deno.test("`runner` in a job and in a hook speaks of its runner, with no password in any environment", async () => {
  await using fixture = await RunnerFixture.create({ config: { user: `jobs on >${PASSWORD} ~* &* +@all` } });
  const url = `redis://jobs:${encodeURIComponent(PASSWORD)}@${fixture.redis.address}`;
  const env = { REDIS_URL: url, RUNNER_NAMESPACE: "tenant" };
  const clean = 'test "$(env | grep -c s3cr3t)" = 0';
  const hook = `${
    fromSource(fixture)
  } ${clean} && test "$RUNNER_TITLE" = outer && '${PROGRAM}' submit --title after true`;
  await fixture.runner({ env, args: ["--tmux-socket", fixture.socket, "--on-end", hook] });
  const inner = `'${PROGRAM}' submit --wait 'exit 7'; echo "inner $?"`;
  const job = `${fromSource(fixture)} ${clean} && stat -c %a "$RUNNER_CONFIG"; ${inner}`;
  const { code, stdout, stderr } = await fixture.run(["submit", "--title", "outer", "--follow", job], { env });
  assertEquals(code, 0, stderr);
  assertMatch(stdout.replaceAll("\r", ""), /^600\n[^]*inner 7\n$/);
  await until("the hook has submitted", async () => {
    const { stdout } = await fixture.run(["status", "--json"], { env });
    return /"title": ?"after"/.test(stdout);
  });
});

Deno.test("a job has as many open files as its runner was given, not as many as that may have", async () => {
  await using fixture = await RunnerFixture.create();
  // as a shell does: it starts the runner with its own limits
  const shell = `ulimit -S -n 700; "$@" & child=$!; trap 'kill $child' TERM; wait; wait`;
  const runner = await fixture.runner({ prefix: ["sh", "-c", shell, "sh"] });
  const { stdout } = await fixture.run([
    "submit",
    "--follow",
    "ulimit -S -n; test $(ulimit -H -n) -gt 700 && echo more",
  ]);
  assertEquals(stdout.replaceAll("\r", ""), "700\nmore\n");
  assertEquals(await runner.stop(), 0);
});

Deno.test("what nohup starts goes on at HUP: the runner, and who waits for a job", async () => {
  await using fixture = await RunnerFixture.create();
  const runner = await fixture.runner({ prefix: ["nohup"] });
  const id = await fixture.submit(`until [ -e '${fixture.dir}/go' ]; do sleep 0.05; done; exit 5`);
  await fixture.reaches(id, "started");
  const pidFile = `${fixture.dir}/waiter`;
  const clients = async () => (await fixture.redis.call("CLIENT", "LIST") as string).split("\n").length;
  const before = await clients();
  const waiting = fixture.run(["wait", id], {
    prefix: ["nohup", "sh", "-c", `echo $$ >'${pidFile}'; exec "$@"`, "sh"],
  });
  await until("it is connected", async () => await clients() > before);
  const pid = Number(await Deno.readTextFile(pidFile));
  for (let i = 0; i < 10; i++) {
    runner.signal("SIGHUP");
    Deno.kill(pid, "SIGHUP");
    await fixture.ended(await fixture.push({ payload: "true", status: "dispatched" }));
  }
  assert(runner.code === null, "the runner goes on");
  await Deno.writeTextFile(`${fixture.dir}/go`, "");
  assertEquals((await waiting).code, 5);
  assertEquals(await runner.stop(), 0);
});

Deno.test("a runner that has a terminal ends in good order when that goes away", async () => {
  await using fixture = await RunnerFixture.create();
  // a terminal of its own, on another tmux server
  const socket = `${fixture.socket}-outer`;
  const tmux = (...args: string[]) =>
    new Deno.Command("tmux", { args: ["-L", socket, "-f", "/dev/null", ...args], env: fixture.env() }).output();
  try {
    const log = `${fixture.dir}/log`;
    await tmux("new-session", "-d", `'${PROGRAM}' run 2>'${log}'`);
    const said = () => Deno.readTextFile(log).catch(() => "");
    await until("it takes jobs", async () => (await said()).includes("ready"));
    await fixture.submit("sleep 30");
    await until("a job runs", async () => (await said()).includes(" started job="));
    await tmux("kill-pane");
    const left = async () => (await said()).includes("left running jobs to the next runner");
    await until("it has ended", left).catch(async (error) => {
      throw new Error(`${error.message}; it said:\n${await said()}`);
    });
  } finally {
    await tmux("kill-server");
    await new Deno.Command("tmux", { args: ["-L", fixture.socket, "kill-server"], stderr: "null" }).output();
  }
});

Deno.test("what a job left in the background, and was killed, stands in its status and in the log", async () => {
  await using fixture = await RunnerFixture.create();
  const runner = await fixture.runner();
  const id = await fixture.submit("sleep 97 & sleep 98 & until grep -q sleep /proc/$!/comm; do :; done; sleep 0.2");
  assertEquals((await fixture.ended(id)).status, "finished");
  await runner.says("killed=");
  assertMatch(runner.log, /finished job=.* killed="?sleep, sleep"?/);
  const { stdout } = await fixture.run(["status", id, "--json"]);
  assertEquals(JSON.parse(stdout).killed_in_background, ["sleep", "sleep"]);
  assertMatch((await fixture.run(["status", id])).stdout, /killed +sleep, sleep \(left in the background at its end\)/);
  const plain = await fixture.submit("true");
  await fixture.ended(plain);
  assertEquals(JSON.parse((await fixture.run(["status", plain, "--json"])).stdout).killed_in_background, []);
});
