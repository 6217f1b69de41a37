import type { LanePool } from "../lanes/lane_pool.ts";
import type { Living } from "../lanes/living.ts";
import type { Run } from "../lanes/run.ts";
import type { TmuxOptions } from "../options.ts";
import type { TmuxServer } from "../server/server.ts";
import type { Spool } from "../spool.ts";
import type { Endings } from "./endings.ts";
import type { Stopper } from "./stopper.ts";

/** What the rooms that find and report ends share. */
export interface EndingParts {
  readonly options: TmuxOptions;
  readonly server: TmuxServer;
  readonly spool: Spool;
  readonly pool: LanePool;
  readonly endings: Endings;
  readonly stopper: Stopper;
  readonly living: Living;
  /** Runs by name. */
  readonly runs: Map<string, Run>;
}
