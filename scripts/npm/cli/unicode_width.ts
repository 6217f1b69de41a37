import stringWidth from "npm:string-width@7.2.0";
import type { CliApi } from "./api.ts";

/** Terminal columns of a text, character by character as the real one counts: a joined emoji is the sum of its parts. */
export const unicodeWidth: CliApi["unicodeWidth"] = (text) =>
  Array.from(text).reduce((sum, char) => sum + stringWidth(char), 0);
