import { InvalidInputError } from "../../domain/errors.ts";
import { EXIT } from "../../domain/exit_codes.ts";
import type { Command } from "../command.ts";
import type { Context } from "../context.ts";
import { limitJson, showLimits } from "../view/limits.ts";
import { printable, toJson } from "../view/text.ts";

type Limits = typeof import("../../client/limits.ts");

/** An action of `runner limit`; it gets the arguments after its word. */
interface Action {
  /** What it needs, in words, and how many arguments that are. */
  readonly what: string;
  readonly count: number;
  run(context: Context, args: readonly string[], limits: Limits): Promise<number>;
}

/** Reports what was done to a limit. */
async function done({ settings, terminal }: Context, key: string, says: {
  readonly json: Record<string, unknown>;
  readonly text: string;
}): Promise<number> {
  if (settings.json) await terminal.write(`${toJson({ key, ...says.json })}\n`);
  else await terminal.say(`limit ${printable(key)}: ${says.text}\n`);
  return EXIT.ok;
}

const ACTIONS: Readonly<Record<string, Action>> = {
  set: {
    what: "a key and a number",
    count: 2,
    async run(context, [key, text], { setLimit }) {
      if (!/^\d{1,15}$/.test(text)) {
        throw new InvalidInputError(`Cannot set limit ${JSON.stringify(key)}: ${JSON.stringify(text)} is no number`);
      }
      const n = Number(text);
      await setLimit(await context.store(), key, n);
      const what = n === 0 ? "no job starts" : n === 1 ? "one job at a time" : `${n} jobs at the same time`;
      return await done(context, key, { json: { n }, text: what });
    },
  },
  list: {
    what: "no arguments",
    count: 0,
    async run({ settings, terminal, color, store }, _args, { listLimits }) {
      const limits = await listLimits(await store());
      if (settings.json) { for (const limit of limits) await terminal.write(`${toJson(limitJson(limit))}\n`); }
      else if (limits.length > 0) await terminal.write(showLimits(limits, { room: terminal.columns(), color }));
      else await terminal.say("runner: no limit is set or in use\n");
      return EXIT.ok;
    },
  },
  remove: {
    what: "a key",
    count: 1,
    async run(context, [key], { removeLimit }) {
      await removeLimit(await context.store(), key);
      const text = key.startsWith("runner:") ? "removed; the queue has none now" : "removed; one job at a time again";
      return await done(context, key, { json: { removed: true }, text });
    },
  },
};

/** `runner limit`. */
export const limit: Command<Readonly<Record<never, never>>> = {
  name: "limit",
  summary: "Set how many jobs run at the same time on all hosts together",
  usage: ["set KEY N", "set runner:NAME N", "list", "remove KEY"],
  description: [
    "A job that is submitted with --limit KEY starts only while fewer than N jobs with that key run, whatever their " +
    "hosts and runners. N is 1 unless it is set, so that they run one after the other. With several keys a job " +
    "takes all at once, or waits. One that waits is parked: it takes no slot of a runner, keeps its place by " +
    "priority and time, and is next in its queue when a job with that key ends, is lost or is given up.",
    "runner:NAME limits a whole queue, also for jobs of other programs: the ids stay in the queue. 0 lets nothing " +
    "start.",
    "In the job RUNNER_SLOT is the number of its permit of the first --limit, from 0, and RUNNER_SLOT_2 to _4 those " +
    "of the others; no two running jobs have the same one. Without --limit it is the number of its slot on the runner.",
    "After Redis was restarted or lost its data, jobs with a limit start when all runners had the time to report " +
    "what they run: a lease and a heartbeat, 40 s. So do those of a new Redis after its first runner has started.",
  ],
  examples: [
    { command: "runner submit --limit migrate 'make migrate'", does: "run one migration at a time on all hosts" },
    { command: "runner limit set gpu 2", does: "let two jobs with --limit gpu run at the same time" },
    {
      command: "runner limit set runner:build 8",
      does: "let eight jobs of the queue build run, on all hosts together",
    },
    { command: "runner limit list", does: "show who holds permits, and who waits" },
  ],
  rows: {},
  needs: [{ net: true }],
  positionals: {
    min: 1,
    max: 3,
    what: `one of ${Object.keys(ACTIONS).join(", ")}`,
    words: Object.keys(ACTIONS),
    completes: "limits",
  },
  async run(context) {
    const [word, ...args] = context.positionals;
    if (!Object.hasOwn(ACTIONS, word)) {
      throw new InvalidInputError(
        `Cannot do ${JSON.stringify(word)} with limits: there are ${Object.keys(ACTIONS).join(", ")}`,
      );
    }
    const { what, count, run } = ACTIONS[word];
    if (args.length !== count) throw new InvalidInputError(`Cannot run runner limit ${word}: it needs ${what}`);
    return await run(context, args, await import("../../client/limits.ts"));
  },
};
