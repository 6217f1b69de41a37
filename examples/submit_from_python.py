#!/usr/bin/env python3
"""Submits a job and waits until it ends, with only a socket: two Redis commands submit it, one reads its status.

REDIS_URL (host:port) and RUNNER_NAME select the queue; a Redis package has the same commands: hset, lpush and hget.
"""
import os
import socket
import time
import uuid

host, port = os.environ.get("REDIS_URL", "127.0.0.1:6379").rsplit(":", 1)
runner = os.environ.get("RUNNER_NAME", "test_runner")
connection = socket.create_connection((host, int(port)))
replies = connection.makefile("rb")


def redis(*words):
    """Sends one command; returns a string, a number or None."""
    parts = [str(word).encode() for word in words]
    connection.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts))
    kind, rest = (line := replies.readline())[:1], line[1:].strip()
    if kind == b"-":
        raise RuntimeError(rest.decode())
    if kind == b":":
        return int(rest)
    if kind == b"$":
        return None if rest == b"-1" else replies.read(int(rest) + 2)[:-2].decode()
    return rest.decode()


job = uuid.uuid4()
redis("HSET", f"job_{job}", "payload", 'echo "hello from $WHO"', "env_vars", '{"WHO":"Python"}', "status", "dispatched")
redis("LPUSH", f"runner:{runner}", job)
while (status := redis("HGET", f"job_{job}", "status")) not in ("finished", "error"):
    time.sleep(0.1)
print(status)
print(redis("HGET", f"job_{job}", "result"), end="")

# Output:
# finished
# hello from Python
