"""`jobrunner unit`: services that their managers understand, and no password in any of them."""

import configparser
import shutil
import subprocess
import sys

import pytest
import yaml

URL = "postgresql://me:hunter2@db.example/jobs?sslmode=require"
WORK = ("-A", "application:queue")


def unit(cli, *words):
    ran = cli("unit", *words)
    assert (ran.code, ran.err) == (0, "")
    return ran.out


def test_a_systemd_service_stops_in_order(cli):
    grace = ("--shutdown-grace", "1m")
    text = unit(cli, "systemd", *WORK, "--workers", 2, "--queue", "mail=2", *grace)
    assert "KillMode=mixed\nTimeoutStopSec=70\n" in text
    assert f"WorkingDirectory={cli.folder}\n" in text
    assert f"Environment=JOBRUNNER_DB={cli.folder}/jobs.db\n" in text
    work = "-A application:queue work --workers 2 --queue mail=2 --shutdown-grace 1m"
    assert f"ExecStart={sys.executable} -m jobrunner {work}\n" in text


def test_a_systemd_service_is_one_to_systemd(cli, tmp_path):
    folder = tmp_path / "with a space, 100% and $HOME"
    folder.mkdir()
    service = tmp_path / "jobrunner.service"
    service.write_text(unit(cli, "systemd", *WORK, "--db", folder / "jobs.db"))
    read = configparser.RawConfigParser(comment_prefixes="#", delimiters="=")
    read.read(service)
    assert set(read.sections()) == {"Unit", "Service", "Install"}
    if (analyze := shutil.which("systemd-analyze")) is not None:
        words = [analyze, "verify", str(service)]
        ran = subprocess.run(words, capture_output=True, text=True, check=False)
        assert (ran.returncode, ran.stderr) == (0, "")


def test_words_are_quoted_as_systemd_reads_them(cli):
    text = unit(cli, "systemd", "--queue", 'a "b" 100% $c', "--db", "x y.db")
    assert '--queue "a \\"b\\" 100%% $$c"' in text
    assert f'Environment="JOBRUNNER_DB={cli.folder}/x y.db"' in text


def test_a_deployment_on_a_server_has_its_url_from_a_secret(cli):
    text = unit(cli, "k8s", *WORK, "--db", URL, "--image", "app:1", "--replicas", 3)
    (made,) = yaml.safe_load_all(text)
    pod = made["spec"]["template"]["spec"]
    (worker,) = pod["containers"]
    assert (made["spec"]["replicas"], pod["terminationGracePeriodSeconds"]) == (3, 25)
    assert worker["args"][:3] == ["-A", "application:queue", "work"]
    (variable,) = worker["env"]
    assert variable["valueFrom"] == {"secretKeyRef": {"name": "jobrunner", "key": "db"}}
    (port,) = worker["ports"]
    assert worker["args"][-2:] == ["--health", f"0.0.0.0:{port['containerPort']}"]
    assert worker["livenessProbe"]["httpGet"] == {"path": "/livez", "port": port["name"]}
    assert worker["readinessProbe"]["httpGet"]["path"] == "/readyz"


def test_a_deployment_on_a_file_is_one_pod_with_a_volume(cli):
    claim, made = yaml.safe_load_all(unit(cli, "k8s", "--image", "app:1", "--replicas", 3))
    pod = made["spec"]["template"]["spec"]
    (worker,) = pod["containers"]
    assert (made["spec"]["replicas"], made["spec"]["strategy"]) == (1, {"type": "Recreate"})
    assert worker["env"] == [{"name": "JOBRUNNER_DB", "value": "/data/jobs.db"}]
    assert worker["volumeMounts"] == [{"name": "data", "mountPath": "/data"}]
    assert pod["volumes"][0]["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]


@pytest.mark.parametrize("db", ["jobs.db", URL])
def test_a_compose_service_waits_for_its_tasks(cli, db):
    text = unit(cli, "compose", *WORK, "--db", db, "--image", "app:1", "--queue", "a $b")
    (worker,) = yaml.safe_load(text)["services"].values()
    assert worker["stop_grace_period"] == "25s"
    assert worker["command"][:4] == ["jobrunner", "-A", "application:queue", "work"]
    assert "a $$b" in worker["command"]
    assert "readyz" in worker["healthcheck"]["test"][-1]
    assert worker["environment"]["JOBRUNNER_DB"].startswith(("/data/", "${JOBRUNNER_DB:?"))


@pytest.mark.parametrize("kind", ["systemd", "k8s", "compose"])
def test_no_unit_has_a_password(cli, kind):
    assert "hunter2" not in unit(cli, kind, "--db", URL, "--image", "app:1")


def test_a_database_that_only_the_application_names_is_named_where_it_needs_a_volume(
    cli, monkeypatch
):
    monkeypatch.delenv("JOBRUNNER_DB")
    assert "JOBRUNNER_DB" not in unit(cli, "systemd", *WORK)
    for kind in ("k8s", "compose"):
        assert '"/data/jobs.db"' in unit(cli, kind, *WORK, "--image", "app:1")
    (cli.folder / "elsewhere.py").write_text(
        f"import jobrunner; queue = jobrunner.TaskQueue({URL!r})"
    )
    for kind in ("k8s", "compose"):
        assert "JOBRUNNER_DB" not in unit(cli, kind, "-A", "elsewhere", "--image", "app:1")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["k8s"], "needs an image"),
        (["systemd", "--name", "My Jobs"], "is no name of a service"),
        (["launchd"], "launchd"),
        (["systemd", "--shutdown-grace", "long"], "is no length of time"),
    ],
)
def test_what_makes_no_service_is_refused(cli, words, says):
    ran = cli("unit", *words)
    assert (ran.code, ran.out) == (2, "")
    assert says in ran.err


def test_the_options_of_a_unit_are_those_of_work(cli):
    """What it writes behind `work` is understood there."""
    text = unit(cli, "compose", *WORK, "--image", "app:1", "--workers", 1, "--executor", "process")
    (worker,) = yaml.safe_load(text)["services"].values()
    words = worker["command"][1:]
    words[words.index("--health") + 1] = "127.0.0.1:0"
    ran = cli(*words, "--until-empty", "--json")
    assert ran.code == 0, ran.err
