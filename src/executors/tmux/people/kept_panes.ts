import type { Lane } from "../lanes/lane.ts";
import type { LanePool } from "../lanes/lane_pool.ts";
import type { TmuxOptions } from "../options.ts";
import { freeName } from "../server/new_pane.ts";
import type { Run } from "../lanes/run.ts";
import type { TmuxServer } from "../server/server.ts";
import type { Spool } from "../spool.ts";

/** Maximum number of kept panes; the oldest go first. */
export const MAX_KEPT = 10;
/** How long a pane is kept, milliseconds. */
const KEPT_FOR = 86_400_000;

/**
 * Panes that stay as a run left them, for people to inspect. Their lanes continue but get no further run; new lanes
 * replace them. The option `@runner_kept` names the run that a pane shows: so a later process finds it, too.
 */
export class KeptPanes {
  readonly #options: TmuxOptions;
  readonly #server: TmuxServer;
  readonly #spool: Spool;
  readonly #pool: LanePool;

  constructor(options: TmuxOptions, parts: { server: TmuxServer; spool: Spool; pool: LanePool }) {
    this.#options = options;
    this.#server = parts.server;
    this.#spool = parts.spool;
    this.#pool = parts.pool;
  }

  /**
   * Keeps the pane of a run that has ended, if the option asks for it. A pane with further runs assigned is not kept.
   */
  ended(run: Run, lane: Lane, code: number | null): void {
    const { keepPane = "never", log } = this.#options;
    if (keepPane === "never" || keepPane === "failed" && code === 0) return;
    if (lane.pane === null || lane.runs.length > 0) return;
    lane.kept = run.name;
    this.#pool.making.run(() => this.#keep(lane)).then(() => this.tidy()).catch((error) => {
      log.warn("could not keep a pane", { job: run.launch.id, error: String(error) });
    });
  }

  /** Closes kept panes that are too many or too old; without the option, all that an earlier process kept. */
  async tidy(): Promise<void> {
    const { files, keepPane = "never" } = this.#options;
    const kept: { lane: Lane; ageMs: number }[] = [];
    for (const lane of this.#pool.lanes.values()) {
      if (lane.kept === null || lane.pane === null || lane.closing) continue;
      // the end of its run was its last write
      kept.push({ lane, ageMs: (await files.stat(this.#spool.journal(lane.key)))?.ageMs ?? Infinity });
    }
    const most = keepPane === "never" ? 0 : MAX_KEPT;
    const young = kept.filter(({ ageMs }) => ageMs <= KEPT_FOR).sort((a, b) => a.ageMs - b.ageMs).slice(0, most);
    for (const one of kept) if (!young.includes(one)) await this.#pool.retire(one.lane);
  }

  /**
   * Marks the pane and renames its window, so that the next window can have the name; a window with other panes keeps
   * it.
   */
  async #keep(lane: Lane): Promise<void> {
    const pane = lane.pane;
    if (pane === null) return;
    await this.#server.run(["set-option", "-p", "-t", pane, "@runner_kept", lane.kept!]);
    await freeName(this.#server, pane, lane.replacedName("kept"));
  }
}
