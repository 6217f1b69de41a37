/**
 * The program `runner`: `deno run main.ts COMMAND ...`. As a module it does nothing; the library is src/mod.ts.
 *
 * @module
 */
import { main } from "./src/cli/main.ts";
import { compose } from "./src/compose/compose.ts";

if (import.meta.main) Deno.exit(await main(Deno.args, compose));
