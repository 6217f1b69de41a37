import { isolatedTest } from "../support/tmux.ts";
import { executorConformance } from "./conformance.ts";

executorConformance({
  test: (name, body) =>
    isolatedTest(`tmux: ${name}`, (world) => body({ executor: () => world.executor(), dir: world.dir })),
  pool: "tmux.main",
  line: "tmux.main.work",
  wrong: "tmux.a:b",
});
