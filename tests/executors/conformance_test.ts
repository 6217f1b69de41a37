import { isolatedTest } from "../support/tmux.ts";
import { executorConformance, type Kind } from "./conformance.ts";
import { hookConformance } from "./hook_conformance.ts";
import { terminalConformance } from "./terminal_conformance.ts";

const tmux: Kind = {
  test: (name, body) =>
    isolatedTest(`tmux: ${name}`, (world) => body({ executor: () => world.executor(), dir: world.dir })),
  pool: "tmux.main",
  line: "tmux.main.work",
  wrong: "tmux.a:b",
};

executorConformance(tmux);
hookConformance(tmux);
terminalConformance(tmux);
