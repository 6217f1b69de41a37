import { RefusedError, UnavailableError } from "../domain/errors.ts";
import type { Condition, Trouble } from "../ports/queue.ts";

/** An error that says why Redis cannot be used now. */
export type TroubleError = UnavailableError & Trouble;

/** Command, server and user of an error, for messages. */
export interface Context {
  /** Name of the command or of the script. */
  readonly command: string;
  /** `host:port`. */
  readonly address: string;
  /** Redis user. */
  readonly user: string;
}

/**
 * Makes an error that a caller can handle. `sent`: the command may have been executed.
 *
 * @param message Begins with `Cannot run COMMAND: ` where a command failed.
 */
export function trouble(
  condition: Condition,
  message: string,
  facts: { sent: boolean; code?: string; cause?: unknown; remedy?: string },
): TroubleError {
  const { sent, code, cause, remedy } = facts;
  const says = message.replace(/^Cannot run [\w ]+: /, "");
  const Class = condition === "refused" ? RefusedError : UnavailableError;
  const error = cause === undefined ? new Class(message) : new Class(message, { cause });
  return Object.assign(error, { condition, sent, code, says, remedy });
}

/** The meaning of an error reply: the condition, whether the connection is unusable, and a sentence. */
interface Meaning {
  readonly condition: Condition;
  readonly drop?: boolean;
  readonly says: (context: Context, text: string) => string;
}

const cannot = ({ command, address }: Context) => `Cannot run ${command}: Redis at ${address}`;

const busy: Meaning = { condition: "busy", says: (c, text) => `${cannot(c)} is busy, try again: ${text}` };
const moved: Meaning = {
  condition: "unreachable",
  drop: true,
  says: (c, text) => `${cannot(c)} is no master any more: ${text}`,
};
const cluster: Meaning = {
  condition: "unfit",
  says: (c) => `${cannot(c)} is a cluster: use a namespace with a hash tag, such as "{production}"`,
};
const elsewhere: Meaning = {
  condition: "unfit",
  says: (c, text) =>
    `${cannot(c)} is a node of a cluster, and ${
      /\S+$/.exec(text)?.[0]
    } has the keys: use that address, and a namespace with a ` +
    'hash tag, such as "{production}"',
};

const MEANINGS: Readonly<Record<string, Meaning>> = {
  LOADING: busy,
  MASTERDOWN: busy,
  BUSY: busy,
  TRYAGAIN: busy,
  CLUSTERDOWN: busy,
  READONLY: moved,
  UNBLOCKED: moved,
  MISCONF: {
    condition: "full",
    says: (c) =>
      `${cannot(c)} takes no writes because it cannot save to its disk (MISCONF): make room there, or see its log`,
  },
  OOM: {
    condition: "full",
    says: (c) => `${cannot(c)} is at its memory limit (OOM): raise maxmemory, or delete ended jobs`,
  },
  NOAUTH: {
    condition: "refused",
    says: (c) => `${cannot(c)} wants a password: write redis://:PASSWORD@HOST or redis://USER:PASSWORD@HOST`,
  },
  WRONGPASS: {
    condition: "refused",
    says: (c) => `${cannot(c)} does not accept the password of user "${c.user}", or has disabled that user`,
  },
  NOPERM: {
    condition: "refused",
    says: (c, text) =>
      `${cannot(c)} does not let user "${c.user}" do that (${text}): ` +
      `give that user the rights in section "Set up Redis" of src/redis/README.md`,
  },
  CROSSSLOT: cluster,
  MOVED: elsewhere,
  ASK: elsewhere,
  WRONGTYPE: {
    condition: "unfit",
    says: (c) =>
      `${cannot(c)} has a value of another type in a key of this namespace: delete the key or use another namespace`,
  },
};

const OTHER: Meaning = { condition: "unfit", says: (c, text) => `${cannot(c)} answered ${JSON.stringify(text)}` };

/**
 * Returns the code of an error reply. Redis 6 wraps the error of a command inside a script; some proxies wrap READONLY.
 *
 * @param message The reply, with or without the `-` in front.
 */
export function codeOf(message: string): string {
  const code = /^-?([A-Z]+)/.exec(message)?.[1] ?? "";
  if (code !== "ERR") return code;
  if (/ERR AUTH|no password is set/.test(message)) return "WRONGPASS";
  if (/The user executing the script can't|ACL failure in script/.test(message)) return "NOPERM";
  return /@user_script: ?\d+: -?([A-Z]{3,})\b/.exec(message)?.[1] ?? /^-?ERR (READONLY)/.exec(message)?.[1] ?? code;
}

/** Turns an error reply into an error, and returns whether the connection must be dropped. */
export function fromReply(message: string, context: Context): { error: TroubleError; drop: boolean } {
  const code = codeOf(message);
  const { condition, drop = false, says } = MEANINGS[code] ?? OTHER;
  return { error: trouble(condition, says(context, clean(message)), { sent: true, code }), drop };
}

/** Removes arguments of the command, which an error reply may quote. */
function clean(message: string): string {
  const text = message.replace(/^-/, "").replace(/,? with args beginning with.*$/s, "").replace(/ script: .*$/s, "");
  return text.slice(0, 200).replace(/\.$/, "");
}
