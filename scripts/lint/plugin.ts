/**
 * The house rules as lint errors. `house/rings` limits the imports of each part and which parts must stay pure.
 * `house/doors` limits each external API to one file. `house/columns` limits the length of comment lines, and
 * `house/words` the words of names and comments, and of the names of tests. The rows of all but `columns` are in
 * house.ts.
 */
import { DENO_DOORS, type Door, GLOBAL_DOORS, IMPORT_DOORS, IMPURE, isIn, type Room, roomOf, WORDS } from "./house.ts";

const ROOT = new URL("../../", import.meta.url);

type Report = (node: Deno.lint.Node, message: string) => void;

/** Returns the file's path in the project, or undefined when it is elsewhere. */
function projectPath(filename: string): string | undefined {
  const url = new URL(filename.startsWith("file:") ? filename : `file://${filename}`);
  return url.pathname.startsWith(ROOT.pathname) ? url.pathname.slice(ROOT.pathname.length) : undefined;
}

/** Calls `found` for every specifier that a file imports, in whatever form. */
function importVisitor(found: (node: Deno.lint.Node, specifier: string) => void): Deno.lint.LintVisitor {
  const literal = (node: Deno.lint.Node, source: unknown) => {
    const value = (source as { value?: unknown } | null | undefined)?.value;
    if (typeof value === "string") found(node, value);
  };
  return {
    ImportDeclaration: (node) => literal(node, node.source),
    ExportAllDeclaration: (node) => literal(node, node.source),
    ExportNamedDeclaration: (node) => literal(node, node.source),
    ImportExpression: (node) => literal(node, node.source),
    TSImportType: (node) => literal(node, (node.argument as { literal?: unknown }).literal),
  };
}

/** Returns `a.b` for the identifier `a` in it, `a` when it stands alone, undefined when it is not a use of a global. */
function globalUse(node: Deno.lint.Identifier): string | undefined {
  const parent = node.parent as unknown as { type: string; [key: string]: unknown };
  if (parent.type === "MemberExpression") {
    const property = parent.property as { name?: string };
    // in x.Date the identifier is a property of another object, except in globalThis.Date
    if (parent.object !== node) {
      return (parent.object as { name?: string }).name === "globalThis" ? node.name : undefined;
    }
    return parent.computed ? node.name : `${node.name}.${property.name}`;
  }
  if (parent.type === "TSQualifiedName") {
    return parent.left === node ? `${node.name}.${(parent.right as { name: string }).name}` : undefined;
  }
  const isKey =
    (parent.type === "Property" || parent.type.endsWith("Definition") || parent.type.endsWith("Signature")) &&
    parent.key === node && !parent.computed;
  // the name of a type is not a use of the value
  return isKey || parent.type === "TSTypeReference" ? undefined : node.name;
}

const covers = (name: string, use: string) => use === name || use.startsWith(`${name}.`);

/** Checks the imports and the purity of one room. */
function ringRules(file: string, room: Room, report: Report): Deno.lint.LintVisitor {
  const allowed = [room.path, ...room.imports];
  const imports = importVisitor((node, specifier) => {
    if (!specifier.startsWith(".")) return;
    const target = projectPath(new URL(specifier, new URL(file, ROOT)).href) ?? specifier;
    if (!allowed.some((path) => isIn(target, path))) {
      report(node, `${room.path} must not import ${target}: it may import only ${allowed.join(", ")}`);
    }
  });
  return {
    ...imports,
    Identifier(node) {
      const use = globalUse(node);
      if (use === undefined) return;
      if (room.noDeno && covers("Deno", use)) report(node, `${room.path} must not use Deno: ask a port for it`);
      if (room.pure && IMPURE.some((name) => covers(name, use))) {
        report(node, `${room.path} must not use ${use}: take the value as an argument`);
      }
    },
    Program(node) {
      if (!room.typesOnly) return;
      for (const statement of node.body) {
        if (!isTypeOnly(statement)) report(statement, `${room.path} holds types only: put code where it is done`);
      }
    },
  };
}

function isTypeOnly(statement: Deno.lint.Node): boolean {
  switch (statement.type) {
    case "TSInterfaceDeclaration":
    case "TSTypeAliasDeclaration":
      return true;
    case "ImportDeclaration":
      return statement.importKind === "type" ||
        statement.specifiers.length > 0 &&
          statement.specifiers.every((each) => "importKind" in each && each.importKind === "type");
    case "ExportAllDeclaration":
    case "ExportNamedDeclaration":
      return statement.exportKind === "type";
    default:
      return false;
  }
}

/** Returns the name of a package in `jsr:@a/b@^1/c`, `npm:b@1`, `node:fs` or `https://host/x`. */
function packageOf(specifier: string): string {
  const bare = specifier.replace(/^(jsr|npm):\/?/, "");
  return /^(@[^/]+\/)?[^/@]+/.exec(bare)?.[0] ?? bare;
}

/** Checks that a thing with a row is used only where the row allows it. */
function doorRules(file: string, report: Report): Deno.lint.LintVisitor {
  const pass = (doors: Door[], thing: string, node: Deno.lint.Node) => {
    const known = doors.filter((door) => door.thing === thing);
    if (known.length > 0 && !known.some((door) => isIn(file, door.at))) {
      const name = doors === DENO_DOORS ? `Deno.${thing}` : thing;
      report(node, `${name} comes in only at ${known.map((door) => door.at).join(" and ")}: use what that gives out`);
    }
    return known.length > 0;
  };
  const imports = importVisitor((node, specifier) => {
    const isFile = specifier.startsWith(".");
    const thing = isFile ? /\.\w+$/.exec(specifier)?.[0] ?? specifier : packageOf(specifier);
    const known = pass(IMPORT_DOORS, thing, node);
    if (!isFile && !known) report(node, `${thing} has no door: add a row to scripts/lint/house.ts and one file to it`);
  });
  return {
    ...imports,
    Identifier(node) {
      const use = globalUse(node);
      if (use === undefined) return;
      if (use === "Deno") {
        report(node, "Deno must be named with its member, as in Deno.args, so that its door can be checked");
      } else if (use.startsWith("Deno.")) pass(DENO_DOORS, use.slice("Deno.".length).replace(/Sync$/, ""), node);
      else pass(GLOBAL_DOORS, use, node);
    },
    NewExpression(node) {
      const { callee } = node;
      const now = callee.type === "Identifier" && callee.name === "Date" && node.arguments.length === 0;
      if (now) pass(GLOBAL_DOORS, "new Date()", node);
    },
  };
}

function rule(create: (file: string, report: Report) => Deno.lint.LintVisitor): Deno.lint.Rule {
  return {
    create(context) {
      const file = projectPath(context.filename);
      const isHouse = file !== undefined && (file.startsWith("src/") || roomOf(file));
      return isHouse ? create(file, (node, message) => context.report({ node, message })) : {};
    },
  };
}

/** Maximum number of columns of a line with a comment; the formatter handles those of code. */
const COLUMNS = 120;

/** Refuses comments with a line that is too long. */
const columns: Deno.lint.Rule = {
  create(context) {
    if (projectPath(context.filename) === undefined) return {};
    return {
      Program() {
        const { sourceCode } = context;
        for (const { range: [from, to] } of sourceCode.getAllComments()) {
          const start = sourceCode.text.lastIndexOf("\n", from) + 1;
          const lines = sourceCode.text.slice(start, to).split("\n");
          const longest = Math.max(...lines.map((line) => line.length));
          if (longest > COLUMNS) {
            const message = `a line of this comment has ${longest} columns: break it at ${COLUMNS}`;
            context.report({ range: [from, to], message });
          }
        }
      },
    };
  },
};

/** A word of WORDS, also with `s`, `ed` or `ing` at its end, in any case. */
const WORD = new RegExp(`\\b(${Object.keys(WORDS).join("|")})(?:s|ed|ing)?\\b`, "gi");

/** Code within a comment. */
const CODE = /`[^`\n]*`/g;

/** Splits a name into words: `#lastSeen` and `LAST_SEEN` become `last seen`. */
function partsOf(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, "$1 $2").replaceAll("_", " ");
}

/** Returns whether a call declares a test: `Deno.test`, `t.step`, `test` or a function named `somethingTest`. */
function declaresTest({ callee }: Deno.lint.CallExpression): boolean {
  if (callee.type === "Identifier") return /^(test|\w+Test)$/.test(callee.name);
  if (callee.type !== "MemberExpression" || callee.property.type !== "Identifier") return false;
  const isDeno = callee.object.type === "Identifier" && callee.object.name === "Deno";
  return callee.property.name === (isDeno ? "test" : "step");
}

/** Returns what names a test: the first argument, or its field `name`; undefined when there is none. */
function testName(node: Deno.lint.CallExpression): Deno.lint.Node | undefined {
  const [first] = declaresTest(node) ? node.arguments : [];
  if (first?.type !== "ObjectExpression") return first;
  const isName = (key: Deno.lint.Node) => key.type === "Identifier" && key.name === "name";
  return first.properties.flatMap((field) => field.type === "Property" && isName(field.key) ? [field.value] : [])[0];
}

/** Refuses names, comments and names of tests with an ambiguous word. */
const words: Deno.lint.Rule = {
  create(context) {
    if (projectPath(context.filename) === undefined) return {};
    const refuse = (text: string, range: [number, number]) => {
      for (const [found, word] of text.matchAll(WORD)) {
        context.report({ range, message: `"${found}" is no word of this project: say ${WORDS[word.toLowerCase()]}` });
      }
    };
    const check = (node: { name: string; range: [number, number] }) => refuse(partsOf(node.name), node.range);
    return {
      Identifier: check,
      PrivateIdentifier: check,
      Program() {
        for (const { value, range } of context.sourceCode.getAllComments()) refuse(value.replace(CODE, ""), range);
      },
      CallExpression(node) {
        const name = testName(node);
        if (name) refuse(context.sourceCode.getText(name), name.range);
      },
    };
  },
};

export default {
  name: "house",
  rules: {
    rings: rule((file, report) => {
      const room = roomOf(file);
      if (room) return ringRules(file, room, report);
      return { Program: (node) => report(node, `${file} is in no room: add a row to scripts/lint/house.ts`) };
    }),
    doors: rule(doorRules),
    columns,
    words,
  },
} satisfies Deno.lint.Plugin;
