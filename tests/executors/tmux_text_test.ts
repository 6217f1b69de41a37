import { InvalidInputError } from "../../src/domain/errors.ts";
import { checkTarget } from "../../src/executors/registry.ts";
import { MAX_RUN, padOf, readJournal, readReport } from "../../src/executors/tmux/lanes/journal.ts";
import { MarkReader } from "../../src/executors/tmux/output/marks.ts";
import { argumentsOf } from "../../src/executors/tmux/server/clients.ts";
import { literal, printed, timeless, word } from "../../src/executors/tmux/quoting.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { isolatedTest } from "../support/tmux_host.ts";
import { until } from "../support/until.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

Deno.test("checkTarget() reads sessions, windows and panes", () => {
  assertEquals(checkTarget("tmux.main"), { serialKey: null, session: "main" });
  assertEquals(checkTarget("tmux.main.build"), { serialKey: "tmux.main.build", session: "main" });
  assertEquals(checkTarget("tmux.main.build.1").serialKey, checkTarget("tmux.main.build").serialKey);
  assertEquals(checkTarget("tmux.main.build.2").serialKey, "tmux.main.build.2");
  assertEquals(checkTarget("tmux.Größe 日本.7.with space").session, "Größe 日本");
});

Deno.test("checkTarget() refuses what tmux would rewrite or misread, with one sentence", () => {
  const wrong = [
    "",
    "tmux",
    "tmux.",
    "tmux..x",
    "tmux.a.b.c.d",
    "docker.main",
    "toString.x",
    "__proto__.x",
    "tmux._runner-x",
  ];
  for (const start of "-=%@$!+^{~") wrong.push(`tmux.${start}x`, `tmux.main.${start}x`, `tmux.main.w.${start}x`);
  for (
    const inside of [":", "#", "\\", "\n", "\t", "\x7f", "\u0085", "\u2028", "\u202e", "\u200b", "\ufffe", "\u0378"]
  ) {
    wrong.push(`tmux.a${inside}b`, `tmux.main.a${inside}b`);
  }
  wrong.push("tmux. x", "tmux.x ", `tmux.${"x".repeat(101)}`, `tmux.main.${"日".repeat(34)}`);
  for (const target of wrong) {
    const error = assertThrows(() => checkTarget(target), InvalidInputError, "Cannot use executor", target);
    assert(!/[\n\x7f]/.test(error.message), "the sentence is one line");
  }
});

Deno.test("readReport() returns whole lines only", () => {
  const ready = { type: "ready", lane: "3", asked: null, last: null, held: false } as const;
  assertEquals(readReport("R 3"), ready);
  assertEquals(readReport("R 3 -7  "), { ...ready, asked: "-7" });
  const last = (run: string, code: number | null | "declined") => ({ run, code });
  assertEquals(readReport("R 3 -7 a.1.f 7"), { ...ready, asked: "-7", last: last("a.1.f", 7) });
  assertEquals(readReport("R 3 -7 a.1.f 7 held"), { ...ready, asked: "-7", last: last("a.1.f", 7), held: true });
  assertEquals(readReport("R 3 -7 a.1.f -"), { ...ready, asked: "-7", last: last("a.1.f", null) });
  assertEquals(readReport("R 3 -7 a.1.f x"), { ...ready, asked: "-7", last: last("a.1.f", "declined") });
  const declined = { type: "declined", lane: "3", run: "00.1.ff", epoch: "7" } as const;
  assertEquals(readReport("X 3 00.1.ff 7"), { ...declined, full: false });
  assertEquals(readReport("X 3 00.1.ff 7 full"), { ...declined, full: true });
  assertEquals(readReport("E 3 00.1.ff 137"), {
    type: "ended",
    lane: "3",
    run: "00.1.ff",
    code: 137,
    left: [],
    held: false,
  });
  const ended = { type: "ended", lane: "3", run: "00.1.ff", code: null } as const;
  assertEquals(readReport("E 3 00.1.ff -"), { ...ended, left: [], held: false });
  assertEquals(readReport("E 3 00.1.ff - sh,a-b.c"), { ...ended, left: ["sh", "a-b.c"], held: false });
  assertEquals(readReport("E 3 00.1.ff - - held"), { ...ended, left: [], held: true });
  assertEquals(readReport("E 3 00.1.ff - \x1b[31m"), { ...ended, left: [], held: false });
  assertEquals(readReport("F 3"), { type: "released", lane: "3" });
  assertEquals(readReport("P 1-2 00.1.ff"), { type: "living", question: "1-2", run: "00.1.ff" });
  assertEquals(readReport("C 3"), { type: "cleaned", lane: "3" });
  assertEquals(readReport(""), null);
});

/** A record as a lane writes it. */
function recordOf(type: string, run: string, code = ""): string {
  return `\n${type} ${run}${padOf(run)} ${code.padStart(3)} .\n`;
}

Deno.test("readJournal() returns whole records only", () => {
  const [a, b, c] = ["a.1.f", "bb.1.f", "c".repeat(MAX_RUN)];
  const started = recordOf("S", a) + recordOf("E", a, "0") + recordOf("S", b) + recordOf("E", b, "137") +
    recordOf("S", c);
  assertEquals(encoder.encode(started).length, 5 * 128);
  const journal = readJournal(started);
  assertEquals([...journal.ends], [[a, 0], [b, 137]]);
  assertEquals([journal.known, journal.running], [true, c]);
  assertEquals(readJournal(started + recordOf("E", c, "-")).ends.get(c), null);
  assertEquals(readJournal(started + recordOf("X", c)).running, null);
  assertEquals(readJournal(""), { known: true, ends: new Map(), running: null });
});

Deno.test("readJournal() returns no part of a torn record as a whole one, and loses none after it", () => {
  const before = recordOf("S", "a.1.f");
  for (const torn of [recordOf("E", "a.1.f", "137"), recordOf("X", "a.1.f"), recordOf("S", "b.1.f")]) {
    // the last line feed may be missing: the next record begins with one
    for (let size = 0; size < torn.length - 1; size++) {
      const part = torn.slice(0, size);
      const end = readJournal(before + part);
      assertEquals([end.running, end.ends.size], ["a.1.f", 0], JSON.stringify(part));
      const later = readJournal(before + part + recordOf("E", "a.1.f", "7") + recordOf("S", "c.1.f"));
      assertEquals([later.running, later.ends.get("a.1.f")], ["c.1.f", 7], JSON.stringify(part));
    }
  }
});

isolatedTest("text arrives in tmux, in its formats and in shells as it is", async (host) => {
  const ask = async (...commands: string[][]) => {
    const server = ["-L", "q", "-f", "/dev/null", "-u"];
    const { output } = await host.process.run("tmux", [...server, ...argumentsOf(commands)], { env: host.env });
    return output.replace(/\n$/, "");
  };
  await ask(["new-session", "-d", "exec cat"]);
  const version = await ask(["display-message", "-p", "#{version}"]);
  const printable = String.fromCharCode(...Array.from({ length: 95 }, (_, i) => i + 32));
  const texts = [
    printable,
    "~/x $HOME ${HOME} ~",
    "\\$HOME \\\\${HOME} $ $1 $_ \\$",
    "a;b \\; c",
    "end;",
    "end\\;",
    ";",
    "#{pane_id} #(touch no) #S %H %d",
    "dé 日本 \u{1f680}",
    "{ } %if",
    "it's",
    "\\",
    '"',
  ];
  for (const text of texts) {
    const shown = await ask(["set-option", "-g", "@text", text], ["show-options", "-gv", "@text"]);
    assertEquals(printed(shown, version), text);
    assertEquals(printed(await ask(["display-message", "-p", timeless(text)]), version), text);
    const path = `${host.dir}/out`;
    await Deno.remove(path).catch(() => {});
    const command = `printf %s ${word(text)} >${word(`${path}.new`)}; mv ${word(`${path}.new`)} ${word(path)}`;
    await ask(["run-shell", "-b", literal(command)]);
    const written = await until("the shell's file", () => Deno.readTextFile(path).catch(() => null));
    assertEquals(written, text);
  }
});

/** What a terminal makes of an output between its marks. */
function logOf(output: string, token: string, translates = true): string {
  const nl = translates ? "\r\n" : "\n";
  const body = translates ? output.replaceAll("\n", "\r\n") : output;
  return `\x1b]2;t\x1b\\\x1b]133;C;${token}${nl}\x1b\\${body}\x1b\\\x1b]133;D;7;${token}${nl}\x1b\\\x1b[0m`;
}

Deno.test("MarkReader gives back any output, in pieces of any size", () => {
  const token = "abcdef0123";
  const outputs = [
    "",
    "\n",
    "\r",
    "a\r\nb\r\r\n\n\r",
    "\x1b",
    "\x1b\\",
    "\x1b\\\x1b]133;D;",
    "\x1b\\\x1b]133;D;7;abcdef0124\n\x1b\\",
    "\x1b\\\x1b]133;D;7777;abcdef0123\n\x1b\\",
    "x\x1b\\\x1b]133;D;7;\x1b\\\x1b]133;D;7;",
    "\x1b]133;C;abcdef0123 almost",
  ];
  for (const translates of [true, false]) {
    for (const output of outputs) {
      const log = encoder.encode(`rest of before \x1b]133;C;other\r\n${logOf(output, token, translates)}after`);
      for (let size = 1; size < log.length; size++) {
        const reader = new MarkReader(token);
        let text = "";
        for (let at = 0; at < log.length && !reader.complete; at += size) {
          text += decoder.decode(reader.push(log.slice(at, at + size)));
        }
        assertEquals(
          [text, reader.complete, reader.translated, reader.code],
          [output, true, translates, 7],
          `${JSON.stringify(output)} by ${size}`,
        );
        const end = decoder.decode(log.slice(0, reader.taken));
        assert(end.endsWith(`;D;7;${token}${translates ? "\r\n" : "\n"}`), "taken ends with the mark");
      }
    }
  }
});

Deno.test("MarkReader finds an end mark before whose last bytes another program has written", () => {
  const token = "abcdef0123";
  const log = logOf("mine\n", token).replace(`D;7;${token}\r\n`, (mark) => `${mark}noise\r\n`);
  const reader = new MarkReader(token);
  assertEquals(decoder.decode(reader.push(encoder.encode(log))), "mine\n");
  assertEquals([reader.complete, reader.translated, reader.code], [true, true, 7]);
});

Deno.test("MarkReader gives what there is of an output without end", () => {
  const token = "abcdef0123";
  const log = encoder.encode(logOf("one\ntwo\r", token));
  const cut = log.indexOf(0x44, 30) - 3; // in the middle of the end mark
  const reader = new MarkReader(token);
  const text = decoder.decode(reader.push(log.slice(0, cut))) + decoder.decode(reader.rest());
  assertEquals([reader.complete, reader.code], [false, null]);
  assert(text.startsWith("one\ntwo\r\x1b\\"), JSON.stringify(text));
  const none = new MarkReader(token);
  assertEquals([none.push(encoder.encode("nothing of ours")).length, none.rest().length, none.begun], [0, 0, false]);
});
