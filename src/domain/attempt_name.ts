/**
 * The name of a run, safe as a file name whatever the id holds: the digest of the job's id, attempt and process nonce,
 * with dots between.
 *
 * @param attempt Id of the job, and `ATTEMPT.NONCE`, the fencing token of the attempt.
 * @param digestOf Makes hex digits that stand for a text.
 */
export function attemptName(
  attempt: { readonly id: string; readonly token: string },
  digestOf: (text: string) => string,
) {
  return `${digestOf(attempt.id)}.${attempt.token}`;
}
