import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { SetupError } from "../../src/domain/errors.ts";
import type { Attempt } from "../../src/ports/attempt_journal.ts";
import { systemFiles } from "../../src/system/files.ts";
import { openInstance, unusable } from "../../src/system/instance.ts";
import { ownershipOf } from "../../src/system/ownership.ts";
import { FileJournal } from "../../src/system/attempt_journal.ts";

async function withFolder(body: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await body(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const attempt = (run: string, payload = "true"): Attempt => ({
  name: run,
  id: `id of ${run}`,
  token: `1.${run}`,
  number: 1,
  startedMs: 1,
  bootId: "boot",
  timeoutMs: null,
  job: { payload },
  meta: {},
});
const end = { state: "finished", error: "", exitCode: 0, outputBytes: 0, ms: 1 } as const;

Deno.test("JournalSpool has after a restart what was written before", () =>
  withFolder(async (dir) => {
    const spool = await FileJournal.open(dir);
    await Promise.all([spool.begin(attempt("a")), spool.begin(attempt("b")), spool.begin(attempt("c"))]);
    spool.settle("b", end);
    spool.settle("unknown", end);
    assertEquals(spool.server, null);
    spool.syncedWith("first");
    spool.syncedWith("second");
    await spool.close();
    await (await FileJournal.open(dir)).close();
    const again = await FileJournal.open(dir);
    assertEquals(again.server, "second");
    assertEquals(again.records().map((r) => [r.attempt.name, r.end]), [["a", null], ["c", null], ["b", end]]);
    assertEquals(again.find("a")?.attempt, attempt("a"));
    await again.close();
  }));

Deno.test("JournalSpool reads a torn last line as a step that never happened", () =>
  withFolder(async (dir) => {
    const spool = await FileJournal.open(dir);
    await spool.begin(attempt("a"));
    await spool.close();
    const path = `${dir}/runs.jsonl`;
    const torn = '\n{"do":"begin","attempt":{"run":"to';
    await Deno.writeTextFile(path, torn, { append: true });
    const running = await FileJournal.open(dir);
    assertEquals(running.records().map((r) => r.attempt.name), ["a"]);
    await Deno.writeTextFile(path, torn, { append: true }); // as a full disk tears a line while the runner lives
    await running.begin(attempt("b"));
    await running.close();
    const again = await FileJournal.open(dir);
    assertEquals(again.records().map((r) => r.attempt.name), ["a", "b"]);
    await again.close();
  }));

Deno.test("JournalSpool keeps settled runs for a while, and no more than a bounded number of them", () =>
  withFolder(async (dir) => {
    const spool = await FileJournal.open(dir);
    const runs = Array.from({ length: 4200 }, (_, i) => `r${i}`);
    await Promise.all(runs.map((run) => spool.begin(attempt(run))));
    runs.slice(1).forEach((run) => spool.settle(run, end));
    assertEquals(spool.prune().length, 4199 - 4096);
    assertEquals(spool.records().length, 4097);
    assert(spool.find("r0"), "a run that is not settled stays");
    await spool.close();
  }));

Deno.test("JournalSpool forgets after a restart what was settled long ago, whatever the age of its process", () =>
  withFolder(async (dir) => {
    const spool = await FileJournal.open(dir);
    for (const run of ["old", "young", "gone", "open"]) await spool.begin(attempt(run));
    spool.settle("gone", "gone");
    spool.settle("old", end);
    spool.settle("young", end);
    await spool.close();
    const path = `${dir}/runs.jsonl`;
    const age = (line: string) => line.replace(/"at":(\d+)/, (_, at) => `"at":${Number(at) - 11 * 60_000}`);
    const lines = (await Deno.readTextFile(path)).split("\n");
    await Deno.writeTextFile(path, lines.map((line) => /"(old|gone)",/.test(line) ? age(line) : line).join("\n"));
    // twice: what is written anew keeps its time
    await (await FileJournal.open(dir)).close();
    const again = await FileJournal.open(dir);
    assertEquals(again.records().map((r) => r.attempt.name), ["open", "young"]);
    await again.close();
  }));

Deno.test("unusable() names the folder, and says of a full disk to make room, as another folder has not its jobs", () => {
  for (const why of ["No space left on device (os error 28): writefile 'x'", "Disk quota exceeded (os error 122)"]) {
    assertEquals(
      unusable("/spool/a", new Error(why)).message,
      `Cannot use spool folder "/spool/a": ${why}; make room there`,
    );
  }
  const why = "Read-only file system (os error 30)";
  const { message } = unusable("/spool/a", new Error(why));
  assertEquals(message, `Cannot use spool folder "/spool/a": ${why}; name another one with --spool`);
});

Deno.test("ownershipOf() gives proof against earlier processes of this folder on this boot only", () =>
  withFolder(async (dir) => {
    const claims = async (place: string, nonce: string, boot = "boot") =>
      (await ownershipOf(place, nonce).claim(boot)).proof;
    await Deno.mkdir(`${dir}/a`);
    assertEquals(await claims(`${dir}/a`, "n1"), []);
    // it is not known whether those that did not win have registered
    assertEquals(await claims(`${dir}/a`, "n2"), ["n1"]);
    assertEquals(await claims(`${dir}/a`, "n3", "another boot"), []);
    assertEquals(await claims(`${dir}/a`, "n4"), ["n1", "n2"]);
    await new Deno.Command("cp", { args: ["-a", `${dir}/a`, `${dir}/copy`] }).output();
    assertEquals(await claims(`${dir}/copy`, "c1"), []);
    assertEquals(await claims(`${dir}/copy`, "c2"), ["c1"]);
    await Deno.rename(`${dir}/a`, `${dir}/moved`);
    const won = ownershipOf(`${dir}/moved`, "n5");
    const all = await won.claim("boot");
    assertEquals(all, { proof: ["n1", "n2", "n4"], lineage: ["n1", "n2", "n3", "n4"] });
    await won.won();
    assertEquals(await claims(`${dir}/moved`, "n6"), ["n1", "n2", "n4", "n5"]);
    assertEquals((await Deno.stat(`${dir}/moved/owners`)).mode! & 0o777, 0o600);
    await Deno.writeTextFile(`${dir}/moved/owners`, "torn");
    assertEquals(await claims(`${dir}/moved`, "n7"), []);
  }));

Deno.test("JournalSpool settles a run when the end is in the file: until then the next process finds it anew", () =>
  withFolder(async (dir) => {
    const spool = await FileJournal.open(dir);
    await spool.begin(attempt("r"));
    const onRecord = () => Deno.readTextFileSync(`${dir}/runs.jsonl`).includes('"settle"');
    const noted = spool.settle("r", end).then(onRecord);
    assertEquals(onRecord(), false);
    assertEquals(await noted, true);
    await spool.settle("unknown", end);
    await spool.close();
  }));

Deno.test("JournalSpool says that records are missing until they are settled, and how young the forgotten ones are", () =>
  withFolder(async (dir) => {
    const first = await FileJournal.open(dir, { expected: false });
    assertEquals([first.isWhole, first.forgottenUntil], [true, 0]);
    await first.begin({ ...attempt("gone"), startedMs: 7 });
    first.settle("gone", "gone");
    assertEquals(first.prune(), ["gone"]);
    assertEquals(first.forgottenUntil, 7);
    await first.close();
    const second = await FileJournal.open(dir, { expected: true });
    assertEquals([second.isWhole, second.forgottenUntil], [true, 7]);
    await second.close();
    await Deno.remove(`${dir}/runs.jsonl`);
    // also when that process dies before it has settled anything
    for (let i = 0; i < 2; i++) await (await FileJournal.open(dir, { expected: true })).close();
    const third = await FileJournal.open(dir, { expected: true });
    assertEquals(third.isWhole, false);
    third.restored();
    await third.close();
    const fourth = await FileJournal.open(dir, { expected: true });
    assertEquals(fourth.isWhole, true);
    await fourth.close();
  }));

Deno.test("JournalSpool does not grow without end", () =>
  withFolder(async (dir) => {
    const spool = await FileJournal.open(dir);
    const big = "x".repeat(200_000);
    for (let i = 0; i < 60; i++) {
      await spool.begin(attempt(`r${i}`, big));
      spool.settle(`r${i}`, "gone");
      if (i % 10 === 0) spool.prune();
    }
    spool.prune();
    assertEquals(spool.records().length, 0);
    assert((await Deno.stat(`${dir}/runs.jsonl`)).size < 5 << 20);
    await spool.begin(attempt("after"));
    await spool.close();
    const again = await FileJournal.open(dir);
    assertEquals(again.records().filter((r) => r.end === null).map((r) => r.attempt.name), ["after"]);
    await again.close();
  }));

Deno.test("JournalSpool and its folder are for their owner alone", () =>
  withFolder(async (dir) => {
    const instance = await openInstance(`${dir}/deep/er`);
    const spool = await FileJournal.open(instance.dir);
    assertEquals((await Deno.stat(instance.dir)).mode! & 0o777, 0o700);
    assertEquals((await Deno.stat(`${instance.dir}/runs.jsonl`)).mode! & 0o777, 0o600);
    await spool.close();
    instance.release();
  }));

Deno.test("openInstance() keeps its identity and changes its nonce", () =>
  withFolder(async (dir) => {
    const first = await openInstance(dir);
    first.release();
    const second = await openInstance(dir);
    second.release();
    assertEquals(second.id, first.id);
    assert(second.nonce !== first.nonce && /^[0-9a-f]{12}$/.test(second.nonce));
  }));

Deno.test("openInstance() says what is wrong with a folder that cannot be one", async () => {
  const file = await Deno.makeTempFile();
  try {
    const error = await assertRejects(() => openInstance(file), SetupError);
    assert(error.message.includes("--spool"), error.message);
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("JournalSpool keeps few large settled runs, however fast they come", () =>
  withFolder(async (dir) => {
    const spool = await FileJournal.open(dir);
    const title = "x".repeat(1 << 20);
    for (let i = 0; i < 60; i++) {
      await spool.begin({ ...attempt(`r${i}`), meta: { title } });
      spool.settle(`r${i}`, end);
    }
    assertEquals(spool.records().length, 15);
    assert((await Deno.stat(`${dir}/runs.jsonl`)).size < 48 << 20);
    await spool.close();
  }));

Deno.test("JournalSpool writes down what a full disk refused when there is room again", () =>
  withFolder(async (dir) => {
    const spool = await FileJournal.open(dir);
    await spool.begin(attempt("a"));
    const { writeSync } = Deno.FsFile.prototype;
    Deno.FsFile.prototype.writeSync = () => {
      throw new Error("No space left on device");
    };
    try {
      spool.settle("a", end);
      await assertRejects(() => spool.begin(attempt("b")), Error, "No space left"); // with what was noted
    } finally {
      Deno.FsFile.prototype.writeSync = writeSync;
    }
    spool.prune();
    await spool.begin(attempt("c"));
    const again = await FileJournal.open(dir);
    assertEquals(again.records().map((record) => [record.attempt.name, record.end]), [["a", end], ["c", null]]);
    for (const one of [spool, again]) await one.close();
  }));

Deno.test("JournalSpool bounds the bytes of outputs that stay for its records, and returns which may go", () =>
  withFolder(async (dir) => {
    const spool = await FileJournal.open(dir);
    const runs = Array.from({ length: 3000 }, (_, i) => `r${i}`);
    await Promise.all(runs.map((run) => spool.begin(attempt(run))));
    const outputBytes = 128 << 10;
    runs.forEach((run) => spool.settle(run, { ...end, outputBytes }));
    assertEquals(spool.records().length, (256 << 20) / outputBytes);
    const forgotten = spool.prune();
    assertEquals(forgotten, runs.slice(0, forgotten.length));
    assertEquals(forgotten.length + spool.records().length, runs.length);
    assertEquals(spool.prune(), []);
    await spool.close();
  }));

Deno.test("JournalSpool does not write anew over a journal that is not its own", () =>
  withFolder(async (dir) => {
    const spool = await FileJournal.open(dir);
    assertEquals(spool.missing(), null);
    await Deno.remove(`${dir}/runs.jsonl`);
    assertEquals(spool.missing(), `${dir}/runs.jsonl`);
    const other = await FileJournal.open(dir);
    await other.begin(attempt("theirs"));
    const big = "x".repeat(200_000);
    for (let i = 0; i < 60; i++) {
      await spool.begin(attempt(`r${i}`, big));
      spool.settle(`r${i}`, "gone");
    }
    spool.prune();
    for (const one of [spool, other]) await one.close();
    const again = await FileJournal.open(dir);
    assertEquals(again.records().map((record) => record.attempt.name), ["theirs"]);
    await again.close();
  }));

/** What is not to be found in a journal when an attempt has ended. */
const SECRETS = ["hidden payload", "hidden value", "hidden text"];

function secretIntent(run: string, id = `id of ${run}`): Attempt {
  const [payload, value, raw] = SECRETS;
  const job = { payload: `echo ${payload} \u{1f511}`, env_vars: `{"A":"${value}"}`, executor: "tmux.main" };
  return { ...attempt(run), id, job, meta: { raw, title: "shown" } };
}

/** Which of the secrets the file holds. */
function secretsIn(dir: string): string[] {
  const text = Deno.readTextFileSync(`${dir}/runs.jsonl`);
  return SECRETS.filter((secret) => text.includes(secret));
}

Deno.test("JournalSpool keeps payload and environment until the attempt is settled, and the rest as long as before", () =>
  withFolder(async (dir) => {
    const spool = await FileJournal.open(dir);
    const [one, two, three] = ["one", "two", "three"].map((run) => secretIntent(run));
    await Promise.all([one, two, three].map((each) => spool.begin(each)));
    assertEquals(secretsIn(dir), SECRETS);
    await spool.settle("one", end);
    await spool.settle("two", "gone");
    const left = JSON.stringify([spool.find("one"), spool.find("two")]);
    assertEquals(SECRETS.filter((secret) => left.includes(secret)), []);
    assertEquals(spool.find("one")?.attempt.meta, { title: "shown" });
    assertEquals(spool.find("three")?.attempt, three);
    // what follows is whole
    await spool.begin(attempt("four"));
    await spool.close();
    assertEquals(secretsIn(dir), SECRETS);
    const again = await FileJournal.open(dir);
    assertEquals(again.find("three")?.attempt, three);
    assertEquals(again.find("four")?.attempt, attempt("four"));
    assertEquals(again.find("one")?.end, end);
    await again.settle("three", end);
    assertEquals(secretsIn(dir), []);
    await again.close();
    const last = await FileJournal.open(dir);
    assertEquals(last.records().map(({ attempt }) => attempt.name), ["one", "two", "four", "three"]);
    assertEquals(last.find("four")?.attempt, attempt("four"));
    await last.close();
    assertEquals(secretsIn(dir), []);
  }));

Deno.test("JournalSpool keeps the payload of a job that is to be tried again until that begins, or is too old", () =>
  withFolder(async (dir) => {
    const spool = await FileJournal.open(dir);
    await spool.begin(secretIntent("first", "job"));
    await spool.settle("first", { ...end, retry: true });
    assertEquals(spool.find("first")?.attempt, secretIntent("first", "job"));
    await spool.close();
    const again = await FileJournal.open(dir);
    assertEquals(again.find("first")?.attempt, secretIntent("first", "job"));
    await again.begin(secretIntent("second", "job"));
    assertEquals(again.find("first")?.attempt.job, { executor: "tmux.main" });
    await again.settle("second", end);
    assertEquals(secretsIn(dir), []);
    await again.close();
  }));

Deno.test("JournalSpool erases what a process left that died between an end and the erasure", () =>
  withFolder(async (dir) => {
    const spool = await FileJournal.open(dir);
    await spool.begin(secretIntent("one"));
    const before = await Deno.readTextFile(`${dir}/runs.jsonl`);
    await spool.settle("one", end);
    await spool.close();
    const settled = (await Deno.readTextFile(`${dir}/runs.jsonl`)).split("\n").at(-1);
    await Deno.writeTextFile(`${dir}/runs.jsonl`, `${before}\n${settled}`);
    assertEquals(secretsIn(dir), SECRETS);
    await (await FileJournal.open(dir)).close();
    assertEquals(secretsIn(dir), []);
    // half of it, as a crash of the host may leave it: the end counts all the same
    const torn = before.replace('"payload":"echo hid', " ".repeat(19));
    await Deno.writeTextFile(`${dir}/runs.jsonl`, `${torn}\n${settled}`);
    const again = await FileJournal.open(dir);
    assertEquals(again.find("one")?.end, end);
    await again.close();
    // and without an end nothing that was resolved is in it
    await Deno.writeTextFile(`${dir}/runs.jsonl`, torn);
    const third = await FileJournal.open(dir);
    assertEquals(third.records(), []);
    await third.close();
  }));

Deno.test("JournalSpool erases by the right places after a full disk tore a line, and after it was written anew", () =>
  withFolder(async (dir) => {
    const spool = await FileJournal.open(dir);
    await spool.begin(secretIntent("one"));
    const { writeSync } = Deno.FsFile.prototype;
    Deno.FsFile.prototype.writeSync = function (bytes: Uint8Array) {
      Deno.FsFile.prototype.writeSync = () => {
        throw new Error("No space left on device");
      };
      return writeSync.call(this, bytes.subarray(0, 40));
    };
    try {
      await assertRejects(() => spool.begin(secretIntent("two")), Error, "No space left");
    } finally {
      Deno.FsFile.prototype.writeSync = writeSync;
    }
    await spool.begin(secretIntent("three"));
    await spool.settle("one", end);
    spool.prune();
    await spool.begin(secretIntent("four"));
    await spool.settle("three", end);
    const four = spool.find("four")?.attempt;
    await spool.close();
    const text = await Deno.readTextFile(`${dir}/runs.jsonl`);
    assertEquals(text.split("hidden payload").length, 2, "that of the one that is not settled");
    const again = await FileJournal.open(dir);
    assertEquals(again.find("four")?.attempt, four);
    assertEquals(again.records().length, 3);
    await again.close();
  }));

Deno.test("openInstance() notices that its lock is no longer the file in its folder", () =>
  withFolder(async (dir) => {
    const instance = await openInstance(`${dir}/one`);
    assertEquals(await instance.missing(), null);
    await Deno.remove(`${dir}/one`, { recursive: true });
    assertEquals(await instance.missing(), `${dir}/one/lock`);
    const second = await openInstance(`${dir}/one`);
    assertEquals(await instance.missing(), `${dir}/one/lock`);
    for (const one of [instance, second]) one.release();
  }));

Deno.test("openPipe() refuses what is no pipe", () =>
  withFolder(async (dir) => {
    await Deno.writeTextFile(`${dir}/done`, "");
    await assertRejects(() => systemFiles.openPipe(`${dir}/done`), Error, "is no pipe");
  }));
