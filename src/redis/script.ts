/** A Lua script, run by the hash of its text and sent whole only when Redis does not know it. */
export class Script {
  /** Name of the event. */
  readonly name: string;
  readonly text: string;
  #sha: Promise<string> | null = null;

  /** `parts` make up the text, in order. */
  constructor(name: string, parts: readonly string[]) {
    this.name = name;
    this.text = parts.join("\n");
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
