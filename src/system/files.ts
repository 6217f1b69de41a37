import type { Files, OpenFile, Pipe } from "../ports/files.ts";

const FILE_MODE = 0o600;

async function orNull<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/**
 * Returns whether a path still leads to the file with this status. An error other than a missing file counts as yes.
 */
export async function isStill(path: string, { dev, ino }: Deno.FileInfo): Promise<boolean> {
  try {
    const now = await Deno.stat(path);
    return now.dev === dev && now.ino === ino;
  } catch (error) {
    return !(error instanceof Deno.errors.NotFound);
  }
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  while (bytes.length > 0) bytes = bytes.subarray(await file.write(bytes));
}

/**
 * Access to the host's disk. Small writes, and reads of pieces of files, need no change of thread. The data is in the
 * page cache, and the change would cost more than the work. What may block for long - pipes, folders, large writes - is
 * asynchronous.
 */
export const systemFiles: Files = {
  async makeFolder(path) {
    await Deno.mkdir(path, { recursive: true, mode: 0o700 });
  },

  async list(path) {
    const entries = [];
    try {
      for await (const entry of Deno.readDir(path)) entries.push({ name: entry.name, isFolder: entry.isDirectory });
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    return entries;
  },

  async stat(path) {
    const stat = await orNull(Deno.stat(path));
    return stat && { size: stat.size, ageMs: Date.now() - (stat.mtime?.getTime() ?? 0) };
  },

  readText: (path) => orNull(Deno.readTextFile(path)),

  // deno-lint-ignore require-await -- see above: as in all methods, a failure is a rejection
  async write(path, content, mode = FILE_MODE) {
    if (typeof content === "string") Deno.writeTextFileSync(path, content, { mode });
    else Deno.writeFileSync(path, content, { mode });
  },

  // deno-lint-ignore require-await
  async overwrite(path, text) {
    const bytes = new TextEncoder().encode(text);
    const file = Deno.openSync(path, { write: true });
    try {
      for (let rest = bytes; rest.length > 0;) rest = rest.subarray(file.writeSync(rest));
      file.truncateSync(bytes.length);
    } finally {
      file.close();
    }
  },

  // deno-lint-ignore require-await
  async create(path, text) {
    try {
      Deno.writeTextFileSync(path, text, { createNew: true, mode: FILE_MODE });
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.AlreadyExists) return false;
      throw error;
    }
  },

  async replace(path, text) {
    await Deno.writeTextFile(`${path}.new`, text, { mode: FILE_MODE });
    await Deno.rename(`${path}.new`, path);
  },

  empty: (path) => Deno.truncate(path),

  // deno-lint-ignore require-await
  async remove(path) {
    try {
      Deno.removeSync(path, { recursive: true });
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
  },

  async open(path, how) {
    const write = { write: true, create: true, truncate: true, mode: FILE_MODE };
    return openFile(await Deno.open(path, how === "new" ? write : { read: true }));
  },

  async openPipe(path) {
    const file = await Deno.open(path, { read: true, write: true });
    const opened = file.statSync();
    if (opened.isFifo) return openPipe(file, path, opened);
    file.close();
    throw new Error(`"${path}" is no pipe`);
  },
};

function openFile(file: Deno.FsFile): OpenFile {
  return {
    // deno-lint-ignore require-await
    async read(buffer, offset) {
      file.seekSync(offset, Deno.SeekMode.Start);
      return file.readSync(buffer) ?? 0;
    },
    append: (bytes) => writeAll(file, bytes),
    size: async () => (await file.stat()).size,
    close: () => file.close(),
  };
}

function openPipe(file: Deno.FsFile, path: string, opened: Deno.FileInfo): Pipe {
  return {
    isStill: () => isStill(path, opened),
    read: async (buffer) => await file.read(buffer) ?? 0,
    // deno-lint-ignore require-await
    async write(bytes) {
      while (bytes.length > 0) bytes = bytes.subarray(file.writeSync(bytes));
    },
    close: () => file.close(),
  };
}
