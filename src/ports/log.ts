/** Fields of a log line; never a payload, an environment value or a password. */
export interface LogFields {
  readonly job?: string;
  readonly runner?: string;
  readonly instance?: string;
  readonly state?: string;
  readonly code?: number;
  readonly signal?: string;
  readonly attempt?: number;
  readonly ms?: number;
  readonly error?: string;
  readonly count?: number;
}

/** Log of the runner: each line has a short message in the past tense and fixed fields. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}
