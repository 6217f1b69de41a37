import { signalOf } from "../../src/domain/signals.ts";
import { assertEquals } from "../support/assert.ts";

Deno.test("signalOf names the signal behind an exit code, as signal(7) numbers them", () => {
  const cases: [number, number, string][] = [
    [129, 1, "HUP"],
    [130, 2, "INT"],
    [131, 3, "QUIT"],
    [134, 6, "ABRT"],
    [135, 7, "BUS"],
    [136, 8, "FPE"],
    [137, 9, "KILL"],
    [138, 10, "USR1"],
    [139, 11, "SEGV"],
    [140, 12, "USR2"],
    [141, 13, "PIPE"],
    [142, 14, "ALRM"],
    [143, 15, "TERM"],
    [144, 16, "STKFLT"],
    [145, 17, "CHLD"],
    [147, 19, "STOP"],
    [148, 20, "TSTP"],
    [152, 24, "XCPU"],
    [153, 25, "XFSZ"],
    [156, 28, "WINCH"],
    [159, 31, "SYS"],
  ];
  for (const [code, number, name] of cases) assertEquals(signalOf(code), { number, name }, String(code));
});

Deno.test("signalOf gives null when a code stands for no signal with a name", () => {
  for (const code of [0, 1, 9, 127, 128, 160, 255, 256, -1, 129.5, NaN]) {
    assertEquals(signalOf(code), null, String(code));
  }
});
