import { InvalidInputError } from "../../src/domain/errors.ts";
import { readNamespace } from "../../src/domain/namespace.ts";
import { aclRules } from "../../src/redis/acl.ts";
import { Keys } from "../../src/redis/keys.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";

const WORDS = ["job_", "job_x", "runner", "runner:", "runner:x", "rr", "rr:", "rr:meta", "rr:run", "rr:low:x"];

Deno.test("a namespace is refused when its keys could be those of another one", () => {
  for (const other of ["", "a:", "a:b:", "{a}:"]) {
    for (const word of WORDS) {
      assertThrows(() => readNamespace(other + word), InvalidInputError, "those of another namespace");
      assertThrows(() => aclRules("client", `${other}${word}:`), InvalidInputError, "those of another namespace");
    }
  }
});

Deno.test("the keys of two namespaces are apart, whatever their names and ids are", () => {
  const parts = ["", "a", "b", "x", "job", "jobs_", "rrr", "runners", "ev", "runner_", "*", "rr*", "r?:x", "[a]"];
  const all = parts.flatMap((one) => parts.map((two) => one === "" ? two : `${one}:${two}`));
  const namespaces = [...new Set(all.map(readNamespace))];
  assert(namespaces.length > 100);
  const texts = ["1", "rr:meta:1", "job_1", "runner:1", "a:job_1", ":rr:meta:1", "b:c"];
  const ownerOf = new Map<string, string>();
  for (const namespace of namespaces) {
    const keys = new Keys(namespace);
    const made = [keys.jobs(), keys.dead(), keys.names(), keys.events()];
    for (const text of texts) {
      const [ofJob, ofRunner] = [
        [keys.job, keys.meta, keys.output, keys.after, keys.channel, keys.reply],
        [keys.queue, keys.low, keys.delay, keys.paused, keys.lease, keys.history, keys.wakeUp],
      ];
      made.push(...[...ofJob, ...ofRunner].map((make) => make.call(keys, text)));
      made.push(
        ...[keys.claim, keys.attempts, keys.instance, keys.view, keys.control].map((make) =>
          make.call(keys, text, "i")
        ),
      );
    }
    for (const key of made) {
      const owner = ownerOf.get(key) ?? namespace;
      assertEquals(owner, namespace, `${key} belongs to ${JSON.stringify(owner)} and ${JSON.stringify(namespace)}`);
      ownerOf.set(key, namespace);
    }
  }
});
