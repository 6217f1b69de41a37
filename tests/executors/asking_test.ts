import { GoneError, TmuxError } from "../../src/executors/tmux/server/clients.ts";
import type { Lane } from "../../src/executors/tmux/lanes/lane.ts";
import { LanePool } from "../../src/executors/tmux/lanes/lane_pool.ts";
import { Living } from "../../src/executors/tmux/lanes/living.ts";
import { Readiness } from "../../src/executors/tmux/lanes/readiness.ts";
import { Screens } from "../../src/executors/tmux/people/screens.ts";
import { systemClock } from "../../src/system/clock.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { until } from "../support/until.ts";

const log = { warn: () => {} };

Deno.test("Living asks for thousands of lanes in commands that tmux accepts, and returns with the last", async () => {
  const said: string[] = [];
  const server = {
    shell: (command: string) => {
      assert(command.length < 16_000, String(command.length));
      said.push(command);
      living.said(`1-${said.length}`, `run${said.length}`);
      living.said(`1-${said.length}`, ".");
      return Promise.resolve();
    },
  };
  const spool = { scripts: { living: "/spool/bin/living.sh" }, dir: "/spool", isLost: false };
  const living = new Living({ clock: systemClock, log } as never, { server, spool, epoch: "1" } as never);
  const gone = Array.from({ length: 1000 }, (_, i) => ({ key: String(1_000_000 + i), pid: 4_000_000 + i }) as Lane);
  const answer = await living.query(gone);
  const lanes = said.flatMap((command) => command.match(/\b1000\d{3}\b/g) ?? []);
  assertEquals([new Set(lanes).size, said.length, [...answer!]], [1000, 3, ["run3"]]);
});

for (const [error, calls] of [[new GoneError("frozen"), 1], [new TmuxError("can't find pane", []), 7]] as const) {
  Deno.test(`Screens asks ${calls} times for four panes when tmux ends with ${error.name}`, async () => {
    let asked = 0;
    const screens = new Screens({ run: () => (asked++, Promise.reject(error)) } as never);
    const all = await Promise.all(["%1", "%2", "%3", "%4"].map((pane) => screens.capture(pane)));
    assertEquals([all, asked], [[null, null, null, null], calls]);
  });
}

Deno.test("Readiness does not ask for each lane alone when the server does not answer", async () => {
  let now = 0;
  const said: number[] = [];
  const server = {
    run: (...commands: string[][]) => {
      said.push(commands.length);
      return said.length === 1 ? Promise.reject(new GoneError("frozen")) : Promise.resolve([]);
    },
  };
  const lanes = [1, 2, 3].map((id) =>
    ({ inputDisabled: true, pane: `%${id}`, runs: [{ firstAt: 0 }] }) as unknown as Lane
  );
  const pool = { lanes: new Map(lanes.map((lane) => [lane.pane, lane])) };
  const clock = { now: () => now };
  const readiness = new Readiness({ clock } as never, { server, pool } as never);
  readiness.begins(lanes[0]);
  now = 1000;
  await until("it asks again", () => said.length === 2);
  readiness.close();
  assertEquals(said, [3, 3]);
});

Deno.test("LanePool tries again to close a lane when the server did not answer, and keeps its folder", async () => {
  const removed: string[] = [];
  let asked = 0;
  const server = { run: () => (asked++ === 0 ? Promise.reject(new GoneError("frozen")) : Promise.resolve([])) };
  const files = { remove: (path: string) => Promise.resolve(removed.push(path)) };
  const pool = new LanePool({ clock: systemClock, files } as never, {
    server,
    spool: { laneFolder: (key: string) => key },
    host: { nofile: 1024 },
    folders: [],
  } as never);
  const lane = {
    key: "1",
    pane: "%1" as string | null,
    runs: [],
    settled: true,
    full: false,
    disconnect: () => lane.pane = null,
    close: () => Promise.resolve(),
  };
  pool.lanes.set("1", lane as unknown as Lane);
  await pool.retire(lane as unknown as Lane);
  assertEquals([lane.pane, removed], ["%1", []]);
  await Promise.all([pool.tidy(), pool.tidy()]);
  assertEquals([lane.pane, removed], [null, ["1"]]);
});
