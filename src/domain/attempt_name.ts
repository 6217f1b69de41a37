/**
 * Returns the name of an attempt: the digest of the job's id, the attempt number and the process nonce, separated by
 * dots. It is a safe file name for any id.
 *
 * @param attempt Id of the job, and `ATTEMPT.NONCE`, the fencing token of the attempt.
 * @param digestOf Returns the digest of a text as hex digits.
 */
export function attemptName(
  attempt: { readonly id: string; readonly token: string },
  digestOf: (text: string) => string,
) {
  return `${digestOf(attempt.id)}.${attempt.token}`;
}
