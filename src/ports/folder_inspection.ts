/** Result of inspecting a folder without changing it. */
export interface FolderInspection {
  readonly path: string;
  readonly is: "folder" | "missing" | "something else";
  /** What gives other users access to it; `null` when nothing does. */
  readonly unsafe: string | null;
  /** Permission bits. */
  readonly mode: number;
  /** Whether a file can be created in it; for a missing folder, whether the folder itself can be created. */
  readonly writable: boolean;
  /** Whether its disk is full or the quota of our user is used up. */
  readonly full: boolean;
}
