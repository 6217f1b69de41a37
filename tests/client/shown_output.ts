import { showOutput } from "../../src/client/follow.ts";
import type { ShowOptions } from "../../src/client/output_reader.ts";
import type { RemoteOutput } from "../../src/client/remote_output.ts";
import { FakeStore } from "../cli/fake_store.ts";

export const encode = (text: string) => new TextEncoder().encode(text);

/**
 * A runner that has these outputs, by token; it sends at most three bytes at once. Each ~ in an output is a byte that
 * is gone.
 */
export function remoteWith(outputs: Record<string, string>) {
  const asked: string[] = [];
  const read: RemoteOutput["read"] = ({ meta }, offset, limit) => {
    asked.push(`${meta.instance}/${meta.token}@${offset}`);
    const output = outputs[meta.token] ?? "";
    while (output[offset] === "~") offset++;
    const bytes = encode(output.slice(offset, offset + Math.min(3, limit)).split("~", 1)[0]);
    return Promise.resolve({ offset, bytes });
  };
  return { asked, read };
}

/** Returns what is shown of job `j`: text, and `[-N]` for N missing bytes. */
export async function shown(store: FakeStore, options: Partial<ShowOptions> = {}): Promise<string> {
  let text = "";
  await showOutput(store, store.jobs.get("j")!, {
    from: "newest",
    ...options,
    sink: {
      write: (bytes) => Promise.resolve(void (text += new TextDecoder().decode(bytes))),
      gap: (bytes) => Promise.resolve(void (text += `[-${bytes}]`)),
      attempt: (attempt) => Promise.resolve(void (text += `[=${attempt}]`)),
    },
  });
  return text;
}

/** Metadata of a job that a runner has. */
export const OWNER = { attempt: "1", token: "1.a", instance: "i", runner: "r" };
