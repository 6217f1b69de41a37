/** What a Redis of a runner's own wants to be told, and what only it can answer. */
export interface RedisAccess {
  readonly password: string;
  /** The value of its setting `masterauth`, which has no other use there. */
  readonly proof: string;
}
