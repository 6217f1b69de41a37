import {
  InvalidInputError,
  JobNotFoundError,
  LaunchError,
  NoTerminalError,
  QueueFullError,
  RefusedError,
  SetupError,
  UnavailableError,
} from "../../src/domain/errors.ts";
import { assertEquals } from "../support/assert.ts";

const CLASSES = {
  InvalidInputError,
  JobNotFoundError,
  NoTerminalError,
  UnavailableError,
  QueueFullError,
  RefusedError,
  LaunchError,
  SetupError,
};

Deno.test("an error has the name of its class, its message and its cause", () => {
  const cause = new TypeError("why");
  for (const [name, Class] of Object.entries(CLASSES)) {
    const error = new Class("Cannot read job: it is gone", { cause });
    assertEquals([error.name, error.message, error.cause], [name, "Cannot read job: it is gone", cause]);
    assertEquals(String(error), `${name}: Cannot read job: it is gone`);
  }
});

Deno.test("an error is an instance of its own class only, but a refusal is also unavailability", () => {
  for (const [name, Class] of Object.entries(CLASSES)) {
    const error = new Class("Cannot read job: it is gone");
    const matches = Object.entries(CLASSES).filter(([, Other]) => error instanceof Other).map(([other]) => other);
    assertEquals(matches, name === "RefusedError" ? ["UnavailableError", "RefusedError"] : [name]);
  }
});
