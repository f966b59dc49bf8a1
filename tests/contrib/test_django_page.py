"""The project of docs/django.md works as the page says."""

import os
import re
import subprocess
import sys
from pathlib import Path

from jobrunner.contrib.django.framework import tasks

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"```python\n# (\S+\.py)\n(.*?)```", re.DOTALL)
START = """
from pathlib import Path
BASE_DIR = Path(__file__).parent
SECRET_KEY = "only for a test"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "shop.db"}}
"""


def test_the_project_of_the_page_works(tmp_path):
    page = (ROOT / "docs" / "django.md").read_text().replace("django.tasks", tasks.__name__)
    blocks = dict(BLOCK.findall(page))
    assert set(blocks) == {"settings.py", "shop/tasks.py", "shop/tests.py"}
    for name, text in blocks.items():
        place = tmp_path / name
        place.parent.mkdir(exist_ok=True)
        place.write_text(START + text if name == "settings.py" else text)
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "settings"}
    environment["PYTHONPATH"] = os.pathsep.join([str(tmp_path), str(ROOT)])
    for words in (["check"], ["test"], ["jobrunner_work", "--until-empty"]):
        ran = subprocess.run(
            [sys.executable, "-m", "django", *words],
            env=environment,
            cwd=tmp_path,
            check=False,
            capture_output=True,
            text=True,
        )
        assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "tasks.db").exists()
