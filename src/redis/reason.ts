import { messageOf } from "../domain/message_of.ts";
import { connect, DeadlineError, ReplyError, type Target } from "./client.ts";

/** Why a Redis could not be reached. */
export interface Reason {
  /** What is true now. */
  readonly says: string;
  /** What to do; when left out, to start a Redis or to name another one. */
  readonly remedy?: string;
}

/** How long the check lasts whether TLS is the cause, milliseconds. */
const CHECK_MS = 1_000;

const HTTP: Reason = {
  says: "a web server (HTTP) answers there, and no Redis",
  remedy: "name the port of Redis, often 6379",
};
const OTHER_PROGRAM: Reason = {
  says: "another program than Redis answers there",
  remedy: "name the port of Redis, often 6379",
};
const WANTS_TLS: Reason = {
  says: "it speaks TLS at this port",
  remedy: "write rediss:// in place of redis:// in --redis-url",
};
const PLAIN: Reason = {
  says: "it speaks no TLS at this port",
  remedy: "write redis:// in place of rediss:// in --redis-url, or name the port with TLS",
};
const NO_WAY = "check the address in --redis-url, and this host's network";

/** The reasons behind errors of the name service, TCP and TLS. */
const MEANINGS: readonly [pattern: RegExp, reason: (target: Target, text: string) => Reason][] = [
  [/failed to lookup address|not known|does not resolve|name resolution/i, ({ url }, text) => ({
    says: `the name service knows no address of ${JSON.stringify(url.hostname)} (${tail(text)})`,
    remedy: "check the host in --redis-url, and the name service (DNS) of this host",
  })],
  [/connection refused/i, () => ({ says: "nothing listens at that port (connection refused)" })],
  [/no route to host|network is unreachable|host is down/i, (_, text) => ({
    says: `there is no way to that host (${tail(text)})`,
    remedy: NO_WAY,
  })],
  [/CaUsedAsEndEntity/, () => ({
    says: "its certificate is that of an authority, which is none of a server",
    remedy: "give Redis a certificate of its own, such as a self-signed one with basicConstraints=CA:FALSE",
  })],
  [/UnknownIssuer|self.signed/i, ({ url }) => ({
    says: url.caFile === undefined
      ? "its certificate is self-signed, or of an authority that this host does not trust"
      : `the certificates in ${JSON.stringify(url.caFile)} do not vouch for its certificate`,
    remedy: "name the certificate of its authority, or its own when it is self-signed: rediss://HOST?ca=FILE",
  })],
  [/NotValidForName|not valid for name/, ({ url }) => ({
    says: `its certificate is for another name than ${JSON.stringify(url.hostname)}`,
    remedy: "write the name in its certificate into --redis-url",
  })],
  [/certificate.*(expired|NotValidYet|not valid yet)/i, () => ({
    says: "its certificate is not valid at the time of this host",
    remedy: "renew the certificate, or set this host's clock",
  })],
  [/CertificateRequired|certificate required/i, () => ({
    says: "it wants a certificate of each client",
    remedy: "set tls-auth-clients no in redis.conf, and give users passwords",
  })],
  [/\beof(error)?\b|unexpected end of file|peer closed|reset by peer|broken pipe/i, () => ({
    says: "it closed the connection without an answer",
    remedy: "check whether a Redis is behind that port, as at the far end of a tunnel or proxy, and lets this host in",
  })],
  [/unknown code: '[H<]'/, () => HTTP],
  [/unknown code: /, () => OTHER_PROGRAM],
];

/** Returns the reason behind an error of a new connection. */
export function reasonOf(error: unknown, target: Target): Reason {
  const text = messageOf(error);
  if (error instanceof DeadlineError) {
    return {
      says: `it did not answer within ${target.connectMs ?? 3_000} ms`,
      remedy:
        "check host and port in --redis-url, and whether a firewall is between; --redis-timeout gives it more time",
    };
  }
  const meaning = MEANINGS.find(([pattern]) => pattern.test(text));
  return meaning ? meaning[1](target, text) : { says: text };
}

/**
 * Returns the reason as `reasonOf` does. Where only one side may speak TLS, it first connects the other way. That check
 * sends nothing but a PING: no user name and no password.
 */
export async function findReason(error: unknown, target: Target, signal: AbortSignal): Promise<Reason> {
  const { tls } = target.url;
  const mayBeTls = tls
    ? error instanceof DeadlineError || /corrupt message|eof|reset by peer/i.test(messageOf(error))
    : /unknown code|eof|reset by peer/i.test(messageOf(error)) && reasonOf(error, target) !== HTTP;
  return mayBeTls ? await otherWay(target, signal) ?? reasonOf(error, target) : reasonOf(error, target);
}

async function otherWay({ url, caCerts, connectMs }: Target, signal: AbortSignal): Promise<Reason | null> {
  const { hostname, port } = url;
  const other: Target = {
    url: { hostname, port, tls: !url.tls, db: 0 },
    caCerts,
    connectMs: Math.min(connectMs ?? CHECK_MS, CHECK_MS),
  };
  try {
    (await connect(other, signal)).close();
    return url.tls ? PLAIN : WANTS_TLS;
  } catch (error) {
    if (error instanceof ReplyError) return url.tls ? PLAIN : WANTS_TLS;
    const text = messageOf(error);
    if (!url.tls) return /peer certificate|CertificateRequired|received fatal alert/.test(text) ? WANTS_TLS : null;
    return /unknown code: /.test(text) ? reasonOf(error, other) : null;
  }
}

/** Returns the last part of a system error, without its number. */
function tail(text: string): string {
  return text.replace(/ \(os error \d+\)$/, "").split(": ").at(-1)!.toLowerCase();
}
