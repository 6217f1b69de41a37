import { assertEquals } from "../support/assert.ts";
import { SerialKeys } from "../../src/runner/serial_keys.ts";
import { InvalidInputError } from "../../src/domain/errors.ts";

function lines(): SerialKeys {
  return new SerialKeys((target) => {
    if (target.startsWith("none")) throw new InvalidInputError("there is no such executor");
    return target.includes(".one") ? target : null;
  });
}

Deno.test("an executor is free when its jobs have no line, under the name that they say", () => {
  const known = lines();
  assertEquals([known.of("tmux.one"), known.of("none"), known.of("tmux.many"), known.of(null)], [
    "tmux.one",
    null,
    null,
    null,
  ]);
  assertEquals([...known.free], ["tmux.many", ""]);
});

Deno.test("of many free executors those that came last are remembered, and none with a long name", () => {
  const known = lines();
  for (let i = 1; i <= 20; i++) known.of(`tmux.${i}`);
  known.of("x".repeat(257));
  assertEquals([...known.free], Array.from({ length: 16 }, (_, i) => `tmux.${i + 5}`));
});
