/** Whether the data of Redis is that which this process has seen. */
export interface DataHistory {
  /** Returns the identity of the Redis server process and of its data; a change means that data may be lost. */
  serverId(): Promise<string>;
  /** Restricts claims to that Redis from now on. */
  trust(serverId: string): void;
  /** Records that the data is complete: all instances of this runner had the time to restore what they run. */
  seal(): Promise<void>;
  /** Returns which of some instances have restored everything that they run since the current history began. */
  back(instances: readonly string[]): Promise<readonly string[]>;
  /** Notes that Redis has assigned this sequence number to the instance, in this process or an earlier one. */
  recall(seq: number): void;
  /** Returns the approximate milliseconds since a time of Redis' clock, Unix ms; 0 when the age is unknown. */
  ageOf(ms: number): number;
  /** Last sequence number that Redis returned. Claims and starts reject while that of Redis is smaller. */
  readonly reported: number;
  /** Counter that rises with each sign that Redis may have lost data. */
  readonly doubts: number;
}
