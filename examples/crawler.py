"""A crawler that is polite to each host: one request at a time, and so many a second at most.

It starts a small site of its own on this machine, crawls it from its first page, and shows what
the site has seen. The limits stand in the database: they hold over all workers, and over restarts.

    python crawler.py
"""

import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urljoin, urlsplit
from urllib.request import urlopen

from jobrunner import Status, TaskQueue, Unique, Worker

PAGES = 12
RATE = (6, 0.5)
"""At most so many requests in so many seconds."""

queue = TaskQueue("crawler.db")


@queue.task(queue="crawl", timeout=30)
def crawl(url: str) -> int:
    """Fetch a page, and enqueue what it links to; pages that are known are left out."""
    with urlopen(url) as page:  # noqa: S310 — our own site
        links = re.findall(r'href="([^"]+)"', page.read().decode())
    for link in links:
        enqueue(urljoin(url, link))
    return len(links)


def enqueue(url: str) -> None:
    """Have a page crawled, each once, whatever has become of it."""
    host = urlsplit(url).netloc
    once = Unique(key=url, in_=frozenset(Status), on_conflict="ignore")
    crawl.using(concurrency_key=f"host:{host}", unique=once).enqueue(url)


class Site(BaseHTTPRequestHandler):
    """Pages that link to each other, and a memory of when they were asked for."""

    asked: list[float] = []
    busy = most_at_a_time = 0
    lock = threading.Lock()

    def do_GET(self) -> None:
        """Answer with links to two more pages, and to the first."""
        with self.lock:
            self.asked.append(time.monotonic())
            Site.busy += 1
            Site.most_at_a_time = max(Site.most_at_a_time, Site.busy)
        number = int(self.path.strip("/") or 1)
        links = [page for page in (1, 2 * number, 2 * number + 1) if page <= PAGES]
        body = "".join(f'<a href="/{page}">{page}</a>' for page in links).encode()
        with self.lock:
            Site.busy -= 1
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main() -> None:
    """Crawl the site, and tell how it was treated."""
    queue.queues.limit("crawl", rate=RATE)
    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as site:
        threading.Thread(target=site.serve_forever, daemon=True).start()
        began = time.monotonic()
        enqueue(f"http://127.0.0.1:{site.server_port}/1")
        Worker(queue, concurrency=8).run(until_empty=True)
        site.shutdown()
    number, period = RATE
    asked = sorted(Site.asked)
    # Not from one request to another: each comes a moment after the start that was counted.
    polite = all(at - began >= period * (nth // number) for nth, at in enumerate(asked))
    print(f"{len(asked)} requests for {queue.counts()[Status.COMPLETED]} pages")
    print(f"at most {Site.most_at_a_time} at a time, polite: {polite}")


if __name__ == "__main__":
    main()
