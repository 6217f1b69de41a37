import type { Args, CliApi, ParseOptions } from "./api.ts";

export type { Args, ParseOptions } from "./api.ts";

type Value = string | number | boolean;

const list = (names: boolean | string | string[] | undefined): string[] =>
  typeof names === "string" ? [names] : Array.isArray(names) ? names : [];

const isNumber = (text: string) => /\S/.test(text) && Number.isFinite(Number(text));

/** Which names are of which kind; a name shares its kinds with its aliases. */
class Names {
  readonly #aliases = new Map<string, string[]>();
  readonly boolean: Set<string>;
  readonly string: Set<string>;
  readonly collect: Set<string>;
  readonly negatable: Set<string>;

  constructor(options: ParseOptions) {
    for (const [name, others] of Object.entries(options.alias ?? {})) {
      const group = [name, ...list(others)];
      for (const one of group) {
        this.#aliases.set(
          one,
          group.filter((other) => other !== one),
        );
      }
    }
    this.boolean = this.#withAliases(options.boolean);
    this.string = this.#withAliases(options.string);
    this.collect = this.#withAliases(options.collect);
    this.negatable = this.#withAliases(options.negatable);
  }

  #withAliases(names: boolean | string | string[] | undefined): Set<string> {
    return new Set(
      list(names).filter(Boolean).flatMap((name) => this.group(name)),
    );
  }

  /** The name itself, then its aliases. */
  group(name: string): string[] {
    return [name, ...this.#aliases.get(name) ?? []];
  }

  isKnown(name: string): boolean {
    return this.#aliases.has(name) ||
      [this.boolean, this.string, this.collect].some((kind) => kind.has(name));
  }
}

/** A dot in a name makes an object in the result. */
function put(target: Record<string, unknown>, name: string, value: unknown) {
  const path = name.split(".");
  // a command line must not reach a prototype
  if (path.includes("__proto__")) return;
  const last = path.pop()!;
  for (const part of path) {
    if (!Object.hasOwn(target, part)) target[part] = {};
    target = target[part] as Record<string, unknown>;
  }
  target[last] = value;
}

function get(target: unknown, name: string): unknown {
  return name.split(".").reduce(
    (inner, part) =>
      typeof inner === "object" && inner && Object.hasOwn(inner, part) ? Reflect.get(inner, part) : undefined,
    target,
  );
}

class Parser {
  readonly #names: Names;
  readonly #options: ParseOptions;
  readonly result: Args = { _: [] };

  constructor(options: ParseOptions) {
    this.#options = options;
    this.#names = new Names(options);
  }

  #set(
    name: string,
    given: Value,
    { arg, collect = true }: { arg: string; collect?: boolean },
  ) {
    const anyBoolean = this.#options.boolean === true && /^--[^=]+$/.test(arg);
    if (
      !this.#names.isKnown(name) && !anyBoolean &&
      this.#options.unknown?.(arg, name, given) === false
    ) return;
    const value = typeof given === "string" && !this.#names.string.has(name) &&
        isNumber(given)
      ? Number(given)
      : given;
    for (const one of this.#names.group(name)) {
      const before = get(this.result, one);
      const many = collect && this.#names.collect.has(name);
      put(
        this.result,
        one,
        many ? Array.isArray(before) ? [...before, value] : [value] : value,
      );
    }
  }

  /** What a name without a value of its own stands for. */
  #bare(name: string): Value {
    return this.#names.string.has(name) ? "" : true;
  }

  /**
   * Reads the argument after a flag as its value, and returns whether it was one: any that is no flag, except after a
   * boolean, which accepts only `true` and `false`. An empty argument is never a value.
   */
  #readValue(
    name: string,
    next: string | undefined,
    how: { arg: string; flagLike: RegExp; boolean: boolean },
  ): boolean {
    if (!next) return false;
    if (!how.boolean && !how.flagLike.test(next)) this.#set(name, next, how);
    else if (next === "true" || next === "false") {
      this.#set(name, next === "true", how);
    } else return false;
    return true;
  }

  /** `--name`, `--name=value`, `--name value`, `--no-name`; true when `next` was used. */
  long(arg: string, next: string | undefined): boolean {
    const { negated, bare, value } = /^--(?<negated>no-)?(?<bare>.+?)(?:=(?<value>.*))?$/s.exec(arg)!.groups!;
    const names = this.#names;
    if (value !== undefined) {
      this.#set(bare, names.boolean.has(bare) ? value !== "false" : value, {
        arg,
      });
      return false;
    }
    if (negated && names.negatable.has(bare)) {
      this.#set(bare, false, { arg, collect: false });
      return false;
    }
    const name = `${negated ?? ""}${bare}`;
    const boolean = names.boolean.has(name) || this.#options.boolean === true;
    if (this.#readValue(name, next, { arg, flagLike: /^-/, boolean })) return true;
    this.#set(name, this.#bare(name), { arg });
    return false;
  }

  /** `-n`, `-n value`, `-nvalue`, `-abc`, `-n=value`; true when `next` was used. */
  short(arg: string, next: string | undefined): boolean {
    const letters = arg.slice(1, -1);
    for (const [at, letter] of [...letters].entries()) {
      const rest = arg.slice(at + 2);
      if (rest === "-") {
        this.#set(letter, rest, { arg });
        continue;
      }
      const isLetter = /[A-Za-z]/.test(letter);
      const assigned = isLetter ? /=(?<value>.+)/.exec(rest)?.groups?.value : undefined;
      const attached = assigned ??
        (rest === "=" ? "" : isLetter && /-?\d+(\.\d*)?(e-?\d+)?$/.test(rest) ? rest : undefined) ??
        (/\W/.test(letters[at + 1] ?? "") ? rest : undefined);
      if (attached !== undefined) {
        this.#set(letter, attached, { arg });
        return false;
      }
      this.#set(letter, this.#bare(letter), { arg });
    }
    const name = arg.slice(-1);
    if (name === "-") return false;
    if (
      this.#readValue(name, next, {
        arg,
        flagLike: /^(-|--)[^-]/,
        boolean: this.#names.boolean.has(name),
      })
    ) return true;
    this.#set(name, this.#bare(name), { arg });
    return false;
  }

  positional(arg: string) {
    if (this.#options.unknown?.(arg) === false) return;
    this.result._.push(
      this.#names.string.has("_") || !isNumber(arg) ? arg : Number(arg),
    );
  }

  /** What was not given: defaults, false for a boolean, an empty list for what is collected. */
  complete() {
    const missing = (name: string) => get(this.result, name) === undefined;
    for (const [name, value] of Object.entries(this.#options.default ?? {})) {
      if (missing(name)) {
        this.#names.group(name).forEach((one) => put(this.result, one, value));
      }
    }
    const { boolean, string, collect } = this.#names;
    for (const name of boolean) {
      if (missing(name)) {
        put(this.result, name, collect.has(name) ? [] : false);
      }
    }
    for (const name of string) {
      if (missing(name) && collect.has(name)) put(this.result, name, []);
    }
  }
}

export const parseArgs: CliApi["parseArgs"] = (args, options = {}) => {
  const parser = new Parser(options);
  const end = args.indexOf("--");
  const flags = end < 0 ? args : args.slice(0, end);
  const rest = end < 0 ? [] : args.slice(end + 1);
  for (let i = 0; i < flags.length; i++) {
    const arg = flags[i];
    if (/^--./s.test(arg)) {
      if (parser.long(arg, flags[i + 1])) i++;
    } else if (/^-./s.test(arg)) {
      if (parser.short(arg, flags[i + 1])) i++;
    } else {
      parser.positional(arg);
      if (options.stopEarly) {
        parser.result._.push(...flags.slice(i + 1));
        break;
      }
    }
  }
  parser.complete();
  if (options["--"]) parser.result["--"] = rest;
  else parser.result._.push(...rest);
  return parser.result;
};
