/** What completes a command line, and the completion scripts in the real shells. */
import { assert, assertEquals } from "../support/assert.ts";
import { until } from "../support/until.ts";
import { rowsOf } from "../../src/cli/command.ts";
import { allCommands } from "../../src/cli/commands.ts";
import { SHELLS } from "../../src/cli/commands/completions.ts";
import { flagOf } from "../../src/settings/option_row.ts";
import { RunnerFixture } from "../support/runner_fixture.ts";
import { CommandFixture, type CommandOptions } from "./command_fixture.ts";

/** A fixture whose Redis holds three jobs of two runners. */
function fixtureWithJobs(options: CommandOptions = {}): CommandFixture {
  const fixture = new CommandFixture(options);
  fixture.redis.put("abc-1", { status: "error", executor: "tmux.s", payload: "true" }, { title: "A\ttitle" });
  fixture.redis.put("abc-2", { status: "started", executor: "tmux.s.w", payload: "line 1\nline 2" });
  fixture.redis.put("xyz", { status: "done", executor: "tmux.s", payload: "echo $(id) `id` %n" });
  fixture.redis.put("$(touch evil)", { status: "done", executor: "`touch evil`", payload: "true" });
  fixture.redis.put("-rf", { status: "done", executor: "tmux.s\nevil", payload: "true" });
  fixture.redis.queueList = ["build", "a b"].map((runner) => ({
    runner,
    queued: 0,
    delayed: 0,
    parked: 0,
    paused: false,
  }));
  return fixture;
}

/** What is offered for a line, in which the last word is being typed. */
async function offered(
  line: string | readonly string[],
  { shell = "bash", fixture = fixtureWithJobs() }: { shell?: string; fixture?: CommandFixture } = {},
): Promise<string[]> {
  const words = typeof line === "string" ? line.split(" ") : line;
  assertEquals([await fixture.run("complete", shell, "--", ...words), fixture.stderr], [0, ""], words.join(" "));
  return fixture.stdout.split("\n").slice(0, -1);
}

Deno.test("every command and every option is offered", async () => {
  const commands = await allCommands();
  assertEquals(await offered(""), commands.map(({ name }) => name));
  assert(await offered("-").then((words) => words.includes("--redis-url")));
  for (const command of commands) {
    const found = await offered([command.name, "--"]);
    for (const [key, row] of Object.entries(rowsOf(command))) {
      assertEquals(found.includes(flagOf(key)), !row.hidden, `${command.name} ${flagOf(key)}`);
    }
  }
});

Deno.test("batches are offered before jobs, each once, and alone for --batch", async () => {
  const fixture = () => {
    const fixture = new CommandFixture();
    for (const id of ["grid.1", "grid.2"]) fixture.redis.put(id, { status: "dispatched" }, { as: "q", title: "t" });
    fixture.redis.put("other.1", { status: "dispatched" });
    return fixture;
  };
  assertEquals(await offered("status ", { fixture: fixture() }), ["grid", "other.1", "grid.2", "grid.1"]);
  assertEquals(await offered("status --batch ", { fixture: fixture() }), ["grid"]);
});

Deno.test("what is offered depends on what was typed", async () => {
  const table: [line: string, offered: string[]][] = [
    ["statu", ["status"]],
    ["run --lost-policy ", ["hold", "requeue", "fail"]],
    ["run --lost-policy=r", ["--lost-policy=requeue"]],
    ["run --lost-policy = r", ["--lost-policy=requeue"]],
    ["run --lost-policy =", ["--lost-policy=hold", "--lost-policy=requeue", "--lost-policy=fail"]],
    ["submit --priority h", ["high"]],
    ["completions f", ["fish"]],
    ["-n x help compl", ["completions"]],
    ["logs --raw", ["--raw"]],
    ["logs --raw --raw", []],
    ["submit --env A = b --env", ["--env", "--env-file"]],
    ["submit -- --en", []],
    ["submit --timeout ", []],
    ["submit --timeout -", []],
    ["submit --title --pri", []],
    ["submit --script ", [":files"]],
    ["submit --script=/a", [":files"]],
    ["run --spool ", [":folders"]],
    ["run --heart", []],
    ["run --bur", ["--burst"]],
    ["run --burst=", []],
    ["no-command ", []],
    ["logs a", ["abc-2", "abc-1"]],
    ["logs --namespace = ", ["xyz", "abc-2", "abc-1"]],
    ["logs -- a", ["abc-2", "abc-1"]],
    ["logs ", ["xyz", "abc-2", "abc-1"]],
    ["wait abc-1 x", ["xyz"]],
    ["submit --after=x", ["--after=xyz"]],
    ["submit -n ", ["build"]],
    ["submit -nb", ["-nbuild"]],
    ["-n b", ["build"]],
    ["status -n ", []],
    ["submit -e ", ["tmux.s", "tmux.s.w"]],
  ];
  for (const [line, expected] of table) assertEquals(await offered(line), expected, line);
  assert((await offered("run ")).includes("--burst"));
});

Deno.test("zsh and fish get sentences, and zsh the sign before a value", async () => {
  for (const shell of ["zsh", "fish"]) {
    assertEquals(await offered("logs abc-1", { shell }), [
      "xyz\tdone echo $(id) `id` %n",
      "abc-2\trunning line 1 …",
      "abc-1\tfailed A\\ttitle",
    ]);
    const options = await offered("logs --", { shell });
    assert(options.includes("--raw\tShow every byte as the job wrote it"));
    assert(options.some((line) => line.startsWith(`--lines${shell === "zsh" ? "=" : ""}\tShow only`)));
  }
});

Deno.test("words come from the Redis that the line, the environment or the configuration file names", async () => {
  const fixture = fixtureWithJobs({ env: { REDIS_URL: "h:1", RUNNER_NAMESPACE: "a" } });
  await offered("logs ", { fixture });
  await offered("-r redis : //h : 2 -s b logs ", { fixture });
  await offered("logs --namespace = c ", { fixture });
  assertEquals(fixture.opened, [
    { redisUrl: "h:1", namespace: "a:", redisTimeoutSeconds: 0.5 },
    { redisUrl: "redis://h:2", namespace: "b:", redisTimeoutSeconds: 0.5 },
    { redisUrl: "h:1", namespace: "c:", redisTimeoutSeconds: 0.5 },
  ]);
});

Deno.test("whatever goes wrong, nothing is offered", async () => {
  const away = fixtureWithJobs();
  away.openError = new Error("gone");
  assertEquals(await offered("logs ", { fixture: away }), []);
  const wrong = () => fixtureWithJobs({ env: { RUNNER_CONFIG: "/c" }, files: { "/c": "no JSON" } });
  assertEquals(await offered("logs ", { fixture: wrong() }), []);
  assertEquals(await offered("logs --raw", { fixture: wrong() }), ["--raw"]);
  assertEquals(await offered("-s rr: logs "), []);
  assertEquals((await allCommands()).some(({ name }) => name === "complete"), false);
});

Deno.test("nothing is offered for a Redis that is silent", async () => {
  await using fixture = await RunnerFixture.create();
  await using silent = silentServer();
  const args = ["complete", "bash", "--", "logs", ""];
  assertEquals(await fixture.run(args, { env: { REDIS_URL: silent.address } }), { code: 0, stdout: "", stderr: "" });
});

/** A server that accepts connections and says nothing. */
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

async function scriptOf(shell: string): Promise<string> {
  const fixture = new CommandFixture();
  assertEquals([await fixture.run("completions", shell), fixture.stderr], [0, ""]);
  return fixture.stdout;
}

/** A fixture with some jobs and files, and the environment of a shell in which `runner` is the real program. */
async function worldWithJobs() {
  const fixture = await RunnerFixture.create();
  for (const folder of ["bin", "folder"]) await Deno.mkdir(`${fixture.dir}/${folder}`);
  await Deno.writeTextFile(`${fixture.dir}/four words in a file`, "");
  const program = Deno.env.get("RUNNER_BIN") ?? new URL("../../scripts/runner", import.meta.url).pathname;
  await Deno.writeTextFile(`${fixture.dir}/bin/runner`, `#!/bin/sh\nexec '${program}' "$@"\n`, { mode: 0o755 });
  const lines = ["abc-1", "xyz", "evil$(touch evil)", "evil`touch evil`"].map((id) =>
    JSON.stringify({ id, payload: "true", title: "%F{red} $(touch evil) `touch evil`", executor: `tmux.s.${id[0]}` })
  );
  await fixture.run(["submit", "-n", "build", "--from", "-"], { input: lines.join("\n") });
  await fixture.submit("-s", "other", "-n", "elsewhere", "--id", "abc-9", "true");
  const env = fixture.env({ PATH: `${fixture.dir}/bin:${Deno.env.get("PATH")}`, HOME: fixture.dir });
  return { fixture, env };
}

/** Starts each shell with its script and the prompt `% `. */
const STARTS: Readonly<Record<string, (dir: string) => { command: string[]; rc: string }>> = {
  bash: (dir) => ({
    command: ["bash", "--noprofile", "--rcfile", `${dir}/rc`, "-i"],
    rc: `PS1='% '\n. ${dir}/script\n`,
  }),
  zsh: (dir) => ({
    command: ["env", `ZDOTDIR=${dir}`, "zsh", "-d", "-i"],
    rc: `PS1='%% '\nautoload -Uz compinit; compinit -u -d ${dir}/dump\n. ${dir}/script\n`,
  }),
  fish: (dir) => ({
    command: ["fish", "--no-config", "-i", "-C", `source ${dir}/rc`],
    rc: `function fish_prompt; echo -n '% '; end\nset fish_greeting\nsource ${dir}/script\n`,
  }),
};

/** Types lines at a shell, each with a tab behind it, and waits for what they become. */
async function typeLines(
  shell: string,
  { dir, env }: { dir: string; env: Record<string, string> },
  cases: readonly [typed: string, completed: string][],
): Promise<void> {
  const { command, rc } = STARTS[shell](dir);
  await Deno.writeTextFile(`${dir}/script`, await scriptOf(shell));
  for (const name of ["rc", ".zshrc"]) await Deno.writeTextFile(`${dir}/${name}`, rc);
  const socket = `completions-${crypto.randomUUID().slice(0, 8)}`;
  const tmux = (...args: string[]) =>
    new Deno.Command("tmux", { args: ["-L", socket, "-f", "/dev/null", ...args], env, cwd: dir, stdin: "null" })
      .output();
  const screen = async () => new TextDecoder().decode((await tmux("capture-pane", "-p")).stdout).trimEnd();
  try {
    await tmux("new-session", "-d", "-x", "200", "-y", "40", ...command);
    for (const [typed, completed] of cases) {
      let shown = "";
      const shows = (what: string, text: () => boolean) =>
        until(what, async () => (shown = await screen()) !== null && text()).catch((error) =>
          assertEquals(shown, error.message)
        );
      await shows("a prompt", () => /(^|\n)%( |$)/.test(shown));
      await tmux("send-keys", "C-u", "C-l");
      await shows("an empty line", () => shown === "%");
      await tmux("send-keys", "-l", `${typed}\t`);
      await tmux("send-keys", "-l", "Z");
      await shows(`${typed} becomes ${completed}`, () => shown.includes(`% ${completed}Z`));
    }
  } finally {
    await tmux("kill-server");
    await until("tmux has ended", async () => !(await tmux("ls")).success);
  }
}

for (const shell of SHELLS) {
  Deno.test(`${shell} completes a line that is typed, with what the shell and Redis have`, async () => {
    const { fixture, env } = await worldWithJobs();
    await using _ = fixture;
    const { dir } = fixture;
    await typeLines(shell, { dir, env }, [
      ["runner statu", "runner status "],
      ["runner run --lost-p", shell === "zsh" ? "runner run --lost-policy=" : "runner run --lost-policy "],
      ["runner run --lost-policy=req", "runner run --lost-policy=requeue "],
      ["runner purge --state fin", "runner purge --state finished "],
      ["runner -n x help purg", "runner -n x help purge "],
      ["runner submit --title fo", "runner submit --title fo"],
      ["runner submit --script four\\ w", "runner submit --script four\\ words\\ in\\ a\\ file "],
      ["runner submit --script=~/fou", "runner submit --script=~/four\\ words\\ in\\ a\\ file "],
      [`runner run --spool ${dir}/fo`, `runner run --spool ${dir}/folder/`],
      ["runner run --spool=fo", "runner run --spool=folder/"],
      ["runner wait abc-1 x", "runner wait abc-1 xyz "],
      ["runner -s other cancel a", "runner -s other cancel abc-9 "],
      ["runner submit -n b", "runner submit -n build "],
      ["runner submit --after=ab", "runner submit --after=abc-1 "],
      ["runner submit -e tmux.s.x", "runner submit -e tmux.s.x "],
      ["runner logs evil", "runner logs evil"],
      // shows a list with descriptions
      ["runner logs ", "runner logs "],
    ]);
    await fixture.redis.kill9();
    await typeLines(shell, { dir, env }, [["runner logs ab", "runner logs ab"]]);
    assertEquals(
      await Array.fromAsync(Deno.readDir(dir)).then((all) => all.some(({ name }) => name === "evil")),
      false,
    );
  });
}

Deno.test("bash 3, which has no compopt and splits no words, and a bash that breaks at no equals sign", async () => {
  const { fixture, env } = await worldWithJobs();
  await using _ = fixture;
  const script = await scriptOf("bash");
  const complete = async (word: string, breaks = "=:") => {
    const text = `${script}\ncompopt() { return 1; }; COMP_WORDBREAKS='${breaks}'; COMP_CWORD=4
COMP_WORDS=(runner submit --color auto '${word}'); _runner; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return (await fixture.run(["--norc", "-c", text], { program: ["bash"], env })).stdout.trimEnd();
  };
  assertEquals(await complete("--priority=h"), "high");
  assertEquals(await complete("--priority=h", ":"), "--priority=high");
});

Deno.test("completions refuses an unknown shell", async () => {
  const fixture = new CommandFixture();
  assertEquals(await fixture.run("completions", "csh"), 2);
  assertEquals(
    fixture.stderr,
    `runner: Cannot write completions for "csh": supported shells are ${
      SHELLS.join(", ")
    }; see runner completions --help\n`,
  );
});
