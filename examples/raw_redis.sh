#!/bin/sh
# Submits a job without `runner`: two Redis commands, from any language. REDIS_URL and RUNNER_NAME select the queue.
set -eu
url=${REDIS_URL:-127.0.0.1:6379}
case $url in *://*) ;; *) url=redis://$url ;; esac
redis() { redis-cli --no-auth-warning -u "$url" "$@"; }

id=raw-$$
redis HSET "job_$id" payload 'echo "hello from plain Redis"' status dispatched > /dev/null
redis LPUSH "runner:${RUNNER_NAME:-test_runner}" "$id" > /dev/null

i=0
while status=$(redis HGET "job_$id" status) && [ "$status" != finished ] && [ "$status" != error ] && [ $i -lt 300 ]; do
  sleep 0.1
  i=$((i + 1))
done
echo "$status"
redis HGET "job_$id" result

# Output:
# finished
# hello from plain Redis
#
