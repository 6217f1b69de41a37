import { pauseQueue } from "../pause_queue.ts";
import type { Command } from "../command.ts";

/** `runner pause`. */
export const pause: Command = {
  name: "pause",
  summary: "Pause a queue: its runners start no more jobs",
  usage: ["[OPTIONS]"],
  description: [
    "Pauses the queue of --name. Its runners read this with their next heartbeat, within a few seconds. Running jobs " +
    "go on, and jobs can still be submitted. `runner resume` ends the pause.",
  ],
  examples: [
    { command: "runner pause --name build", does: "pause the queue build" },
  ],
  rows: {},
  needs: [{ net: true }],
  positionals: { min: 0, max: 0, what: "no arguments" },
  run: (context) => pauseQueue(context, true),
};
