import { assert, assertEquals } from "../support/assert.ts";
import { ExecutorFixture } from "../executors/executor_fixture.ts";
import { isolatedTest, type TmuxHost } from "../support/tmux_host.ts";
import { until } from "../support/until.ts";

/** `RUNNER_LONG=1`: a thousand restarts, some minutes. */
const RESTARTS = Deno.env.get("RUNNER_LONG") === "1" ? 1000 : 40;
/** Every so manieth runner is killed. */
const KILLED = 10;

/**
 * What goes on in the server meanwhile, each a shell loop. `pause` is a short time that differs from round to round.
 */
const LOADS = {
  "a person attaches and detaches": 'person "tmux -L test attach -t people"',
  "another one resizes, types and changes windows":
    'person "stty cols $((60 + i % 50)); tmux -L test attach -t people"',
  "a person looks at a view":
    'person "tmux -L test new-session -t people -s view$i"; tmux -L test kill-session -t "=view$i"',
  "sessions are made and closed":
    'tmux -L test new-session -d -s "s$i" cat; pause; tmux -L test kill-session -t "=s$i"',
  "sessions close by themselves": 'tmux -L test new-session -d -s "t$i" "sleep 0.0$((i % 9))"; pause',
  "windows come and go":
    'tmux -L test new-window -t people: -n "w$i" cat ";" split-window -t people: "sleep 0.0$((i % 9))"; pause; tmux -L test kill-window -t "people:=w$i"',
};

const FUNCTIONS = `
  pause() { sleep "0.0$(((i * 7 + 3) % 10))"; }
  person() { { pause; printf '\\2n'; pause; printf 'x\\2d'; sleep 0.1; } | timeout 0.5 script -qfc "$1" /dev/null >/dev/null 2>&1; }
`;

/** Starts the loads; they end when the file `stop` is there. */
function load(host: TmuxHost): Promise<string>[] {
  return Object.values(LOADS).map((command) =>
    host.sh(
      `export TERM=xterm-256color; ${FUNCTIONS} i=0; while [ ! -e '${host.dir}/stop' ]; do i=$((i + 1)); ${command}; done`,
    )
  );
}

/** A runner that is killed as soon as it is open. */
async function killedRunner(host: TmuxHost): Promise<void> {
  const { files: _files, process, clock: _clock, log: _log, newId: _newId, digestOf: _digestOf, ...options } = host
    .options();
  const config = new URL("../../scripts/npm/deno.json", import.meta.url).pathname;
  const program = new URL("../executors/crash_runner.ts", import.meta.url).pathname;
  const env = { ...host.env, DENO_DIR: Deno.env.get("DENO_DIR") ?? `${Deno.env.get("HOME")}/.cache/deno` };
  const args = ["run", "-A", "--quiet", "--config", config, program, JSON.stringify({ options, launches: [] })];
  const runner = process.spawn(Deno.execPath(), args, { env });
  let pid = "";
  for await (const bytes of runner.output) {
    pid += new TextDecoder().decode(bytes);
    if (pid.endsWith("\n")) break;
  }
  await host.sh(`kill -9 ${pid}`);
}

isolatedTest(
  `58: the tmux server outlives ${RESTARTS} restarts while people, sessions and windows come and go`,
  async (host) => {
    const first = await ExecutorFixture.open(host.executor());
    await first.executor.close();
    await host.tmux("new-session -d -s people -x 100 -y 30 cat");
    const server = (await host.tmux("display-message -p '#{pid}'"))[0];
    const lives = async () => await host.sh(`kill -0 ${server} && echo lives`) === "lives";
    const loads = load(host);
    let restarts = 0;
    try {
      while (++restarts <= RESTARTS) {
        if (restarts % KILLED === 0) await killedRunner(host);
        else {
          const fixture = await ExecutorFixture.open(host.executor());
          if (restarts % 5 === 1) await fixture.executor.sweep();
          await fixture.executor.close();
        }
        assert(await lives(), `the server died in restart ${restarts}`);
      }
    } finally {
      await Deno.writeTextFile(`${host.dir}/stop`, "");
      await Promise.all(loads);
    }
    const fixture = await ExecutorFixture.open(host.executor());
    assertEquals(await fixture.output("echo fine"), "fine\n");
    await fixture.executor.close();
    assertEquals(await host.tmux("list-clients"), []);
    await host.tmux("kill-server");
    await until("the server has ended", async () => !await lives());
  },
  RESTARTS * 3000,
);
