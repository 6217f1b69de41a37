import { examineKinds, makeHostOutput, makeViewer, startedPrograms } from "../executors/registry.ts";
import type { HostPrograms } from "../ports/finding.ts";
import type { HostOutput } from "../ports/host_output.ts";
import type { Viewer } from "../ports/viewer.ts";
import { digestOf } from "../system/digest.ts";
import { systemEnvironment } from "../system/environment.ts";
import { systemFiles } from "../system/files.ts";
import { absolutePath, defaultSpool, viewEnvironment } from "../system/host.ts";
import { inspectFolder, isOpenFile, isOurFolder, missingPrograms, missingRights } from "../system/inspect_folder.ts";
import { newId } from "../system/new_id.ts";
import { inTerminal, programVersion, systemProcess } from "../system/process.ts";
import type { HostInspection } from "./contract.ts";

/** Inspects this host for `runner doctor`. */
export async function inspectHost(spool?: string, secretFile?: string): Promise<HostInspection> {
  const folder = absolutePath(spool ?? defaultSpool(systemEnvironment));
  const path = systemEnvironment.get("PATH") ?? "/usr/bin:/bin";
  const programs: HostPrograms = {
    version: (command, flag) => programVersion(command, flag, path),
    missing: (names) => missingPrograms(names, path),
  };
  return {
    executors: await examineKinds(programs),
    spool: await inspectFolder(folder),
    missingRights: await missingRights(folder, startedPrograms()),
    ...(secretFile !== undefined && await isOpenFile(secretFile) ? { exposed: secretFile } : {}),
  };
}

/** Opens the outputs that runners of this user keep on this host. */
export async function openHostOutput({ spool, namespace }: { spool?: string; namespace: string }): Promise<HostOutput> {
  const right = spool === undefined ? await Deno.permissions.query({ name: "sys", kind: "uid" }) : null;
  if (right && right.state !== "granted") return { open: () => Promise.resolve(null) };
  const root = absolutePath(spool ?? defaultSpool(systemEnvironment));
  return await makeHostOutput({ files: systemFiles, digestOf, root, namespace, isOurs: isOurFolder });
}

/** Opens the viewer, which shows terminals of jobs. */
export async function openViewer(): Promise<Viewer> {
  const env = viewEnvironment(systemEnvironment);
  return await makeViewer({ process: systemProcess, inTerminal, env, digestOf, newId });
}
