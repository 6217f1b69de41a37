import { assert, assertEquals } from "../support/assert.ts";
import { isolatedTest, type TmuxHost } from "../support/tmux_host.ts";
import { until } from "../support/until.ts";
import { ExecutorFixture, launchOf, textOf } from "./executor_fixture.ts";

/** Reads keys as Ink and its like do: each piece that a raw terminal gives is one key or one text. */
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
async function reader(host: TmuxHost, modes: string) {
  const fixture = await ExecutorFixture.open(host.executor());
  const [script, file] = [`${host.dir}/reader.mjs`, `${host.dir}/read`];
  await Deno.writeTextFile(script, READER);
  await Deno.writeTextFile(file, "");
  const { name: run } = launchOf("");
  const launch = launchOf(`NO_COLOR=1 '${Deno.execPath()}' run -A '${script}' '${file}' '${modes}'`, { name: run });
  await fixture.executor.launch(launch);
  await until("it reads", async () => (await fixture.executor.screen(run))?.lines.includes("up"));
  /** Types it; returns the pieces that came, up to `bytes` of them. */
  const type = async (text: string, enter: boolean, bytes: number) => {
    await Deno.writeTextFile(file, "");
    const codes = Uint8Array.from(text, (char) => char.charCodeAt(0));
    assert(await fixture.executor.type(run, { bytes: codes, enter }));
    const pieces = async (): Promise<string[]> =>
      (await Deno.readTextFile(file)).split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
    await until(`${JSON.stringify(text)} is read`, async () => (await pieces()).join("").length >= bytes);
    return await pieces();
  };
  return { fixture, run, type };
}

isolatedTest(
  "type() presses Enter apart from the text, as programs that read keys in pieces need it",
  async (host) => {
    const { fixture, run, type } = await reader(host, "");
    assertEquals(await type("hello", true, 6), ["hello", "\r"]);
    assertEquals(await type("", true, 1), ["\r"]);
    assertEquals(await type("y", false, 1), ["y"]);
    // no bracket for a program that did not ask for it
    assertEquals((await type("one\ntwo", true, 8)).join(""), "one\ntwo\r");
    assertEquals(await type("\x04", false, 1), ["\x04"]);
    assertEquals((await fixture.end(run)).code, 0);
  },
);

isolatedTest("type() gives control bytes as they are", async (host) => {
  const { fixture, run, type } = await reader(host, "");
  for (const keys of ["\x1b[A", "\x1b", "\x03", "\x1bOP", "\x7f", "\t", "\xff\xfe\x80"]) {
    assertEquals((await type(keys, false, keys.length)).join(""), keys);
  }
  await type("\x04", false, 1);
  assertEquals((await fixture.end(run)).code, 0);
});

isolatedTest(
  "type() gives several lines as one paste to a program that asked for it, and nothing else so",
  async (host) => {
    const { fixture, run, type } = await reader(host, "\x1b[?2004h");
    const paste = "\x1b[200~one\n\ttwo\nthree\x1b[201~";
    assertEquals(await type("one\n\ttwo\nthree", true, paste.length + 1), [paste, "\r"]);
    assertEquals(await type("one line", true, 9), ["one line", "\r"]);
    assertEquals((await type("one line\n", false, 9)).join(""), "one line\n");
    // the end of the paste must not stand within it
    const keys = "a\nb\x1b[201~c\n";
    assertEquals((await type(keys, false, keys.length)).join(""), keys);
    await type("\x04", false, 1);
    assertEquals((await fixture.end(run)).code, 0);
  },
);

isolatedTest("type() works in a spool folder whose name has marks of tmux in it", async (host) => {
  const fixture = await ExecutorFixture.open(
    host.executor({ spool: `${host.dir}/C#S #{pid} #(touch ${host.dir}/ran)` }),
  );
  const launch = launchOf('read -r answer; echo "got $answer"');
  await fixture.executor.launch(launch);
  assert(await fixture.executor.type(launch.name, { bytes: new TextEncoder().encode("yes"), enter: true }));
  assertEquals(textOf((await fixture.end(launch.name)).output), "got yes\n");
  assertEquals(await Deno.stat(`${host.dir}/ran`).catch(() => null), null);
});
