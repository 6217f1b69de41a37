import { UnavailableError } from "../domain/errors.ts";
import type { Trouble } from "../ports/queue.ts";
import { ForeignServerError } from "./client.ts";
import { Link } from "./link.ts";
import type { Place } from "./open_store.ts";

/**
 * The path of the configuration file that a server was started with.
 *
 * @returns `""` when it was started without one, or is none that we have access to; `null` when no server answers.
 */
export async function configFileOf(place: Place): Promise<string | null> {
  const link = new Link(place, place.clock);
  try {
    const info = String(await link.call("INFO", ["server"]));
    return /^config_file:(.*?)\r?$/m.exec(info)?.[1] ?? "";
  } catch (error) {
    const { condition, cause } = error as Partial<Trouble> & Error;
    if (condition === "refused" || cause instanceof ForeignServerError) return "";
    // without the right to ask, nobody would ever answer
    const denied = cause instanceof Error && cause.name === "NotCapable";
    const silent = condition === "unreachable" || condition === "busy";
    if (error instanceof UnavailableError && silent && !denied) return null;
    throw error;
  } finally {
    link.close();
  }
}

/** Asks a server to write down what it holds and to end. */
export async function shutDown(place: Place): Promise<void> {
  const link = new Link(place, place.clock);
  try {
    await link.call("SHUTDOWN", []);
  } catch (error) {
    // the answer to SHUTDOWN is the end of the connection
    if (!(error instanceof UnavailableError)) throw error;
  } finally {
    link.close();
  }
}
