import { assert, assertEquals } from "../support/assert.ts";
import manifest from "../../deno.json" with { type: "json" };
import { copyProject, ROOT, run } from "./support.ts";

const [MAJOR, MINOR] = Deno.version.deno.split(".").map(Number);
/** Older ones publish no text imports. */
const canPublish = MAJOR > 2 || MINOR >= 9;

Deno.test({ name: "JSR would accept the package, without slow types", ignore: !canPublish }, async () => {
  await using project = await copyProject();
  // beside the project, so that the stand-ins are packages of their own as the real ones are
  await using packages = await copyProject();
  const links = ["assert", "cli", "log", "redis"].map((name) => `${packages.path}/scripts/npm/${name}`);
  const config = { ...manifest, links, nodeModulesDir: "none" };
  await Deno.writeTextFile(`${project.path}/deno.json`, JSON.stringify(config));
  const { code, stdout, stderr } = await run([Deno.execPath(), "publish", "--dry-run", "--allow-dirty"], {
    cwd: project.path,
  });
  assertEquals(code, 0, stderr);
  const files = [...(stdout + stderr).matchAll(/^ +file:\/\/(\S+) \(/gm)].map(([, path]) =>
    path.slice(project.path.length + 1)
  );
  assert(files.includes("main.ts") && files.includes("src/mod.ts") && files.length > 80, `found ${files}`);
  assertEquals(
    files.filter((path) => !/^(main\.ts|deno\.json|README\.md|LICENSE|src\/.*\.(ts|lua|sh|bash|fish|zsh))$/.test(path)),
    [],
  );
});

/** A symbol, as `deno doc --json` shows it. */
interface Symbol {
  readonly name: string;
  readonly declarations: readonly { readonly jsDoc?: { readonly doc?: string } }[];
}

/** Older ones write another form of JSON. */
Deno.test({ name: "every public name has an example; the gate type-checks it", ignore: !canPublish }, async () => {
  const command = ["doc", "--json", "--config", `${ROOT}scripts/npm/deno.json`, `${ROOT}src/mod.ts`];
  const { stdout, code, stderr } = await run([Deno.execPath(), ...command]);
  assertEquals(code, 0, stderr);
  const { nodes } = JSON.parse(stdout) as { nodes: Record<string, { symbols: Symbol[] }> };
  const symbols = Object.values(nodes).flatMap(({ symbols }) => symbols);
  assert(symbols.length > 15, `found only ${symbols.map(({ name }) => name)}`);
  const bare = symbols.filter(({ declarations }) =>
    !declarations.some(({ jsDoc }) => /^```ts no-eval\nimport .* from "@hero\/runner";$/m.test(jsDoc?.doc ?? ""))
  );
  assertEquals(bare.map(({ name }) => name), []);
});
