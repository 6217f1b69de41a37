/** A problem of a Redis server or a host. */
export interface Finding {
  /** `error`: a runner cannot work, or jobs would be lost. */
  readonly severity: "error" | "warning";
  readonly subject: string;
  /** What is true now. */
  readonly says: string;
  /** What to do. */
  readonly remedy: string;
}
