import { pauseQueue } from "../pause_queue.ts";
import type { Command } from "../command.ts";

/** `runner pause`. */
export const pause: Command = {
  name: "pause",
  summary: "Let the runners of a queue take no more jobs",
  usage: ["[OPTIONS]"],
  description: [
    "The queue is that of --name. Its runners learn it with their next heartbeat, within a few seconds; what has started goes " +
    "on, and jobs can still be submitted. `runner resume` ends it.",
  ],
  examples: [
    { command: "runner pause --name build", does: "no more jobs for the runners of that name" },
  ],
  rows: {},
  positionals: { min: 0, max: 0, what: "no arguments" },
  run: (context) => pauseQueue(context, true),
};
