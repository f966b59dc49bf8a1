"""The executors that come with jobrunner keep the promises of the kit, on both databases."""

import pytest

from jobrunner.testing.executor_promises import CrashPromises, ExecutorPromises


class BuiltIn(ExecutorPromises):
    @pytest.fixture
    def jobrunner_location(self, location):
        return location


class TestThread(BuiltIn):
    executor = "thread"


class TestProcess(BuiltIn, CrashPromises):
    executor = "process"


class TestAsync(BuiltIn):
    executor = "async"
