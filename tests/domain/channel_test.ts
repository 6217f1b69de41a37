import { Channel } from "../../src/domain/channel.ts";
import { assertEquals } from "../support/assert.ts";

Deno.test("Channel gives a reader each value once and in order, also those that came before it", async () => {
  const channel = new Channel<number>();
  channel.push(1);
  channel.push(2);
  const read: number[] = [];
  const reading = (async () => {
    for await (const value of channel) {
      read.push(value);
      if (value === 2) channel.push(3); // while the reader is at work
      if (value === 3) queueMicrotask(() => channel.push(4)); // while it waits
      if (value === 4) channel.close();
    }
  })();
  await reading;
  assertEquals(read, [1, 2, 3, 4]);
});

Deno.test("Channel gives what was pushed before close, then ends its reader", async () => {
  const channel = new Channel<string>();
  channel.push("last");
  channel.close();
  assertEquals(await Array.fromAsync(channel), ["last"]);
});
