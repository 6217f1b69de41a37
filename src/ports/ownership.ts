/**
 * What proves to Redis that a process which owned our instance before is gone: it ran in this very folder, on this boot
 * of the host, and this process holds the folder's lock now. A copy of the folder has the same files and is another
 * folder.
 *
 * @module
 */

/** Who registered from this folder. */
export interface Ownership {
  /**
   * Writes down that this process is about to register. Returns the earlier ones that are certainly gone, and all that
   * ran in this very folder, also before the host was restarted.
   */
  claim(bootId: string): Promise<{ readonly proof: readonly string[]; readonly lineage: readonly string[] }>;
  /** This process is registered: those before are over. */
  won(): Promise<void>;
}
