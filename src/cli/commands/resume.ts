import { pauseQueue } from "../pause_queue.ts";
import type { Command } from "../command.ts";

/** `runner resume`. */
export const resume: Command = {
  name: "resume",
  summary: "Let the runners of a paused queue take jobs again",
  usage: ["[OPTIONS]"],
  description: [
    "The queue is that of --name. Its runners learn it with their next heartbeat, within a few seconds.",
  ],
  examples: [
    { command: "runner resume --name build", does: "jobs for the runners of that name again" },
  ],
  rows: {},
  positionals: { min: 0, max: 0, what: "no arguments" },
  run: (context) => pauseQueue(context, false),
};
