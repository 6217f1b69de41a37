import { checkRuns, requestRunner } from "../../client/request_runner.ts";
import { JobNotFoundError, NoTerminalError } from "../../domain/errors.ts";
import { EXIT } from "../../domain/exit_codes.ts";
import { isFinal } from "../../domain/lifecycle.ts";
import { pasteWord } from "../../domain/shell_words.ts";
import type { JobStore, StoredInstance, StoredJob } from "../../ports/job_store.ts";
import type { Viewer } from "../../ports/viewer.ts";
import { findAllNamed, needJob } from "../input/find_named.ts";
import type { Command } from "../command.ts";
import type { Context } from "../context.ts";
import type { OptionRows } from "../../settings/option_row.ts";
import { printable } from "../view/text.ts";

/** Options of `runner attach`. */
const ATTACH_ROWS = {
  write: { type: "flag", short: "w", help: "Send keys to the job; without it, they are ignored" },
  ssh: { type: "flag", help: "When the job runs on another host, connect to it with ssh" },
} as const satisfies OptionRows;

type AttachContext = Context<typeof ATTACH_ROWS>;

/** How long the terminal has to show the first message, milliseconds. */
const FIRST_WORDS = 100;

/** `runner attach`. */
export const attach: Command<typeof ATTACH_ROWS> = {
  name: "attach",
  summary: "Show the terminal of a job, live",
  usage: ["[OPTIONS] ID"],
  description: [
    "Shows the pane of the job. Keys are ignored without --write. The keys to detach are printed first; the job goes " +
    "on. Other viewers of the same terminals are not disturbed. It works inside tmux, and with a TERM that this host " +
    "does not know. A job that has ended can be viewed when its terminal was kept: see --keep-pane of `runner run`.",
    "The job must run on this host, and for the same user. For a job on another host, the ssh command is printed; " +
    "with --ssh it is run.",
  ],
  examples: [
    { command: "runner attach @", does: "view the newest job" },
    { command: "runner attach --write 3f2a", does: "view a job, and type into it" },
    { command: "runner attach --ssh 3f2a", does: "view a job on the host where it runs" },
  ],
  rows: ATTACH_ROWS,
  needs: [{ net: true, terminals: true, env: ["SSH_AUTH_SOCK", "TMUX"], run: ["tmux"], sys: ["hostname"] }],
  positionals: { min: 1, max: 1, what: "the id of one job", completes: "jobs" },
  async run(context) {
    const { terminal, settings, compose, positionals } = context;
    if (!terminal.isTerminal.input || !terminal.isTerminal.output) {
      throw new NoTerminalError(
        "Cannot attach: standard input and output are not a terminal; use runner logs -f ID, or runner screen ID",
      );
    }
    const store = await context.store();
    const [found] = await findAllNamed(context, positionals);
    const id = needJob(found, "attach to");
    const job = await store.read(id);
    if (!job) throw new JobNotFoundError(`Cannot attach to job ${JSON.stringify(id)}: it has just left Redis`);
    const owner = await ownerOf(store, job);
    const viewer = await compose.openViewer();
    const { host, place } = owner.host === await compose.hostName()
      ? { host: null, place: await placeHere(job, owner, viewer) }
      : { host: owner.host, place: await placeThere(store, job, owner, context) };
    const options = { write: settings.write, host };
    if (host !== null && !settings.ssh) {
      const command = viewer.command(owner.access, place, options);
      throw new NoTerminalError(
        `${cannot(job)}: it runs on host ${JSON.stringify(host)}; write runner attach --ssh ${
          pasteWord(id, "ID")
        }, or ${command}`,
      );
    }
    const keys = await viewer.leaveKeys(owner.access, host);
    const how = settings.write ? "keys reach the job" : "read-only";
    await terminal.say(`job ${printable(id)}: ${how}; leave with ${printable(keys)}, and the job goes on\n`);
    // tmux starts by dropping what the terminal has not shown yet
    await compose.clock.sleep(FIRST_WORDS);
    await viewer.view(owner.access, place, options);
    return EXIT.ok;
  },
};

function cannot(job: StoredJob): string {
  return `Cannot attach to job ${JSON.stringify(job.id)}`;
}

/** Returns the instance that runs, or ran, a job. */
async function ownerOf(store: JobStore, job: StoredJob): Promise<StoredInstance> {
  const owner = (await store.instances()).find(({ instance }) => instance === job.meta.instance);
  if (owner && job.meta.token) return owner;
  checkRuns(job, cannot(job));
  throw new NoTerminalError(`${cannot(job)}: its runner is not known to Redis any more; start it again on its host`);
}

async function placeHere(
  job: StoredJob,
  { access: attach, instance }: StoredInstance,
  viewer: Viewer,
): Promise<string> {
  const place = await viewer.find({
    access: attach,
    instance,
    id: job.id,
    token: job.meta.token!,
    ended: job.fields.status !== "started",
  });
  if (place !== null) return place;
  checkRuns(job, cannot(job));
  throw new NoTerminalError(
    `${cannot(job)}: it has no terminal now: it ends, or waits for its turn; see runner status ${
      pasteWord(job.id, "ID")
    }`,
  );
}

async function placeThere(
  store: JobStore,
  job: StoredJob,
  { host }: StoredInstance,
  { compose, settings }: AttachContext,
): Promise<string> {
  if (isFinal(job.fields.status ?? "")) {
    throw new NoTerminalError(
      `${cannot(job)}: it has ended; its output: runner logs ${
        pasteWord(job.id, "ID")
      }; when its terminal was kept, attach on host ${JSON.stringify(host)}`,
    );
  }
  const done = await requestRunner(store, job.id, { type: "locate" }, {
    cannot: "Cannot attach to job",
    reply: compose.newId(),
    waitMs: settings.redisTimeout * 1000,
  });
  if (done.type !== "place") throw new Error(`${cannot(job)}: the reply is ${done.type}`);
  return done.place;
}
