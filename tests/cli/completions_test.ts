/** The completion scripts in the real shells. */
import { assert, assertEquals } from "../support/assert.ts";
import { until } from "../support/until.ts";
import { allCommands } from "../../src/cli/commands.ts";
import { SHELLS } from "../../src/cli/completions.ts";
import { flagOf, type OptionRow } from "../../src/cli/option_row.ts";
import { FakeWorld } from "./fake_world.ts";

async function scriptOf(shell: string): Promise<string> {
  const world = new FakeWorld();
  assertEquals([await world.run("completions", shell), world.stderr], [0, ""]);
  return world.stdout;
}

/** Runs a shell that reads a text; answers what it printed, and nothing may go wrong. */
async function output(command: string, args: readonly string[], text: string): Promise<string> {
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, text);
  const { code, stdout, stderr } = await new Deno.Command(command, { args: [...args, path] }).output();
  await Deno.remove(path);
  assertEquals([code, new TextDecoder().decode(stderr)], [0, ""], command);
  return new TextDecoder().decode(stdout);
}

/** What a shell offers for a line, in which the last word is being typed. */
type Offers = (words: readonly string[]) => Promise<string[]>;

const bash: Offers = async (words) => {
  const text = `${await scriptOf("bash")}
compopt() { :; }
COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length - 1}
_runner; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return (await output("bash", ["--norc"], text)).trimEnd().split("\n");
};

const fish: Offers = async (words) => {
  const text = `${await scriptOf("fish")}\ncomplete -C '${words.join(" ")}'\n`;
  const lines = (await output("fish", ["--no-config"], text)).trimEnd().split("\n");
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

Deno.test("zsh completes commands, options and values, typed at a terminal", async () => {
  const dir = await Deno.makeTempDir();
  const socket = `completions-${crypto.randomUUID().slice(0, 8)}`;
  await Deno.writeTextFile(`${dir}/runner.zsh`, await scriptOf("zsh"));
  await Deno.writeTextFile(
    `${dir}/.zshrc`,
    `PS1='%% '\nautoload -Uz compinit; compinit -u -d ${dir}/dump\nsource ${dir}/runner.zsh\nrunner() { :; }\necho loaded\n`,
  );
  const tmux = async (...args: string[]) => {
    const { stdout } = await new Deno.Command("tmux", {
      args: ["-L", socket, "-f", "/dev/null", ...args],
      env: { ZDOTDIR: dir },
      stdin: "null",
    }).output();
    return new TextDecoder().decode(stdout);
  };
  try {
    await tmux("new-session", "-d", "-x", "200", "-y", "40", "zsh", "-d", "-i");
    const screen = () => tmux("capture-pane", "-p");
    await until("zsh has loaded it", async () => (await screen()).includes("loaded"));
    const cases: [string, string][] = [
      ["runner stat", "runner status "],
      ["runner run --lost-p", "runner run --lost-policy="],
      ["runner run --lost-policy=req", "runner run --lost-policy=requeue "],
      ["runner status abc --cou", "runner status abc --count="],
      ["runner purge --state fin", "runner purge --state finished "],
      ["runner completions fi", "runner completions fish "],
      ["runner -n x help purg", "runner -n x help purge "],
      [`runner submit --script ${dir}/runner.z`, `runner submit --script ${dir}/runner.zsh `],
    ];
    for (const [typed, completed] of cases) {
      await tmux("send-keys", "C-l");
      await tmux("send-keys", "-l", `${typed}\t`);
      await tmux("send-keys", "-l", "Z");
      let shown = "";
      await until(
        `${typed} becomes ${completed}`,
        async () => (shown = await screen()).includes(`% ${completed}Z`),
        5_000,
      )
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
});

Deno.test("completions refuses a shell that it does not know", async () => {
  const world = new FakeWorld();
  assertEquals(await world.run("completions", "csh"), 2);
  assertEquals(
    world.stderr,
    `runner: Cannot write completions for "csh": there are those for ${
      SHELLS.join(", ")
    }; see runner completions --help\n`,
  );
});
