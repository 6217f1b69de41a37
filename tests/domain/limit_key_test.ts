import { InvalidInputError } from "../../src/domain/errors.ts";
import {
  limitOfQueue,
  permitsOf,
  queueOfLimit,
  readLimitKey,
  readLimits,
  readSettableLimit,
} from "../../src/domain/limit_key.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";

Deno.test("readLimitKey accepts names as labels have them, and no key of a queue or a batch", () => {
  for (const key of ["gpu", "db/main", "a.b-c_1", "9", "x".repeat(100)]) assertEquals(readLimitKey(key), key);
  for (const key of ["", "runner:build", "batch:7", "-a", ".a", "a b", "a\n", "ü", "x".repeat(101)]) {
    assertThrows(
      () => readLimitKey(key),
      InvalidInputError,
      `Cannot use limit ${JSON.stringify(key)}: a key has up to`,
    );
  }
});

Deno.test("readSettableLimit accepts the limit of a queue, too, with any name of a runner", () => {
  for (const key of ["gpu", "runner:build", "runner:a b", "runner:x:y"]) assertEquals(readSettableLimit(key), key);
  for (const key of ["runner:", "batch:7", "runner:a\n"]) assertThrows(() => readSettableLimit(key), InvalidInputError);
  assertEquals([queueOfLimit("runner:x:y"), queueOfLimit("gpu"), limitOfQueue("r")], ["x:y", null, "runner:r"]);
});

Deno.test("readLimits names each limit once, and refuses a fifth one", () => {
  assertEquals(readLimits(["b", "a", "b"]), ["b", "a"]);
  assertEquals(readLimits(["a", "b", "c", "d", "a"]).length, 4);
  const message = "Cannot use 5 limits: a job has at most 4";
  assertThrows(() => readLimits(["a", "b", "c", "d", "e"]), InvalidInputError, message);
});

Deno.test("permitsOf reads numbers and keys in their order, without that of a queue and what is no permit", () => {
  const text = "3 4 17 gpu\n0 1 0 db/main\n1 5 0 batch:a b\n- 2 9 runner:r\nodd";
  const expected = [{ number: 3, key: "gpu" }, { number: 0, key: "db/main" }, { number: 1, key: "batch:a b" }];
  assertEquals(permitsOf(text), expected);
  assertEquals(permitsOf(), []);
});
