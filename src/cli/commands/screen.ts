import { requestRunner } from "../../client/request_runner.ts";
import { EXIT } from "../../domain/exit_codes.ts";
import { findAllNamed, needJob } from "../input/find_named.ts";
import type { Command } from "../command.ts";
import { printable, toJson } from "../view/text.ts";

const ROWS = {} as const;

/** `runner screen`. */
export const screen: Command<typeof ROWS> = {
  name: "screen",
  summary: "Show the screen of a running job as text",
  usage: ["[OPTIONS] ID"],
  description: [
    "Works from any host that reaches Redis. Shows the current content of the job's terminal without colours, also " +
    "of full-screen programs; `runner logs` shows all output. Empty lines at the bottom are left out.",
  ],
  examples: [
    { command: "runner screen @", does: "show the screen of the newest job" },
    { command: "runner screen @ --json", does: "also show its title, its size and the position of the cursor" },
  ],
  rows: ROWS,
  needs: [{ net: true }],
  positionals: { min: 1, max: 1, what: "the id of one job", completes: "jobs" },
  async run(context) {
    const { terminal, settings, compose, positionals } = context;
    const store = await context.store();
    const [found] = await findAllNamed(context, positionals);
    const id = needJob(found, "show the screen of");
    const done = await requestRunner(store, id, { type: "screen" }, {
      cannot: "Cannot show screen of job",
      reply: compose.newId(),
      waitMs: settings.redisTimeout * 1000,
    });
    if (done.type !== "screen") throw new Error(`Cannot show screen of job: the reply is ${done.type}`);
    const { lines, cursor, columns, rows, title } = done.screen;
    if (settings.json) await terminal.write(`${toJson({ id, lines, cursor, columns, rows, title })}\n`);
    else await terminal.write(lines.map((line) => `${printable(line)}\n`).join(""));
    return EXIT.ok;
  },
};
