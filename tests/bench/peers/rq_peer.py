"""rq's part of the benchmark: PORT SLOTS JOBS; prints jobs a second."""
import subprocess
import sys
import time

from redis import Redis
from rq import Queue

port, slots, jobs = map(int, sys.argv[1:])
connection = Redis(port=port)
queue = Queue("bench", connection=connection)
url = f"redis://127.0.0.1:{port}"
worker = [sys.executable, "-m", "rq.cli", "worker", "--quiet", "--url", url, "bench"]
workers = [subprocess.Popen(worker, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(slots)]


def run(count):
    queued = [queue.enqueue(subprocess.call, ["sh", "-c", "true"]) for _ in range(count)]
    while not all(job.get_status(refresh=True) == "finished" for job in queued[-slots:]):
        time.sleep(0.005)


try:
    run(slots * 2)
    begun = time.time()
    run(jobs)
    print(jobs / (time.time() - begun))
finally:
    for one in workers:
        one.kill()
        one.wait()
