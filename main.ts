import { main } from "./src/cli/main.ts";
import { compose } from "./src/cli/wire.ts";
if (import.meta.main) Deno.exit(await main(Deno.args, compose));
