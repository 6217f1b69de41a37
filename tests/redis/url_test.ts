import { InvalidInputError } from "../../src/domain/errors.ts";
import { maskUrl, parseRedisUrl, type RedisUrl } from "../../src/redis/url.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";

const plain = { hostname: "h", port: 6379, tls: false, db: 0 };

const good: [string, RedisUrl][] = [
  ["h", plain],
  ["h:1", { ...plain, port: 1 }],
  ["127.0.0.1:6379", { ...plain, hostname: "127.0.0.1" }],
  ["::1", { ...plain, hostname: "::1" }],
  ["[::1]", { ...plain, hostname: "::1" }],
  ["[fe80::1%eth0]:7", { ...plain, hostname: "fe80::1%eth0", port: 7 }],
  ["redis://h", plain],
  ["REDIS://h/", plain],
  ["redis://h:2/3", { ...plain, port: 2, db: 3 }],
  ["h/4", { ...plain, db: 4 }],
  ["redis://[::1]:2/3", { ...plain, hostname: "::1", port: 2, db: 3 }],
  ["redis://:secret@h", { ...plain, password: "secret" }],
  ["redis://alice:p%40ss%2F%3a@h", { ...plain, username: "alice", password: "p@ss/:" }],
  ["redis://alice:a:b@c@h:9", { ...plain, port: 9, username: "alice", password: "a:b@c" }],
  ["redis://%C3%A4:%20@h", { ...plain, username: "ä", password: " " }],
  ["rediss://h", { ...plain, tls: true }],
  ["rediss://u:p@h:1/2?ca=/etc/my%20ca.pem", {
    ...{ hostname: "h", port: 1, tls: true, db: 2 },
    ...{ username: "u", password: "p", caFile: "/etc/my ca.pem" },
  }],
];

Deno.test("parseRedisUrl() reads every form", () => {
  for (const [text, url] of good) assertEquals(parseRedisUrl(text), url, text);
});

const bad: [string, string][] = [
  ["", "names no host"],
  [":6379", "names no host"],
  ["h:", "port"],
  ["h:0", "port"],
  ["h:65536", "port"],
  ["h:6x", "port"],
  ["h:-1", "port"],
  ["h h", "character"],
  ["h\n", "character"],
  ["[::1", "host cannot be read"],
  ["redis://", "names no host"],
  ["redis://h/x", "number of a database"],
  ["redis://h/1/2", "number of a database"],
  ["redis://h?db=1", '"ca"'],
  ["redis://h?ca=x", "rediss://"],
  ["rediss://h?ca=", "names no file"],
  ["redis://h#1", '"#"'],
  ["http://h", '"http://"'],
  ["user:hunter2@h", "redis:// in front"],
  ["redis://hunter2@h", "without a password"],
  ["redis://u:@h", "password is empty"],
  ["redis://u:hunter2%zz@h", "%25"],
  ["redis://u:hun/ter2@h", "%2F"],
  ["redis://u:hun?ter2@h", "%3F"],
  ["redis://u:hun#ter2@h", "%23"],
  ["redis://u:hunter2@h:x", "port"],
  ["redis://u:hunter2@h/x", "database"],
];

Deno.test("parseRedisUrl() refuses anything else in one sentence without a password", () => {
  for (const [text, says] of bad) {
    const { message } = assertThrows(() => parseRedisUrl(text), InvalidInputError, says, text);
    assert(!/hun|ter2/.test(message), message);
    assert(!message.includes("\n"), message);
  }
});

Deno.test("maskUrl() hides passwords of good and of wrong URLs", () => {
  const rows: [string, string][] = [
    ["h:1", "h:1"],
    ["redis://h/1", "redis://h/1"],
    ["redis://:hunter2@h", "redis://:***@h"],
    ["rediss://alice:hun@ter2@h:1/2?ca=x", "rediss://alice:***@h:1/2?ca=x"],
    ["redis://hunter2@h", "redis://***@h"],
    ["alice:hunter2@h", "***@h"],
    ["redis://u:hun/ter2@h", "redis://u:***@h"],
  ];
  for (const [text, masked] of rows) assertEquals(maskUrl(text), masked);
});
