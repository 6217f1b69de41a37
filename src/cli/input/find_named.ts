import { findJobs } from "../../client/find.ts";
import type { Context } from "../context.ts";

/** The part of a command's context that finding jobs needs. */
export type Finder = Pick<Context, "store" | "settings" | "origins" | "terminal">;

/** Returns the queue that the user named in any setting; the default name does not count. */
export function queueOf({ settings, origins }: Pick<Finder, "settings" | "origins">): { readonly queue?: string } {
  return origins.name === "default" ? {} : { queue: settings.name };
}

/** Finds jobs by what a user wrote; `@` is the newest one of the named queue, else of the namespace. */
export async function findNamed(context: Finder, texts: readonly string[]): Promise<string[]> {
  return await findJobs(await context.store(), texts, queueOf(context));
}
