"""What the standard library promises of `map`, of a shutdown and beside asyncio, likewise."""

import asyncio
from concurrent.futures import CancelledError

import pytest

from tests.futures import functions as f
from tests.futures.functions import gates
from tests.futures.test_semantics import SHORT, busy
from tests.runtime.support import PATIENCE


class TestMap:
    def test_results_come_in_the_order_of_the_arguments(self, pool):
        with pool(2) as executor:
            assert list(executor.map(f.echo, range(20))) == list(range(20))

    def test_the_shortest_of_the_arguments_ends_it(self, pool):
        with pool(2) as executor:
            assert list(executor.map(f.add, [1, 2, 3], [10, 20])) == [11, 22]
            assert list(executor.map(f.add, [], [])) == []

    def test_calls_are_made_before_a_result_is_asked_for(self, pool):
        executor = pool(2)
        executor.map(f.wait_for, ["a", "b"])
        assert gates["a runs"].wait(PATIENCE)
        assert gates["b runs"].wait(PATIENCE)

    def test_an_error_comes_in_its_place_and_ends_it(self, pool):
        with pool(1) as executor:
            results = executor.map(f.refuse_three, [1, 2, 3, 4])
            assert next(results) == 1
            assert next(results) == 2
            with pytest.raises(ValueError, match="three"):
                next(results)
            with pytest.raises(StopIteration):
                next(results)

    def test_it_times_out_and_cancels_what_waits(self, pool):
        executor = pool(1)
        results = executor.map(f.wait_for, ["a", "b", "c"], timeout=SHORT * 10)
        assert gates["a runs"].wait(PATIENCE)
        with pytest.raises(TimeoutError):
            next(results)
        gates["a"].set()
        executor.shutdown()
        assert f.ran == ["a"]

    def test_whoever_leaves_early_cancels_what_waits(self, pool):
        executor = pool(1)
        results = executor.map(f.wait_for, ["a", "b", "c"])
        gates["a"].set()
        assert next(results) is None
        assert gates["b runs"].wait(PATIENCE)
        results.close()
        gates["b"].set()
        executor.shutdown()
        assert f.ran == ["a", "b"]

    def test_the_chunksize_changes_no_result(self, pool):
        with pool(2) as executor:
            assert list(executor.map(f.echo, range(5), chunksize=2)) == list(range(5))


class TestShutdown:
    def test_nothing_is_taken_after_it(self, pool):
        executor = pool(1)
        executor.submit(f.echo).result(PATIENCE)
        executor.shutdown()
        executor.shutdown()
        with pytest.raises(RuntimeError, match="cannot schedule new futures after shutdown"):
            executor.submit(f.echo)
        with pytest.raises(RuntimeError, match="cannot schedule new futures after shutdown"):
            executor.map(f.echo, [1])

    def test_nor_without_a_call_before_it(self, pool):
        executor = pool(1)
        executor.shutdown()
        with pytest.raises(RuntimeError, match="after shutdown"):
            executor.submit(f.echo)

    def test_it_waits_for_all(self, pool):
        executor, futures = busy(pool, "a", "b")
        for name in "ab":
            gates[name].set()
        executor.shutdown()
        assert all(future.done() for future in futures)
        assert f.ran == ["a", "b"]

    def test_it_need_not_wait_and_all_runs(self, pool):
        executor, (first, second) = busy(pool, "a", "b")
        executor.shutdown(wait=False)
        assert not first.done()
        for name in "ab":
            gates[name].set()
        assert second.result(PATIENCE) is None

    def test_it_may_cancel_what_waits(self, pool):
        executor, (running, *waiting) = busy(pool, "a", "b", "c")
        executor.shutdown(wait=False, cancel_futures=True)
        gates["a"].set()
        executor.shutdown()
        assert running.result(PATIENCE) is None
        assert [one.cancelled() for one in waiting] == [True, True]
        assert f.ran == ["a"]

    def test_a_block_ends_with_it_even_if_it_raises(self, pool):
        futures = []

        def work():
            with pool(1) as executor:
                futures.append(executor.submit(f.echo, 1))
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            work()
        assert futures[0].done()

    def test_a_callback_may_ask_for_it(self, pool):
        executor, (future,) = busy(pool, "a")
        future.add_done_callback(lambda _: executor.shutdown(wait=False))
        gates["a"].set()
        future.result(PATIENCE)
        executor.shutdown()


class TestAsyncio:
    def test_a_future_is_awaited(self, pool):
        async def main(executor):
            return await asyncio.wrap_future(executor.submit(f.echo, 1))

        with pool(1) as executor:
            assert asyncio.run(main(executor)) == 1

    def test_what_it_raises_is_raised_there(self, pool):
        async def main(executor):
            await asyncio.wrap_future(executor.submit(f.complain, "OwnError", "x"))

        with pool(1) as executor, pytest.raises(f.OwnError, match="x"):
            asyncio.run(main(executor))

    def test_a_loop_runs_calls_in_it(self, pool):
        async def main(executor):
            loop = asyncio.get_running_loop()
            calls = [loop.run_in_executor(executor, f.add, n, 1) for n in range(5)]
            return await asyncio.gather(*calls)

        with pool(2) as executor:
            assert asyncio.run(main(executor)) == [1, 2, 3, 4, 5]

    def test_a_cancel_there_cancels_what_waits(self, pool):
        executor, (_, waiting) = busy(pool, "a", "b")

        async def main():
            wrapped = asyncio.wrap_future(waiting)
            wrapped.cancel()
            with pytest.raises(asyncio.CancelledError):
                await wrapped

        asyncio.run(main())
        with pytest.raises(CancelledError):
            waiting.result(PATIENCE)
        gates["a"].set()
        executor.shutdown()
        assert f.ran == ["a"]

    def test_a_cancel_of_what_waits_is_one_there(self, pool):
        _, (_, waiting) = busy(pool, "a", "b")

        async def main():
            wrapped = asyncio.wrap_future(waiting)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await wrapped

        asyncio.run(main())

    def test_a_wait_there_times_out(self, pool):
        _, (running,) = busy(pool, "a")

        async def main():
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(running)), SHORT)

        asyncio.run(main())
        gates["a"].set()
        assert running.result(PATIENCE) is None
