/**
 * What the model of an attempt is made of: rules, faults, and the state of everything.
 *
 * @module
 */
/** The rules that are to keep an attempt from being launched twice, lost, or called lost while it runs. */
export const RULES = {
  /** A lane begins a run only after its start record was written. */
  startIsWritten: true,
  /**
   * A lane reads the number of the runner's process after its start record was written, and a new process ends it
   * first.
   */
  epochIsChecked: true,
  /** The block of the end record is reserved by the start record. */
  endIsReserved: true,
  /** An end that comes through the pipe before its run was asked for is kept. */
  reportsAreKept: true,
  /** A live instance is taken over only by the very folder that registered it last. */
  takeoverNeedsProof: true,
  /** What another folder of the same identity may have run is not launched. */
  mixedLaunchesNothing: true,
  /** A heartbeat compares the identity of Redis' data. */
  dataIsIdentified: true,
  /**
   * The data itself says for which server it was known to be whole, so that a process which is new notices a loss, too.
   */
  dataIsSealed: true,
  /** A host that noticed a loss claims nothing until the other hosts had time to bring back what they run. */
  lossIsWaitedOut: true,
  /** A run is not launched anew while a process of it lives, and a journal that cannot be read proves nothing. */
  processesAreAsked: true,
};

/** Which rules hold. */
export type Rules = typeof RULES;

/** How often each kind of fault may come. */
export interface Faults {
  readonly kill?: number;
  readonly diskFull?: number;
  readonly laneDies?: number;
  readonly journalGone?: number;
  /**
   * The spool of the first host is copied. When its runner is killed as well, the copy may call lost what still runs
   * there: that is a limit that is stated, and no finding.
   */
  readonly copy?: number;
  readonly rollback?: number;
  readonly flush?: number;
}

/** What Redis holds. Tokens and nonces count from 1; 0 is none. */
export interface Data {
  readonly job: "queued" | "started" | "final" | "none";
  readonly token: number;
  readonly instance: number;
  readonly end: "" | "real" | "lost";
  /** Nonce of the process that owns each instance. */
  readonly nodes: readonly number[];
  /** Identity of the data when it was last known to be whole. */
  readonly seal: number;
  /** Another folder had the identity of an instance since one of them has brought everything back. */
  readonly mixed: readonly boolean[];
}

/** One process of a runner. */
export interface Process {
  readonly nonce: number;
  readonly at: "registers" | "numbers" | "reads" | "asks" | "works";
  /** Identity of the data that it has on record. */
  readonly era: number;
  /** Redis has said that another folder had its identity. */
  readonly mixed: boolean;
  /** It noticed that Redis lost data, and claims nothing. */
  readonly held: boolean;
  /** Token of its attempt, also before that is on record, and what it has on record of it. */
  readonly token: number;
  readonly run: "none" | "started" | "recorded" | "sent" | "ended" | "lost" | "refused";
}

/** A terminal. */
export interface Lane {
  readonly at: "dead" | "idle" | "taken" | "noted" | "runs" | "over";
  /** Number of the process that sent the line in the pipe, and of the one whose line was taken. */
  readonly pipe: number;
  readonly epoch: number;
  /** Token in its script. */
  readonly script: number;
  /** Last record of its journal; `?`: it cannot be read. */
  readonly journal: "" | "S" | "E" | "X" | "?";
  /** Report on its way to the runner: of an end, or of a run that was declined. */
  readonly report: "" | "E" | "X";
  /** Its run's program lives; also after the lane has died. */
  readonly program: boolean;
}

/** A host with one spool. */
export interface Host {
  readonly exists: boolean;
  readonly instance: number;
  readonly process: Process | null;
  /** Nonces of all processes that may have registered from this very folder. */
  readonly lineage: readonly number[];
  /** Token of the attempt on record, and how it ended as far as Redis acknowledged it. */
  readonly record: number;
  readonly settled: "" | "real" | "lost" | "gone";
  /** Number that lanes compare. */
  readonly epoch: number;
  readonly full: boolean;
  readonly lane: Lane;
}

/** Everything. */
export interface State {
  readonly redis: Data;
  readonly era: number;
  readonly saved: Data | null;
  readonly hosts: readonly Host[];
  readonly nonces: number;
  readonly tokens: number;
  /** Tokens that were executed, once for each execution. */
  readonly executed: readonly number[];
  /** The first end that was written. */
  readonly verdict: "" | "real" | "lost";
  readonly faults: Required<Faults>;
}

/** Processes, and attempts, of a story. */
export const MOST = 4;
/** None. */
export const NO_FAULTS = {
  kill: 0,
  diskFull: 0,
  laneDies: 0,
  journalGone: 0,
  copy: 0,
  rollback: 0,
  flush: 0,
};
/** A new terminal. */
export const LANE: Lane = { at: "idle", pipe: 0, epoch: 0, script: 0, journal: "", report: "", program: false };
/** A host on which nothing has run. */
export const HOST: Host = {
  exists: true,
  instance: 0,
  process: null,
  lineage: [],
  record: 0,
  settled: "",
  epoch: 0,
  full: false,
  lane: LANE,
};

/** The same state with other parts of one host. */
export function withHost(state: State, at: number, change: Partial<Host>): State {
  return { ...state, hosts: state.hosts.map((host, i) => i === at ? { ...host, ...change } : host) };
}
