import { assertEquals, assertRejects } from "../support/assert.ts";
import { parseCommandLine } from "../../src/cli/input/args.ts";
import { allCommands } from "../../src/cli/commands.ts";
import { readConfigFile } from "../../src/settings/config_file.ts";
import { flagOf, type OptionRow } from "../../src/settings/option_row.ts";
import { GLOBAL_ROWS, RUN_ROWS, SETTING_ROWS } from "../../src/settings/options.ts";
import { resolveSettings } from "../../src/settings/settings.ts";
import { InvalidInputError } from "../../src/domain/errors.ts";
import { CommandFixture, type CommandOptions } from "./command_fixture.ts";

async function resolve(args: string[], fixture: CommandOptions = {}) {
  const rows = { ...GLOBAL_ROWS, ...RUN_ROWS };
  const { environment } = new CommandFixture(fixture);
  const file = await readConfigFile(environment, SETTING_ROWS);
  return resolveSettings(rows, { typed: parseCommandLine(args, rows).typed, environment, file });
}

const FILE = "/home/u/.config/runner/config.json";

Deno.test("resolveSettings() asks flag, environment, file and default in this order", async () => {
  const env = { HOME: "/home/u", RUNNER_NAME: "from_env" };
  const files = { [FILE]: '{"name": "from_file"}' };
  const seen = async (args: string[], fixture: CommandOptions) => {
    const { values, origins } = await resolve(args, fixture);
    return [values.name, origins.name];
  };
  assertEquals(await seen(["-n", "from_flag"], { env, files }), ["from_flag", "flag -n"]);
  assertEquals(await seen([], { env, files }), ["from_env", "environment RUNNER_NAME"]);
  assertEquals(await seen([], { env: { HOME: "/home/u", RUNNER_NAME: "" }, files }), ["from_file", `file ${FILE}`]);
  assertEquals(await seen([], {}), ["test_runner", "default"]);
});

Deno.test("resolveSettings() has the documented names and defaults", async () => {
  const { values } = await resolve([]);
  assertEquals([values.name, values.namespace, values.redisUrl, values.redisTimeout], [
    "test_runner",
    "",
    "127.0.0.1:6379",
    3,
  ]);
  assertEquals([values.concurrency, values.killGrace, values.keep, values.lostPolicy], [4, 10, 604_800, "hold"]);
  assertEquals([values.outputLimit, values.outputTotal], [2 ** 30, 10 * 2 ** 30]);
  assertEquals([values.burst, values.spool, values.defaultTimeout, values.shell], [
    false,
    undefined,
    undefined,
    "auto",
  ]);
  const env = {
    RUNNER_NAMESPACE: "production",
    REDIS_URL: "r:1",
    RUNNER_TMUX_SOCKET: "sock",
    RUNNER_SPOOL: "/spool",
  };
  const set = (await resolve([], { env })).values;
  assertEquals([set.namespace, set.redisUrl, set.tmuxSocket, set.spool], ["production:", "r:1", "sock", "/spool"]);
});

Deno.test("resolveSettings() reads production and production: as the same namespace", async () => {
  for (
    const [text, namespace] of [["production", "production:"], ["production:", "production:"], ["", ""], [
      "a:b",
      "a:b:",
    ]]
  ) {
    assertEquals((await resolve([`--namespace=${text}`])).values.namespace, namespace);
  }
});

Deno.test("resolveSettings() reads numbers, durations, words and switches from everywhere", async () => {
  const files = {
    [FILE]: JSON.stringify({
      concurrency: 8,
      kill_grace: "1m",
      default_timeout: 90.5,
      drain: true,
      json_jobs: "reject",
      output_limit: "64M",
      output_total: 4096,
    }),
  };
  const { values } = await resolve(["--lost-after", "1h30m"], { env: { HOME: "/home/u" }, files });
  assertEquals([values.outputLimit, values.outputTotal], [64 << 20, 4096]);
  assertEquals((await resolve(["--output-limit=0", "--output-total", "1.5G"])).values.outputLimit, 0);
  assertEquals(
    [values.concurrency, values.killGrace, values.defaultTimeout, values.drain, values.jsonJobs, values.lostAfter],
    [8, 60, 90.5, true, "reject", 5_400],
  );
});

Deno.test("resolveSettings() refuses a wrong value and says where it stands", async () => {
  const cases: [string[], Record<string, string>, string | null, string][] = [
    [["--concurrency", "four"], {}, null, 'Cannot use --concurrency: "four" is not a whole number'],
    [["--concurrency", "0"], {}, null, "Cannot use --concurrency: 0 is less than the minimum of 1"],
    [["--concurrency", "1e9"], {}, null, 'Cannot use --concurrency: "1e9" is not a whole number'],
    [["--concurrency", "20000"], {}, null, "Cannot use --concurrency: 20000 is more than the maximum of 10000"],
    [
      ["--kill-grace", "soon"],
      {},
      null,
      'Cannot use --kill-grace: cannot read duration "soon": write for example 90, 90s, 5m, 2h, 1d or 1h30m',
    ],
    [
      ["--output-limit", "1GB"],
      {},
      null,
      'Cannot use --output-limit: cannot read size "1GB": write for example 64M, 1G or 1.5G',
    ],
    [
      ["--output-limit", "1M"],
      {},
      null,
      "Cannot use --output-limit: 1M is less than the minimum of 32M; 0 means no limit",
    ],
    [
      [],
      {},
      '{"output_total": true}',
      `Cannot use "output_total" in "${FILE}": it must be a number of bytes or a text like "64M"`,
    ],
    [["--lost-policy", "x"], {}, null, 'Cannot use --lost-policy: "x" is not one of hold, requeue, fail'],
    [
      ["-n", "a\x07"],
      {},
      null,
      'Cannot use -n: cannot use runner name "a\\u0007": a name has 1 to 200 characters and no control or invisible characters',
    ],
    [
      [],
      { RUNNER_NAMESPACE: "a\nb" },
      null,
      'Cannot use environment variable RUNNER_NAMESPACE: cannot use namespace "a\\nb": it holds control or invisible characters',
    ],
    [
      ["--spool", ""],
      {},
      null,
      "Cannot use --spool: cannot use an empty spool folder: leave it out for the default one",
    ],
    [
      ["--tmux-socket", "a/b"],
      {},
      null,
      'Cannot use --tmux-socket: cannot use tmux socket "a/b": write a name without "/"',
    ],
    [[], {}, '{"concurrency": "4"}', `Cannot use "concurrency" in "${FILE}": it must be a number`],
    [[], {}, '{"drain": 1}', `Cannot use "drain" in "${FILE}": it must be true or false`],
    [[], {}, '{"name": null}', `Cannot use "name" in "${FILE}": it must be a text`],
    [[], {}, '{"concurrency": 1.5}', `Cannot use "concurrency" in "${FILE}": "1.5" is not a whole number`],
  ];
  for (const [args, env, content, message] of cases) {
    const files: Record<string, string> = content === null ? {} : { [FILE]: content };
    const error = await assertRejects(
      () => resolve(args, { env: { HOME: "/home/u", ...env }, files }),
      InvalidInputError,
    );
    assertEquals(error.message, message);
  }
});

Deno.test("readConfigFile() tries RUNNER_CONFIG, XDG_CONFIG_HOME and HOME in this order", async () => {
  const files = { "/a.json": "{}", "/xdg/runner/config.json": "{}", [FILE]: "{}" };
  const path = async (env: Record<string, string>) =>
    (await readConfigFile(new CommandFixture({ env, files }).environment, SETTING_ROWS))?.path;
  const all = { RUNNER_CONFIG: "/a.json", XDG_CONFIG_HOME: "/xdg", HOME: "/home/u" };
  assertEquals(await path(all), "/a.json");
  assertEquals(await path({ ...all, RUNNER_CONFIG: "" }), "/xdg/runner/config.json");
  assertEquals(await path({ HOME: "/home/u" }), FILE);
  assertEquals(await path({ HOME: "/home/other" }), undefined);
  assertEquals(await path({}), undefined);
});

Deno.test("readConfigFile() refuses a file that is not what it should be, without quoting from it", async () => {
  const cases: [string | null, string][] = [
    [null, 'Cannot read configuration file "/c": RUNNER_CONFIG names it, but it does not exist'],
    ['{"redis_url": "redis://:secret@h"', 'Cannot read configuration file "/c": it is no JSON, see line 1, column 34'],
    ["[]", 'Cannot read configuration file "/c": it is not a JSON object'],
    [
      '{"conurrency": 1}',
      'Cannot use key "conurrency" in "/c": there is no such setting; perhaps you mean "concurrency"',
    ],
  ];
  for (const [content, message] of cases) {
    const { environment } = new CommandFixture({
      env: { RUNNER_CONFIG: "/c" },
      files: content === null ? {} : { "/c": content },
    });
    const error = await assertRejects(() => readConfigFile(environment, SETTING_ROWS), InvalidInputError);
    assertEquals(error.message, message);
  }
});

Deno.test("no command uses a spelling, an environment name or a letter twice, but -n as tail does", async () => {
  const twice = (words: readonly string[]) => words.filter((word, i) => words.indexOf(word) < i);
  const letters: Record<string, string[]> = {};
  for (const { name, rows } of await allCommands()) {
    const all = Object.entries<OptionRow>({ ...GLOBAL_ROWS, ...rows });
    assertEquals(
      twice(all.flatMap(([key, { aliases = [] }]) => [flagOf(key), ...aliases.map((word) => `--${word}`)])),
      [],
    );
    assertEquals(twice(all.flatMap(([, { env }]) => env ?? [])), [], name);
    const again = twice(all.flatMap(([, { short }]) => short ?? []));
    if (again.length > 0) letters[name] = again;
  }
  assertEquals(letters, { status: ["n"], logs: ["n"], events: ["n"] });
});

Deno.test("run refuses a hook that is no command before it opens anything", async () => {
  for (const command of ["", " \n", "a\0b"]) {
    const fixture = new CommandFixture();
    assertEquals(await fixture.run("run", `--on-end=${command}`), 2);
    assertEquals(
      fixture.stderr,
      "runner: Cannot use --on-end: cannot run an empty command, or one with a NUL character; see runner run --help\n",
    );
  }
});
