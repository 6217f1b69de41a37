import { attemptName } from "../../src/domain/attempt_name.ts";
import { assertEquals } from "../support/assert.ts";

const digestOf = (text: string) => `digest(${text})`;

Deno.test("attemptName joins the digest of the id and the token as it is", () => {
  const cases: [string, string, string][] = [
    ["7", "1.0123456789ab", "digest(7).1.0123456789ab"],
    ["7", "2.0123456789ab", "digest(7).2.0123456789ab"],
    ["a.b", "10.ff", "digest(a.b).10.ff"],
    ["", "0", "digest().0"],
  ];
  for (const [id, token, name] of cases) assertEquals(attemptName({ id, token }, digestOf), name);
});

Deno.test("attemptName shows nothing of an id but its digest", () => {
  assertEquals(attemptName({ id: "../x\n", token: "1.aa" }, () => "00"), "00.1.aa");
});
