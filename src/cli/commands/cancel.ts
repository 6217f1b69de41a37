import { cancelCascade } from "../../client/cascade.ts";
import { cancelJob, type Cancelled } from "../../client/cancel.ts";
import { EXIT } from "../../domain/exit_codes.ts";
import { findAloud } from "../input/find_aloud.ts";
import type { Command } from "../command.ts";
import type { OptionRows } from "../../settings/option_row.ts";
import { printable, toJson } from "../view/text.ts";

/** Options of `runner cancel`. */
const CANCEL_ROWS = {
  reason: { type: "string", value: "TEXT", default: "", help: "Reason, which goes into the job's error field" },
  cascade: { type: "flag", help: "Cancel also everything that waits for them, in any way" },
} as const satisfies OptionRows;

const SAYS: Readonly<Record<Cancelled, string>> = {
  cancelled: "cancelled before it started",
  requested: "its runner stops it now, or as soon as it is back",
  ended: "had ended already; nothing was changed",
};

/** `runner cancel`. */
export const cancel: Command<typeof CANCEL_ROWS> = {
  name: "cancel",
  summary: "Stop jobs, whatever their state",
  usage: ["[OPTIONS] ID..."],
  description: [
    "A waiting job ends at once. A running job gets TERM and then KILL, with everything it started. When its runner " +
    "is down, the next runner on its host stops it. For anything but a full id, such as @, the matching job is " +
    "reported first.",
    "Jobs that wait with --after for a cancelled one end as skipped; those with --after-end start. With --cascade both " +
    "are cancelled, and what waits for them, the last ones first.",
  ],
  examples: [
    { command: "runner cancel @", does: "stop the newest job" },
    {
      command: "runner cancel 3f2a 77b1 --reason 'wrong branch'",
      does: "stop two jobs, by the first letters of their ids",
    },
  ],
  rows: CANCEL_ROWS,
  needs: [{ net: true }],
  positionals: { min: 1, max: Infinity, what: "ids of jobs", completes: "jobs" },
  async run(context) {
    const { terminal, settings, positionals } = context;
    const redis = await context.store();
    // all ids are resolved first: a wrong one among them changes nothing
    const ids = await findAloud(context, positionals);
    const onEnd = async (id: string, became: Cancelled) => {
      if (settings.json) await terminal.write(`${toJson({ id, result: became })}\n`);
      else await terminal.say(`job ${printable(id)}: ${SAYS[became]}\n`);
    };
    if (settings.cascade) await cancelCascade(redis, ids, { reason: settings.reason, onEnd });
    else for (const id of ids) await onEnd(id, await cancelJob(redis, id, settings.reason));
    return EXIT.ok;
  },
};
