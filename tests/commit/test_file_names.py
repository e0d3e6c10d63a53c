"""The names of data files: read back whatever topics are called, and as documented."""

from __future__ import annotations

import pytest

from penstock.commit import file_name
from tests.commit.tables import FIRST, P0


@pytest.mark.parametrize(
    "topic", ["events", "a.b-c_d", "-", "x-00000-" + "a" * 32, "a-00001-" + "0" * 32 + "-" + "1" * 20 + ".parquet"]
)
def test_names_are_read_back_whatever_the_topic_is_called(topic: str) -> None:
    """Topics may look like the rest of the name."""
    partition = P0._replace(topic=topic, number=123_456)
    name = file_name.data_file(partition, 7)
    assert file_name.parse(name) == (topic, 123_456, P0.topic_id, 7)


def test_the_name_is_as_documented() -> None:
    """Operators and other tools rely on it."""
    assert file_name.data_file(P0, 10) == FIRST


@pytest.mark.parametrize("topic", ["_schemas", ".hidden", "_" + "x" * 248])
def test_topics_that_begin_like_hidden_files_are_visible_to_readers(topic: str) -> None:
    """Arrow and Spark skip names that begin with a dot or an underscore."""
    name = file_name.data_file(P0._replace(topic=topic), 0)
    assert name.startswith("!")
    assert file_name.topic_part(file_name.topic_part(topic)) == file_name.topic_part(topic)


def test_the_longest_topics_have_names_of_their_own() -> None:
    """A temporary file's name fits into 255 bytes, and two topics that differ at the end stay apart."""
    one, other = (P0._replace(topic="x" * 248 + end, number=2**31 - 1) for end in "ab")
    name = file_name.data_file(one, 2**63 - 1)
    assert len(f".{name}.{'0' * 32}.tmp") <= 255
    assert name != file_name.data_file(other, 2**63 - 1)
    assert file_name.topic_part(file_name.topic_part(one.topic)) == file_name.topic_part(one.topic)


@pytest.mark.parametrize("name", ["part-0.parquet", FIRST + ".tmp", "." + FIRST[1:-8], "-" + FIRST.split("-", 2)[2]])
def test_other_names_are_not_ours(name: str) -> None:
    """They are never read as commits."""
    assert file_name.parse(name) is None
