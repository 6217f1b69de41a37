import { assert, assertEquals } from "../support/assert.ts";
import type { Files } from "../../src/ports/files.ts";
import { readEnded } from "../../src/executors/tmux/output/output.ts";
import { KeptOutputs, LEAST_SIZE } from "../../src/executors/tmux/output/kept_outputs.ts";
import type { TmuxOptions } from "../../src/executors/tmux/options.ts";
import { SpoolFiles } from "../../src/executors/tmux/spool.ts";
import { systemClock } from "../../src/system/clock.ts";

/** Outputs on a disk in memory: path, size and age. */
function fakeOutputs(outputTotal?: number) {
  const disk = new Map<string, { size: number; ageMs: number; text?: string }>();
  const seen: string[] = [];
  const files: Pick<Files, "list" | "stat" | "remove" | "readText" | "replace"> = {
    list: (path) => {
      const inside = [...disk.keys()].filter((name) => name.startsWith(`${path}/`));
      return Promise.resolve(inside.map((name) => ({ name: name.slice(path.length + 1), isFolder: false })));
    },
    stat: (path) => {
      seen.push(path);
      return Promise.resolve(disk.get(path) ?? null);
    },
    remove: (path) => Promise.resolve(disk.delete(path)),
    readText: (path) => Promise.resolve(disk.get(path)?.text ?? null),
    replace: (path, text) => Promise.resolve(void disk.set(path, { size: text.length, ageMs: 0, text })),
  };
  const clock = { ...systemClock, sleep: () => Promise.resolve() };
  const options = {
    files,
    clock,
    wallClock: () => 1234,
    outputTotal,
    spool: "/s",
    digestOf: String,
  } as unknown as TmuxOptions;
  const spool = new SpoolFiles(options.spool, options.files);
  const kept = new KeptOutputs(options, { spool, runs: new Map() });
  const prune = (seconds: number, signal?: AbortSignal, forgotten: string[] = []) =>
    kept.prune({ seconds, forgotten, hasRecord: () => true, signal });
  const outputs = () => [...disk.keys()].filter((path) => path !== "/s/removed");
  return {
    disk,
    outputs,
    seen,
    prune,
    read: (run: string) => readEnded(files as Files, spool, run, { offset: 5, limit: 9 }),
  };
}

Deno.test("KeptOutputs keeps the newest outputs of all, and reads each once", async () => {
  const most = 100;
  const { disk, outputs, seen, prune } = fakeOutputs(most * LEAST_SIZE);
  for (let i = 0; i < most + 10; i++) disk.set(`/s/kept/${i}`, { size: 1, ageMs: 1000 * i });
  await prune(0);
  assertEquals(outputs().length, most);
  assert(disk.has("/s/kept/0") && !disk.has(`/s/kept/${most}`));
  const reads = seen.length;
  disk.set("/s/kept/new", { size: 1, ageMs: 0 });
  await prune(0);
  assertEquals([outputs().length, seen.length], [most, reads + 1]);
});

Deno.test("KeptOutputs bounds the bytes of all outputs, but keeps the newest", async () => {
  const { disk, outputs, prune } = fakeOutputs();
  const size = 6 * 2 ** 30;
  for (let i = 0; i < 3; i++) disk.set(`/s/kept/${i}`, { size, ageMs: 1000 * i });
  await prune(0);
  assertEquals(outputs(), ["/s/kept/0"]);
  disk.set("/s/kept/0", { size: 3 * size, ageMs: 0 });
  await prune(0);
  assertEquals(outputs(), ["/s/kept/0"]);
});

Deno.test("KeptOutputs records the outputs that it removed to make room, and a reader of one gets the time", async () => {
  const { disk, prune, read } = fakeOutputs(2 * LEAST_SIZE);
  for (let i = 0; i < 4; i++) disk.set(`/s/kept/${i}`, { size: 1, ageMs: 1000 * i });
  disk.set("/s/kept/old", { size: 1, ageMs: 99_000 });
  await prune(90);
  assertEquals(disk.get("/s/removed")?.text, "2 1234\n3 1234\n");
  assertEquals(await read("3"), { offset: 5, bytes: new Uint8Array(), removedMs: 1234 });
  assertEquals(await read("old"), { offset: 5, bytes: new Uint8Array() });
  disk.set("/s/removed", {
    size: 1,
    ageMs: 0,
    text: Array.from({ length: 4096 }, (_, i) => `before-${i} 1\n`).join(""),
  });
  disk.set("/s/kept/new", { size: 1, ageMs: 0 });
  await prune(90);
  const lines = disk.get("/s/removed")!.text!.trim().split("\n");
  assertEquals([lines.length, lines[0], lines.at(-1)], [4096, "before-1 1", "1 1234"]);
});

Deno.test("KeptOutputs has no limit of bytes when that is 0", async () => {
  const { disk, prune } = fakeOutputs(0);
  for (let i = 0; i < 3; i++) disk.set(`/s/kept/${i}`, { size: 2 ** 40, ageMs: 1000 * i });
  await prune(0);
  assertEquals(disk.size, 3);
});

Deno.test("KeptOutputs keeps an output as long as its job is kept, and removes its notes with it", async () => {
  const { disk, prune } = fakeOutputs();
  const ageMs = 60_000;
  for (const [run, text] of [["short", "30"], ["long", "90"], ["ever", "0"], ["torn", ""]]) {
    disk.set(`/s/kept/${run}`, { size: 1, ageMs });
    disk.set(`/s/kept/${run}.keep`, { size: 1, ageMs, text });
  }
  for (const name of ["usual", "usual.cut", "usual.gaps", "left.gaps"]) disk.set(`/s/kept/${name}`, { size: 1, ageMs });
  const left = () => [...disk.keys()].map((path) => path.slice("/s/kept/".length)).sort();
  await prune(80);
  assertEquals(left().filter((name) => name.startsWith("short")), []);
  await prune(40);
  assertEquals(left(), ["ever", "ever.keep", "long", "long.keep"]);
});

Deno.test("KeptOutputs ends a round early when the signal aborts", async () => {
  const { disk, prune } = fakeOutputs();
  const runs = Array.from({ length: 1000 }, (_, i) => String(i));
  for (const run of runs) disk.set(`/s/out/${run}`, { size: 1, ageMs: 0 });
  await prune(0, AbortSignal.abort(), runs);
  assertEquals(disk.size, 1000);
  await prune(0, undefined, runs);
  assertEquals(disk.size, 0);
});
