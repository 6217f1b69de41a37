import { isOlder, OLDEST_TMUX } from "../domain/versions.ts";
import { pasteWord } from "../domain/shell_words.ts";
import type { StoredInstance } from "../ports/job_store.ts";
import type { FolderInspection } from "../ports/folder_inspection.ts";
import type { HostInspection } from "../compose/contract.ts";
import type { Finding } from "../ports/finding.ts";

/** The result of one check: a finding, or success. */
export type Check = Finding | { readonly severity: "ok"; readonly subject: string; readonly says: string };

function judgeTmux(said: string | null, known: HostInspection["tmuxWeakness"]): Check {
  const subject = "tmux";
  const remedy = `Install tmux ${OLDEST_TMUX} or newer`;
  if (said === null) return { severity: "error", subject, says: "there is no tmux in PATH that can be run", remedy };
  if (isOlder(said, OLDEST_TMUX)) return { severity: "error", subject, says: `${said} is too old`, remedy };
  return known ? { severity: "warning", subject, ...known } : { severity: "ok", subject, says: said };
}

function judgeSpool({ path, is, unsafe, mode, writable, full }: FolderInspection): Check {
  const subject = "spool";
  const bad = (severity: "error" | "warning", says: string, remedy: string): Check => (
    { severity, subject, says: `${path} ${says}`, remedy }
  );
  const other = "Name another folder with --spool or RUNNER_SPOOL";
  if (full) {
    const remedy = "Free space there: until then no job starts, and the output of running jobs is not kept";
    return bad("error", "has no free space: its disk is full, or a quota is used up", remedy);
  }
  if (unsafe !== null && is !== "something else") {
    return bad("error", `is not safe from other users: ${unsafe}`, other);
  }
  if (is === "missing") {
    if (writable) return { severity: "ok", subject, says: `${path} does not exist yet; the first runner creates it` };
    return bad("error", "does not exist and cannot be created", other);
  }
  if (is !== "folder") return bad("error", "is not a folder", other);
  if (!writable) return bad("error", "cannot be written to", other);
  const open = (mode & 0o077) !== 0;
  if (open) {
    return bad("warning", `can be read by others (mode ${mode.toString(8)})`, `chmod 700 ${pasteWord(path, "FOLDER")}`);
  }
  return { severity: "ok", subject, says: path };
}

/** Judges whether a host is fit for a runner. */
export function judgeHost(
  { tmux, tmuxWeakness, spool, missingPrograms, missingRights, exposed }: HostInspection,
): Check[] {
  const subject = "permissions";
  return [
    judgeTmux(tmux, tmuxWeakness),
    judgeSpool(spool),
    ...(missingPrograms.length === 0 ? [] : [
      {
        severity: "error",
        subject: "programs",
        says: `not in this PATH: ${missingPrograms.join(", ")}`,
        remedy: "Install them: a runner needs all of them",
      } as const,
    ]),
    missingRights.length === 0 ? { severity: "ok", subject, says: "all that a runner needs" } : {
      severity: "error",
      subject,
      says: `the program lacks permissions: ${missingRights.join(", ")}`,
      remedy: "Use the compiled program or scripts/runner, which grant them",
    },
    ...(exposed === undefined ? [] : [
      {
        severity: "warning",
        subject: "config",
        says: `${exposed} holds the password of Redis and can be read by others`,
        remedy: `chmod 600 ${pasteWord(exposed, "FILE")}`,
      } as const,
    ]),
  ];
}

/** Judges whether a live runner serves a queue. */
export function judgeRunners(name: string, instances: readonly StoredInstance[]): Check {
  const alive = instances.filter((instance) => instance.runner === name && instance.alive);
  const subject = "runner";
  if (alive.length > 0) {
    return { severity: "ok", subject, says: `"${name}" is alive on ${alive.map(({ host }) => host).join(", ")}` };
  }
  return {
    severity: "warning",
    subject,
    says: `no runner "${name}" is alive: its jobs wait`,
    remedy: `runner run --name ${pasteWord(name, "NAME")}`,
  };
}
