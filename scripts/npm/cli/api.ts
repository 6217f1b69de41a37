/**
 * What this project uses of `@std/cli`, as types: the stand-in is declared with them, and a test holds the real package
 * to them too.
 */

export interface ProgressBarOptions {
  writable: WritableStream<Uint8Array>;
  value: number;
  max: number;
  barLength: number;
  /** Pause between two pictures, milliseconds. */
  interval: number;
  /** Whether the bar is erased at the end. */
  clear: true;
  formatter: (parts: { progressBar: string }) => string;
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

/** The values of the module `unicode-width`. */
export interface CliApi {
  unicodeWidth: (text: string) => number;
}
