"""A batch over an API that costs money: a crash in the middle bills nobody twice.

Each customer takes three calls that cost: charge, print, post. Each call is a step of the task: its
answer is stored before the next begins, and whoever goes on after a crash does not call again. The
one moment that no library can see, after the call and before its answer is stored, is the API's:
it is given a key, and answers a key that it knows with what it has done before.

    python paid_batch.py

starts a bank of its own on this machine, kills the worker with SIGKILL in the middle of the batch,
starts another one, and shows the bank's books.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.request import Request, urlopen

from jobrunner import Status, TaskQueue, Worker, context

CUSTOMERS = ["Ada", "Bob", "Cid", "Dee", "Eve", "Fay"]
CALLS = ("charge", "print", "post")
KILL_AFTER = 8
"""Calls that the bank has seen when the worker is killed."""

queue = TaskQueue("paid.db")


@queue.task(timeout=60)
def invoice(customer: str) -> list[str]:
    """Three paid calls, each made once for this task."""
    return [context.step(call, pay, call, customer, f"{context.task_id}:{call}") for call in CALLS]


def pay(call: str, customer: str, key: str) -> str:
    """Call the API; the key makes a call that is repeated the same call."""
    wanted = json.dumps({"call": call, "customer": customer, "key": key}).encode()
    address = os.environ["BANK"]
    with urlopen(Request(address, data=wanted)) as answer:  # noqa: S310 — our own bank
        receipt: str = json.load(answer)["receipt"]
    return receipt


class Bank(BaseHTTPRequestHandler):
    """Writes a bill for each new key, and remembers all calls."""

    bills: dict[str, tuple[str, str]] = {}
    calls: list[str] = []
    half_done = threading.Event()
    lock = threading.Lock()

    def do_POST(self) -> None:
        """Bill it, or answer as before."""
        wanted: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.lock:
            self.calls.append(wanted["key"])
            self.bills.setdefault(wanted["key"], (wanted["customer"], wanted["call"]))
            if len(self.calls) >= KILL_AFTER:
                self.half_done.set()
        body = json.dumps({"receipt": f"receipt-{wanted['key']}"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main() -> None:
    """Run the batch through a kill, and compare the bank's books with the customers."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Bank) as bank:
        threading.Thread(target=bank.serve_forever, daemon=True).start()
        run_through_a_kill(f"http://127.0.0.1:{bank.server_port}")
        bank.shutdown()
    billed = sorted(Bank.bills.values())
    once = billed == sorted((name, call) for name in CUSTOMERS for call in CALLS)
    completed = queue.counts()[Status.COMPLETED]
    print(f"{completed} completed, {len(billed)} bills, each once: {once}")
    repeated = len(Bank.calls) - len(billed)
    print(f"calls whose answer the kill had cut off, repeated under their key: {repeated}")


def run_through_a_kill(address: str) -> None:
    """Run the batch; its worker is killed in the middle, and another one goes on."""
    queue.enqueue_many(invoice.bind(customer) for customer in CUSTOMERS)
    environment = {**os.environ, "BANK": address}
    command = [sys.executable, __file__, "work"]
    with subprocess.Popen(command, env=environment) as worker:
        Bank.half_done.wait(timeout=60)
        worker.send_signal(signal.SIGKILL)
    print(f"killed after {len(Bank.bills)} bills of {len(CUSTOMERS) * len(CALLS)}")
    subprocess.run(command, env=environment, check=True)


if __name__ == "__main__":
    if "work" in sys.argv:
        Worker(queue, concurrency=2).run(until_empty=True)
    else:
        main()
