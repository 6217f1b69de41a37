import { attachCommand, checkHost, idsOf, serverOf, socketOf } from "../../src/executors/tmux/people/attach.ts";
import { TmuxViewer } from "../../src/executors/tmux/people/viewer.ts";
import { NoTerminalError } from "../../src/domain/errors.ts";
import type { TerminalAccess } from "../../src/ports/executor.ts";
import { assertEquals, assertRejects, assertThrows } from "../support/assert.ts";

const own = (socket: string | null): TerminalAccess => ({ kind: "tmux", socket });
const GOOD = own("runner-x");
const FOREIGN: (TerminalAccess | null)[] = [
  ...["../../../tmp/evil", "/tmp/evil", "..", ".", "-Sx", "a\nb", "a\u202eb", "x".repeat(201), ""].map(own),
  { kind: "screen", socket: "x" },
  { kind: "tmux" },
  null,
];
const NO_PLACES = ["", "$1 @2", "$1 @2 %3;", "main @2 %3", "$1 ; %3", "$1 @2 %3 ; run-shell", "$1 @2 %3\n"];
const NO_HOSTS = ["", "-oProxyCommand=x", "me@far", "far;x", "far x", "../far", "far\n", "far\u202e", "x".repeat(254)];

Deno.test("what a runner says of its tmux server counts in exactly its own form", () => {
  assertEquals(socketOf(own(null)), null);
  assertEquals(serverOf(GOOD), ["-L", "runner-x"]);
  assertEquals(serverOf(own("it's mine")), ["-L", "it's mine"]);
  for (const access of FOREIGN) {
    assertEquals([socketOf(access), attachCommand(access, "main")], [undefined, null], JSON.stringify(access));
    assertThrows(() => serverOf(access), NoTerminalError, "no runner has written");
  }
});

Deno.test("the line that attaches is quoted for a shell, and none when it would not be what it seems", () => {
  assertEquals(attachCommand(GOOD, "main"), "tmux -L runner-x attach -t main");
  assertEquals(attachCommand(own(null), "a;b `c`"), "tmux attach -t 'a;b `c`'");
  assertEquals(attachCommand(own("it's"), "m"), "tmux -L 'it'\\''s' attach -t m");
  assertEquals(attachCommand(GOOD, "a\u202eb"), null);
});

Deno.test("places and hosts count in exactly their own form", () => {
  assertEquals(idsOf("$1 @22 %333"), ["$1", "@22", "%333"]);
  for (const place of NO_PLACES) assertThrows(() => idsOf(place), NoTerminalError, "names no pane");
  for (const host of ["far", "far-1.example.org", "FAR_2"]) checkHost(host);
  for (const host of NO_HOSTS) assertThrows(() => checkHost(host), NoTerminalError, "is no name of a host");
});

Deno.test("a viewer starts no program with what no runner has written", async () => {
  const started: string[][] = [];
  const start = (command: string, args: readonly string[]) => {
    started.push([command, ...args]);
    return Promise.resolve(0);
  };
  const viewer = new TmuxViewer({
    process: {
      run: async (command, args) => ({ code: await start(command, args), output: "", errors: "" }),
      spawn: () => {
        throw new Error("nothing is spawned");
      },
    },
    inTerminal: async (command, args) => ({ code: await start(command, args), errors: "" }),
    env: {},
    digestOf: (text) => text,
    newId: () => "12345678",
  });
  const sight = { instance: "one", id: "j", token: "1.n", ended: false };
  const place = "$1 @2 %3";
  for (const access of FOREIGN) {
    for (const host of [null, "far"]) {
      await assertRejects(() => viewer.view(access, place, { write: true, host }), NoTerminalError);
      assertThrows(() => viewer.command(access, place, { write: true, host }), NoTerminalError);
    }
    await assertRejects(() => viewer.find({ ...sight, access }), NoTerminalError);
    await assertRejects(() => viewer.leaveKeys(access, null), NoTerminalError);
  }
  for (const place of NO_PLACES) {
    assertThrows(() => viewer.command(GOOD, place, { write: true, host: "far" }), NoTerminalError);
    await assertRejects(() => viewer.view(GOOD, place, { write: true, host: "far" }), NoTerminalError);
  }
  for (const host of NO_HOSTS) {
    assertThrows(() => viewer.command(GOOD, place, { write: true, host }), NoTerminalError);
    await assertRejects(() => viewer.view(GOOD, place, { write: true, host }), NoTerminalError);
  }
  await assertRejects(() => viewer.find({ ...sight, access: GOOD, instance: "x:y" }), NoTerminalError);
  assertEquals(started, []);
});
