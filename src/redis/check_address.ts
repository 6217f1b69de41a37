import type { RedisUrl } from "./url.ts";

/** Hosts that only programs on this host can reach. */
const LOOPBACK = /^(127\.\d+\.\d+\.\d+|localhost|::1)$/;

/** Checks what an address exposes to the network between this host and that of Redis. */
export function judgeAddress({ hostname, password, tls }: RedisUrl) {
  if (LOOPBACK.test(hostname)) return [];
  const warning = (subject: string, says: string, remedy: string) =>
    [{ severity: "warning", subject, says, remedy }] as const;
  if (password === undefined) {
    return warning(
      "password",
      "Redis is used without a password: every client that reaches it runs commands as the user of each runner",
      "Set a password there, or a user with one, and write redis://USER:PASSWORD@HOST or rediss://...",
    );
  }
  if (tls) return [];
  return warning(
    "encryption",
    "the password of Redis goes over the network in plain text",
    "Use rediss://, or a tunnel that ends on this host",
  );
}
