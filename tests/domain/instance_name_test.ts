import { instanceName } from "../../src/domain/instance_name.ts";
import { digestOf } from "../../src/system/digest.ts";
import { assertEquals, assertMatch } from "../support/assert.ts";

Deno.test("instanceName() keeps readable names and makes a file name of every other one", () => {
  const names: [namespace: string, name: string, expected: string][] = [
    ["", "build", "build"],
    ["production:", "ci-1", "production+ci-1"],
    ["", "production:ci-1", "production%3Aci-1"],
    ["a:b:", "c", "a%3Ab+c"],
    ["", ".", "%2E"],
    ["", "..", "%2E%2E"],
    ["..:", "..", "..+.."],
    ["", "../x", "..%2Fx"],
  ];
  for (const [namespace, name, expected] of names) assertEquals(instanceName(namespace, name, digestOf), expected);
});

Deno.test("instanceName() gives each runner of each namespace a name of its own", () => {
  const cut = instanceName("", "x".repeat(100), digestOf);
  const pairs = [["", "a:b"], ["a:", "b"], ["a:b:", "c"], ["a:", "b:c"], ["", "a+b"], ["a+b:", "c"], ["a:", "b+c"], [
    "",
    cut,
  ]];
  const names = pairs.map(([namespace, name]) => instanceName(namespace, name, digestOf));
  assertEquals(new Set([...names, cut]).size, pairs.length + 1, `${names}`);
});

Deno.test("instanceName() cuts long names, and they stay different", () => {
  const long = ["x".repeat(100) + "1", "x".repeat(100) + "2", "\u00fc".repeat(200)];
  const found = [...long.map((name) => instanceName("", name, digestOf)), instanceName("n:", long[0], digestOf)];
  for (const name of found) assertMatch(name, /^.{40}~[0-9a-f]{16}$/);
  assertEquals(new Set(found).size, 4);
});
