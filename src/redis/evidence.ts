import { trouble, type TroubleError } from "./trouble.ts";

/** Error codes of a Redis that is, was or becomes a replica, or reads its data anew: it may have gone back in time. */
const DOUBTFUL = new Set(["READONLY", "UNBLOCKED", "MASTERDOWN", "LOADING"]);

/** What Redis has told this process, and what speaks against that it still knows it. */
export class Evidence {
  /** Name of the history of the data that this process knows; empty as long as it knows none. */
  history = "";
  #reportedSeq = 0;
  #doubts = 0;

  /** The largest `seq` of our node that Redis has told: data with a smaller one are older than that. */
  get reported(): number {
    return this.#reportedSeq;
  }

  /** Redis has told a `seq`. */
  noteSeq(seq: number): void {
    if (seq > this.#reportedSeq) this.#reportedSeq = seq;
  }

  /** Counts what may mean that Redis lost data. */
  get doubts(): number {
    return this.#doubts;
  }

  /** A heartbeat has found a `seq`, -1 when Redis went back, and a history. */
  heartbeat(seq: number, history: string): void {
    if (seq < 0 || this.history !== "" && history !== this.history) this.#doubts++;
    this.noteSeq(seq);
  }

  /** A script has taken nothing because Redis is not the one that we knew: the error that says so. */
  lost(script: string): TroubleError {
    this.#doubts++;
    return trouble("busy", `Cannot run ${script}: Redis lost data`, { sent: true, code: "LOST" });
  }

  /** A reply was an error with this code. */
  failed(code: string | undefined): void {
    if (code !== undefined && DOUBTFUL.has(code)) this.#doubts++;
  }
}

/** Name of a server process and of the history of its data, by its INFO. */
export function serverIdOf(info: string): string {
  const field = (name: string) => new RegExp(`^${name}:(\\w+)`, "m").exec(info)?.[1] ?? "";
  return `${field("run_id")}:${field("master_replid")}`;
}

/** The history in what `serverIdOf` has answered. */
export function historyOf(serverId: string): string {
  return serverId.slice(serverId.indexOf(":") + 1);
}
