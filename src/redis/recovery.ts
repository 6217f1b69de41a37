import type { OwnedRun, ReassertReply, ReassertRequest } from "../ports/queue.ts";
import type { SettledEnd } from "../ports/spool.ts";
import type { Owner } from "./queue.ts";
import { SCRIPTS } from "./scripts.ts";
import type { Steps } from "./steps.ts";
import { trouble } from "./trouble.ts";

/** Gives an attempt back to a Redis that may have forgotten it. */
export async function reassert(
  steps: Steps,
  { runner, instance, nonce }: Owner,
  request: ReassertRequest,
): Promise<ReassertReply> {
  const { keys } = steps;
  const fields = Object.entries(request.job).flat();
  const reply = await steps.job(SCRIPTS.reassert, request.id, {
    keys: [
      ...[keys.jobs(), keys.claim(runner, instance), keys.run(runner, instance), keys.node(runner, instance)],
      ...[keys.queue(runner), keys.low(runner), keys.delay(runner)],
    ],
    args: [
      ...[instance, nonce, request.token, request.attempt, request.startedMs, runner],
      ...[fields.length, ...fields, ...Object.entries(request.side).flat()],
    ],
  });
  if (reply[0] === "STRANGER") {
    // no verdict on the attempt: the next beat says who owns the instance
    const message = `Cannot run reassert: this process does not own instance "${instance}" of runner "${runner}"`;
    throw trouble("busy", message, { sent: true, code: "STRANGER" });
  }
  return reply[0] as ReassertReply;
}

/** The end that Redis has on record for an attempt; `null` when it has none. */
export async function endOf(steps: Steps, { id, token }: OwnedRun): Promise<SettledEnd | null> {
  const { link, keys } = steps;
  const read = async (key: string, names: readonly string[]) => {
    const values = await link.call("HMGET", [key, ...names]) as (string | null)[];
    return values.map((value) => value ?? "");
  };
  const [newest, done, exit, bytes, ms, last] = await read(keys.side(id), [
    ...["token", "done", "exit", "output_bytes", "ms", "last_error"],
  ]);
  if (newest !== token || done !== token) return null;
  const [status, error, result] = await read(keys.job(id), ["status", "error", "result"]);
  const numbers = { exitCode: Number(exit), outputBytes: Number(bytes), ms: Number(ms) };
  if (status === "finished" || status === "error") return { state: status, error, ...numbers, result };
  if (status === "") return null; // it was purged, or has expired
  return { state: "error", error: last, ...numbers, result: "", retry: true };
}
