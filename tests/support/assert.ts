/**
 * The assertions of every test, from one place: the full specifier resolves under both configurations, an import map
 * would not.
 */
export * from "jsr:@std/assert@^1.0.19";
