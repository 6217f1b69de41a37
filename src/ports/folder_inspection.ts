/** A folder, seen from outside. */
export interface FolderInspection {
  readonly path: string;
  readonly is: "folder" | "missing" | "something else";
  /** What lets other users have a hand in it; `null`: nothing. */
  readonly unsafe: string | null;
  /** Permission bits. */
  readonly mode: number;
  /** A file can be made in it; of one that is missing: it can be made. */
  readonly writable: boolean;
  /** Its disk has no room, or what our user may use of it is used up. */
  readonly full: boolean;
}
