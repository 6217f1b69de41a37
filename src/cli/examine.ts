import { pasteWord } from "../domain/shell_words.ts";
import type { StoredInstance } from "../ports/job_store.ts";
import type { FolderInspection } from "../ports/folder_inspection.ts";
import type { HostInspection } from "../compose/contract.ts";
import type { Check } from "../ports/finding.ts";

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
  { executors, spool, missingRights, exposed }: HostInspection,
): Check[] {
  const subject = "permissions";
  return [
    ...executors,
    judgeSpool(spool),
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
