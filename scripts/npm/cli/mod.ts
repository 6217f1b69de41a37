/** Stands in for `@std/cli` where npm can be reached and JSR cannot: what this project uses of it. */
export { parseArgs } from "./parse_args.ts";
export type { Args, ParseOptions } from "./parse_args.ts";
export { unicodeWidth } from "./unicode_width.ts";
