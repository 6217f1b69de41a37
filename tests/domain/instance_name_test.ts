import { instanceName } from "../../src/domain/instance_name.ts";
import { digestOf } from "../../src/system/digest.ts";
import { assertEquals, assertMatch } from "../support/assert.ts";

Deno.test("instanceName() keeps readable names and makes a file name of every other one", () => {
  const names = {
    build: "build",
    "production:ci-1": "production%3Aci-1",
    ".": "%2E",
    "..": "%2E%2E",
    "../x": "..%2Fx",
  };
  for (const [name, expected] of Object.entries(names)) assertEquals(instanceName(name, digestOf), expected);
});

Deno.test("instanceName() cuts long names, and they stay different", () => {
  const long = ["x".repeat(100) + "1", "x".repeat(100) + "2", "\u00fc".repeat(200)];
  const found = long.map((name) => instanceName(name, digestOf));
  for (const name of found) assertMatch(name, /^.{40}~[0-9a-f]{16}$/);
  assertEquals(new Set(found).size, 3);
});
