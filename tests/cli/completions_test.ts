/** The completion scripts in the real shells. */
import { assert, assertEquals } from "../support/assert.ts";
import { until } from "../support/until.ts";
import { allCommands } from "../../src/cli/commands.ts";
import { SHELLS } from "../../src/cli/input/completions.ts";
import { flagOf, type OptionRow } from "../../src/settings/option_row.ts";
import { RunnerFixture } from "../support/runner_fixture.ts";
import { CommandFixture } from "./command_fixture.ts";

async function scriptOf(shell: string): Promise<string> {
  const fixture = new CommandFixture();
  assertEquals([await fixture.run("completions", shell), fixture.stderr], [0, ""]);
  return fixture.stdout;
}

/** Runs a shell that reads a text; answers what it printed, and nothing may go wrong. */
async function output(
  command: string,
  args: readonly string[],
  text: string,
  env: Record<string, string> = {},
): Promise<string> {
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, text);
  const { code, stdout, stderr } = await new Deno.Command(command, { args: [...args, path], env }).output();
  await Deno.remove(path);
  assertEquals([code, new TextDecoder().decode(stderr)], [0, ""], command);
  return new TextDecoder().decode(stdout);
}

/** What a shell offers for a line, in which the last word is being typed. */
type Offers = (words: readonly string[], env?: Record<string, string>) => Promise<string[]>;

const bash: Offers = async (words, env) => {
  const text = `${await scriptOf("bash")}
compopt() { :; }
COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length - 1}
_runner; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return (await output("bash", ["--norc"], text, env)).trimEnd().split("\n");
};

const fish: Offers = async (words, env) => {
  const text = `${await scriptOf("fish")}\ncomplete -C '${words.join(" ")}'\n`;
  const lines = (await output("fish", ["--no-config"], text, env)).trimEnd().split("\n");
  return lines.map((line) => line.split("\t")[0]);
};

for (const [name, offers] of Object.entries({ bash, fish })) {
  Deno.test(`${name} completes every command and every option`, async () => {
    const commands = await allCommands();
    assertEquals(
      (await offers(["runner", ""])).filter((word) => !word.startsWith("-")).sort(),
      commands.map(({ name }) => name).sort(),
    );
    for (const command of commands) {
      const offered = await offers(["runner", command.name, "--"]);
      for (const [key, row] of Object.entries(command.rows as Record<string, OptionRow>)) {
        assertEquals(offered.includes(flagOf(key)), !row.hidden, `${command.name} ${flagOf(key)}`);
      }
      assert(offered.includes("--redis-url"), command.name);
    }
  });

  Deno.test(`${name} completes values`, async () => {
    const cases: [string[], string[]][] = [
      [["runner", "stat"], ["status"]],
      [["runner", "run", "--lost-policy", ""], ["fail", "hold", "requeue"]],
      [["runner", "submit", "--priority", "h"], ["high"]],
      [["runner", "completions", "f"], ["fish"]],
      [["runner", "help", "compl"], ["completions"]],
    ];
    for (const [words, expected] of cases) assertEquals((await offers(words)).sort(), expected, words.join(" "));
    const dir = await Deno.makeTempDir();
    await Deno.mkdir(`${dir}/folder`);
    await Deno.writeTextFile(`${dir}/file`, "");
    const paths = async (...words: string[]) =>
      (await offers([...words, `${dir}/f`])).map((path) => path.replace(/\/$/, "")).sort();
    assertEquals(await paths("runner", "submit", "--script"), [`${dir}/file`, `${dir}/folder`]);
    assertEquals(await paths("runner", "run", "--spool"), [`${dir}/folder`]);
    await Deno.remove(dir, { recursive: true });
  });
}

Deno.test("bash completes a value behind an equals sign, which it makes a word of", async () => {
  assertEquals(await bash(["runner", "status", "--color", "=", "al"]), ["always"]);
  assertEquals((await bash(["runner", "status", "--color", "="])).length, 3);
});

/** Types lines at a zsh, each with a tab behind it, and waits for what they become. */
async function zshCompletes(
  cases: (dir: string) => [typed: string, completed: string][],
  { env = {}, more = "" }: { env?: Record<string, string>; more?: string },
): Promise<void> {
  const dir = await Deno.makeTempDir();
  const socket = `completions-${crypto.randomUUID().slice(0, 8)}`;
  await Deno.writeTextFile(`${dir}/runner.zsh`, await scriptOf("zsh"));
  await Deno.writeTextFile(
    `${dir}/.zshrc`,
    `PS1='%% '\nautoload -Uz compinit; compinit -u -d ${dir}/dump\nsource ${dir}/runner.zsh\n${more}\necho loaded\n`,
  );
  const tmux = async (...args: string[]) => {
    const { stdout } = await new Deno.Command("tmux", {
      args: ["-L", socket, "-f", "/dev/null", ...args],
      env: { ...env, ZDOTDIR: dir },
      stdin: "null",
    }).output();
    return new TextDecoder().decode(stdout);
  };
  try {
    await tmux("new-session", "-d", "-x", "200", "-y", "40", "zsh", "-d", "-i");
    const screen = () => tmux("capture-pane", "-p");
    await until("zsh has loaded it", async () => (await screen()).includes("loaded"));
    for (const [typed, completed] of cases(dir)) {
      await tmux("send-keys", "C-l");
      await tmux("send-keys", "-l", `${typed}\t`);
      await tmux("send-keys", "-l", "Z");
      let shown = "";
      await until(`${typed} becomes ${completed}`, async () => (shown = await screen()).includes(`% ${completed}Z`))
        .catch((error) => assertEquals(shown, error.message));
      await tmux("send-keys", "C-c");
    }
  } finally {
    await tmux("kill-server");
    await until(
      "tmux has ended",
      async () => !(await new Deno.Command("tmux", { args: ["-L", socket, "ls"], stderr: "null" }).output()).success,
    );
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("zsh completes commands, options and values, typed at a terminal", async () => {
  await zshCompletes((dir) => [
    ["runner stat", "runner status "],
    ["runner run --lost-p", "runner run --lost-policy="],
    ["runner run --lost-policy=req", "runner run --lost-policy=requeue "],
    ["runner status abc --cou", "runner status abc --count="],
    ["runner purge --state fin", "runner purge --state finished "],
    ["runner completions fi", "runner completions fish "],
    ["runner -n x help purg", "runner -n x help purge "],
    [`runner submit --script ${dir}/runner.z`, `runner submit --script ${dir}/runner.zsh `],
  ], { more: "runner() { :; }" });
});

Deno.test("zsh completes what Redis knows, and nothing when it is away", async () => {
  const { fixture, env } = await worldWithJobs();
  await using _ = fixture;
  await zshCompletes(() => [
    ["runner wait abc-1 x", "runner wait abc-1 xyz "],
    ["runner -s other cancel a", "runner -s other cancel abc-9 "],
    ["runner submit -n b", "runner submit -n build "],
    ["runner submit --after=abc-2", "runner submit --after=abc-2 "],
    ["runner submit -e tmux.s.a", "runner submit -e tmux.s.a "],
  ], { env });
  await fixture.redis.kill9();
  await zshCompletes(() => [["runner wait abc", "runner wait abc"]], { env });
});

/** A fixture with some jobs, and the environment of a shell in which `runner` is the real program. */
async function worldWithJobs() {
  const fixture = await RunnerFixture.create();
  await Deno.mkdir(`${fixture.dir}/bin`);
  const program = Deno.env.get("RUNNER_BIN") ?? new URL("../../scripts/runner", import.meta.url).pathname;
  await Deno.writeTextFile(`${fixture.dir}/bin/runner`, `#!/bin/sh\nexec '${program}' "$@"\n`, { mode: 0o755 });
  const lines = ["abc-1", "abc-2", "xyz", "not plain"].map((id) =>
    JSON.stringify({ id, payload: "true", executor: `tmux.s.${id[0]}` })
  );
  await fixture.run(["submit", "-n", "build", "--from", "-"], { input: lines.join("\n") });
  await fixture.submit("-s", "other", "-n", "elsewhere", "--id", "abc-9", "true");
  const env = fixture.env({ PATH: `${fixture.dir}/bin:${Deno.env.get("PATH")}`, HOME: fixture.dir });
  return { fixture, env };
}

for (const [name, offers] of Object.entries({ bash, fish })) {
  Deno.test(`${name} completes what Redis knows, and nothing when it is away`, async () => {
    const { fixture, env } = await worldWithJobs();
    await using _ = fixture;
    const cases: [string[], string[]][] = [
      [["runner", "logs", "ab"], ["abc-1", "abc-2"]],
      [["runner", "wait", "abc-1", "x"], ["xyz"]],
      [["runner", "-s", "other", "cancel", "a"], ["abc-9"]],
      [["runner", "status", "--namespace=other", "a"], ["abc-9"]],
      [["runner", "submit", "--after", "abc-2"], ["abc-2"]],
      [["runner", "submit", "-n", "b"], ["build"]],
      [["runner", "-n", "b"], ["build"]],
      [["runner", "submit", "-e", "tmux.s."], ["tmux.s.a", "tmux.s.n", "tmux.s.x"]],
    ];
    for (const [words, expected] of cases) assertEquals((await offers(words, env)).sort(), expected, words.join(" "));
    await fixture.redis.kill9();
    assertEquals(await offers(["runner", "logs", "ab"], env), [""]);
    // one that answers nothing
    await using silent = silentServer();
    assertEquals(await offers(["runner", "logs", "ab"], { ...env, REDIS_URL: silent.address }), [""]);
    assertEquals(await offers(["runner", "submit", "-n", "b"], { ...env, REDIS_URL: "no url at all" }), [""]);
  });
}

Deno.test("runner complete says what a word is, and is in no list", async () => {
  const fixture = new CommandFixture();
  fixture.redis.put("j", { status: "error", runner: "r", payload: "line 1\nline 2" }, { title: "A\ttitle" });
  fixture.redis.put("k", { status: "started", runner: "r", payload: "line 1\nline 2" });
  assertEquals([await fixture.run("complete", "jobs"), fixture.stdout], [
    0,
    "k\trunning line 1 …\nj\tfailed A\\ttitle\n",
  ]);
  assertEquals((await allCommands()).some(({ name }) => name === "complete"), false);
  const other = new CommandFixture();
  assertEquals([await other.run("complete", "cats"), other.stdout], [2, ""]);
  const away = new CommandFixture();
  away.openError = new Error("gone");
  assertEquals([await away.run("complete", "jobs"), away.stdout, away.stderr], [0, "", ""]);
});

/** A server that takes connections and says nothing. */
function silentServer() {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connections: Deno.Conn[] = [];
  const over = (async () => {
    for await (const connection of listener) connections.push(connection);
  })();
  return {
    address: `127.0.0.1:${listener.addr.port}`,
    async [Symbol.asyncDispose]() {
      listener.close();
      await over;
      for (const connection of connections) connection.close();
    },
  };
}

Deno.test("completions refuses a shell that it does not know", async () => {
  const fixture = new CommandFixture();
  assertEquals(await fixture.run("completions", "csh"), 2);
  assertEquals(
    fixture.stderr,
    `runner: Cannot write completions for "csh": supported shells are ${
      SHELLS.join(", ")
    }; see runner completions --help\n`,
  );
});
