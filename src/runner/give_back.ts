import type { Attempt } from "../ports/attempt_journal.ts";

/** Attempts after which a job that could not be launched ends: the cause may be the job and not the hosts. */
const MAX_ATTEMPTS = 100;
/** Longest delay before a job that this host could not launch is offered to a host again, milliseconds. */
const MAX_GIVE_BACK = 30_000;

/** Returns the milliseconds after which a job that this host failed to launch is requeued; `null` to give up. */
export function giveBack({ number: attempt }: Attempt): number | null {
  return attempt < MAX_ATTEMPTS ? Math.min(1000 * 2 ** (attempt - 1), MAX_GIVE_BACK) : null;
}
