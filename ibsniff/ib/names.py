"""The names and numbers of IB's protocol: data with its source, no code.

Message ids, server-version thresholds and version ranges were taken from the source of the client libraries
(nautilus-ibapi 10.46.1, which is IB's official Python client; ibapi 9.81.1; ib_async 2.1.0; ib_insync 0.9.86;
@stoqey/ib 1.6.10; npm ib 0.2.9). IB publishes no specification. What only the server knows is inferred and marked so.
"""

from __future__ import annotations

# ---------------------------------------------------------------------------------------------------------------
# Messages: the id every message begins with. The same number means different things in each direction.

# fmt: off
CLIENT_MESSAGES: dict[int, str] = {
    1: "REQ_MKT_DATA", 2: "CANCEL_MKT_DATA", 3: "PLACE_ORDER", 4: "CANCEL_ORDER", 5: "REQ_OPEN_ORDERS",
    6: "REQ_ACCT_DATA", 7: "REQ_EXECUTIONS", 8: "REQ_IDS", 9: "REQ_CONTRACT_DATA", 10: "REQ_MKT_DEPTH",
    11: "CANCEL_MKT_DEPTH", 12: "REQ_NEWS_BULLETINS", 13: "CANCEL_NEWS_BULLETINS", 14: "SET_SERVER_LOGLEVEL",
    15: "REQ_AUTO_OPEN_ORDERS", 16: "REQ_ALL_OPEN_ORDERS", 17: "REQ_MANAGED_ACCTS", 18: "REQ_FA", 19: "REPLACE_FA",
    20: "REQ_HISTORICAL_DATA", 21: "EXERCISE_OPTIONS", 22: "REQ_SCANNER_SUBSCRIPTION",
    23: "CANCEL_SCANNER_SUBSCRIPTION", 24: "REQ_SCANNER_PARAMETERS", 25: "CANCEL_HISTORICAL_DATA",
    49: "REQ_CURRENT_TIME", 50: "REQ_REAL_TIME_BARS", 51: "CANCEL_REAL_TIME_BARS", 52: "REQ_FUNDAMENTAL_DATA",
    53: "CANCEL_FUNDAMENTAL_DATA", 54: "REQ_CALC_IMPLIED_VOLAT", 55: "REQ_CALC_OPTION_PRICE",
    56: "CANCEL_CALC_IMPLIED_VOLAT", 57: "CANCEL_CALC_OPTION_PRICE", 58: "REQ_GLOBAL_CANCEL",
    59: "REQ_MARKET_DATA_TYPE", 61: "REQ_POSITIONS", 62: "REQ_ACCOUNT_SUMMARY", 63: "CANCEL_ACCOUNT_SUMMARY",
    64: "CANCEL_POSITIONS", 65: "VERIFY_REQUEST", 66: "VERIFY_MESSAGE", 67: "QUERY_DISPLAY_GROUPS",
    68: "SUBSCRIBE_TO_GROUP_EVENTS", 69: "UPDATE_DISPLAY_GROUP", 70: "UNSUBSCRIBE_FROM_GROUP_EVENTS", 71: "START_API",
    72: "VERIFY_AND_AUTH_REQUEST", 73: "VERIFY_AND_AUTH_MESSAGE", 74: "REQ_POSITIONS_MULTI",
    75: "CANCEL_POSITIONS_MULTI", 76: "REQ_ACCOUNT_UPDATES_MULTI", 77: "CANCEL_ACCOUNT_UPDATES_MULTI",
    78: "REQ_SEC_DEF_OPT_PARAMS", 79: "REQ_SOFT_DOLLAR_TIERS", 80: "REQ_FAMILY_CODES", 81: "REQ_MATCHING_SYMBOLS",
    82: "REQ_MKT_DEPTH_EXCHANGES", 83: "REQ_SMART_COMPONENTS", 84: "REQ_NEWS_ARTICLE", 85: "REQ_NEWS_PROVIDERS",
    86: "REQ_HISTORICAL_NEWS", 87: "REQ_HEAD_TIMESTAMP", 88: "REQ_HISTOGRAM_DATA", 89: "CANCEL_HISTOGRAM_DATA",
    90: "CANCEL_HEAD_TIMESTAMP", 91: "REQ_MARKET_RULE", 92: "REQ_PNL", 93: "CANCEL_PNL", 94: "REQ_PNL_SINGLE",
    95: "CANCEL_PNL_SINGLE", 96: "REQ_HISTORICAL_TICKS", 97: "REQ_TICK_BY_TICK_DATA", 98: "CANCEL_TICK_BY_TICK_DATA",
    99: "REQ_COMPLETED_ORDERS", 100: "REQ_WSH_META_DATA", 101: "CANCEL_WSH_META_DATA", 102: "REQ_WSH_EVENT_DATA",
    103: "CANCEL_WSH_EVENT_DATA", 104: "REQ_USER_INFO", 105: "REQ_CURRENT_TIME_IN_MILLIS",
    106: "CANCEL_CONTRACT_DATA", 107: "CANCEL_HISTORICAL_TICKS", 108: "REQ_CONFIG", 109: "UPDATE_CONFIG",
}
"""Messages from client to server (``OUT`` in IB's ``message.py``)."""

SERVER_MESSAGES: dict[int, str] = {
    1: "TICK_PRICE", 2: "TICK_SIZE", 3: "ORDER_STATUS", 4: "ERR_MSG", 5: "OPEN_ORDER", 6: "ACCT_VALUE",
    7: "PORTFOLIO_VALUE", 8: "ACCT_UPDATE_TIME", 9: "NEXT_VALID_ID", 10: "CONTRACT_DATA", 11: "EXECUTION_DATA",
    12: "MARKET_DEPTH", 13: "MARKET_DEPTH_L2", 14: "NEWS_BULLETINS", 15: "MANAGED_ACCTS", 16: "RECEIVE_FA",
    17: "HISTORICAL_DATA", 18: "BOND_CONTRACT_DATA", 19: "SCANNER_PARAMETERS", 20: "SCANNER_DATA",
    21: "TICK_OPTION_COMPUTATION", 45: "TICK_GENERIC", 46: "TICK_STRING", 47: "TICK_EFP", 49: "CURRENT_TIME",
    50: "REAL_TIME_BARS", 51: "FUNDAMENTAL_DATA", 52: "CONTRACT_DATA_END", 53: "OPEN_ORDER_END",
    54: "ACCT_DOWNLOAD_END", 55: "EXECUTION_DATA_END", 56: "DELTA_NEUTRAL_VALIDATION", 57: "TICK_SNAPSHOT_END",
    58: "MARKET_DATA_TYPE", 59: "COMMISSION_AND_FEES_REPORT", 61: "POSITION_DATA", 62: "POSITION_END",
    63: "ACCOUNT_SUMMARY", 64: "ACCOUNT_SUMMARY_END", 65: "VERIFY_MESSAGE_API", 66: "VERIFY_COMPLETED",
    67: "DISPLAY_GROUP_LIST", 68: "DISPLAY_GROUP_UPDATED", 69: "VERIFY_AND_AUTH_MESSAGE_API",
    70: "VERIFY_AND_AUTH_COMPLETED", 71: "POSITION_MULTI", 72: "POSITION_MULTI_END", 73: "ACCOUNT_UPDATE_MULTI",
    74: "ACCOUNT_UPDATE_MULTI_END", 75: "SECURITY_DEFINITION_OPTION_PARAMETER",
    76: "SECURITY_DEFINITION_OPTION_PARAMETER_END", 77: "SOFT_DOLLAR_TIERS", 78: "FAMILY_CODES", 79: "SYMBOL_SAMPLES",
    80: "MKT_DEPTH_EXCHANGES", 81: "TICK_REQ_PARAMS", 82: "SMART_COMPONENTS", 83: "NEWS_ARTICLE", 84: "TICK_NEWS",
    85: "NEWS_PROVIDERS", 86: "HISTORICAL_NEWS", 87: "HISTORICAL_NEWS_END", 88: "HEAD_TIMESTAMP",
    89: "HISTOGRAM_DATA", 90: "HISTORICAL_DATA_UPDATE", 91: "REROUTE_MKT_DATA_REQ", 92: "REROUTE_MKT_DEPTH_REQ",
    93: "MARKET_RULE", 94: "PNL", 95: "PNL_SINGLE", 96: "HISTORICAL_TICKS", 97: "HISTORICAL_TICKS_BID_ASK",
    98: "HISTORICAL_TICKS_LAST", 99: "TICK_BY_TICK", 100: "ORDER_BOUND", 101: "COMPLETED_ORDER",
    102: "COMPLETED_ORDERS_END", 103: "REPLACE_FA_END", 104: "WSH_META_DATA", 105: "WSH_EVENT_DATA",
    106: "HISTORICAL_SCHEDULE", 107: "USER_INFO", 108: "HISTORICAL_DATA_END", 109: "CURRENT_TIME_IN_MILLIS",
    110: "CONFIG_RESPONSE", 111: "UPDATE_CONFIG_RESPONSE",
}
"""Messages from server to client (``IN`` in IB's ``message.py``)."""
# fmt: on

START_API = 71
"""Client to server: the message that every session must begin with."""
ERR_MSG, NEXT_VALID_ID, MANAGED_ACCTS = 4, 9, 15
"""Server to client: errors and notices, and the two messages that together make a session ready."""

# ---------------------------------------------------------------------------------------------------------------
# Server versions from which messages have another form (IB's ``server_versions.py``, named as there)

MIN_CLIENT_VERSION = 100
"""The lowest version of the framed protocol; below it a client speaks the legacy, unframed one."""
LEGACY_SERVER_VERSION = 76
"""The version with which a modern TWS answers a legacy hello (github.com/pilwon/node-ib/issues/155)."""
LINKING = 70
"""From this version on the client begins its session with START_API instead of its bare client id."""
OPTIONAL_CAPABILITIES = 72
"""From this version on START_API has a fourth field."""
ADVANCED_ORDER_REJECT = 166
"""From this version on ERR_MSG has a JSON text after the message."""
ERROR_TIME = 194
"""From this version on ERR_MSG has no version field and ends with a time in milliseconds."""
PROTOBUF = 201
"""From this version on every message begins with its id as a 32-bit big-endian integer, in both directions."""
PROTOBUF_ID_OFFSET = 200
"""With a raw id above this the rest of the message is protobuf, and the real id is this much less."""
START_API_PROTOBUF = 213
"""From this version on START_API is protobuf."""

_PROTOBUF_GROUPS: dict[int, tuple[int, ...]] = {
    201: (7,),
    203: (3, 4, 58),
    204: (5, 15, 16, 99),
    205: (9,),
    206: (1, 2, 10, 11, 59),
    207: (6, 17, 61, 62, 63, 64, 74, 75, 76, 77),
    208: (20, 25, 50, 51, 87, 88, 89, 90, 96, 97, 98),
    209: (12, 13, 84, 85, 86, 100, 101, 102, 103),
    210: (22, 23, 24, 52, 53, 92, 93, 94, 95),
    211: (18, 19, 21, 54, 55, 56, 57),
    212: (78, 79, 80, 81, 83, 91, 104),
    213: (8, 14, 49, 65, 66, 67, 68, 69, 70, 71, 82, 105),
    215: (106, 107),
    219: (108,),
    221: (109,),
}
CLIENT_PROTOBUF_SINCE: dict[int, int] = {
    message: version for version, messages in _PROTOBUF_GROUPS.items() for message in messages
}
"""Client message id -> the server version from which it is protobuf (``PROTOBUF_MSG_IDS`` in IB's ``common.py``;
from 215 on, new messages have only a protobuf form). 72 and 73 never are."""

SERVER_PROTOBUF_SINCE: dict[int, int] = {
    11: 201, 55: 201, 3: 203, 4: 203, 5: 203, 53: 203, 101: 204, 102: 204, 10: 205, 52: 205,
    1: 206, 2: 206, 45: 206, 46: 206, 57: 206, 58: 206, 81: 206,
    6: 207, 7: 207, 8: 207, 15: 207, 54: 207, 61: 207, 62: 207, 63: 207, 64: 207, 71: 207, 72: 207, 73: 207, 74: 207,
    9: 213, 49: 213, 109: 213,
}  # fmt: skip
"""Server message id -> the same, for the messages that a session begins with. INFERRED from the groups above, because
clients look at the id alone. Confirmed only that 10.37 (203) decodes 3, 4, 5, 11, 53 and 55."""

# ---------------------------------------------------------------------------------------------------------------
# Ports

DEFAULT_PORTS: dict[int, str] = {
    7497: "TWS, paper trading",
    7496: "TWS, live trading",
    4002: "IB Gateway, paper trading",
    4001: "IB Gateway, live trading",
}
"""The ports of TWS and Gateway unless they are changed."""

RELAY_PORTS: dict[int, str] = {
    4003: "relay in a container to IB Gateway, live trading",
    4004: "relay in a container to IB Gateway, paper trading",
    4000: "IB Gateway moved by IBC or an older container image",
    7498: "relay in a container to TWS, live trading",
    7499: "relay in a container to TWS, paper trading",
    8888: "relay in a container to TWS or IB Gateway",
}
"""Other ports that are in use (gnzsnz/ib-gateway-docker, heshiming/ibga, extrange/ibkr-docker, IBC)."""

# ---------------------------------------------------------------------------------------------------------------
# Client libraries and their hellos

CLIENT_LIBRARIES: dict[tuple[int, int], str] = {
    (100, 157): "ibapi 9.81 (official Python client as on PyPI)",
    (157, 176): "ib_insync 0.9.86",
    (157, 178): "ib_async 2.x",
    (157, 225): "a fork of ib_async",
    (100, 176): "official client 10.19",
    (100, 187): "official client 10.30",
    (100, 193): "@stoqey/ib 1.6 (JavaScript)",
    (100, 203): "official client 10.37",
    (100, 219): "official client 10.43",
    (100, 222): "official client 10.44",
    (100, 223): "official client 10.45",
    (100, 225): "official client 10.46, nautilus-ibapi 10.46 or scmhub/ibapi (Go)",
    (100, 226): "official client newer than 10.46",
    (213, 225): "rust-ibapi 3.x",
    (223, 226): "lbilli/rib (R)",
}
"""(lowest, highest) version in a hello -> libraries that send exactly that. It is a hint and no signature: a fork sends what its
original sends, and anybody may choose the same range."""

LEGACY_CLIENTS: dict[int, str] = {
    47: "IBrokers (R)",
    62: "npm ib 0.2 (JavaScript)",
    63: "official client 9.70",
    66: "official client with V100+ disabled",
}
"""The version in a legacy hello -> library that sends it."""
