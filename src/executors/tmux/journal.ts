/** A line that a lane wrote into the pipe `done`. */
export type Report =
  /** A lane has come to life, or has read everything up to the question `asked`. */
  | { readonly type: "ready"; readonly lane: string; readonly asked: string | null }
  /** A lane has cleaned its terminal. */
  | { readonly type: "cleaned"; readonly lane: string }
  /** A lane has not run what a process of the runner, which is no longer the latest, gave to it. */
  | { readonly type: "declined"; readonly lane: string; readonly run: string; readonly epoch: string }
  /** A run has ended; `code` is `null` when its shell never came to life. */
  | { readonly type: "ended"; readonly lane: string; readonly run: string; readonly code: number | null }
  /** A hook has ended. */
  | { readonly type: "hook"; readonly run: string; readonly code: number }
  /** A lane in which somebody is waited for; `.`: those were all. */
  | { readonly type: "reading"; readonly look: string; readonly lane: string }
  /** Something about the panes has changed. */
  | { readonly type: "layout" };

/** Reads a line of the pipe `done`; `null` for one that is none of ours. */
export function readReport(line: string): Report | null {
  const [type, lane, run, code] = line.split(" ");
  switch (type) {
    case "R":
      return { type: "ready", lane, asked: run ?? null };
    case "C":
      return { type: "cleaned", lane };
    case "X":
      return { type: "declined", lane, run, epoch: code };
    case "E":
      return { type: "ended", lane, run, code: readCode(code) };
    case "H":
      return { type: "hook", run: lane, code: Number(run) };
    case "W":
      return { type: "reading", look: lane, lane: run };
    case "L":
      return { type: "layout" };
    default:
      return null;
  }
}

function readCode(text: string): number | null {
  return text === "-" ? null : Number(text);
}

/** What a lane's journal says. */
export interface Journal {
  /** Exit codes of the runs that have ended; `null` for one whose shell never came to life. */
  readonly ends: ReadonlyMap<string, number | null>;
  /** The run that was taken last and has no end. */
  readonly running: string | null;
}

/** Reads a lane's journal. A torn last line is a step that did not happen. */
export function readJournal(text: string): Journal {
  const ends = new Map<string, number | null>();
  let running: string | null = null;
  const lines = text.split("\n");
  lines.pop();
  for (const line of lines) {
    const [type, run, code] = line.split(" ");
    if (type === "S") running = run;
    if (type === "X") running = null;
    if (type === "E") {
      ends.set(run, readCode(code));
      running = null;
    }
  }
  return { ends, running };
}
