import type { OwnedAttempt } from "../ports/queue.ts";
import type { Argument } from "./client.ts";
import { OUTPUT_PIECE, OUTPUT_PIECES } from "./keys.ts";
import { SCRIPTS } from "./scripts.ts";
import type { Steps } from "./steps.ts";

/** Appends bytes to the live output of an attempt, in pieces. Returns how many clients follow it. */
export async function appendOutput(
  steps: Steps,
  attempt: OwnedAttempt,
  { offset, bytes }: { readonly offset: number; readonly bytes: Uint8Array },
): Promise<number> {
  const pieces: Argument[] = [];
  for (let at = 0; at < bytes.length; at += OUTPUT_PIECE) {
    pieces.push(offset + at, bytes.subarray(at, at + OUTPUT_PIECE));
  }
  const [type, followers] = await steps.job(SCRIPTS.show, attempt.id, {
    args: [attempt.token, Number.parseInt(attempt.token), OUTPUT_PIECES],
    more: pieces,
  });
  return type === "OK" ? Number(followers) : 0;
}
