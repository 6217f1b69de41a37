import { assertEquals } from "../support/assert.ts";

/**
 * Compares a text with the file `golden/NAME.txt`; `UPDATE=1` in the environment writes the file instead.
 */
export async function assertGolden(name: string, actual: string): Promise<void> {
  const path = new URL(`golden/${name}.txt`, import.meta.url);
  if (Deno.env.get("UPDATE") === "1") return await Deno.writeTextFile(path, actual);
  assertEquals(actual, await Deno.readTextFile(path), `${name}.txt; UPDATE=1 writes it anew`);
}
