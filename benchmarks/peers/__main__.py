"""Let a contestant do what the command line asks; see `protocol`."""

import json
import sys
from importlib import import_module

from benchmarks.peers import protocol

module, verb, url, details = sys.argv[1:]
peer = import_module(f"benchmarks.peers.{module}")
protocol.speak(peer.CONTESTANT, verb, url, **json.loads(details))
