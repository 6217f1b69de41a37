/** The identity of the process on whose behalf a queue is used. */
export interface InstanceIdentity {
  /** Name of the runner. */
  readonly runner: string;
  /** Name of the instance, the same for every process of it. */
  readonly instance: string;
  /** Name of the process, new with each one. */
  readonly nonce: string;
  /** Milliseconds that a lease holds without a heartbeat; 30,000 when left out. */
  readonly leaseMs?: number;
}
