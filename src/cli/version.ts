import manifest from "../../deno.json" with { type: "json" };

/** Version of the program, as deno.json says it. */
export const VERSION: string = manifest.version;
