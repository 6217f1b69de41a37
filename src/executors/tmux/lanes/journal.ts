/** A line that a lane wrote into the pipe `done`. */
export type Report =
  /** A lane has started, or has read everything up to the query `asked`; then it also reports its last run. */
  | {
    readonly type: "ready";
    readonly lane: string;
    readonly asked: string | null;
    readonly last: LastRun | null;
    /** A program of an ended run still has its terminal open. */
    readonly held: boolean;
  }
  /** A lane has cleaned its terminal. */
  | { readonly type: "cleaned"; readonly lane: string }
  /**
   * A lane has not begun the run that it was sent. `full`: it cannot write its journal; else the epoch of the run has
   * ended.
   */
  | {
    readonly type: "declined";
    readonly lane: string;
    readonly run: string;
    readonly epoch: string;
    readonly full: boolean;
  }
  /**
   * A run has ended. `code` is `null` when its shell never started; `left` names the programs of its group that were
   * killed with it. `held`: a program of it still has the terminal open.
   */
  | {
    readonly type: "ended";
    readonly lane: string;
    readonly run: string;
    readonly code: number | null;
    readonly left: readonly string[];
    readonly held: boolean;
  }
  /** No program of an ended run has the terminal of a lane open any more. */
  | { readonly type: "released"; readonly lane: string }
  /** A hook has ended. */
  | { readonly type: "hook"; readonly run: string; readonly code: number }
  /** A lane whose program waits for input; `.` ends the list. */
  | { readonly type: "reading"; readonly survey: string; readonly lane: string }
  /** A run whose processes live; `.` ends the list. */
  | { readonly type: "living"; readonly question: string; readonly run: string }
  /**
   * The writer of a lane's log has ended. `failed`: it could not write; else the pane is gone or another writer
   * replaced it.
   */
  | { readonly type: "unlogged"; readonly lane: string; readonly failed: boolean };

/** The last run of a lane. `code` is `null` when its shell never started, `declined` when the lane did not begin it. */
export interface LastRun {
  readonly run: string;
  readonly code: number | null | "declined";
}

/** Parses a line of the pipe `done`; `null` for one that is not ours. */
export function readReport(line: string): Report | null {
  const [type, lane, run, code, last, more] = line.split(" ");
  switch (type) {
    case "R":
      return {
        type: "ready",
        lane,
        asked: run ?? null,
        last: code ? { run: code, code: readLast(last) } : null,
        held: more === "held",
      };
    case "C":
      return { type: "cleaned", lane };
    case "X":
      return { type: "declined", lane, run, epoch: code, full: last === "full" };
    case "E":
      return { type: "ended", lane, run, code: readCode(code), left: readNames(last), held: more === "held" };
    case "F":
      return { type: "released", lane };
    case "H":
      return { type: "hook", run: lane, code: Number(run) };
    case "W":
      return { type: "reading", survey: lane, lane: run };
    case "P":
      return { type: "living", question: lane, run };
    case "L":
      return { type: "unlogged", lane, failed: run !== "0" };
    default:
      return null;
  }
}

function readCode(text: string): number | null {
  return text === "-" ? null : Number(text);
}

function readNames(text = "-"): string[] {
  return /^[A-Za-z0-9._,-]+$/.test(text) && text !== "-" ? text.split(",") : [];
}

function readLast(text: string): LastRun["code"] {
  return text === "x" ? "declined" : readCode(text);
}

/** Bytes of a record between its two line feeds: type, space, run, space, code, end mark. */
const RECORD = 126;
/** Maximum length of a run's name in a record. */
export const MAX_RUN = RECORD - "S ".length - " 255".length - " .".length;

/** Returns the padding that a lane puts after the name of a run, so that all records are equally long. */
export function padOf(run: string): string {
  return " ".repeat(MAX_RUN - run.length);
}

/** The contents of a lane's journal. */
export interface Journal {
  /** Whether it could be read. If not, a missing record proves nothing. */
  readonly known: boolean;
  /** Exit codes of the runs that have ended; `null` for one whose shell never started. */
  readonly ends: ReadonlyMap<string, number | null>;
  /** The run that was begun last and has no end. */
  readonly running: string | null;
}

/** Stands for a journal that is gone. */
export const NO_JOURNAL: Journal = { known: false, ends: new Map(), running: null };

/** Parses a lane's journal. A torn record is a step that did not happen. */
export function readJournal(text: string): Journal {
  const ends = new Map<string, number | null>();
  let running: string | null = null;
  const lines = text.split("\n");
  lines.pop();
  for (const line of lines) {
    if (line.length !== RECORD || !line.endsWith(" .")) continue;
    const [type, run, code] = line.slice(0, -2).split(/ +/);
    if (type === "S") running = run;
    if (type === "X") running = null;
    if (type === "E") {
      ends.set(run, readCode(code));
      running = null;
    }
  }
  return { known: true, ends, running };
}
