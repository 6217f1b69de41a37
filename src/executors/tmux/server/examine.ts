import { isOlder } from "../../../domain/versions.ts";
import type { Check, HostPrograms } from "../../../ports/finding.ts";
import { OLDEST_TMUX, PROGRAMS, weaknessOf } from "./weaknesses.ts";

/** Returns whether this host has a fit tmux, and the programs that its scripts call. */
export async function examine(programs: HostPrograms): Promise<readonly Check[]> {
  const missing = await programs.missing(PROGRAMS);
  const checked = checkVersion(await programs.version("tmux", "-V"));
  return missing.length === 0 ? [checked] : [checked, {
    severity: "error",
    subject: "programs",
    says: `not in this PATH: ${missing.join(", ")}`,
    remedy: "Install them: a runner needs all of them",
  }];
}

/** @param said What `tmux -V` prints; `null`: there is no tmux that may be run. */
function checkVersion(said: string | null): Check {
  const subject = "tmux";
  const remedy = `Install tmux ${OLDEST_TMUX} or newer`;
  if (said === null) return { severity: "error", subject, says: "there is no tmux in PATH that can be run", remedy };
  if (isOlder(said, OLDEST_TMUX)) return { severity: "error", subject, says: `${said} is too old`, remedy };
  const known = weaknessOf(said);
  return known ? { severity: "warning", subject, ...known } : { severity: "ok", subject, says: said };
}
