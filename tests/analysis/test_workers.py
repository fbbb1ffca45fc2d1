"""The same task for many items in several processes: in order, and over when somebody has had enough."""

from __future__ import annotations

import os
from itertools import count
from multiprocessing import active_children

import pytest
from batch_tasks import die, divide, fail, more_than_a_pipe_holds, process_id, square

from ibsniff.analysis.workers import in_parallel
from ibsniff.model import ExitCode, UserError


def test_results_come_in_the_order_of_the_items() -> None:
    assert list(in_parallel(square, range(30), 2)) == [number * number for number in range(30)]


def test_nothing_is_done_in_this_process() -> None:
    assert os.getpid() not in set(in_parallel(process_id, range(8), 2))


def test_items_may_have_no_end_and_processes_end_with_the_caller() -> None:
    results = in_parallel(square, count(), 2)
    assert [next(results) for _ in range(5)] == [0, 1, 4, 9, 16]
    results.close()
    assert active_children() == []


def test_processes_ended_in_the_middle_of_an_answer_are_not_waited_for() -> None:
    results = in_parallel(more_than_a_pipe_holds, count(), 2)
    assert len(next(results)) == len(next(results)) > 1_000_000
    results.close()
    assert active_children() == []


def test_nothing_to_do_starts_nothing() -> None:
    assert list(in_parallel(square, [], 2)) == []


def test_a_defect_comes_with_the_place_where_it_is() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        list(in_parallel(divide, [0], 1))
    assert "in divide" in caught.value.__notes__[0]


def test_an_error_of_the_user_comes_through_whole() -> None:
    with pytest.raises(UserError) as caught:
        list(in_parallel(fail, [1], 1))
    assert (caught.value.what, caught.value.what_to_do) == ("what failed", "what to do")
    assert caught.value.exit_code is ExitCode.PERMISSION


def test_a_process_that_is_killed_is_said() -> None:
    with pytest.raises(UserError, match="was killed"):
        list(in_parallel(die, [1, 2], 1))
