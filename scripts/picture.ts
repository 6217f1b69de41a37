/**
 * Draws .github/picture.svg, the picture of the README, from a real run: a job outlives `kill -9` of its runner, a
 * person attaches to it, it asks a question, and the answer is sent to it. What the picture shows as output is what a
 * terminal showed, but for empty lines.
 *
 *   deno run -A --config scripts/npm/deno.json scripts/picture.ts
 *
 * Needs redis-server, tmux and Linux, which can say that a program waits for input.
 *
 * @module
 */
import { RedisServer } from "../tests/support/redis_server.ts";
import { until } from "../tests/support/until.ts";
import { COLUMNS, drawPicture, type Panel } from "./picture_svg.ts";

const ROOT = new URL("../", import.meta.url).pathname;
const PICTURE = `${ROOT}.github/picture.svg`;
/** The longest wait for anything, milliseconds. */
const LIMIT = 60_000;
const ROWS = 20;

/** The job: it works for a while, then asks. */
const JOB = `for step in build test upload; do sleep 3; echo "$step: done"; done
printf 'Switch to the new version? [y/N] '
read -r reply
[ "$reply" = y ] && echo 'switched to the new version'
`;

/** A shell in a tmux server of its own, where the program is called `runner`. */
class Stage implements AsyncDisposable {
  readonly dir: string;
  readonly redis: RedisServer;

  private constructor(dir: string, redis: RedisServer) {
    this.dir = dir;
    this.redis = redis;
  }

  /** Starts Redis and the shell. */
  static async open(): Promise<Stage> {
    const redis = await RedisServer.start({ persistence: "aof-everysec" });
    const dir = await Deno.makeTempDir({ prefix: "picture-" });
    const stage = new Stage(dir, redis);
    try {
      await Deno.writeTextFile(`${dir}/deploy.sh`, JOB);
      await Deno.writeTextFile(`${dir}/rc`, "unset TMUX TMUX_PANE; PS1=$(printf '\\033[32m$\\033[0m ')\n");
      await Deno.mkdir(`${dir}/bin`);
      // the process ids of runners are kept, to end those that a failure leaves
      const program = `#!/bin/sh\n[ "$1" != run ] || echo $$ >>'${dir}/pids'\nexec '${ROOT}scripts/runner' "$@"\n`;
      await Deno.writeTextFile(`${dir}/bin/runner`, program, { mode: 0o755 });
      await stage.tmux("-f", "/dev/null", "new-session", "-d", "-x", `${COLUMNS}`, "-y", `${ROWS}`, "sh");
      await stage.prompt();
      return stage;
    } catch (error) {
      await stage[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Runs a tmux command in the server of the shell; returns what it printed. */
  async tmux(...args: readonly string[]): Promise<string> {
    return await this.#tmux("person", args);
  }

  async #tmux(socket: string, args: readonly string[]): Promise<string> {
    const inherited = ["HOME", "DENO_DIR", "XDG_CACHE_HOME", "LANG", "RUNNER_REGISTRY"].flatMap((name) => {
      const value = Deno.env.get(name);
      return value === undefined ? [] : [[name, value]];
    });
    const { stdout } = await new Deno.Command("tmux", {
      args: ["-L", socket, ...args],
      cwd: this.dir,
      clearEnv: true,
      env: {
        ...Object.fromEntries(inherited),
        PATH: `${this.dir}/bin:${Deno.env.get("PATH")}`,
        DENO: Deno.execPath(),
        TERM: "xterm-256color",
        ENV: `${this.dir}/rc`,
        TMUX_TMPDIR: this.dir,
        REDIS_URL: this.redis.address,
        RUNNER_SPOOL: `${this.dir}/spool`,
        XDG_CONFIG_HOME: this.dir,
        XDG_STATE_HOME: this.dir,
      },
      stdin: "null",
      stderr: "null",
    }).output();
    return new TextDecoder().decode(stdout);
  }

  /** Types lines, each when the one before has ended; returns what the screen shows then. */
  async run(...lines: readonly string[]): Promise<string> {
    for (const line of lines) {
      await this.type(line);
      await this.prompt();
    }
    return await this.prompt();
  }

  /** Types a line, and waits until it is shown. */
  async type(line: string): Promise<void> {
    await this.tmux("send-keys", "-l", `${line}\n`);
    await this.see(`${line} is shown`, (text) => text.includes(`$ ${line}`));
  }

  /** Clears the screen. */
  async clear(): Promise<void> {
    await this.tmux("send-keys", "-l", "clear\n");
    await this.see("the screen is clear", (text) => /^\$\s*$/.test(text));
  }

  /** Waits until the screen fits; returns it with its escape sequences. */
  async see(what: string, fits: (screen: string) => boolean): Promise<string> {
    let screen = "";
    await until(what, async () => fits(screen = await this.tmux("capture-pane", "-p")), LIMIT).catch((error) => {
      throw new Error(`${error.message}; the terminal shows:\n${screen}`);
    });
    return await this.tmux("capture-pane", "-p", "-e");
  }

  /** Waits until the shell has nothing more to do; returns the screen without the last prompt. */
  async prompt(): Promise<string> {
    const screen = await this.see("the prompt is there", (text) => /(^|\n)\$\s*$/.test(text));
    return screen.trimEnd().split("\n").slice(0, -1).join("\n");
  }

  /** Returns what a file of the folder holds. */
  read(name: string): Promise<string> {
    return Deno.readTextFile(`${this.dir}/${name}`).catch(() => "");
  }

  /** Returns whether the newest runner is dead. */
  async isDead(): Promise<boolean> {
    const pid = (await this.read("pids")).trim().split("\n").at(-1);
    const stat = await Deno.readTextFile(`/proc/${pid}/stat`).catch(() => ") Z");
    return stat.includes(") Z");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const pid of (await this.read("pids")).split("\n").filter(Boolean)) {
      const command = await Deno.readTextFile(`/proc/${pid}/cmdline`).catch(() => "");
      if (command.includes(ROOT)) Deno.kill(Number(pid), "SIGKILL");
    }
    for (const socket of ["person", "runner-demo"]) await this.#tmux(socket, ["kill-server"]);
    await this.redis[Symbol.asyncDispose]();
    await until("the folder is gone", () => Deno.remove(this.dir, { recursive: true }).then(() => true, () => false));
  }
}

/** Plays the scene; returns what it showed. */
async function playScene(stage: Stage): Promise<Panel[]> {
  const ready = (count: number) =>
    until("the runner is ready", async () => (await stage.read("log")).split(" ready ").length > count, LIMIT);

  await stage.run("runner run --name demo 2>>log &");
  await ready(1);
  const first = await stage.run("runner submit --name demo --id deploy --script deploy.sh");
  await until("the job runs", async () => (await stage.read("log")).includes("started job=deploy"), LIMIT);

  await stage.clear();
  await stage.run("kill -9 %1");
  await until("the runner is dead", () => stage.isDead());
  await stage.run("jobs");
  await stage.type("runner attach deploy");
  const asks = await stage.see("the job asks", (text) => text.includes("[y/N]") && text.includes("leave: "));
  const cursor = (await stage.tmux("display-message", "-p", "#{cursor_x}")).trim();
  const attached = asks.replace(/^.*\[y\/N\].*$/m, (line) => `${line.trimEnd().padEnd(Number(cursor))}█`);
  await stage.tmux("send-keys", "C-b", "d");
  const second = (await stage.prompt()).replace(/\n[^\n]*\[detached[^]*$/, "");

  await stage.clear();
  await stage.run("runner run --name demo 2>>log &");
  await ready(2);
  const events = async () => JSON.stringify(await stage.redis.call("XRANGE", "rr:events", "-", "+"));
  await until("the runner says that the job waits", async () => (await events()).includes("input_required"), LIMIT);
  const third = await stage.run("runner status --state waiting");
  await stage.clear();
  const fourth = await stage.run("runner send deploy y --enter", 'runner wait deploy; echo "exit code $?"');
  if (!/\nexit code 0$/.test(fourth)) throw new Error(`Cannot draw: the job did not end well:\n${fourth}`);

  return [
    { caption: "A job runs in a tmux terminal of its own", text: first },
    { caption: "kill -9: the job goes on, and its terminal can be attached to", text: second, attached },
    { caption: "The next runner adopts it, and shows what it asks", text: third },
    { caption: "Answered from any host, it ends: exit code 0", text: fourth },
  ];
}

await using stage = await Stage.open();
await Deno.writeTextFile(PICTURE, drawPicture(await playScene(stage)));
// as the formatter of the project wants it
const { code } = await new Deno.Command(Deno.execPath(), {
  args: ["fmt", "--quiet", "--config", `${ROOT}deno.json`, PICTURE],
}).output();
if (code !== 0) throw new Error("Cannot draw: the picture is no SVG to the formatter");
