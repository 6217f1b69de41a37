import { findAll, findJobs, type Found } from "../../client/find.ts";
import { memberId } from "../../domain/batch.ts";
import { InvalidInputError } from "../../domain/errors.ts";
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

/** Finds jobs and batches as `findNamed` does. */
export async function findAllNamed(context: Finder, texts: readonly string[]): Promise<Found[]> {
  return await findAll(await context.store(), texts, queueOf(context));
}

/**
 * Checks that a job is named where a batch means nothing.
 *
 * @throws {InvalidInputError} It is a batch.
 */
export function needJob({ id, batch }: Found, verb: string): string {
  if (batch === null) return id;
  throw new InvalidInputError(
    `Cannot ${verb} batch ${JSON.stringify(id)}: that is for one job; name a member, such as ${
      JSON.stringify(memberId(id, 1))
    }`,
  );
}
