/**
 * Files and named pipes in folders of the program. Folders are created with mode 0700, files with 0600 unless stated
 * otherwise. All methods reject with the runtime's error when the disk or a permission prevents the operation.
 *
 * @module
 */

/** An entry of a folder. */
export interface FileEntry {
  readonly name: string;
  readonly isFolder: boolean;
}

/** Metadata of a file. */
export interface FileStat {
  /** Bytes. */
  readonly size: number;
  /**
   * Milliseconds since the last write, by the host's wall clock. Use it for cleaning up and for reports, never for a
   * decision.
   */
  readonly ageMs: number;
}

/** An open file. */
export interface OpenFile {
  /** Reads at a byte offset; returns the number of bytes, 0 at the end. */
  read(buffer: Uint8Array, offset: number): Promise<number>;
  /** Appends all bytes. */
  append(bytes: Uint8Array): Promise<void>;
  /** Returns its size in bytes. */
  size(): Promise<number>;
  close(): void;
}

/**
 * A named pipe, open for reading and writing, so that it never reaches its end. A pending read blocks writes of the
 * same object: open the pipe twice to do both.
 */
export interface Pipe {
  /** Waits for bytes; returns their number. */
  read(buffer: Uint8Array): Promise<number>;
  /**
   * Writes all bytes; up to 4096 in one call arrive in one piece. Does not wait for a reader: unread bytes must stay
   * below 64 KiB.
   */
  write(bytes: Uint8Array): Promise<void>;
  /** Returns whether its path still refers to it. */
  isStill(): Promise<boolean>;
  /** Closes it. Before, a pending read must be woken by a write to another object of the same pipe. */
  close(): void;
}

/** Access to the disk. */
export interface Files {
  /** Creates a folder and its parents; does nothing when it exists. */
  makeFolder(path: string): Promise<void>;
  /** Lists the entries of a folder; empty when it does not exist. */
  list(path: string): Promise<FileEntry[]>;
  /** Returns the metadata of a file; `null` when it does not exist. */
  stat(path: string): Promise<FileStat | null>;
  /** Returns the content as text; `null` when the file does not exist. */
  readText(path: string): Promise<string | null>;
  /** Writes a small file; truncates an existing one. */
  write(path: string, content: string | Uint8Array, mode?: number): Promise<void>;
  /**
   * Overwrites a small existing file in place, which costs a disk far less than a new file. Rejects when it does not
   * exist.
   */
  overwrite(path: string, text: string): Promise<void>;
  /** Creates a file atomically; returns `false` when it exists already. */
  create(path: string, text: string): Promise<boolean>;
  /** Replaces a file atomically: a reader sees the old or the new content. */
  replace(path: string, text: string): Promise<void>;
  /** Truncates a file to 0 bytes. Programs that append to it continue at its start. */
  empty(path: string): Promise<void>;
  /** Removes a file, or a folder with its content; returns `false` when it does not exist. */
  remove(path: string): Promise<boolean>;
  /** Opens a file: `read` an existing one for reading, `new` a new and empty one for appending. */
  open(path: string, how: "read" | "new"): Promise<OpenFile>;
  /** Opens an existing named pipe; rejects when the path is something else. */
  openPipe(path: string): Promise<Pipe>;
}
