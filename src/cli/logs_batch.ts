import { isMember, memberIds, viewBatch } from "../client/batch_view.ts";
import { followBatch } from "../client/follow_batch.ts";
import { followJob, showOutput } from "../client/follow.ts";
import type { FollowSink, ShowOptions } from "../client/output_reader.ts";
import { memberId, placeInBatch } from "../domain/batch.ts";
import { EXIT } from "../domain/exit_codes.ts";
import type { StoredBatch } from "../ports/batches.ts";
import type { JobStore } from "../ports/job_store.ts";
import type { Context } from "./context.ts";
import { untilSignal } from "./until_signal.ts";
import { EscapeFilter } from "./view/escapes.ts";
import { LastLinesSink } from "./view/output_sinks.ts";
import { PrefixSink } from "./view/prefix_sink.ts";

/** The settings of `runner logs` that matter for a batch. */
export interface BatchLogSettings {
  readonly follow: boolean;
  readonly lines?: number;
  readonly raw: boolean;
}

/**
 * Shows the outputs of the members of a batch, each line with the index in front: one member after the other, or with
 * `follow` as they are written, until all members have ended.
 *
 * @param parts Which part of each output is shown, and where it comes from.
 */
export async function logBatch(
  { terminal, compose, settings, color }: Pick<Context, "terminal" | "compose" | "color"> & {
    readonly settings: BatchLogSettings;
  },
  store: JobStore,
  batch: StoredBatch,
  parts: Omit<ShowOptions, "sink">,
): Promise<number> {
  const filter = () => settings.raw ? null : new EscapeFilter(color ? "all but colours" : "all", { moves: true });
  /** Shows the output of one member, with the given way to read it. */
  const through = async (index: number, read: (options: ShowOptions) => Promise<unknown>) => {
    const prefixed = new PrefixSink(terminal, `${index}: `, filter);
    const sink: FollowSink = settings.lines === undefined ? prefixed : new LastLinesSink(prefixed, settings.lines);
    await read({ ...parts, sink });
    await sink.caughtUp?.();
    await prefixed.end();
  };
  if (!settings.follow) {
    for (const ids of memberIds(viewBatch(batch))) {
      for (const id of ids) {
        const job = await store.read(id);
        if (job?.meta.token && isMember(job)) {
          await through(placeInBatch(id)!.index, (options) => showOutput(store, job, options));
        }
      }
    }
    return EXIT.ok;
  }
  const stop = untilSignal(compose);
  try {
    await followBatch(store, batch.id, {
      signal: stop.signal,
      clock: compose.clock,
      show: (index, signal) =>
        through(index, (options) => followJob(store, memberId(batch.id, index), { ...options, signal })),
    });
  } finally {
    stop.end();
  }
  return stop.code() ?? EXIT.ok;
}
