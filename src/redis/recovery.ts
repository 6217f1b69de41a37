import type {
  FinishReply,
  FinishRequest,
  LostPolicy,
  OwnedAttempt,
  RawId,
  ReapReply,
  ReassertReply,
  ReassertRequest,
} from "../ports/queue.ts";
import type { SettledEnd } from "../ports/attempt_journal.ts";
import type { InstanceIdentity } from "./identity.ts";
import { hasCode } from "./link.ts";
import { SCRIPTS } from "./scripts.ts";
import type { Items } from "./items.ts";
import type { Steps } from "./steps.ts";
import { trouble } from "./trouble.ts";

/** Returns keys and arguments of the script `reassert`, without those of every script about one job. */
function attemptOf(steps: Steps, { runner, instance, nonce }: InstanceIdentity, request: ReassertRequest) {
  const { keys } = steps;
  const fields = Object.entries(request.job).flat();
  return {
    keys: [
      ...[keys.jobs(), keys.claim(runner, instance), keys.attempts(runner, instance), keys.instance(runner, instance)],
      ...[keys.queue(runner), keys.low(runner), keys.delay(runner)],
    ],
    args: [
      ...[instance, nonce, request.token, request.attempt, request.startedMs, runner],
      ...[fields.length, ...fields, ...Object.entries(request.meta).flat()],
    ],
  };
}

/** Returns arguments of the script `finish`, without those of every script about one job. */
export function endOfAttempt({ token, state, result, error, exitCode, outputBytes, ms, ...rest }: FinishRequest) {
  const { retryDelayMs, truncated, left } = rest;
  const numbers = [exitCode, outputBytes, Math.round(ms)];
  return [token, state, result, error, ...numbers, retryDelayMs ?? "", truncated ? "1" : "", left ?? ""];
}

/**
 * Returns the reply; throws when another process owns the instance. That is no verdict on the attempt: the next
 * heartbeat reports the owner.
 */
function owned(reply: Items, script: string, { runner, instance }: InstanceIdentity): Items {
  if (reply[0] !== "FOREIGN") return reply;
  const message = `Cannot run ${script}: this process does not own instance "${instance}" of runner "${runner}"`;
  throw trouble("busy", message, { sent: true, code: "FOREIGN" });
}

/** Restores an attempt that runs in a Redis that may have lost it. */
export async function reassert(
  steps: Steps,
  identity: InstanceIdentity,
  request: ReassertRequest,
): Promise<ReassertReply> {
  const reply = await steps.job(SCRIPTS.reassert, request.id, attemptOf(steps, identity, request));
  return owned(reply, "reassert", identity)[0] as ReassertReply;
}

/** Restores an attempt that has ended, and its end. */
export async function restore(
  steps: Steps,
  identity: InstanceIdentity,
  request: ReassertRequest,
  end: FinishRequest,
): Promise<FinishReply> {
  const { keys, args } = attemptOf(steps, identity, request);
  const reply = await steps.job(SCRIPTS.restore, request.id, {
    keys,
    args: [args.length, ...args, ...endOfAttempt(end)],
    keepMs: end.keep * 1_000,
  });
  return { type: owned(reply, "restore", identity)[0] as FinishReply["type"], open: reply.slice(1).map(String) };
}

/** Returns the end that Redis has on record for an attempt; `null` when it has none. */
export async function endOf(steps: Steps, { id, token }: OwnedAttempt): Promise<SettledEnd | null> {
  const { link, keys } = steps;
  const read = async (key: string, names: readonly string[]) => {
    try {
      const values = await link.call("HMGET", [key, ...names]) as (string | null)[];
      return values.map((value) => value ?? "");
    } catch (error) {
      if (hasCode(error, "WRONGTYPE")) return names.map(() => "");
      throw error;
    }
  };
  const [newest, attempt, done, exit, bytes, ms, last, truncated, left] = await read(keys.meta(id), [
    ...["token", "attempt", "done", "exit", "output_bytes", "ms", "last_error", "truncated", "left"],
  ]);
  // an attempt of a host that was given up as lost has no token any more
  if (newest !== token && (newest !== "0" || attempt !== String(Number.parseInt(token)))) return null;
  const [status, error, result] = await read(keys.job(id), ["status", "error", "result"]);
  const numbers = {
    ...{ exitCode: Number(exit), outputBytes: Number(bytes), ms: Number(ms) },
    ...(truncated === "1" && { truncated: true }),
    ...(left !== "" && { left }),
  };
  if (status === "finished" || status === "error") return { state: status, error, ...numbers, result };
  if (status === "" || done !== token) return null; // it was purged, or runs again
  return { state: "error", error: last, ...numbers, result: "", retry: true };
}

/** Revokes a claim or an attempt of an instance whose lease has ended. */
export async function reap(
  steps: Steps,
  { runner, instance }: Pick<InstanceIdentity, "runner" | "instance">,
  { what, policy, graceMs, lostAfterMs }: {
    readonly what: { readonly claim: RawId } | { readonly attempt: string };
    readonly policy: LostPolicy;
    readonly graceMs: number;
    readonly lostAfterMs: number;
  },
): Promise<ReapReply> {
  const { keys } = steps;
  const isClaim = "claim" in what;
  // a claimed id may be no text: the keys are then those of another job, but the script does not use them
  const id = isClaim ? new TextDecoder().decode(what.claim) : what.attempt;
  const reply = await steps.job(SCRIPTS.reap, id, {
    ...(isClaim ? { raw: what.claim } : {}),
    keys: [keys.lease(runner), keys.claim(runner, instance), keys.attempts(runner, instance), keys.queue(runner)],
    args: [instance, isClaim ? "claim" : "attempt", policy, graceMs, lostAfterMs, runner],
  });
  if (reply[0] === "FAILED") await steps.settleAll(reply.slice(1).map(String));
  return reply[0] as ReapReply;
}
