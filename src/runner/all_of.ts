/** Waits for all promises, then rejects with the first failure. */
export async function allOf(work: readonly Promise<void>[]): Promise<void> {
  const failure = (await Promise.allSettled(work)).find((one) => one.status === "rejected");
  if (failure) throw failure.reason;
}
