/**
 * Proof for Redis that the process which owned our instance before has ended. It ran in this very folder and on the
 * current boot of the host, and this process holds the folder's lock now. A copy of the folder has the same files but
 * counts as another folder.
 *
 * @module
 */

/** Record of the processes that registered from this folder. */
export interface Ownership {
  /**
   * Records that this process is about to register.
   *
   * @returns Nonces of processes. `proof`: the earlier ones that have certainly ended. `lineage`: all that ran in this
   * very folder, also before the host was restarted.
   */
  claim(bootId: string): Promise<{ readonly proof: readonly string[]; readonly lineage: readonly string[] }>;
  /** Records that this process is registered, so that the ownership of earlier ones has ended. */
  won(): Promise<void>;
}
