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

/** The result of one check: a finding, or success. */
export type Check = Finding | { readonly severity: "ok"; readonly subject: string; readonly says: string };

/** The programs of a host. */
export interface HostPrograms {
  /** Returns what a program prints with a flag; `null`: there is none that may be run. */
  version(command: string, flag: string): Promise<string | null>;
  /** Returns those of the names that are no programs in PATH. */
  missing(names: readonly string[]): Promise<readonly string[]>;
}
