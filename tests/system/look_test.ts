import { missingPrograms } from "../../src/system/inspect_folder.ts";
import { assertEquals } from "../support/assert.ts";

Deno.test("a program is missing when no folder of PATH has a file of its name that may be executed", async () => {
  const dir = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${dir}/first/folder`, { recursive: true });
    await Deno.mkdir(`${dir}/second`);
    await Deno.writeTextFile(`${dir}/second/there`, "", { mode: 0o755 });
    await Deno.symlink("there", `${dir}/second/link`);
    await Deno.writeTextFile(`${dir}/second/text`, "", { mode: 0o644 });
    await Deno.symlink("nowhere", `${dir}/second/broken`);
    const names = ["there", "link", "text", "folder", "broken", "absent"];
    const path = `${dir}/first:${dir}/none:${dir}/second`;
    assertEquals(await missingPrograms(names, path), ["text", "folder", "broken", "absent"]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
