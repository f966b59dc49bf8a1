"""Hosts of a test's own: network namespaces, each with a link to this one that can be cut."""

import contextlib
import fcntl
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pyroute2 import IPRoute, NetNS, netns

from tests.lifecycle import processes

NETWORK = "10.213.0.0/16"
SERVER = "10.213.0.1"
"""An address of this host that all of them reach."""

TURN = Path(tempfile.gettempdir()) / f"jobrunner-hosts-{os.getuid()}.lock"
"""Locked by who has hosts: another run on this machine would give its own the same addresses."""

ENTER = (
    "import os, sys; from pyroute2 import netns;"
    " netns.setns(sys.argv[1]); os.execv(sys.argv[2], sys.argv[2:])"
)


class Host:
    """One host, by the name of its end of the link."""

    def __init__(self, number: int) -> None:
        self.namespace = f"jobrunner-{os.getpid()}-{number}"
        self.link = f"jr{os.getpid() % 100_000}-{number}"
        self.enter = [sys.executable, "-c", ENTER, self.namespace]
        """What stands before a command that is to run there."""
        netns.create(self.namespace)
        ours, theirs = (f"10.213.{number}.{end}" for end in (1, 2))
        with IPRoute() as here, NetNS(self.namespace) as there:
            peer = {"ifname": "eth0", "net_ns_fd": self.namespace}
            here.link("add", ifname=self.link, kind="veth", peer=peer)
            self._open(here, self.link, ours)
            self._open(there, "eth0", theirs)
            self._open(there, "lo", None)
            there.route("add", dst="default", gateway=ours)

    @staticmethod
    def _open(network: IPRoute, name: str, address: str | None) -> None:
        (index,) = network.link_lookup(ifname=name)
        if address:
            network.addr("add", index=index, address=address, prefixlen=30)
        network.link("set", index=index, state="up")

    def cut(self) -> None:
        """Let nothing through any more."""
        self._set("down")

    def heal(self) -> None:
        """Let everything through again."""
        self._set("up")

    def _set(self, state: str) -> None:
        with IPRoute() as here:
            here.link("set", index=here.link_lookup(ifname=self.link)[0], state=state)

    def remove(self) -> None:
        with IPRoute() as here:  # the kernel takes its time to remove it with the namespace
            here.link("del", index=here.link_lookup(ifname=self.link)[0])
        netns.remove(self.namespace)


@contextlib.contextmanager
def hosts(count: int) -> Iterator[list[Host]]:
    """So many hosts that reach this one by `SERVER`; those of a run that was killed are removed."""
    with contextlib.ExitStack() as stack:
        fcntl.flock(stack.enter_context(TURN.open("w")), fcntl.LOCK_EX)
        for left in netns.listnetns():
            owner = re.fullmatch(r"jobrunner-(\d+)-\d+", left)
            if owner and not processes.is_alive(int(owner[1])):
                netns.remove(left)
        with IPRoute() as here:
            (local,) = here.link_lookup(ifname="lo")
            here.addr("replace", index=local, address=SERVER, prefixlen=32)
        stack.callback(_forget, local)
        made = [Host(number) for number in range(1, count + 1)]
        for host in made:
            stack.callback(host.remove)
        yield made


def _forget(local: int) -> None:
    with IPRoute() as here:
        here.addr("del", index=local, address=SERVER, prefixlen=32)
