import { InvalidInputError } from "../../domain/errors.ts";
import { EXIT } from "../../domain/exit_codes.ts";
import type { Command } from "../command.ts";
import bash from "../input/shells/runner.bash" with { type: "text" };
import fish from "../input/shells/runner.fish" with { type: "text" };
import zsh from "../input/shells/runner.zsh" with { type: "text" };

const SCRIPTS = new Map([["bash", bash], ["zsh", zsh], ["fish", fish]]);

/** Shells that have a completion script. */
export const SHELLS = [...SCRIPTS.keys()];

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
    const script = SCRIPTS.get(name);
    if (script === undefined) {
      throw new InvalidInputError(
        `Cannot write completions for ${JSON.stringify(name)}: supported shells are ${SHELLS.join(", ")}`,
      );
    }
    await terminal.write(script);
    return EXIT.ok;
  },
};
