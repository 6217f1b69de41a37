/** A step that can be taken in a state. */
export interface Step<S> {
  /** What happens, for the story of a finding. */
  readonly name: string;
  readonly to: S;
  /** Something that breaks; every other step is the program's own. */
  readonly fault?: boolean;
}

/** What is explored. */
export interface Model<S> {
  readonly start: S;
  /** All steps of a state. */
  steps(state: S): Iterable<Step<S>>;
  /** What is wrong with a state; `null` as a rule. */
  wrong(state: S): string | null;
  /** Nothing is left to do. */
  isOver(state: S): boolean;
}

/** What was found. */
export interface Exploration {
  /** Number of different states. */
  readonly states: number;
  /** The shortest story that ends in something wrong; `null` when there is none. */
  readonly finding: { readonly what: string; readonly story: readonly string[] } | null;
}

/**
 * Walks every interleaving of a model, breadth first, so that a finding has the shortest story there is. A state from
 * which no steps of the program alone lead to an end is a finding, too: something would wait for ever.
 *
 * States are plain data: two with the same JSON are the same.
 *
 * @throws {RangeError} There are more states than `limit`.
 */
export function explore<S>(model: Model<S>, limit = 2_000_000): Exploration {
  const numbers = new Map<string, number>();
  const states: S[] = [];
  const origin: { readonly from: number; readonly name: string }[] = [];
  /** States that lead into a state by a step of the program. */
  const before: number[][] = [];
  const add = (state: S, from: number, name: string): number => {
    const key = JSON.stringify(state);
    const known = numbers.get(key);
    if (known !== undefined) return known;
    if (states.length === limit) throw new RangeError(`Cannot explore more than ${limit} states: give it fewer faults`);
    numbers.set(key, states.length);
    states.push(state);
    origin.push({ from, name });
    before.push([]);
    return states.length - 1;
  };
  const story = (at: number): string[] => {
    const names: string[] = [];
    for (let n = at; origin[n].from !== -1; n = origin[n].from) names.push(origin[n].name);
    return names.reverse();
  };
  add(model.start, -1, "");
  for (let at = 0; at < states.length; at++) {
    const what = model.wrong(states[at]);
    if (what !== null) return { states: states.length, finding: { what, story: story(at) } };
    for (const { name, to, fault = false } of model.steps(states[at])) {
      const next = add(to, at, name);
      if (!fault) before[next].push(at);
    }
  }
  const stuck = firstStuck(states, before, model.isOver);
  return {
    states: states.length,
    finding: stuck === null
      ? null
      : { what: "waits for ever", story: [...story(stuck), JSON.stringify(states[stuck])] },
  };
}

/** The first state from which no end can be reached; `null` when there is none. */
function firstStuck<S>(states: readonly S[], before: readonly number[][], isOver: (state: S) => boolean) {
  const good = new Uint8Array(states.length);
  const open: number[] = [];
  const mark = (at: number) => {
    if (good[at]) return;
    good[at] = 1;
    open.push(at);
  };
  states.forEach((state, at) => isOver(state) && mark(at));
  for (let at = open.pop(); at !== undefined; at = open.pop()) before[at].forEach(mark);
  const stuck = good.indexOf(0);
  return stuck === -1 ? null : stuck;
}
