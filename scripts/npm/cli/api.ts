/**
 * What this project uses of `@std/cli`, as types: the stand-in is declared with them, and a test holds the real package
 * to them too.
 */

/**
 * The real types work out every flag's type from literal options; ours come from rows at run time, so they are unknown.
 */
export interface ParseOptions {
  "--"?: boolean;
  alias?: Record<string, string | string[]>;
  boolean?: boolean | string | string[];
  string?: string | string[];
  collect?: string | string[];
  negatable?: string | string[];
  default?: Record<string, unknown>;
  stopEarly?: boolean;
  /** For each argument that no option names; false leaves it out of the result. */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

export interface Args {
  [key: string]: unknown;
  _: (string | number)[];
  "--"?: string[];
}

/** What the formatter of a bar gets; times in milliseconds. */
export interface ProgressBarFormatter {
  styledTime: string;
  styledData: string;
  progressBar: string;
  time: number;
  previousTime: number;
  value: number;
  previousValue: number;
  max: number;
}

export interface ProgressBarOptions {
  writable?: WritableStream<Uint8Array>;
  value?: number;
  max: number;
  barLength?: number;
  fillChar?: string;
  emptyChar?: string;
  clear?: boolean;
  formatter?: (formatter: ProgressBarFormatter) => string;
  keepOpen?: boolean;
  interval?: number;
}

export interface ProgressBarInstance {
  value: number;
  max: number;
  stop(): Promise<void>;
}

/** The values of the module `unstable-progress-bar`. */
export interface ProgressBarApi {
  ProgressBar: new (options: ProgressBarOptions) => ProgressBarInstance;
}

/** The values of the module. */
export interface CliApi {
  parseArgs: (args: string[], options?: ParseOptions) => Args;
  unicodeWidth: (text: string) => number;
}
