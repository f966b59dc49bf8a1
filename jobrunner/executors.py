"""What a plug-in executor is made of, all in one place; docs/executors.md tells how."""

from jobrunner.core.outcome import Completed, Crashed, Failed, Lost, Outcome, Released
from jobrunner.core.signals import StopReason
from jobrunner.runtime.executors.order import Order
from jobrunner.runtime.executors.plugin import Plugin
from jobrunner.runtime.executors.remote import run, stop

__all__ = [
    "Completed",
    "Crashed",
    "Failed",
    "Lost",
    "Order",
    "Outcome",
    "Plugin",
    "Released",
    "StopReason",
    "run",
    "stop",
]
