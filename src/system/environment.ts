import { InvalidInputError } from "../domain/errors.ts";
import type { Environment } from "../ports/environment.ts";

/** The environment of this process. */
export const systemEnvironment: Environment = {
  get(name) {
    return Deno.env.get(name);
  },
  async readFile(path) {
    try {
      return await Deno.readFile(path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return null;
      const reason = error instanceof Error ? error.message : String(error);
      throw new InvalidInputError(`Cannot read file ${JSON.stringify(path)}: ${reason}`, { cause: error });
    }
  },
};
