import { assert, assertEquals } from "../support/assert.ts";
import { manPage, pageParts, PAGES, updatePage } from "../../scripts/docs.ts";
import { OLDEST_REDIS } from "../../src/domain/versions.ts";
import { OLDEST_TMUX } from "../../src/executors/tmux/server/weaknesses.ts";
import { allCommands, COMMANDS } from "../../src/cli/commands.ts";

const ROOT = new URL("../../", import.meta.url);

Deno.test("the man page and the tables of pages are what scripts/docs.ts writes", async () => {
  const commands = await allCommands();
  const page = await Deno.readTextFile(new URL("scripts/runner.1", ROOT));
  assertEquals(page === manPage(commands), true, "scripts/runner.1 is out of date: run scripts/docs.ts");
  for (const path of PAGES) {
    const text = await Deno.readTextFile(new URL(path, ROOT));
    assert(text.includes("<!-- docs: "), path);
    assertEquals(text === updatePage(text, commands), true, `${path} is out of date: run scripts/docs.ts`);
  }
});

Deno.test("the README names the oldest versions that the program accepts", async () => {
  const readme = (await Deno.readTextFile(new URL("README.md", ROOT))).replaceAll("\n", " ");
  for (const oldest of [`tmux ${OLDEST_TMUX}`, `Redis ${OLDEST_REDIS}`]) {
    assert(readme.includes(`${oldest} or later`), `${oldest} or later`);
  }
});

Deno.test("updatePage() replaces what stands between the marks, and nothing else", async () => {
  const commands = await allCommands();
  const parts = pageParts(commands);
  const text = "a\n<!-- docs: exits -->\n\nold\n\n<!-- /docs -->\nb\n<!-- docs: commands -->\n\n<!-- /docs -->\n";
  const updated = updatePage(text, commands);
  assertEquals(
    updated,
    `a\n<!-- docs: exits -->\n\n${parts.exits}\n<!-- /docs -->\nb\n<!-- docs: commands -->\n\n${parts.commands}\n<!-- /docs -->\n`,
  );
  assertEquals(updatePage(updated, commands), updated);
  for (const name of Object.keys(COMMANDS)) assert(parts.commands.includes(`| \`runner ${name}\``), name);
});

Deno.test("the README's tables are laid out as deno fmt wants them", async () => {
  const text = Object.values(pageParts(await allCommands())).join("\n");
  const child = new Deno.Command(Deno.execPath(), { args: ["fmt", "--ext=md", "-"], stdin: "piped", stdout: "piped" })
    .spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  assertEquals(new TextDecoder().decode((await child.output()).stdout), text);
});

Deno.test("the man page holds no roff command by accident", async () => {
  const known = /^\.(\\" Generated|TH|SH|SS|TP|PP|B|I|br|nf|fi|RS|RE)( |$)/;
  for (const line of manPage(await allCommands()).split("\n")) {
    assert(!/^['.]/.test(line) || known.test(line), line);
  }
});
