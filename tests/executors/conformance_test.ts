import { isolatedTest } from "../support/tmux_host.ts";
import { executorConformance, type Kind } from "./conformance.ts";
import { hookConformance } from "./hook_conformance.ts";
import { terminalConformance } from "./terminal_conformance.ts";

const tmux: Kind = {
  test: (name, body) =>
    isolatedTest(`tmux: ${name}`, (host) => {
      const limited = (outputLimit: number) => host.executor({ outputLimit })();
      return body({ executor: host.executor(), limited, dir: host.dir });
    }),
  pool: "tmux.main",
  line: "tmux.main.work",
  wrong: "tmux.a:b",
};

executorConformance(tmux);
hookConformance(tmux);
terminalConformance(tmux);
