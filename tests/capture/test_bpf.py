"""The BPF assembler and interpreter; test_live_linux compares them with the kernel's."""

from __future__ import annotations

import pytest

from ibsniff.capture.bpf import LINK_PROTOCOL, Instruction, Op, Step, assemble, matches


def test_a_branch_is_a_condition_and_a_long_jump() -> None:
    program = assemble([Step(Op.IF_EQUAL, 7, "end"), Step(Op.RETURN, 0), "end", Step(Op.RETURN, 1)])
    assert program == (
        Instruction(Op.IF_EQUAL, 0, 1, 7),
        Instruction(Op.JUMP, 0, 0, 1),
        Instruction(Op.RETURN, 0, 0, 0),
        Instruction(Op.RETURN, 0, 0, 1),
    )


def test_a_jump_may_lead_over_more_than_255_instructions() -> None:
    far = [Step(Op.AND, 0xFF)] * 1000
    program = assemble(
        [Step(Op.LOAD_BYTE, 0), Step(Op.IF_EQUAL, 9, "end"), *far, Step(Op.RETURN, 0), "end", Step(Op.RETURN, 1)]
    )
    assert matches(program, b"\x09")
    assert not matches(program, b"\x08")


def test_an_undefined_label_is_an_error() -> None:
    with pytest.raises(KeyError, match="nowhere"):
        assemble([Step(Op.JUMP, goto="nowhere")])


@pytest.mark.parametrize(
    ("steps", "a"),
    [
        ([Step(Op.LOAD_BYTE, 1)], 0x45),
        ([Step(Op.LOAD_HALF, 0)], 0x1245),
        ([Step(Op.LOAD_WORD, 0)], 0x12456789),
        ([Step(Op.X_CONSTANT, 2), Step(Op.LOAD_BYTE_AT_X, 1)], 0x89),
        ([Step(Op.X_CONSTANT, 2), Step(Op.LOAD_HALF_AT_X, 0)], 0x6789),
        ([Step(Op.X_CONSTANT, 1), Step(Op.LOAD_WORD_AT_X, 0)], 0x456789AB),
        ([Step(Op.X_IPV4_HEADER_LENGTH, 1), Step(Op.ADD_X)], 20),
        ([Step(Op.LOAD_BYTE, 0), Step(Op.X_FROM_A), Step(Op.LOAD_BYTE, 1), Step(Op.ADD_X)], 0x57),
        ([Step(Op.LOAD_BYTE, 1), Step(Op.AND, 0x0F)], 5),
        ([Step(Op.LOAD_BYTE, 1), Step(Op.SHIFT_RIGHT, 4)], 4),
        ([Step(Op.LOAD_WORD, LINK_PROTOCOL)], 0x0800),
    ],
)
def test_each_instruction(steps: list[Step], a: int) -> None:
    program = assemble([*steps, Step(Op.IF_EQUAL, a, "same"), Step(Op.RETURN, 0), "same", Step(Op.RETURN, 1)])
    assert matches(program, bytes.fromhex("12456789ab"), {LINK_PROTOCOL: 0x0800})


@pytest.mark.parametrize(
    "step",
    [Step(Op.LOAD_WORD, 2), Step(Op.LOAD_HALF, 4), Step(Op.LOAD_BYTE, 5), Step(Op.X_IPV4_HEADER_LENGTH, 5)],
)
def test_a_load_beyond_the_end_drops_the_packet(step: Step) -> None:
    assert not matches(assemble([step, Step(Op.RETURN, 1)]), bytes(5))
    assert matches(assemble([step, Step(Op.RETURN, 1)]), bytes(6))


def test_unknown_metadata_of_a_packet_is_zero() -> None:
    program = assemble(
        [Step(Op.LOAD_WORD, LINK_PROTOCOL), Step(Op.IF_EQUAL, 0, "yes"), Step(Op.RETURN, 0), "yes", Step(Op.RETURN, 1)]
    )
    assert matches(program, b"")
    assert not matches(program, b"", {LINK_PROTOCOL: 1})


def test_any_bit() -> None:
    program = assemble(
        [Step(Op.LOAD_BYTE, 0), Step(Op.IF_ANY_BIT, 0b110, "yes"), Step(Op.RETURN, 0), "yes", Step(Op.RETURN, 1)]
    )
    assert [matches(program, bytes([value])) for value in (0b001, 0b010, 0b101, 0b1000)] == [False, True, True, False]
