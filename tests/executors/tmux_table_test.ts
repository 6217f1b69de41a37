/** Each row of the table in JOBS.md of what a job gets, on a real job. */
import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import { isolatedTest } from "../support/tmux_host.ts";
import { ExecutorFixture, launchOf, textOf } from "./executor_fixture.ts";

const JOBS = new URL("../../src/executors/tmux/JOBS.md", import.meta.url);

/** First cells of the table, as text. */
async function rowsOf(): Promise<string[]> {
  const text = await Deno.readTextFile(JOBS);
  const section = text.slice(text.indexOf("## What a job gets"), text.indexOf("## Watching and typing"));
  return section.split("\n").filter((line) => line.startsWith("| ")).slice(2).map((line) =>
    line.split(" | ")[0].slice(2).replaceAll("`", "").trim()
  );
}

isolatedTest("a job gets what the table in JOBS.md says, row by row", async (host) => {
  await Deno.mkdir(`${host.dir}/home`);
  for (const file of [".profile", ".bash_profile", ".bashrc"]) {
    await Deno.writeTextFile(`${host.dir}/home/${file}`, "export FROM_PROFILE=1; echo profile\n");
  }
  const own: Record<string, string> = {
    ...{ ...host.env, HOME: `${host.dir}/home`, LOGNAME: "me", SHELL: "/bin/bash", LC_ALL: "C.UTF-8" },
    ...{ XDG_STATE_HOME: "/state", RUNNER_CONFIG: "/client.json", TZ: "Mars", REDIS_URL: "r", SSH_AUTH_SOCK: "s" },
    ...{ TMUX: "t", TMUX_PANE: "%1", BASH_ENV: `${host.dir}/home/.bashrc`, ENV: `${host.dir}/home/.profile` },
  };
  const fixture = await ExecutorFixture.open(host.executor({ env: own, cwd: "/usr" }));
  const target = "tmux.main.work";
  const is = async (payload: string, expected: string, env = {}) =>
    assertEquals(await fixture.output(payload, { target, env }), `${expected}\n`, payload);
  const mask = (await host.sh("umask")).padStart(4, "0");
  const left = async (payload: string) => (await fixture.run(launchOf(payload, { target }))).left;
  const pane = async () => (await host.tmux("list-panes -t main:work -F '#{pane_id}'"))[0];

  const checks: Record<string, () => Promise<void>> = {
    "HOME PATH USER LOGNAME SHELL LANG LC_ALL XDG_STATE_HOME": () =>
      is(
        'echo "$HOME $PATH $USER $LOGNAME $SHELL $LANG $LC_ALL $XDG_STATE_HOME"',
        `${own.HOME} ${own.PATH} ${own.USER} me /bin/bash C.UTF-8 C.UTF-8 /state`,
      ),
    "TERM COLORTERM": () => is('case $TERM in screen* | tmux*) echo "$COLORTERM" ;; esac', "truecolor"),
    "RUNNER_JOB_ID RUNNER_ATTEMPT RUNNER_RUN": async () => {
      const launch = launchOf("echo $RUNNER_JOB_ID $RUNNER_ATTEMPT $RUNNER_RUN", { target, attempt: 2 });
      assertEquals(textOf((await fixture.run(launch)).output), `${launch.id} 2 ${launch.name}\n`);
    },
    "RUNNER_SLOT RUNNER_SLOT_2 to _4": async () => {
      const launch = launchOf("echo $RUNNER_SLOT $RUNNER_SLOT_2 $RUNNER_SLOT_3", {
        ...{ target, slots: [7, 0], env: { RUNNER_SLOT: "9" } },
      });
      assertEquals(textOf((await fixture.run(launch)).output), "7 0\n");
    },
    "RUNNER_CONFIG": () => is("echo $RUNNER_CONFIG", "/client.json"),
    // the client writes them into the environment of the job
    "RUNNER_INDEX RUNNER_LINE": () =>
      is("echo $RUNNER_INDEX $RUNNER_LINE", "7 a", { RUNNER_INDEX: "7", RUNNER_LINE: "a" }),
    "its own variables": () =>
      is("echo $HOME $COLORTERM $MINE $RUNNER_ATTEMPT", "/h none a 1", {
        ...{ HOME: "/h", COLORTERM: "none", MINE: "a", RUNNER_ATTEMPT: "7" },
      }),
    "every other variable of the runner": () => is("env | grep -cE '^(TMUX|TZ|REDIS|SSH|BASH_ENV|ENV|OLDPWD)'; :", "0"),
    "login files: /etc/profile, ~/.profile, ~/.bashrc": () => is('echo "<$FROM_PROFILE>"', "<>"),
    "folder": () => is("pwd", "/usr"),
    "umask": () => is("umask", mask),
    "soft limits (ulimit -S)": async () =>
      is("ulimit -S -s; ulimit -S -c", await host.sh("ulimit -S -s; ulimit -S -c")),
    "hard limits, groups, priority, control group": async () =>
      is(
        "ulimit -H -n; id -G; nice; cat /proc/self/cgroup",
        await host.sh("ulimit -H -n; id -G; nice; cat /proc/self/cgroup"),
      ),
    "signals": () => is("trap; grep -c '^Sig[BI][lg][kn]:.\\{9\\}[08]0000000$' /proc/self/status", "2"),
    "standard input, output and error": () => {
      const others = [3, 4, 5, 6, 7, 8, 9].map((fd) => `/proc/$$/fd/${fd}`).join(" ");
      return is(`test -t 0 && test -t 1 && test -t 2 && ! readlink ${others} && echo ok`, "ok");
    },
    "terminal": async () => {
      await is(
        "stty size; stty -a | tr ';' '\\n' | grep -oE 'susp = <undef>|-ixon|-echo\\b' | sort | tr '\\n' ' '; echo",
        [
          "50 200",
          "-echo -ixon susp = <undef> ",
        ].join("\n"),
      );
    },
    "modes and size of the terminal (stty)": async () => {
      const modes = "stty -g; stty size";
      const before = await fixture.output(modes, { target });
      await fixture.run(launchOf("stty -icanon -isig echo rows 7 cols 31; sleep 0.2", { target }));
      assertEquals(await fixture.output(modes, { target }), before);
    },
    "$0": () => is('test -n "$AGAIN" && echo again && exit; AGAIN=1 exec "$0"', "again"),
    "a payload with #!": () => is("#!/usr/bin/env -S awk -f\nBEGIN { print 42 }\n", "42"),
    "a payload all of whose lines end in CR LF": () => is("if true; then\r\necho a\r\nfi\r\n", "a"),
    "what is left in the background at its end": async () => {
      assertEquals(await left("nohup sleep 555 >/dev/null 2>&1 & until grep -q sleep /proc/$!/comm; do :; done"), [
        "sleep",
      ]);
      assertEquals(await host.sh("pgrep -fx 'sleep 555' || true"), "");
    },
    "what is left in a group or session of its own at its end (setsid, set -m)": async () => {
      const before = await pane();
      await is("setsid sleep 666 & sleep 0.2; echo left", "left");
      await is("echo next", "next");
      assertMatch(await host.sh("pgrep -fx 'sleep 666'"), /^\d+$/);
      assert(await pane() !== before, "another terminal has taken its place");
      await host.sh("pkill -fx 'sleep 666'");
    },
  };
  assertEquals(Object.keys(checks), await rowsOf());
  for (const [row, check] of Object.entries(checks)) {
    await check().catch((error) => {
      throw new Error(`${row}: ${error.message}`, { cause: error });
    });
  }
});
