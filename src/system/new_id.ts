/** Returns a new id for a job: a random UUID. */
export function newId(): string {
  return crypto.randomUUID();
}
