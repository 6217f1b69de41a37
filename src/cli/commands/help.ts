import { InvalidInputError } from "../../domain/errors.ts";
import { EXIT } from "../../domain/exit_codes.ts";
import type { Command } from "../command.ts";
import { allCommands, COMMANDS, loadCommand } from "../commands.ts";
import { commandHelp, programHelp } from "../view/help.ts";
import { suggest } from "../../settings/suggest.ts";

/** `runner help`. */
export const help: Command = {
  name: "help",
  summary: "Show help of the program, or the full help of one command",
  usage: ["[COMMAND]"],
  examples: [{ command: "runner help submit", does: "show every option of submit, with examples" }],
  rows: {},
  bare: true,
  needs: [{ of: ["help", "--help"] }],
  positionals: { min: 0, max: 1, what: "the name of one command", words: Object.keys(COMMANDS) },
  async run({ terminal, positionals: [name] }) {
    if (name === undefined) {
      await terminal.write(programHelp(await allCommands()));
      return EXIT.ok;
    }
    const command = await loadCommand(name);
    if (!command) {
      const near = suggest(name, Object.keys(COMMANDS));
      throw new InvalidInputError(
        `Cannot show help of ${JSON.stringify(name)}: there is no such command${
          near ? `, perhaps you mean ${near}` : ""
        }`,
      );
    }
    await terminal.write(commandHelp(command, true));
    return EXIT.ok;
  },
};
