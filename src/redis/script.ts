/** Precedes every script: what holds for all steps of one command, because no other command runs between them. */
const SHARED = "local SEEN = { types = {}, instances = {} }";
/**
 * Precedes a script that is called for several jobs at once; `ALL` follows it. A step that fails does so alone: the
 * error of its command is its reply.
 */
const EACH = "local ALL, CALLS = KEYS, cjson.decode(ARGV[1])";
const ALL = `for n, one in ipairs(CALLS) do
  local keys = {}
  for i, at in ipairs(one[1]) do keys[i] = ALL[at] end
  local fine, reply = pcall(step, keys, one[2])
  if not fine then reply = { 'ERROR', type(reply) == 'table' and reply.err or tostring(reply), '.' } end
  CALLS[n] = reply
end
return cjson.encode(CALLS)`;

/** Wraps parts of a script as a function for another script: `step(KEYS, ARGV)`, or one of another name. */
export function stepOf(parts: readonly string[], name = "step"): string {
  return [`local function ${name}(KEYS, ARGV)`, ...parts, "end"].join("\n");
}

/** A Lua script, run by the hash of its text; the text is sent only when Redis does not have it. */
export class Script {
  /** Name of the event. */
  readonly name: string;
  readonly text: string;
  readonly #common: string;
  readonly #parts: readonly string[];
  #sha: Promise<string> | null = null;
  #many: Script | null = null;

  /** Makes the text of `common`, which uses no key and no argument, and `parts`, in order. */
  constructor(name: string, common: string, parts: readonly string[]) {
    this.name = name;
    this.text = [SHARED, common, ...parts].join("\n");
    this.#common = common;
    this.#parts = parts;
  }

  /**
   * The same script for several calls at once. Its keys are those of all calls, each once. Its one argument is JSON:
   * for each call the positions of its keys, from 1, and its arguments. Its reply is JSON as well: the reply of each
   * call. One long text costs both sides far less than hundreds of short ones.
   */
  get many(): Script {
    return this.#many ??= new Script(this.name, this.#common, [EACH, stepOf(this.#parts), ALL]);
  }

  /** Returns the SHA-1 of the text in hex, as EVALSHA expects it. */
  sha(): Promise<string> {
    return this.#sha ??= sha1(this.text);
  }
}

/** Returns the SHA-1 of a text in hex. */
export async function sha1(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-1", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** One call of a script. */
export interface ScriptCall {
  readonly keys: readonly string[];
  readonly args: readonly (string | number)[];
}
