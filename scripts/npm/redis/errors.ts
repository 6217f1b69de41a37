// Like the real ones these carry no name of their own: `error.name` is "Error", only `instanceof` distinguishes them.

export class EOFError extends Error {}

export class ConnectionClosedError extends Error {}

export class SubscriptionClosedError extends Error {}

/** An error that Redis answered; its message begins with the `-` of the wire. */
export class ErrorReplyError extends Error {}

export class NotImplementedError extends Error {
  constructor(message?: string) {
    super(message ? `Not implemented: ${message}` : "Not implemented");
  }
}

export class InvalidStateError extends Error {
  constructor(message?: string) {
    super(message ? `Invalid state: ${message}` : "Invalid state");
  }
}
