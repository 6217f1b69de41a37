import { isOlder, OLDEST_REDIS } from "../../src/domain/versions.ts";
import { OLDEST_TMUX } from "../../src/executors/tmux/server/weaknesses.ts";
import { assertEquals } from "../support/assert.ts";

Deno.test("isOlder compares the first two numbers as numbers", () => {
  const cases: [string, string, boolean][] = [
    ["3.1", "3.2", true],
    ["3.2", "3.2", false],
    ["3.3", "3.2", false],
    ["2.9", "3.2", true],
    ["2.0", "3.2", true],
    ["4.0", "3.2", false],
    // by their letters the first would be older, and the others not
    ["3.10", "3.2", false],
    ["10.0", "7.0", false],
    ["3.9", "3.10", true],
    ["7.0", "10.0", true],
    ["0.0", "0.1", true],
  ];
  for (const [says, than, older] of cases) assertEquals(isOlder(says, than), older, `${says} ${than}`);
});

Deno.test("isOlder finds the version in what a program says of itself", () => {
  const cases: [string, string, boolean][] = [
    ["tmux 3.1c", OLDEST_TMUX, true],
    ["tmux 3.2", OLDEST_TMUX, false],
    ["tmux 3.2a", OLDEST_TMUX, false],
    ["tmux 3.2-rc4", OLDEST_TMUX, false],
    ["tmux next-3.1", OLDEST_TMUX, true],
    ["tmux next-3.6", OLDEST_TMUX, false],
    ["tmux next-3.2", OLDEST_TMUX, false],
    ["tmux 3.1-rc", OLDEST_TMUX, true],
    ["tmux3.1", OLDEST_TMUX, true],
    ["tmux openbsd-7.5", OLDEST_TMUX, false],
    ["tmux 2", OLDEST_TMUX, true],
    ["tmux next-4", OLDEST_TMUX, false],
    // the first digits are no number
    ["tmux master-3fa8 of 2.9", OLDEST_TMUX, true],
    ["6.2.14", OLDEST_REDIS, true],
    ["7.0.0", OLDEST_REDIS, false],
    ["255.255.255", OLDEST_REDIS, false],
  ];
  for (const [says, than, older] of cases) assertEquals(isOlder(says, than), older, says);
});

Deno.test("isOlder reads a number alone as one with .0, and ignores suffixes", () => {
  const cases: [string, string, boolean][] = [
    ["2", "2.1", true],
    ["2", "2.0", false],
    ["2.0", "2", false],
    ["2", "3", true],
    ["3", "2.9", false],
    ["2.9", "3", true],
    ["3.3a", "3.3", false],
    ["3.3", "3.3a", false],
    ["3.3z", "3.4", true],
    ["next-3.4", "3.4", false],
    ["3.4", "next-3.4", false],
    ["next-3.3", "3.4", true],
  ];
  for (const [says, than, older] of cases) assertEquals(isOlder(says, than), older, `${says} ${than}`);
});

Deno.test("isOlder says no when one side has no version", () => {
  for (const says of ["", "tmux master", "tmux", "v", "1,0", ".", "1.", "3fa8", "a3", "-"]) {
    assertEquals([isOlder(says, "3.2"), isOlder("0.1", says)], [false, false], says);
  }
});
