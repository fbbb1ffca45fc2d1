from __future__ import annotations

import bz2
import gzip
import lzma
import sys
import tracemalloc

import pytest
import zstandard
from capture_bytes import DATA, opened, pcap_header, read, record
from hypothesis import given, settings
from hypothesis import strategies as st

from ibsniff.capture import compression
from ibsniff.model import UserError

CAPTURE = pcap_header() + b"".join(record(DATA, n) for n in range(1, 200))
COMPRESS = {"gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress, "zstd": zstandard.compress}

each_compression = pytest.mark.parametrize("name", COMPRESS)


@each_compression
def test_compressed_captures_are_read(name):
    frames, facts = read(COMPRESS[name](CAPTURE))
    assert (frames, facts) == read(CAPTURE)
    assert len(frames) == 199


@each_compression
def test_consecutive_members_are_one_capture(name):
    compress = COMPRESS[name]
    frames, facts = read(compress(CAPTURE[:5000]) + compress(CAPTURE[5000:]))
    assert (len(frames), facts.truncated) == (199, None)


@pytest.mark.parametrize("name", ["gzip", "xz"])
def test_padding_after_a_member_is_ignored(name):
    frames, facts = read(COMPRESS[name](CAPTURE) + bytes(2048))
    assert (len(frames), facts.truncated) == (199, None)


@each_compression
def test_garbage_after_a_member_is_damage_and_loses_no_packet(name):
    frames, facts = read(COMPRESS[name](CAPTURE) + b"garbage garbage garbage")
    assert len(frames) == 199
    assert facts.truncated is not None
    assert f"the {name} stream is damaged" in facts.truncated


@each_compression
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_a_truncated_stream_gives_the_packets_before_its_end(name, data):
    whole = COMPRESS[name](CAPTURE)
    content = whole[: data.draw(st.integers(6, len(whole) - 1))]
    try:
        frames, facts = read(content)
    except UserError as error:
        assert f"the {name} stream ends early" in error.what  # noqa: PT017  (it may, or may not)
    else:
        assert frames == read(CAPTURE)[0][: len(frames)]
        assert facts.truncated is not None
        assert f"the {name} stream ends early" in facts.truncated


def test_a_truncated_gzip_loses_only_its_end():
    noise = b"".join(bytes([(n * n * 7 + k * k) % 251 for k in range(1000)]) for n in range(50))
    capture = pcap_header() + b"".join(record(noise[n : n + 999], n) for n in range(0, 49_000, 333))
    whole = gzip.compress(capture)
    frames, facts = read(whole[: len(whole) // 2])
    assert 0 < len(frames) < 148
    assert facts.truncated is not None


@each_compression
def test_compressed_content_that_is_not_a_capture_is_named(name):
    with pytest.raises(UserError, match=f"the {name} content of standard input is not a capture: it is a text file"):
        opened(COMPRESS[name](b"hello world, how are you"))


def test_double_compression_is_named():
    with pytest.raises(UserError, match="compressed with gzip") as caught:
        opened(lzma.compress(gzip.compress(CAPTURE)))
    assert "Unpack it first" in caught.value.what_to_do


def test_zstd_without_its_package_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(UserError, match="compressed with zstd") as caught:
        opened(zstandard.compress(CAPTURE))
    assert caught.value.what_to_do == f"{sys.executable} -m pip install 'ibsniff[zstd]'"


def bomb(megabytes: int) -> bytes:
    """Packets of zeros, which compress best: zstd reaches a ratio of 16,000."""
    return zstandard.compress(CAPTURE + record(bytes(100_000)) * (10 * megabytes), 19)


def test_a_decompression_bomb_is_stopped_and_reported(monkeypatch):
    monkeypatch.setattr(compression, "RATIO_COUNTS_FROM", 4 << 20)
    frames, facts = read(bomb(60))
    assert len(frames) > 199
    assert facts.truncated is not None
    assert "above the limit" in facts.truncated


def test_a_decompression_bomb_takes_little_memory():
    with opened(bomb(60)) as capture:
        tracemalloc.start()
        try:
            for _ in capture.frames():
                pass
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 30 << 20, "half of what it unpacks to"


def test_the_limit_of_the_decompressed_size_is_reported(monkeypatch):
    monkeypatch.setattr(compression, "MAX_DECOMPRESSED", 5000)
    content = b"".join(gzip.compress(CAPTURE[start : start + 500]) for start in range(0, len(CAPTURE), 500))
    frames, facts = read(content)
    assert 0 < len(frames) < 199
    assert facts.truncated is not None
    assert "above the limit" in facts.truncated
