import { InvalidInputError } from "../domain/errors.ts";
import { messageOf } from "../domain/message_of.ts";
import type { Environment } from "../ports/environment.ts";

/** The environment of this process. */
export const systemEnvironment: Environment = {
  get(name) {
    return Deno.env.get(name);
  },
  readFile: (path) => ifThere(path, () => Deno.readFile(path)),
  openFile: (path) =>
    ifThere(path, async () => {
      const file = await Deno.open(path);
      if (!(await file.stat()).isDirectory) return file.readable;
      file.close();
      throw new Error("it is a folder");
    }),
};

/** Returns what `read` returns; `null` when there is no such file. */
async function ifThere<T>(path: string, read: () => Promise<T>): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw new InvalidInputError(`Cannot read file ${JSON.stringify(path)}: ${messageOf(error)}`, { cause: error });
  }
}
