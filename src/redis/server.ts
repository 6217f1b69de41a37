import { UnavailableError } from "../domain/errors.ts";
import type { Trouble } from "../ports/queue.ts";
import { ForeignServerError } from "./client.ts";
import { Link } from "./link.ts";
import type { Place } from "./open_store.ts";

/**
 * Returns the path of the configuration file that a server was started with.
 *
 * @returns `""` when it was started without one, or refuses access to us; `null` when no server responds.
 */
export async function configFileOf(place: Place): Promise<string | null> {
  const link = new Link(place, place.clock);
  try {
    const info = String(await link.call("INFO", ["server"]));
    return /^config_file:(.*?)\r?$/m.exec(info)?.[1] ?? "";
  } catch (error) {
    const { condition, cause } = error as Partial<Trouble> & Error;
    if (condition === "refused" || cause instanceof ForeignServerError) return "";
    // without the permission of the runtime to connect, no server could ever respond
    const denied = cause instanceof Error && cause.name === "NotCapable";
    const silent = condition === "unreachable" || condition === "busy";
    if (error instanceof UnavailableError && silent && !denied) return null;
    throw error;
  } finally {
    link.close();
  }
}

/** Makes a server save its data and end. */
export async function shutDown(place: Place): Promise<void> {
  const link = new Link(place, place.clock);
  try {
    await link.call("SHUTDOWN", []);
  } catch (error) {
    // the reply to SHUTDOWN is the end of the connection
    if (!(error instanceof UnavailableError)) throw error;
  } finally {
    link.close();
  }
}
