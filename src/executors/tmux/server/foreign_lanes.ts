import { SetupError } from "../../../domain/errors.ts";
import { quoteWord } from "../../../domain/shell_words.ts";
import type { TmuxOptions } from "../options.ts";
import { printed } from "../quoting.ts";

/** Format for `list-panes`: version of the server, name, mark and program of each pane. */
export const LANES_FORMAT = "#{version}\t#{pane_id}\t#{@runner_lane}\t#{pane_start_command}";

/** Returns the program of a pane verbatim: tmux writes a backslash before some characters of it. */
export function unescaped(program: string, version: string): string {
  return printed(program, version).replace(/\\(.)/g, "$1");
}

/**
 * Refuses to start beside terminals of our instance that work in another spool folder: ours is a copy of that one. This
 * runner may neither adopt nor close them, and what runs in them is not lost.
 *
 * @param lines Output of `list-panes -a`.
 * @throws {SetupError} There are such terminals; the message names their folder.
 */
export async function refuseForeignLanes(lines: readonly string[], options: TmuxOptions): Promise<void> {
  const { instance, spool, socket, files, newId } = options;
  let here: string | null = null;
  const gone = new Map<string, string>();
  for (const line of new Set(lines)) {
    const [version, pane, mark = "", shown = ""] = line.split("\t");
    const program = unescaped(shown, version);
    if (mark.split(" ", 1)[0] !== instance || program.includes(`${spool}/bin/lane-`)) continue;
    const folder = /^"?(?:exec )?sh ["']?(.*?)\/bin\/lane-/.exec(program)?.[1];
    if (folder === undefined) continue;
    if (here === null) await files.write(`${spool}/here`, here = newId());
    // the same folder can have two names
    if (await files.readText(`${folder}/here`).catch(() => null) === here) continue;
    if (await files.stat(folder).catch(() => undefined) === null) {
      gone.set(pane, folder);
      continue;
    }
    throw new SetupError(
      `Cannot start: terminals of this runner work in spool folder "${folder}", and "${spool}" is a copy of it; ` +
        "give this runner a spool folder of its own with --spool",
    );
  }
  if (gone.size === 0) return;
  const [folder] = gone.values();
  const panes = [...gone.keys()].join(" ");
  const server = socket === "default" ? "tmux" : `tmux -L ${quoteWord(socket)}`;
  throw new SetupError(
    `Cannot start: terminals of this runner work in spool folder "${folder}", which is gone; move it back, or end ` +
      `these panes and what runs in them, each with ${server} kill-pane -t PANE: ${panes}`,
  );
}
