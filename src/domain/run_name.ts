/**
 * The name of a run: 32 hex digits that stand for the job's id, attempt and process nonce, with dots between; safe as a file
 * name whatever the id holds.
 *
 * @param id Id of the job.
 * @param token `ATTEMPT.NONCE`, the fencing token of the attempt.
 */
export async function runName(id: string, token: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(id));
  const key = Array.from(new Uint8Array(digest, 0, 16), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${key}.${token}`;
}
