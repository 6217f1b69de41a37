import { assert, assertEquals } from "../support/assert.ts";
import { isolatedTest, type TmuxWorld } from "../support/tmux.ts";
import { until } from "../support/until.ts";
import { Desk, launchOf, textOf } from "./desk.ts";

/** Takes keys as Ink and its like do: each piece that a raw terminal gives is one key or one text. */
const READER = `import process from "node:process";
import { appendFileSync } from "node:fs";
const [, , file, modes] = process.argv;
process.stdin.setRawMode(true);
process.stdin.on("readable", () => {
  for (let chunk; (chunk = process.stdin.read()) !== null;) {
    appendFileSync(file, JSON.stringify(chunk.toString("latin1")) + "\\n");
    if (chunk.includes(4)) process.exit(0);
  }
});
process.stdout.write(modes + "up\\n");
`;

/** A program that reads keys in pieces, in a terminal; `modes` is what it asks of that. */
async function reader(world: TmuxWorld, modes: string) {
  const desk = await Desk.open(world.executor());
  const [script, file] = [`${world.dir}/reader.mjs`, `${world.dir}/read`];
  await Deno.writeTextFile(script, READER);
  await Deno.writeTextFile(file, "");
  const { run } = launchOf("");
  const launch = launchOf(`NO_COLOR=1 '${Deno.execPath()}' run -A '${script}' '${file}' '${modes}'`, { run });
  await desk.executor.launch(launch);
  await until("it reads", async () => (await desk.executor.screen(run))?.lines.includes("up"));
  /** Types it; answers the pieces that came, up to `bytes` of them. */
  const type = async (text: string, enter: boolean, bytes: number) => {
    await Deno.writeTextFile(file, "");
    const codes = Uint8Array.from(text, (char) => char.charCodeAt(0));
    assert(await desk.executor.type(run, { bytes: codes, enter }));
    const pieces = async (): Promise<string[]> =>
      (await Deno.readTextFile(file)).split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
    await until(`${JSON.stringify(text)} is read`, async () => (await pieces()).join("").length >= bytes);
    return await pieces();
  };
  return { desk, run, type };
}

isolatedTest(
  "type() presses Enter apart from the text, as programs that take keys in pieces need it",
  async (world) => {
    const { desk, run, type } = await reader(world, "");
    assertEquals(await type("hello", true, 6), ["hello", "\r"]);
    assertEquals(await type("", true, 1), ["\r"]);
    assertEquals(await type("y", false, 1), ["y"]);
    // no bracket for a program that did not ask for it
    assertEquals((await type("one\ntwo", true, 8)).join(""), "one\ntwo\r");
    assertEquals(await type("\x04", false, 1), ["\x04"]);
    assertEquals((await desk.end(run)).code, 0);
  },
);

isolatedTest("type() gives control bytes as they are", async (world) => {
  const { desk, run, type } = await reader(world, "");
  for (const keys of ["\x1b[A", "\x1b", "\x03", "\x1bOP", "\x7f", "\t", "\xff\xfe\x80"]) {
    assertEquals((await type(keys, false, keys.length)).join(""), keys);
  }
  await type("\x04", false, 1);
  assertEquals((await desk.end(run)).code, 0);
});

isolatedTest(
  "type() gives several lines as one paste to a program that asked for it, and nothing else so",
  async (world) => {
    const { desk, run, type } = await reader(world, "\x1b[?2004h");
    const paste = "\x1b[200~one\n\ttwo\nthree\x1b[201~";
    assertEquals(await type("one\n\ttwo\nthree", true, paste.length + 1), [paste, "\r"]);
    assertEquals(await type("one line", true, 9), ["one line", "\r"]);
    assertEquals((await type("one line\n", false, 9)).join(""), "one line\n");
    // the end of the paste must not stand within it
    const keys = "a\nb\x1b[201~c\n";
    assertEquals((await type(keys, false, keys.length)).join(""), keys);
    await type("\x04", false, 1);
    assertEquals((await desk.end(run)).code, 0);
  },
);

isolatedTest("type() works in a spool folder whose name has marks of tmux in it", async (world) => {
  const desk = await Desk.open(world.executor({ spool: `${world.dir}/C#S #{pid} #(touch ${world.dir}/ran)` }));
  const launch = launchOf('read -r answer; echo "got $answer"');
  await desk.executor.launch(launch);
  assert(await desk.executor.type(launch.run, { bytes: new TextEncoder().encode("yes"), enter: true }));
  assertEquals(textOf((await desk.end(launch.run)).output), "got yes\n");
  assertEquals(await Deno.stat(`${world.dir}/ran`).catch(() => null), null);
});
