"""The texts of `jobrunner unit`: a systemd service, a Kubernetes deployment, a compose file."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

DATA: Final = "/data"
"""Where the volume with the database's file is, in a container."""

_PLAIN: Final = re.compile(r"[\w@%+=:,./-]+", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """What is to run: `options` stand behind `jobrunner`, spans are whole seconds.

    `db` is a path, the name of a database on a server without its password, or `None` where the
    application knows it. `health` is the port of the probes.
    """

    name: str
    options: Sequence[str]
    db: str | None
    is_file: bool
    stop_s: int
    health: int | None
    python: str
    folder: str
    user: str
    image: str
    replicas: int


def systemd(unit: Unit) -> Iterator[str]:
    """A service of the system, line by line."""
    words = [unit.python, "-m", "jobrunner", *unit.options]
    yield f"# /etc/systemd/system/{unit.name}.service, by `jobrunner unit systemd`. Then:"
    yield f"#   systemctl daemon-reload && systemctl enable --now {unit.name}"
    yield "[Unit]"
    yield f"Description=jobrunner workers ({_percent(unit.name)})"
    if not unit.is_file:
        yield from ("Wants=network-online.target", "After=network-online.target")
    yield from ("", "[Service]", "Type=exec", f"User={_percent(unit.user)}")
    yield f"WorkingDirectory={_percent(unit.folder)}"
    yield from _systemd_database(unit)
    yield f"ExecStart={' '.join(map(_word, words))}"
    yield "# Workers get SIGTERM and let tasks end; what is left after this is killed with them."
    yield from ("KillMode=mixed", f"TimeoutStopSec={unit.stop_s}")
    yield from ("SuccessExitStatus=130 143", "Restart=always", "RestartSec=2")
    yield "# A wrong option, or an application that cannot be imported: to try again is no use."
    yield "RestartPreventExitStatus=2 5"
    yield "# A task that takes too much memory is killed; its worker runs it again, or gives it up."
    yield "OOMPolicy=continue"
    yield from ("", "[Install]", "WantedBy=multi-user.target")


def _systemd_database(unit: Unit) -> Iterator[str]:
    if unit.db is None:
        return
    if unit.is_file:
        yield f"Environment={_quoted(f'JOBRUNNER_DB={unit.db}')}"
        return
    yield "# Of root, mode 0600, with the password in it:"
    yield f"#   JOBRUNNER_DB={unit.db}"
    yield f"EnvironmentFile=/etc/jobrunner/{unit.name}.env"
    yield "# Not PrivateTmp: workers of one host see in /tmp which of them live."


def _percent(text: str) -> str:
    return text.replace("%", "%%")


def _word(text: str) -> str:
    """A word of a command, in which systemd would fill in variables."""
    return _quoted(text.replace("$", "$$"))


def _quoted(text: str) -> str:
    escaped = _percent(text).replace("\\", "\\\\").replace('"', '\\"')
    return escaped if _PLAIN.fullmatch(escaped) else f'"{escaped}"'


def k8s(unit: Unit) -> Iterator[str]:
    """A deployment, and a claim for a volume where the database is a file."""
    if unit.is_file:
        yield "# A file is for one node: no other pod may mount it elsewhere, nor over a network."
        yield from _volume_claim(unit)
    label = f"{{app.kubernetes.io/name: {_text(unit.name)}}}"
    yield from ("apiVersion: apps/v1", "kind: Deployment", "metadata:")
    yield from (f"  name: {_text(unit.name)}", f"  labels: {label}", "spec:")
    yield f"  replicas: {1 if unit.is_file else unit.replicas}"
    if unit.is_file:
        yield "  strategy: {type: Recreate}"
    yield from ("  selector:", f"    matchLabels: {label}")
    yield from ("  template:", "    metadata:", f"      labels: {label}", "    spec:")
    yield f"      terminationGracePeriodSeconds: {unit.stop_s}"
    yield from ("      containers:", "        - name: worker")
    yield f"          image: {_text(unit.image)}"
    yield f"          args: {_list(unit.options)}"
    yield '          command: ["jobrunner"]'
    yield from _k8s_database(unit)
    if unit.health is not None:
        yield from _probes(unit.health)
    if unit.is_file:
        yield from ("      volumes:", "        - name: data")
        yield f"          persistentVolumeClaim: {{claimName: {_text(unit.name)}}}"


def _volume_claim(unit: Unit) -> Iterator[str]:
    yield from ("apiVersion: v1", "kind: PersistentVolumeClaim", "metadata:")
    yield from (f"  name: {_text(unit.name)}", "spec:", "  accessModes: [ReadWriteOnce]")
    yield from ("  resources: {requests: {storage: 1Gi}}", "---")


def _k8s_database(unit: Unit) -> Iterator[str]:
    if unit.db is None:
        return
    yield from ("          env:", "            - name: JOBRUNNER_DB")
    if unit.is_file:
        yield f"              value: {_text(unit.db)}"
        yield f"          volumeMounts: [{{name: data, mountPath: {_text(DATA)}}}]"
        return
    yield f"              # kubectl create secret generic {unit.name} --from-literal=db='…'"
    yield f"              # for {unit.db}"
    yield f"              valueFrom: {{secretKeyRef: {{name: {_text(unit.name)}, key: db}}}}"


def _probes(port: int) -> Iterator[str]:
    yield f"          ports: [{{name: health, containerPort: {port}}}]"
    for name, path in (("liveness", "/livez"), ("readiness", "/readyz")):
        yield f"          {name}Probe:"
        yield f"            httpGet: {{path: {path}, port: health}}"
        yield "            periodSeconds: 10"
        yield "            timeoutSeconds: 5"
        yield f"            failureThreshold: {6 if name == 'liveness' else 2}"


def compose(unit: Unit) -> Iterator[str]:
    """A service of a compose file."""
    yield from ("services:", f"  {_text(unit.name)}:", f"    image: {_text(unit.image)}")
    words = ["jobrunner", *unit.options]
    yield f"    command: {_list([word.replace('$', '$$') for word in words])}"
    if unit.db is not None:
        given = unit.db.replace("$", "$$") if unit.is_file else _FROM_OUTSIDE
        yield from ("    environment:", f"      JOBRUNNER_DB: {_text(given)}")
    if unit.is_file:
        yield f"    volumes: [{_text('data:' + DATA)}]"
    yield from ("    init: true", f"    stop_grace_period: {unit.stop_s}s")
    yield "    restart: unless-stopped"
    if unit.health is not None:
        look = f"import urllib.request as r; r.urlopen('http://127.0.0.1:{unit.health}/readyz')"
        yield from ("    healthcheck:", f"      test: {_list(['CMD', 'python', '-c', look])}")
        yield from ("      interval: 10s", "      timeout: 5s", "      start_period: 10s")
    if unit.is_file:
        yield from ("volumes:", "  data: {}")


_FROM_OUTSIDE: Final = "${JOBRUNNER_DB:?put it into .env, with its password}"


def _text(text: str) -> str:
    """Text as YAML reads it, whatever is in it: JSON is YAML."""
    return json.dumps(text)


def _list(words: Sequence[str]) -> str:
    return json.dumps(list(words))


KINDS: Final = {"systemd": systemd, "k8s": k8s, "compose": compose}
"""Each kind of unit by its name."""
