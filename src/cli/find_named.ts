import { findJobs } from "../app/find.ts";
import type { Context } from "./context.ts";

/** What finding needs of a command's context. */
export type Finder = Pick<Context, "store" | "settings" | "origins" | "terminal">;

/** The queue that a user has named, by whatever setting: the default is no name that was given. */
export function queueOf({ settings, origins }: Finder): { readonly queue?: string } {
  return origins.name === "default" ? {} : { queue: settings.name };
}

/** Finds jobs by what a user wrote; `@` is the newest one of the queue that was named, else of the namespace. */
export async function findNamed(context: Finder, texts: readonly string[]): Promise<string[]> {
  return await findJobs(await context.store(), texts, queueOf(context));
}
