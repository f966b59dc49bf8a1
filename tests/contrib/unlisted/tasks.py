"""Tasks of no installed app: a row that names one must not have it imported."""

from jobrunner.contrib.django.framework import tasks


@tasks.task()
def hidden():
    """Do nothing."""
