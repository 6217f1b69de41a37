/**
 * In front of a script that is called for several jobs at once, and after it. A step that fails fails alone: an error of a command
 * is its answer.
 */
const EACH = "local ALL, ARGS = KEYS, ARGV\nlocal function step(KEYS, ARGV)";
const ALL = `end
local replies, count = {}, tonumber(ARGS[1])
local key, arg = 0, 1 + 2 * count
for n = 1, count do
  local keys, args = {}, {}
  for i = 1, tonumber(ARGS[2 * n]) do keys[i] = ALL[key + i] end
  for i = 1, tonumber(ARGS[2 * n + 1]) do args[i] = ARGS[arg + i] end
  key, arg = key + #keys, arg + #args
  local fine, reply = pcall(step, keys, args)
  if not fine then reply = { 'ERROR', type(reply) == 'table' and reply.err or tostring(reply), '.' } end
  replies[#replies + 1] = #reply
  for i = 1, #reply do replies[#replies + 1] = reply[i] end
end
replies[#replies + 1] = '.'
return replies`;

/** A Lua script, run by the hash of its text and sent whole only when Redis does not know it. */
export class Script {
  /** Name of the event. */
  readonly name: string;
  readonly text: string;
  #sha: Promise<string> | null = null;
  #many: Script | null = null;

  /** `parts` make up the text, in order. */
  constructor(name: string, parts: readonly string[]) {
    this.name = name;
    this.text = parts.join("\n");
  }

  /**
   * The same script for several calls at once. Its arguments: how many; of each the number of its keys and of its arguments; then
   * these. Its reply: of each the number of its elements, and these.
   */
  get many(): Script {
    return this.#many ??= new Script(this.name, [EACH, this.text, ALL]);
  }

  /** SHA-1 of the text in hex, as EVALSHA wants it. */
  sha(): Promise<string> {
    return this.#sha ??= sha1(this.text);
  }
}

async function sha1(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-1", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
