"""Let a contestant do what the command line asks; see `protocol`."""

import sys
from importlib import import_module

from benchmarks.peers import protocol

name, verb, dsn, count = sys.argv[1:]
peer = import_module(f"benchmarks.peers.{name}")
protocol.speak(peer.CONTESTANT, peer.RUN, verb, dsn, int(count))
