/** Credentials of the Redis that a runner starts for itself, in both directions. */
export interface RedisAccess {
  /** Password that this Redis asks for. */
  readonly password: string;
  /** Proof that it is this Redis: the value of its setting `masterauth`, which has no other use there. */
  readonly proof: string;
}
