import { EXIT } from "../../domain/exit_codes.ts";
import type { Command } from "../command.ts";
import { toJson } from "../view/text.ts";
import { VERSION } from "../../compose/version.ts";

/** `runner version`. */
export const version: Command = {
  name: "version",
  summary: "Show the version",
  usage: [""],
  examples: [{ command: "runner version", does: "show the version" }],
  rows: {},
  bare: true,
  needs: [{}],
  positionals: { min: 0, max: 0, what: "no arguments" },
  async run({ terminal, settings }) {
    await terminal.write(settings.json ? `${toJson({ version: VERSION })}\n` : `runner ${VERSION}\n`);
    return EXIT.ok;
  },
};
