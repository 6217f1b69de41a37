import { InvalidInputError } from "../../src/domain/errors.ts";
import { messageOf } from "../../src/domain/message_of.ts";
import { assertEquals } from "../support/assert.ts";

Deno.test("messageOf gives the message of an error, and the text of anything else", () => {
  for (
    const [thrown, message] of [
      [new Error("it broke"), "it broke"],
      [new InvalidInputError("Cannot do that"), "Cannot do that"],
      ["a text", "a text"],
      [undefined, "undefined"],
      [{ toString: () => "shown" }, "shown"],
    ] as const
  ) {
    assertEquals(messageOf(thrown), message);
  }
});

Deno.test("messageOf names the class of an error without a message", () => {
  assertEquals(messageOf(new TypeError()), "TypeError");
  assertEquals(messageOf(new Deno.errors.BadResource("")), "BadResource");
});
