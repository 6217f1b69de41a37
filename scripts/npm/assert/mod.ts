/**
 * Stands in for `@std/assert` where npm can be reached and JSR cannot: the same names, types and verdicts.
 *
 * Only the wording of a failure differs: both values are printed whole instead of as a coloured difference.
 */

/** What every assertion here throws. */
export class AssertionError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AssertionError";
  }
}

// deno-lint-ignore no-explicit-any
type Constructor<T> = abstract new (...args: any[]) => T;
type Falsy = false | 0 | 0n | "" | null | undefined;
type ArrayLikeArg<T> = ArrayLike<T> & object;

const show = (value: unknown) =>
  typeof value === "string" ? JSON.stringify(value) : Deno.inspect(value, {
    depth: Infinity,
    iterableLimit: Infinity,
    strAbbreviateSize: Infinity,
    sorted: true,
  });

function demand(truth: boolean, claim: () => string, msg?: string) {
  if (!truth) throw new AssertionError(claim() + (msg ? `: ${msg}` : "."));
}

const prototype = (value: object) => Object.getPrototypeOf(value) ?? Object.prototype;

/**
 * Whether two values have the same prototype and, all the way down, the same keys and values.
 *
 * Functions and symbols are equal only to themselves, NaN to NaN, 0 to -0; order matters in arrays, not in sets and
 * maps.
 */
export function equal(a: unknown, b: unknown): boolean {
  const met = new Map<unknown, unknown>();
  return (function same(a: unknown, b: unknown): boolean {
    if (a === b || Object.is(a, b)) return true;
    if (typeof a !== "object" || typeof b !== "object" || !a || !b) {
      return false;
    }
    if (prototype(a) !== prototype(b)) return false;
    if (a instanceof WeakMap || a instanceof WeakSet) {
      throw new TypeError("Cannot compare weak collections");
    }
    if (met.get(a) === b) return true;
    met.set(a, b);
    if (a instanceof Date) return Object.is(+a, +(b as Date));
    if (a instanceof RegExp || a instanceof URL) return String(a) === String(b);
    if (a instanceof Map || a instanceof Set) {
      const rest = [...b as Iterable<unknown>];
      return a.size === rest.length && [...a].every((entry) => {
        const at = rest.findIndex((other) => same(entry, other));
        return at >= 0 && rest.splice(at, 1).length === 1;
      });
    }
    if (a instanceof Uint8Array) {
      const other = b as Uint8Array;
      return a.length === other.length && a.every((byte, i) => byte === other[i]);
    }
    if (a instanceof ArrayBuffer) {
      return same(new Uint8Array(a), new Uint8Array(b as ArrayBuffer));
    }
    const keys = Reflect.ownKeys(a);
    return keys.length === Reflect.ownKeys(b).length &&
      keys.every((key) =>
        Object.hasOwn(b, key) &&
        same(Reflect.get(a, key), Reflect.get(b, key))
      );
  })(a, b);
}

export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError(msg);
}

export function assertFalse(expr: unknown, msg = ""): asserts expr is Falsy {
  if (expr) throw new AssertionError(msg);
}

export function fail(msg?: string): never {
  throw new AssertionError(`Failed assertion${msg ? `: ${msg}` : "."}`);
}

export function unimplemented(msg?: string): never {
  throw new AssertionError(`Unimplemented${msg ? `: ${msg}` : "."}`);
}

export function unreachable(msg?: string): never {
  throw new AssertionError(`Unreachable${msg ? `: ${msg}` : "."}`);
}

export function assertEquals<T>(actual: T, expected: T, msg?: string) {
  demand(
    equal(actual, expected),
    () => `Values are not equal\n  actual:   ${show(actual)}\n  expected: ${show(expected)}`,
    msg,
  );
}

export function assertNotEquals<T>(actual: T, expected: T, msg?: string) {
  demand(
    !equal(actual, expected),
    () => `Expected a value other than ${show(expected)}`,
    msg,
  );
}

export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  msg?: string,
): asserts actual is T {
  demand(
    Object.is(actual, expected),
    () => `Values are not strictly equal\n  actual:   ${show(actual)}\n  expected: ${show(expected)}`,
    msg,
  );
}

export function assertNotStrictEquals<T>(actual: T, expected: T, msg?: string) {
  demand(
    !Object.is(actual, expected),
    () => `Expected a value that is not ${show(expected)} itself`,
    msg,
  );
}

export function assertExists<T>(
  actual: T,
  msg?: string,
): asserts actual is NonNullable<T> {
  demand(
    actual !== undefined && actual !== null,
    () => `Expected a value, not ${actual}`,
    msg,
  );
}

export function assertMatch(actual: string, expected: RegExp, msg?: string) {
  demand(
    expected.test(actual),
    () => `Expected ${show(actual)} to match ${expected}`,
    msg,
  );
}

export function assertNotMatch(actual: string, expected: RegExp, msg?: string) {
  demand(
    !expected.test(actual),
    () => `Expected ${show(actual)} not to match ${expected}`,
    msg,
  );
}

export function assertStringIncludes(
  actual: string,
  expected: string,
  msg?: string,
) {
  demand(
    actual.includes(expected),
    () => `Expected ${show(actual)} to contain ${show(expected)}`,
    msg,
  );
}

export function assertArrayIncludes<T>(
  actual: ArrayLikeArg<T>,
  expected: ArrayLikeArg<T>,
  msg?: string,
): void {
  const missing = Array.from(expected).filter((item) => !Array.from(actual).some((other) => equal(item, other)));
  demand(
    missing.length === 0,
    () => `Expected ${show(actual)} to include ${show(missing)}`,
    msg,
  );
}

/** The part of `actual` that `pattern` speaks about, so that the two can be compared as wholes. */
function part(actual: unknown, pattern: unknown): unknown {
  if (Array.isArray(actual) && Array.isArray(pattern)) {
    return actual.slice(0, pattern.length).map((v, i) => part(v, pattern[i]));
  }
  if (actual instanceof Map && pattern instanceof Map) {
    return new Map(
      [...actual].filter(([k]) => pattern.has(k)).map((
        [k, v],
      ) => [k, part(v, pattern.get(k))]),
    );
  }
  if (actual instanceof Set && pattern instanceof Set) {
    return actual.intersection(pattern);
  }
  const whole = [RegExp, Date, Uint8Array];
  if (
    typeof actual !== "object" || typeof pattern !== "object" ||
    !actual || !pattern || whole.some((type) => actual instanceof type)
  ) {
    return actual;
  }
  return Object.fromEntries(
    Reflect.ownKeys(pattern).filter((key) => key in actual).map((
      key,
    ) => [key, part(Reflect.get(actual, key), Reflect.get(pattern, key))]),
  );
}

export function assertObjectMatch(
  // deno-lint-ignore no-explicit-any
  actual: Record<PropertyKey, any>,
  expected: Record<PropertyKey, unknown>,
  msg?: string,
): void {
  // the pattern is filtered by itself, so that instances of classes count as plain objects on both sides
  assertEquals(part(actual, expected), part(expected, expected), msg);
}

function assertOrder<T>(
  order: "<" | "<=" | ">" | ">=",
  [truth, actual, expected]: [boolean, T, T],
  msg?: string,
) {
  if (truth) return;
  throw new AssertionError(
    msg ?? `Expect ${show(actual)} ${order} ${show(expected)}`,
  );
}

export function assertGreater<T>(actual: T, expected: T, msg?: string) {
  assertOrder(">", [actual > expected, actual, expected], msg);
}

export function assertGreaterOrEqual<T>(actual: T, expected: T, msg?: string) {
  assertOrder(">=", [actual >= expected, actual, expected], msg);
}

export function assertLess<T>(actual: T, expected: T, msg?: string) {
  assertOrder("<", [actual < expected, actual, expected], msg);
}

export function assertLessOrEqual<T>(actual: T, expected: T, msg?: string) {
  assertOrder("<=", [actual <= expected, actual, expected], msg);
}

export function assertAlmostEquals(
  actual: number,
  expected: number,
  tolerance: number = isFinite(expected) ? Math.abs(expected * 1e-7) : 1e-7,
  msg?: string,
) {
  demand(
    Object.is(actual, expected) || Math.abs(expected - actual) <= tolerance,
    () => `Expected ${actual} to be within ${tolerance} of ${expected}`,
    msg,
  );
}

const typeName = (value: unknown) =>
  typeof value === "object" && value !== null
    ? value.constructor?.name ?? "Object"
    : value === null
    ? "null"
    : typeof value;

export function assertInstanceOf<T extends Constructor<unknown>>(
  actual: unknown,
  expectedType: T,
  msg = "",
): asserts actual is InstanceType<T> {
  demand(
    actual instanceof expectedType,
    () => `Expected an instance of ${expectedType.name}, not of ${typeName(actual)}`,
    msg,
  );
}

export function assertNotInstanceOf<A, T>(
  actual: A,
  unexpectedType: Constructor<T>,
  msg?: string,
): asserts actual is Exclude<A, T> {
  demand(
    !(actual instanceof unexpectedType),
    () => `Expected no instance of ${unexpectedType.name}`,
    msg,
  );
}

export function assertIsError<E extends Error = Error>(
  error: unknown,
  ErrorClass?: Constructor<E>,
  msgMatches?: string | RegExp,
  msg?: string,
): asserts error is E {
  if (!(error instanceof Error)) {
    throw new AssertionError(`Expected an Error, not ${show(error)}`);
  }
  if (ErrorClass) assertInstanceOf(error, ErrorClass, msg);
  const fits = msgMatches instanceof RegExp ? msgMatches.test(error.message) : error.message.includes(msgMatches ?? "");
  demand(
    fits,
    () => `Expected the message of the error to have ${show(msgMatches)}, but it is ${show(error.message)}`,
    msg,
  );
}

/** What assertThrows and assertRejects accept after the function: a class or an own message, then the rest. */
type Wanted<E> = [(Constructor<E> | string)?, string?, string?];

function checkThrown<E extends Error>(error: unknown, [first, second, third]: Wanted<E>): unknown {
  if (typeof first === "function") assertIsError(error, first, second, third);
  return error;
}

const ownMessage = <E>([first, , third]: Wanted<E>) => typeof first === "string" ? first : third;

export function assertThrows(fn: () => unknown, msg?: string): unknown;
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  ErrorClass: Constructor<E>,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  ...wanted: Wanted<E>
): unknown {
  try {
    fn();
  } catch (error) {
    return checkThrown(error, wanted);
  }
  demand(
    false,
    () => "Expected function to throw",
    ownMessage(wanted),
  );
}

export function assertRejects(
  fn: () => PromiseLike<unknown>,
  msg?: string,
): Promise<unknown>;
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: Constructor<E>,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ...wanted: Wanted<E>
): Promise<unknown> {
  let promise: PromiseLike<unknown> | undefined;
  try {
    promise = fn();
    if (typeof promise?.then === "function") await promise;
    else promise = undefined;
  } catch (error) {
    // thrown before there was a promise: the caller asked for a rejection
    demand(
      promise !== undefined,
      () => "Function throws when expected to reject",
      ownMessage(wanted),
    );
    return checkThrown(error, wanted);
  }
  demand(
    false,
    () => promise === undefined ? "Function throws when expected to reject" : "Expected function to reject",
    ownMessage(wanted),
  );
}
