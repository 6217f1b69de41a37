import { InvalidInputError } from "../../domain/errors.ts";
import { EXIT } from "../../domain/exit_codes.ts";
import type { Command } from "../command.ts";
import { allCommands } from "../commands.ts";
import { completionScript, SHELLS } from "../input/completions.ts";

/** `runner completions`. */
export const completions: Command = {
  name: "completions",
  summary: "Print the completion script of a shell",
  usage: SHELLS,
  examples: [
    { command: "runner completions bash", does: 'in ~/.bashrc: eval "$(runner completions bash)"' },
    { command: "runner completions zsh", does: 'in ~/.zshrc, after compinit: eval "$(runner completions zsh)"' },
    { command: "runner completions fish", does: "in config.fish: runner completions fish | source" },
  ],
  rows: {},
  bare: true,
  needs: [{}],
  positionals: { min: 1, max: 1, what: `the name of a shell: ${SHELLS.join(", ")}`, words: SHELLS },
  async run({ terminal, positionals: [name] }) {
    const shell = SHELLS.find((shell) => shell === name);
    if (!shell) {
      throw new InvalidInputError(
        `Cannot write completions for ${JSON.stringify(name)}: supported shells are ${SHELLS.join(", ")}`,
      );
    }
    await terminal.write(completionScript(shell, await allCommands()));
    return EXIT.ok;
  },
};
