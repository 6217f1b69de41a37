import { InvalidInputError } from "../domain/errors.ts";
import type { Context } from "./context.ts";

type Asker = Pick<Context, "terminal">;

/**
 * Refuses to begin what needs a confirmation that cannot be had.
 *
 * @param verb What is to be done, such as `cancel`.
 * @throws {InvalidInputError} It is not confirmed by --yes, and there is no terminal for the question.
 */
export function checkCanAsk({ terminal }: Asker, confirmed: boolean, verb: string): void {
  if (confirmed || terminal.isTerminal.input && terminal.isTerminal.errors) return;
  throw new InvalidInputError(
    `Cannot ${verb}: there is no terminal for the question; write --yes to ${verb} without it`,
  );
}

/** Reads the first line of input. */
async function readLine({ terminal }: Asker): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const bytes of terminal.input()) {
    text += decoder.decode(bytes, { stream: true });
    if (text.includes("\n")) break;
  }
  return text.split("\n", 1)[0].trim();
}

/** Asks a question on the terminal; returns whether the reply is yes. */
export async function ask(context: Asker, question: string): Promise<boolean> {
  await context.terminal.say(`${question}? [y/N] `);
  return /^y(es)?$/i.test(await readLine(context));
}
