/**
 * What the commands of src/cli/commands need of Deno's permissions, with all variables: scripts/docs.ts writes the
 * table of src/cli/README.md from it, and tests/dist/permissions_test.ts compares it with what the commands really
 * request.
 *
 * @module
 */
import type { Command, Need } from "../src/cli/command.ts";
import type { OptionRows } from "../src/settings/option_row.ts";
import { GLOBAL_ROWS, RUN_ROWS } from "../src/settings/options.ts";
import { INHERITED } from "../src/system/host.ts";

function variablesOf(rows: OptionRows): string[] {
  return Object.values(rows).flatMap(({ env }) => env ?? []);
}

const SETTINGS = [
  ...[...variablesOf(GLOBAL_ROWS), "RUNNER_CONFIG"].sort(),
  ...["HOME", "XDG_CONFIG_HOME", "CLICOLOR_FORCE", "NO_COLOR", "TERM"],
];

const TERMINALS = INHERITED.filter((name) => !SETTINGS.includes(name)).sort();

/**
 * Groups of variables: of every command with settings, of a runner's settings, and of terminals. The README explains
 * them below its table.
 */
export const GROUPS: readonly (readonly string[])[] = [SETTINGS, variablesOf(RUN_ROWS).sort(), TERMINALS];

/** A need with nothing left to the reader: its forms are named, and so are all variables. */
export type NamedNeed = Need & Required<Pick<Need, "of" | "env">>;

/** Returns what commands need. */
export function needsOf(commands: readonly Command[]): NamedNeed[] {
  return commands.flatMap(({ name, rows, bare, needs }) =>
    needs.map((need) => {
      const { terminals, env = [] } = need;
      const usual = need.besides || bare ? [] : [...SETTINGS, ...variablesOf(rows)];
      return { of: [name], ...need, env: [...new Set([...usual, ...(terminals ? TERMINALS : []), ...env])].sort() };
    })
  );
}
