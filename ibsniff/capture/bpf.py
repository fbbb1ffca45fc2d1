"""The BSD packet filter (BPF): an assembler for the few instructions we use, and an interpreter for them in Python.

McCanne and Jacobson, "The BSD Packet Filter" (1993); opcodes and the "ancillary" offsets as in Linux
``Documentation/networking/filter.rst``. The source of a program is a list of steps with labels between them. Every
conditional branch is assembled as a condition followed by an unconditional jump, because a conditional jump reaches only
255 instructions and a list of ports may be longer than that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import IntEnum
from typing import NamedTuple


class Op(IntEnum):
    """The opcodes we use. A and X are the two registers of the BPF machine."""

    LOAD_WORD = 0x20
    LOAD_HALF = 0x28
    LOAD_BYTE = 0x30
    LOAD_WORD_AT_X = 0x40
    LOAD_HALF_AT_X = 0x48
    LOAD_BYTE_AT_X = 0x50
    X_IPV4_HEADER_LENGTH = 0xB1
    """X = 4 * (byte & 15): the instruction that computes the length of an IPv4 header."""
    X_CONSTANT = 0x01
    X_FROM_A = 0x07
    AND = 0x54
    SHIFT_RIGHT = 0x74
    ADD_X = 0x0C
    JUMP = 0x05
    IF_EQUAL = 0x15
    IF_ANY_BIT = 0x45
    RETURN = 0x06


class Instruction(NamedTuple):
    """``struct sock_filter``."""

    code: int
    if_true: int
    if_false: int
    operand: int


class Step(NamedTuple):
    """One line of a program's source. A plain string between steps is a label."""

    op: Op
    operand: int = 0
    goto: str = ""
    """The label to jump to. An ``IF_...`` step continues with the next step when its condition is false."""


Program = tuple[Instruction, ...]

_ANCILLARY = 0xFFFF_F000
LINK_PROTOCOL = _ANCILLARY
PACKET_TYPE = _ANCILLARY + 4
HARDWARE_TYPE = _ANCILLARY + 28
"""Offsets at which Linux supplies its metadata of the packet (SKF_AD_OFF plus SKF_AD_...)."""


def assemble(source: Iterable[Step | str]) -> Program:
    """Translate steps and labels into instructions. The kernel accepts only jumps to labels further down.

    Raises KeyError for a jump to a label that does not exist.
    """
    steps: list[tuple[Step, int]] = []
    labels: dict[str, int] = {}
    length = 0
    for line in source:
        if isinstance(line, str):
            labels[line] = length
        else:
            steps.append((line, length))
            length += 2 if line.op in (Op.IF_EQUAL, Op.IF_ANY_BIT) else 1
    return tuple(instruction for step, at in steps for instruction in _translate(step, at, labels))


def _translate(step: Step, at: int, labels: Mapping[str, int]) -> Iterator[Instruction]:
    if step.op in (Op.IF_EQUAL, Op.IF_ANY_BIT):
        yield Instruction(step.op, 0, 1, step.operand)
        yield Instruction(Op.JUMP, 0, 0, labels[step.goto] - at - 2)
    elif step.op is Op.JUMP:
        yield Instruction(Op.JUMP, 0, 0, labels[step.goto] - at - 1)
    else:
        yield Instruction(step.op, 0, 0, step.operand)


_LOADS = {
    Op.LOAD_WORD: (4, False),
    Op.LOAD_HALF: (2, False),
    Op.LOAD_BYTE: (1, False),
    Op.LOAD_WORD_AT_X: (4, True),
    Op.LOAD_HALF_AT_X: (2, True),
    Op.LOAD_BYTE_AT_X: (1, True),
}
_CONDITIONS: dict[int, Callable[[int, int], bool]] = {
    Op.IF_EQUAL: lambda a, operand: a == operand,
    Op.IF_ANY_BIT: lambda a, operand: a & operand != 0,
}
_ARITHMETIC: dict[int, Callable[[int, int, int], int]] = {
    Op.AND: lambda a, _, operand: a & operand,
    Op.SHIFT_RIGHT: lambda a, _, operand: a >> operand,
    Op.ADD_X: lambda a, x, _: a + x,
}
_NOTHING_KNOWN: Mapping[int, int] = {}


def matches(program: Program, packet: bytes, known: Mapping[int, int] = _NOTHING_KNOWN) -> bool:
    """Run a program in Python and tell whether it keeps the packet: for back ends whose kernel cannot, and for tests.

    ``known`` has the values at the ancillary offsets; a missing one is 0. A load beyond the end of the packet ends the
    program with "drop", as in the kernel.
    """
    a = x = at = 0
    try:
        while True:
            code, if_true, if_false, operand = program[at]
            at += 1
            if code == Op.RETURN:
                return operand > 0
            if code == Op.JUMP:
                at += operand
            elif code in _CONDITIONS:
                at += if_true if _CONDITIONS[code](a, operand) else if_false
            elif code in _ARITHMETIC:
                a = _ARITHMETIC[code](a, x, operand)
            elif code == Op.X_IPV4_HEADER_LENGTH:
                x = 4 * (packet[operand] & 0x0F)
            elif code in (Op.X_CONSTANT, Op.X_FROM_A):
                x = operand if code == Op.X_CONSTANT else a
            else:
                a = _load(Op(code), operand, x, packet, known)
    except IndexError:
        return False


def _load(op: Op, operand: int, x: int, packet: bytes, known: Mapping[int, int]) -> int:
    if operand >= _ANCILLARY:
        return known.get(operand, 0)
    size, indexed = _LOADS[op]
    start = operand + x if indexed else operand
    if start + size > len(packet):
        raise IndexError(start)
    return int.from_bytes(packet[start : start + size], "big")
