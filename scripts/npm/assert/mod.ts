/**
 * Stands in for `@std/assert` where npm can be reached and JSR cannot: the functions that the tests use, with the same
 * types and verdicts.
 *
 * Only the wording of a failure differs: both values are printed whole instead of as a coloured difference.
 */

class AssertionError extends Error {
  override name = "AssertionError";
}

// deno-lint-ignore no-explicit-any
type Constructor<T> = abstract new (...args: any[]) => T;

const show = (value: unknown) =>
  Deno.inspect(value, { depth: Infinity, iterableLimit: Infinity, strAbbreviateSize: Infinity, sorted: true });

function demand(truth: boolean, claim: () => string, msg = ""): void {
  if (!truth) throw new AssertionError(claim() + (msg && `: ${msg}`));
}

const prototypeOf = (value: object) => Object.getPrototypeOf(value) ?? Object.prototype;

/**
 * Whether two values have the same prototype and, all the way down, the same keys and values. Order matters in arrays,
 * not in sets and maps. An object of a class whose state is private, such as a date, equals only itself.
 */
function equal(left: unknown, right: unknown): boolean {
  const met = new Map<unknown, unknown>();
  return (function same(a: unknown, b: unknown): boolean {
    if (a === b || Object.is(a, b)) return true;
    if (typeof a !== "object" || typeof b !== "object" || !a || !b || prototypeOf(a) !== prototypeOf(b)) return false;
    if (met.get(a) === b) return true;
    met.set(a, b);
    if (a instanceof Map || a instanceof Set) {
      const others = [...b as Iterable<unknown>];
      return a.size === others.length && [...a].every((entry) => others.some((other) => same(entry, other)));
    }
    if (a instanceof Uint8Array) {
      const other = b as Uint8Array;
      return a.length === other.length && a.every((byte, i) => byte === other[i]);
    }
    const keys = Reflect.ownKeys(a);
    return (keys.length > 0 || prototypeOf(a) === Object.prototype) && keys.length === Reflect.ownKeys(b).length &&
      keys.every((key) => Object.hasOwn(b, key) && same(Reflect.get(a, key), Reflect.get(b, key)));
  })(left, right);
}

export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError(msg);
}

export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  demand(
    equal(actual, expected),
    () => `Values are not equal\n  actual:   ${show(actual)}\n  expected: ${show(expected)}`,
    msg,
  );
}

export function assertMatch(actual: string, expected: RegExp, msg?: string): void {
  demand(expected.test(actual), () => `Expected ${show(actual)} to match ${expected}`, msg);
}

export function assertStringIncludes(actual: string, expected: string, msg?: string): void {
  demand(actual.includes(expected), () => `Expected ${show(actual)} to contain ${show(expected)}`, msg);
}

export function assertInstanceOf<T extends Constructor<unknown>>(
  actual: unknown,
  expectedType: T,
  msg?: string,
): asserts actual is InstanceType<T> {
  demand(actual instanceof expectedType, () => `Expected an instance of ${expectedType.name}: ${show(actual)}`, msg);
}

/** The class that an error must have, and a part of its message. */
type Wanted<E> = [ErrorClass?: Constructor<E>, msgIncludes?: string, msg?: string];

function check<E>(error: unknown, [ErrorClass, msgIncludes = "", msg]: Wanted<E>): unknown {
  if (!ErrorClass) return error;
  assertInstanceOf(error, ErrorClass, msg);
  assertStringIncludes((error as Error).message, msgIncludes, msg);
  return error;
}

function failed<E>(claim: string, [, , msg]: Wanted<E>): AssertionError {
  return new AssertionError(claim + (msg ? `: ${msg}` : ""));
}

export function assertThrows(fn: () => unknown): unknown;
export function assertThrows<E extends Error>(
  fn: () => unknown,
  ErrorClass: Constructor<E>,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows<E>(fn: () => unknown, ...wanted: Wanted<E>): unknown {
  try {
    fn();
  } catch (error) {
    return check(error, wanted);
  }
  throw failed("Expected function to throw", wanted);
}

export function assertRejects(fn: () => PromiseLike<unknown>): Promise<unknown>;
export function assertRejects<E extends Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: Constructor<E>,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects<E>(fn: () => PromiseLike<unknown>, ...wanted: Wanted<E>): Promise<unknown> {
  let promise: PromiseLike<unknown>;
  try {
    promise = fn();
  } catch {
    throw failed("Function throws when expected to reject", wanted);
  }
  try {
    await promise;
  } catch (error) {
    return check(error, wanted);
  }
  throw failed("Expected function to reject", wanted);
}
