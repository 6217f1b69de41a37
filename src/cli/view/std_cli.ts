/** The only file that imports `@std/cli`. */
export { unicodeWidth } from "jsr:@std/cli@^1.0.32/unicode-width";
export type { ProgressBar } from "jsr:@std/cli@^1.0.32/unstable-progress-bar";

/** Loads the progress bar on demand: most commands end before they need it. */
export async function loadProgressBar() {
  const { ProgressBar } = await import("jsr:@std/cli@^1.0.32/unstable-progress-bar");
  return ProgressBar;
}
