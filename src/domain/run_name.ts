import { digestOf } from "./digest.ts";

/**
 * The name of a run: 32 hex digits that stand for the job's id, attempt and process nonce, with dots between; safe as a file
 * name whatever the id holds.
 *
 * @param id Id of the job.
 * @param token `ATTEMPT.NONCE`, the fencing token of the attempt.
 */
export async function runName(id: string, token: string): Promise<string> {
  return `${await digestOf(id)}.${token}`;
}
