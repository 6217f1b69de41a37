import { pauseQueue } from "../pause_queue.ts";
import type { Command } from "../command.ts";

/** `runner resume`. */
export const resume: Command = {
  name: "resume",
  summary: "Resume a paused queue: its runners start jobs again",
  usage: ["[OPTIONS]"],
  description: [
    "Resumes the queue of --name. Its runners read this with their next heartbeat, within a few seconds.",
  ],
  examples: [
    { command: "runner resume --name build", does: "resume the queue build" },
  ],
  rows: {},
  needs: [{ net: true }],
  positionals: { min: 0, max: 0, what: "no arguments" },
  run: (context) => pauseQueue(context, false),
};
