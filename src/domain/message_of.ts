/** Returns the message of anything that was thrown; the name of its class when an error has none. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message || error.constructor.name : String(error);
}
