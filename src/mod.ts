/**
 * Run shell jobs in tmux terminals, fed by a Redis queue: the library behind the command `runner`.
 *
 * ```ts no-eval
 * import { Client } from "@hero/runner";
 *
 * await using client = await Client.connect({ redisUrl: "127.0.0.1:6379" });
 * const id = await client.submit({ payload: "make test", runner: "build", timeout: 600 });
 * const job = await client.wait(id);
 * console.log(job.exitCode, job.result);
 * ```
 *
 * All functions reject with `InvalidInputError` when an argument is wrong (nothing has happened then), with
 * `UnavailableError` when Redis cannot be reached or refuses us, and with `JobNotFoundError` when there is no such job.
 *
 * @module
 */
import { cancelJob, type Cancelled } from "./app/cancel.ts";
import { checkSubmission } from "./app/check_submission.ts";
import { followJob } from "./app/follow.ts";
import { type JobView, viewJob } from "./app/job_view.ts";
import { makeReady, submitJob } from "./app/submit.ts";
import { watchJob } from "./app/wait.ts";
import { GLOBAL_ROWS, RUN_ROWS } from "./cli/options.ts";
import { readOption, resolveSettings } from "./cli/settings.ts";
import { compose, openHostOutput, openStore, openWorker } from "./cli/wire.ts";
import type { Worker, WorkerSettings } from "./cli/context.ts";
import { JobNotFoundError } from "./domain/errors.ts";
import { DEFAULT_EXECUTOR, DEFAULT_RUNNER } from "./domain/limits.ts";
import type { Priority, Submission } from "./domain/submission.ts";
import type { HostOutput } from "./ports/host_output.ts";
import type { JobStore, SubmitCondition } from "./ports/job_store.ts";

export {
  InvalidInputError,
  JobNotFoundError,
  QueueFullError,
  RefusedError,
  SetupError,
  UnavailableError,
} from "./domain/errors.ts";
export type { Cancelled, JobView, Priority, Submission, SubmitCondition, Worker, WorkerSettings };

/**
 * Where Redis is, and which part of it to use; what is left out is as on the command line, without its environment.
 *
 * ```ts no-eval
 * import { Client, type ConnectionOptions } from "@hero/runner";
 *
 * const there: ConnectionOptions = { redisUrl: "rediss://me:secret@redis.example/1", namespace: "production" };
 * await using client = await Client.connect(there);
 * ```
 */
export interface ConnectionOptions {
  /** `host:port`, `redis://[user:password@]host[:port][/db]` or `rediss://...`; default `127.0.0.1:6379`. */
  readonly redisUrl?: string;
  /** Tenant: prefix of all keys; `production` and `production:` mean the same. Default: none. */
  readonly namespace?: string;
  /** Seconds until a call is given up; default 3. */
  readonly redisTimeout?: number;
  /**
   * Spool folder of runners on this host: `follow` reads the outputs of their jobs there, whole. Default: it asks Redis
   * only.
   */
  readonly spool?: string;
}

/**
 * What `Client.follow` is told besides the output.
 *
 * ```ts no-eval
 * import { Client, type FollowOptions } from "@hero/runner";
 *
 * const options: FollowOptions = { gap: (bytes) => console.error(`${bytes} bytes are missing here`) };
 * await using client = await Client.connect();
 * await client.follow("7", (bytes) => void Deno.stdout.writeSync(bytes), options);
 * ```
 */
export interface FollowOptions {
  /** Ends the following. */
  readonly signal?: AbortSignal;
  /** Called where bytes are missing that cannot be had any more, with their number. */
  readonly gap?: (bytes: number) => void | Promise<void>;
  /** Called where the output of another attempt begins, with its number. */
  readonly attempt?: (attempt: number) => void | Promise<void>;
}

/**
 * A job to be submitted; only `payload` is needed. Times in seconds.
 *
 * ```ts no-eval
 * import { type NewJob, submit } from "@hero/runner";
 *
 * const job: NewJob = { payload: "make test", runner: "build", timeout: 600, env: { CI: "1" } };
 * await submit(job);
 * ```
 */
export type NewJob = Partial<Submission> & Pick<Submission, "payload">;

const WORKER_ROWS = { ...GLOBAL_ROWS, ...RUN_ROWS };

const defaults = resolveSettings(WORKER_ROWS, {
  typed: new Map(),
  environment: { get: () => undefined, readFile: () => Promise.resolve(null), openFile: () => Promise.resolve(null) },
  file: null,
}).values;

/**
 * A connection for submitting jobs and asking about them.
 *
 * ```ts no-eval
 * import { Client } from "@hero/runner";
 *
 * await using client = await Client.connect();
 * const id = await client.submit({ payload: "sleep 1; echo done", executor: "tmux.demo", env: { NAME: "value" } });
 * await client.follow(id, (bytes) => console.log(new TextDecoder().decode(bytes)));
 * ```
 */
export class Client implements AsyncDisposable {
  readonly #store: JobStore;
  readonly #host: HostOutput | undefined;

  private constructor(store: JobStore, host: HostOutput | undefined) {
    this.#store = store;
    this.#host = host;
  }

  /** Connects to Redis. */
  static async connect(options: ConnectionOptions = {}): Promise<Client> {
    const { redisUrl = defaults.redisUrl, redisTimeout = defaults.redisTimeout, spool } = options;
    const namespace = GLOBAL_ROWS.namespace.read(options.namespace ?? "");
    const host = spool === undefined ? undefined : await openHostOutput({ spool, namespace });
    return new Client(await openStore({ redisUrl, namespace, redisTimeoutSeconds: redisTimeout }), host);
  }

  /**
   * Queues a job; rejects with `QueueFullError` when more jobs wait for its runner than the condition allows.
   *
   * @returns Its id: the one in `job.id`, or a new one. A job with that id that is there already stays as it is.
   */
  async submit(job: NewJob, condition: SubmitCondition = {}): Promise<string> {
    const { runner = DEFAULT_RUNNER, executor = DEFAULT_EXECUTOR } = job;
    const submission: Submission = { ...job, runner, executor };
    checkSubmission({ submission }, compose.checkExecutor);
    const ready = makeReady({ submission }, await this.#store.time(), compose.newId);
    return (await submitJob(this.#store, ready, condition)).id;
  }

  /** Everything that is known about a job. */
  async read(id: string): Promise<JobView> {
    const job = await this.#store.read(id);
    if (!job) throw new JobNotFoundError(`Cannot read job ${JSON.stringify(id)}: no job of this namespace has that id`);
    return viewJob(job);
  }

  /**
   * Waits for the end of a job; outages of Redis do not end the waiting.
   *
   * @param options `signal` ends the waiting; then the job is answered as it is at that time.
   */
  async wait(id: string, options: { readonly signal?: AbortSignal } = {}): Promise<JobView> {
    const signal = options.signal ?? new AbortController().signal;
    const job = await watchJob(this.#store, id, { signal });
    return job ? viewJob(job) : await this.read(id);
  }

  /**
   * Follows the output of a job, live, to its end: in order, and no byte twice. Of a job that writes more than
   * about 4 MB/s Redis has only a part; what is missing is told to `gap`. With the option `spool` nothing is
   * missing of jobs that run on this host.
   *
   * @param write Gets the output as the program wrote it. Of a job that a foreign runner ran it is the text of its
   * result.
   */
  async follow(
    id: string,
    write: (bytes: Uint8Array) => void | Promise<void>,
    options: FollowOptions = {},
  ): Promise<JobView> {
    const signal = options.signal ?? new AbortController().signal;
    const sink = {
      write: async (bytes: Uint8Array) => await write(bytes),
      gap: async (bytes: number) => await options.gap?.(bytes),
      attempt: async (attempt: number) => await options.attempt?.(attempt),
    };
    const job = await followJob(this.#store, id, { signal, sink, host: this.#host });
    return job ? viewJob(job) : await this.read(id);
  }

  /**
   * Stops a job, whatever its state.
   *
   * @param reason For the job's `error` field.
   * @returns `cancelled`: it had not started. `requested`: its runner will stop it. `ended`: it had ended before.
   */
  async cancel(id: string, reason = ""): Promise<Cancelled> {
    return await cancelJob(this.#store, id, reason);
  }

  /** Ends the connection. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#store.close();
    return Promise.resolve();
  }
}

/**
 * Queues one job over a connection of its own.
 *
 * ```ts no-eval
 * import { submit } from "@hero/runner";
 *
 * const id = await submit({ payload: "echo hello" }, { namespace: "production" });
 * ```
 *
 * @returns The job's id.
 */
export async function submit(job: NewJob, options: ConnectionOptions = {}): Promise<string> {
  await using client = await Client.connect(options);
  return await client.submit(job);
}

/**
 * A worker in one's own program: what `runner run` starts. It logs to standard error and needs tmux.
 *
 * ```ts no-eval
 * import { Runner } from "@hero/runner";
 *
 * const runner = await Runner.open({ name: "build", concurrency: 2 });
 * await runner.start();
 * Deno.addSignalListener("SIGTERM", async () => {
 *   const { running } = await runner.stop();
 *   console.error(`${running.length} jobs go on in tmux`);
 * });
 * ```
 */
export class Runner {
  readonly #worker: Worker;

  private constructor(worker: Worker) {
    this.#worker = worker;
  }

  /**
   * Takes this host's spool; rejects with `SetupError` when another runner of that name holds it.
   *
   * @param options As the options of `runner run`, with their limits; durations in seconds.
   * @throws {InvalidInputError} An option has a value that it cannot have.
   */
  static async open(options: Partial<WorkerSettings> = {}): Promise<Runner> {
    const given = Object.entries(options).filter(([, value]) => value !== undefined).map(([key, value]) => {
      const row: Parameters<typeof readOption>[0] | undefined = WORKER_ROWS[key as keyof typeof WORKER_ROWS];
      return [key, row && row.type !== "list" ? readOption(row, String(value), `option "${key}"`) : value];
    });
    return new Runner(await openWorker({ ...defaults, ...Object.fromEntries(given) }));
  }

  /** Takes up what earlier processes left, and begins to take jobs. */
  async start(): Promise<void> {
    await this.#worker.start();
  }

  /** Resolves when the queue is empty, with `burst`; rejects when the worker cannot go on. */
  async ended(): Promise<void> {
    await this.#worker.ended();
  }

  /** Ids of the jobs that run here now. */
  running(): readonly string[] {
    return this.#worker.running();
  }

  /** Takes nothing more and lets go; the jobs that it answers go on in tmux, and the next runner finishes them. */
  async stop(): Promise<{ readonly running: readonly string[] }> {
    return await this.#worker.stop();
  }
}
