/**
 * The assertions of every test, from one place: the full specifier resolves under both configurations, an import map
 * would not. The stand-in has these and no others.
 */
export {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "jsr:@std/assert@^1.0.19";
