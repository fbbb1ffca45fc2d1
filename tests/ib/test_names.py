from __future__ import annotations

from ibsniff.ib import names


def test_a_name_means_one_id_in_each_direction() -> None:
    for table in (names.CLIENT_MESSAGES, names.SERVER_MESSAGES):
        assert len(set(table.values())) == len(table)


def test_the_ids_named_alone_are_those_of_the_tables() -> None:
    assert names.CLIENT_MESSAGES[names.START_API] == "START_API"
    assert names.SERVER_MESSAGES[names.ERR_MSG] == "ERR_MSG"
    assert names.SERVER_MESSAGES[names.NEXT_VALID_ID] == "NEXT_VALID_ID"
    assert names.SERVER_MESSAGES[names.MANAGED_ACCTS] == "MANAGED_ACCTS"
    assert names.CLIENT_PROTOBUF_SINCE[names.START_API] == names.START_API_PROTOBUF


def test_protobuf_begins_for_messages_there_are_and_never_before_its_version() -> None:
    assert names.CLIENT_MESSAGES.keys() - names.CLIENT_PROTOBUF_SINCE.keys() == {72, 73}
    assert names.SERVER_PROTOBUF_SINCE.keys() <= names.SERVER_MESSAGES.keys()
    assert min(names.CLIENT_PROTOBUF_SINCE.values()) == min(names.SERVER_PROTOBUF_SINCE.values()) == names.PROTOBUF


def test_every_range_a_library_offers_is_one() -> None:
    assert all(names.MIN_CLIENT_VERSION <= low <= high for low, high in names.CLIENT_LIBRARIES)
    assert all(version < names.MIN_CLIENT_VERSION for version in names.LEGACY_CLIENTS)


def test_a_port_is_in_one_table_only() -> None:
    assert not names.DEFAULT_PORTS.keys() & names.RELAY_PORTS.keys()
