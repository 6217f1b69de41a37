import type { InstanceInfo, RegisterOptions, RegisterReply } from "../ports/queue.ts";
import type { Evidence } from "./evidence.ts";
import type { Keys } from "./keys.ts";
import type { Link } from "./link.ts";
import type { InstanceIdentity } from "./identity.ts";
import { SCRIPTS } from "./scripts.ts";

/** The process that registers, and what it has on record. */
interface Registration extends RegisterOptions {
  readonly info: InstanceInfo;
  readonly identity: Required<InstanceIdentity>;
  readonly evidence: Evidence;
}

/** Makes a process the owner of its instance. Returns also Redis' clock, Unix ms, when it is the owner. */
export async function register(
  link: Link,
  keys: Keys,
  { info, identity, evidence, proof = [], lineage = [], restored = false, unmixed = false }: Registration,
): Promise<{ readonly at: number | null; readonly reply: RegisterReply }> {
  const { runner, instance, nonce, leaseMs } = identity;
  const { bootId, host, pid, version, slots, access } = info;
  const reported = restored ? evidence.reported : 0;
  const fields = ["host", host, "pid", pid, "version", version, "slots", slots, "access", JSON.stringify(access)];
  const reply = await link.run(
    SCRIPTS.register,
    [
      keys.lease(runner),
      keys.instance(runner, instance),
      keys.names(),
      keys.history(runner),
      keys.limits(),
      keys.limitState(),
    ],
    [
      ...[instance, nonce, leaseMs, linesOf(proof), runner],
      ...[reported, restored ? 1 : 0, unmixed ? 1 : 0, linesOf(lineage), bootId, ...fields],
    ],
  );
  if (reply[0] === "LOST") throw evidence.lost("register");
  if (reply[0] !== "OK") {
    return { at: null, reply: { type: "BUSY", msLeft: Number(reply[1]), host: String(reply[2]) } };
  }
  const [, at, seq, mixed, stale, limitsHeldMs] = reply;
  return {
    at: Number(at),
    reply: {
      type: "OK",
      seq: Number(seq),
      mixed: mixed === 1,
      stale: stale === 1,
      limitsHeldMs: Number(limitsHeldMs),
    },
  };
}

/** Joins names, with a line feed before and after each. */
function linesOf(names: readonly string[]): string {
  return `\n${names.join("\n")}\n`;
}
