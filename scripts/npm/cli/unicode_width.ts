import { eastAsianWidth } from "npm:get-east-asian-width@1.7.0";
import type { CliApi } from "./api.ts";

/** Has no column: control characters, marks that sit on another character, and what is never shown. */
const NO_WIDTH = /^[\p{Control}\p{Format}\p{Mn}\p{Me}\p{Default_Ignorable_Code_Point}\u1160-\u11ff]$/u;

/**
 * Terminal columns of a text, character by character as the real one counts: a joined emoji is the sum of its parts.
 */
export const unicodeWidth: CliApi["unicodeWidth"] = (text) =>
  Array.from(text).reduce((sum, char) => sum + (NO_WIDTH.test(char) ? 0 : eastAsianWidth(char.codePointAt(0)!)), 0);
