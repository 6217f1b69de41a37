import { EXIT } from "../../domain/exit_codes.ts";
import type { Command } from "../command.ts";
import { configKeyOf, numberText, type OptionRow, type OptionValue } from "../../settings/option_row.ts";
import { RUN_ROWS, SETTING_ROWS } from "../../settings/options.ts";
import { table } from "../view/table.ts";
import { toJson } from "../view/text.ts";

interface Setting {
  readonly name: string;
  readonly value: OptionValue;
  readonly row: OptionRow;
  readonly origin: string;
}

function shown({ value, row }: Setting): string {
  if (value === undefined) return row.defaultText ?? "";
  return typeof value === "number" ? numberText(row, value) : String(value);
}

/** `runner config`. It also accepts the options of `run`, to show what they would change. */
export const config: Command<typeof RUN_ROWS> = {
  name: "config",
  summary: "Show every setting and where it comes from",
  usage: ["[OPTIONS]"],
  description: [
    "A setting comes from its flag, else from its environment variable, else from the configuration file, else from " +
    "its default. The file is $RUNNER_CONFIG, else $XDG_CONFIG_HOME/runner/config.json, else " +
    "~/.config/runner/config.json: a JSON object with the names that this command shows. Passwords are masked.",
  ],
  examples: [
    { command: "runner config", does: "show the current settings" },
    {
      command: "REDIS_URL=redis.example:6379 runner config --json",
      does: "show the settings with that variable, as JSON",
    },
  ],
  rows: RUN_ROWS,
  needs: [{}],
  positionals: { min: 0, max: 0, what: "no arguments" },
  async run({ terminal, settings, origins, compose, color }) {
    const rows = Object.entries(SETTING_ROWS as Readonly<Record<string, OptionRow>>)
      .filter(([, row]) => (row.config || row.env) && !row.hidden)
      .map(([key, row]): Setting => {
        const value = settings[key as keyof typeof settings];
        const safe = key === "redisUrl" ? compose.maskUrl(String(value)) : value;
        return { name: configKeyOf(key), value: safe, row, origin: origins[key] };
      });
    if (settings.json) {
      const all = rows.map(({ name, value, origin }) => [name, { value: value ?? null, origin }]);
      await terminal.write(`${toJson(Object.fromEntries(all))}\n`);
      return EXIT.ok;
    }
    await terminal.write(
      table(rows, [
        { title: "SETTING", value: ({ name }) => name },
        { title: "VALUE", value: shown, flexible: true },
        { title: "FROM", value: ({ origin }) => origin },
      ], { room: terminal.columns(), color }),
    );
    return EXIT.ok;
  },
};
