/**
 * Files and named pipes of a folder that belongs to the program. Folders are made with mode 0700, files with 0600
 * unless said otherwise. All reject with the runtime's error when the disk or a permission stands in the way.
 *
 * @module
 */

/** An entry of a folder. */
export interface FileEntry {
  readonly name: string;
  readonly isFolder: boolean;
}

/** What is known of a file without opening it. */
export interface FileStat {
  readonly size: number;
  /**
   * Milliseconds since it was written last, by the host's wall clock: good for tidying up and for telling, for no
   * decision.
   */
  readonly ageMs: number;
}

/** An open file. */
export interface OpenFile {
  /** Reads at a byte offset; answers the number of bytes, 0 at the end. */
  read(buffer: Uint8Array, offset: number): Promise<number>;
  /** Appends all the bytes. */
  append(bytes: Uint8Array): Promise<void>;
  size(): Promise<number>;
  close(): void;
}

/**
 * A named pipe, open for reading and writing, so that neither end ever closes it. While a read waits, writes of the
 * same object wait as well: open it twice to do both.
 */
export interface Pipe {
  /** Waits for bytes; answers their number. */
  read(buffer: Uint8Array): Promise<number>;
  /**
   * Writes all the bytes; up to 4096 at once arrive in one piece. Waits for nobody: what is unread must stay below 64
   * KiB.
   */
  write(bytes: Uint8Array): Promise<void>;
  /** Whether its path still leads to it. */
  isStill(): Promise<boolean>;
  /** Closes it. A read that waits must have been woken before, by a write to another one. */
  close(): void;
}

/** Access to the disk. */
export interface Files {
  /** Makes a folder and those above it; nothing happens when it is there. */
  makeFolder(path: string): Promise<void>;
  /** Entries of a folder; empty when there is none. */
  list(path: string): Promise<FileEntry[]>;
  /** `null` when there is none. */
  stat(path: string): Promise<FileStat | null>;
  /** The content as text; `null` when there is none. */
  readText(path: string): Promise<string | null>;
  /** Writes a small file, over an old one. */
  write(path: string, content: string | Uint8Array, mode?: number): Promise<void>;
  /**
   * Writes a small file that is there in its place, which costs a disk far less than a new one. Rejects when there is
   * none.
   */
  overwrite(path: string, text: string): Promise<void>;
  /** Makes a file that is not there yet, in one step; `false` when it is there. */
  create(path: string, text: string): Promise<boolean>;
  /** Replaces a file as a whole: a reader finds the old or the new content. */
  replace(path: string, text: string): Promise<void>;
  /** Cuts a file back to nothing. Programs that append to it go on at its start. */
  empty(path: string): Promise<void>;
  /** Removes a file, or a folder with all that is in it; `false` when there is none. */
  remove(path: string): Promise<boolean>;
  /** Opens a file: an old one for reading, a new and empty one for appending. */
  open(path: string, how: "read" | "new"): Promise<OpenFile>;
  /** Opens a named pipe that is there; rejects when it is something else. */
  openPipe(path: string): Promise<Pipe>;
}
