"""A small Django project, whose tasks jobrunner runs."""

import os

SECRET_KEY = "only for tests"  # noqa: S105 — as it says
USE_TZ = True
INSTALLED_APPS = ["jobrunner.contrib.django", "tests.contrib.shop"]
DATABASES = {
    name: {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
    for name in ("default", "other")
}
TASKS = {
    "default": {
        "BACKEND": "jobrunner.contrib.django.Backend",
        "QUEUES": ["default", "mail"],
        "OPTIONS": {"database": os.environ.get("SHOP_TASKS", "shop.db")},
    }
}
