import { hostOf } from "../../client/request_runner.ts";
import type { FollowSink } from "../../client/output_reader.ts";
import type { RemoteOutput } from "../../client/remote_output.ts";
import type { HostOutput } from "../../ports/host_output.ts";
import type { JobStore, StoredJob } from "../../ports/job_store.ts";
import type { Terminal } from "../../ports/terminal.ts";
import { pasteWord } from "../../domain/shell_words.ts";
import { printable } from "./text.ts";
import { timeFor } from "./times.ts";

/** Wraps a sink and counts the bytes that were missing in the output of the newest attempt. */
export function countGaps(sink: FollowSink): { readonly sink: FollowSink; readonly missing: () => number } {
  let missing = 0;
  return {
    sink: {
      write: (bytes, place) => sink.write(bytes, place),
      gap: async (bytes, place) => {
        missing += bytes;
        await sink.gap(bytes, place);
      },
      attempt: (attempt) => {
        missing = 0;
        return sink.attempt(attempt);
      },
      caughtUp: async () => await sink.caughtUp?.(),
    },
    missing: () => missing,
  };
}

/** Where an output was searched. */
export interface OutputSources {
  readonly store: JobStore;
  readonly job: StoredJob;
  readonly host?: HostOutput;
  readonly remote: RemoteOutput;
}

/** Reports how many bytes of an output were missing, and why. */
export async function sayMissing(
  terminal: Terminal,
  missing: number,
  { store, job, host, remote }: OutputSources,
): Promise<void> {
  const time = timeFor(terminal);
  const why = await remote.trouble(job, time);
  if (missing === 0) {
    // of an attempt of unknown length
    const isUnknown = job.meta.output_bytes === undefined && why !== null && !why.endsWith("no more");
    if (isUnknown) await terminal.say(`runner: more output may be missing; ${printable(why)}\n`);
    return;
  }
  const total = job.meta.output_bytes === undefined ? "" : ` of ${job.meta.output_bytes}`;
  const here = await host?.open(job) ?? null;
  const { removedMs } = await here?.read(0, 1) ?? {};
  here?.close();
  const name = await hostOf(store, job).catch(() => null);
  const place = name === null ? "the host of its runner" : printable(name);
  const remedy = removedMs !== undefined
    ? `they were removed on ${time(removedMs)}, as --output-total of its runner says`
    : here
    ? "they are no longer kept anywhere"
    : why !== null
    ? printable(why)
    : `for the whole output, while it is kept: runner logs ${
      pasteWord(job.id, "ID")
    } on ${place}, as its user and with its --spool`;
  await terminal.say(`runner: ${missing}${total} bytes of output are missing above; ${remedy}\n`);
}
