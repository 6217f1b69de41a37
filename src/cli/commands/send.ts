import { requestRunner } from "../../client/request_runner.ts";
import { InvalidInputError } from "../../domain/errors.ts";
import { EXIT } from "../../domain/exit_codes.ts";
import { MAX_TYPED } from "../../domain/limits.ts";
import type { Command } from "../command.ts";
import type { Context } from "../context.ts";
import { findAloud } from "../input/find_aloud.ts";
import { needJob } from "../input/find_named.ts";
import type { OptionRows } from "../../settings/option_row.ts";
import { printable, toJson } from "../view/text.ts";

/** Options of `runner send`. */
const SEND_ROWS = {
  enter: { type: "flag", short: "e", help: "Press Enter after the text" },
} as const satisfies OptionRows;

/** `runner send`. */
export const send: Command<typeof SEND_ROWS> = {
  name: "send",
  summary: "Type into the terminal of a running job",
  usage: ["[OPTIONS] ID TEXT...", "[OPTIONS] ID -- TEXT...", "[OPTIONS] ID -"],
  description: [
    "Works from any host that reaches Redis: the runner of the job types the text. Several texts are typed with " +
    "blanks between them, literally: neither tmux nor a shell interprets them. With - standard input is typed, which " +
    "keeps a password out of the process list. At most 64 KiB at once; on any terminal, a program that reads lines " +
    "gets at most 4,095 bytes of one.",
    "--enter is a separate key, a tenth of a second after the text, so that programs that read keys recognize it. A " +
    "text of several lines is one paste to a program that requested that (bracketed paste), and typed lines to any " +
    "other program.",
    "`runner status` shows which jobs wait for input.",
  ],
  examples: [
    { command: "runner send @ yes --enter", does: "answer a question of the newest job" },
    { command: "runner send 3f2a --enter", does: "only press Enter" },
    { command: "runner send @ - --enter", does: "type standard input, such as a password from a file" },
  ],
  rows: SEND_ROWS,
  needs: [{ net: true }],
  positionals: { min: 1, max: Infinity, what: "the id of a job and a text", completes: "jobs" },
  acceptsRest: true,
  async run(context) {
    const { terminal, settings, compose, positionals } = context;
    const { enter } = settings;
    const bytes = await readTyped(context);
    const store = await context.store();
    const [found] = await findAloud(context, positionals.slice(0, 1));
    const id = needJob(found, "type into");
    await requestRunner(store, id, { type: "type", bytes, enter }, {
      cannot: "Cannot type into job",
      reply: compose.newId(),
      waitMs: settings.redisTimeout * 1000,
    });
    const count = bytes.length + (enter ? 1 : 0);
    if (settings.json) await terminal.write(`${toJson({ id, result: "typed", bytes: count })}\n`);
    else await terminal.say(`job ${printable(id)}: typed ${count === 1 ? "1 byte" : `${count} bytes`}\n`);
    return EXIT.ok;
  },
};

/**
 * Reads what is to be typed.
 *
 * @throws {InvalidInputError} There is nothing, or too much.
 */
async function readTyped({ positionals, rest, settings, terminal }: Context<typeof SEND_ROWS>): Promise<Uint8Array> {
  const words = [...positionals.slice(1), ...rest ?? []];
  const isInput = positionals.length === 2 && positionals[1] === "-" && rest === null;
  const parts: Uint8Array[] = [];
  let size = 0;
  const add = (part: Uint8Array) => {
    size += part.length;
    if (size > MAX_TYPED) {
      throw new InvalidInputError(`Cannot type: there are more than ${MAX_TYPED} bytes; put them into a file`);
    }
    parts.push(part);
  };
  if (isInput) { for await (const part of terminal.input()) add(part); }
  else add(new TextEncoder().encode(words.join(" ")));
  if (size === 0 && !settings.enter) {
    throw new InvalidInputError("Cannot type: there is no text; write one after the id, or --enter");
  }
  return new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer());
}
