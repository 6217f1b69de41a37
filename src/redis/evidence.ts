import { trouble, type TroubleError } from "./trouble.ts";

/** Error codes of a Redis that is, was or becomes a replica, or reloads its data: it may have gone back in time. */
const DOUBTFUL = new Set(["READONLY", "UNBLOCKED", "MASTERDOWN", "LOADING"]);

/** What Redis has reported to this process, and the signs that it may have lost that since. */
export class Evidence {
  /** Name of the history of the data that this process has on record; empty until there is one. */
  history = "";
  #reportedSeq = 0;
  #doubts = 0;

  /** The largest `seq` of our instance that Redis has reported; data with a smaller one are older. */
  get reported(): number {
    return this.#reportedSeq;
  }

  /** Records a `seq` that Redis reported. */
  noteSeq(seq: number): void {
    if (seq > this.#reportedSeq) this.#reportedSeq = seq;
  }

  /** Number of signs that Redis may have lost data. */
  get doubts(): number {
    return this.#doubts;
  }

  /** Records the result of a heartbeat: a `seq`, -1 when Redis went back, and a history. */
  heartbeat(seq: number, history: string): void {
    if (seq < 0 || this.history !== "" && history !== this.history) this.#doubts++;
    this.noteSeq(seq);
  }

  /** Records that a script changed nothing, because Redis lost data; returns the error for its caller. */
  lost(script: string): TroubleError {
    this.#doubts++;
    return trouble("busy", `Cannot run ${script}: Redis lost data`, { sent: true, code: "LOST" });
  }

  /** Records an error reply with this code. */
  failed(code: string | undefined): void {
    if (code !== undefined && DOUBTFUL.has(code)) this.#doubts++;
  }
}

/** Returns the name of a server process and of the history of its data, by its INFO. */
export function serverIdOf(info: string): string {
  const field = (name: string) => new RegExp(`^${name}:(\\w+)`, "m").exec(info)?.[1] ?? "";
  return `${field("run_id")}:${field("master_replid")}`;
}

/** Returns the history in a result of `serverIdOf`. */
export function historyOf(serverId: string): string {
  return serverId.slice(serverId.indexOf(":") + 1);
}
