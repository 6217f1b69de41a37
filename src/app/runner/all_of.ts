/** Waits for all, also when one rejects; then rejects as the first of them did. */
export async function allOf(work: readonly Promise<void>[]): Promise<void> {
  const failure = (await Promise.allSettled(work)).find((one) => one.status === "rejected");
  if (failure) throw failure.reason;
}
