import { InvalidInputError } from "./errors.ts";

/** Events after which a hook runs: `lost` means that how an attempt ended is unknown. */
export const HOOK_EVENTS = ["start", "end", "input_required", "lost"] as const;

/** One of these events. */
export type HookEvent = typeof HOOK_EVENTS[number];

/** A command that runs after an event. */
export interface HookRule {
  readonly on: HookEvent;
  /** Shell text. */
  readonly command: string;
}

/**
 * Reads events that are separated by commas.
 *
 * @throws {InvalidInputError} One of them is none.
 */
export function readHookEvents(text: string): readonly HookEvent[] {
  const names = text.split(",");
  const events = HOOK_EVENTS.filter((event) => names.includes(event));
  const wrong = names.find((name) => !HOOK_EVENTS.some((event) => event === name));
  if (wrong === undefined) return events;
  throw new InvalidInputError(`Cannot run a hook on ${JSON.stringify(wrong)}: events are ${HOOK_EVENTS.join(", ")}`);
}

/**
 * Returns the hooks that the options ask for: `onEnd` is short for a hook on `end`.
 *
 * @throws {InvalidInputError} There is a hook without events, or events without a hook.
 */
export function hookRules(
  { on, hook, onEnd }: { readonly on?: string; readonly hook?: string; readonly onEnd?: string },
): readonly HookRule[] {
  if ((on === undefined) !== (hook === undefined)) {
    const [given, other] = on === undefined ? ["hook", "on"] : ["on", "hook"];
    throw new InvalidInputError(`Cannot use --${given} without --${other}: a hook has events and a command`);
  }
  const rules = hook === undefined ? [] : readHookEvents(on!).map((event) => ({ on: event, command: hook }));
  return onEnd === undefined ? rules : [{ on: "end", command: onEnd }, ...rules];
}
