"""Record values for tests: JSON in any spelling, with values that nearly fit; and the same with bytes broken."""

from __future__ import annotations

import base64
import re

from hypothesis import strategies as st

from tests.decode.reference import Column

COLUMNS = (
    Column("ok", ("ok",), "bool"),
    Column("n", ("n",), "int64"),
    Column("x", ("x",), "float64"),
    Column("s", ("s",), "string"),
    Column("raw", ("raw",), "json"),
    Column("raw_n", ("raw", "n"), "int64"),
    Column("raw_deep", ("raw", "u", "n"), "int64"),
    Column("day", ("day",), "date"),
    Column("price", ("price",), "decimal(9, 2)"),
    Column("longest", ("u", "longest"), "decimal(38, 20)"),
    Column("at_s", ("at", "s"), "timestamp[s, UTC]"),
    Column("at_ms", ("at", "ms"), "timestamp[ms, UTC]"),
    Column("at_us", ("at", "us"), "timestamp[us, UTC]"),
    Column("at_ns", ("at", "ns"), "timestamp[ns, UTC]"),
    Column("base64", ("u", "v", "base64"), "binary[base64]"),
    Column("hex", ("u", "v", "hex"), "binary[hex]"),
    Column("dotted", ("a.b", 'c"d'), "string"),
    Column("empty", ("", "é\n"), "int64"),
)

BOUNDARIES = [sign * (2**power + off) for power in (31, 53, 63, 64) for off in (-1, 0, 1) for sign in (1, -1)]
NUMERALS = [
    *map(str, BOUNDARIES),
    *("0", "-0", "-0.0", "0e0", "0E+99999999999", "1E400", "-1e400", "1e-400", "5e-324", "2.2250738585072011e-308"),
    *("1.7976931348623157e308", "1.7976931348623159e308", "9007199254740993.0", "12.0", "12.340", "1234e-2", "1e5"),
    *("9999999.99", "9999999.991", "10000000", "1e7", "99999e2", "0.1", "0.30000000000000004", "1e23", "8.5e22"),
    *("253402300799", "253402300800", "-62135596800", "-62135596801", "1700000000000", "9" * 40, "9" * 38, "9" * 400),
    *("0." + "0" * 20 + "1", "0." + "0" * 19 + "1", "1" + "0" * 17, "1" + "0" * 18, "1e-99999999999999999999"),
]
DATES = ["2024-02-29", "2023-02-29", "1900-02-29", "0001-01-01", "9999-12-31", "0000-01-01", "2024-2-1", "2024-13-01"]
TIMES = ["00:00:00", "23:59:59", "24:00:00", "23:60:00", "12:30:60", "12:30", "12:30:45.", "00:12:43.145224192"]
TIMES += [f"23:47:16.{fraction}" for fraction in ("5", "123", "1230", "1234", "854775807", "854775808", "1" * 12)]
OFFSETS = ["Z", "z", "+00:00", "-00:00", "+05:30", "-23:59", "+24:00", "+01:60", "+0100", "", "Zx", "+00:01", "-00:01"]
BINARY = ["", "00", "fFa9", "0", "0x00", "fg", "00 0", "+/8=", "+/8", "+/9=", "-_8=", "AAAA", "AAA=AAAA", "é", "AA== "]
ESCAPES = [
    r"\"",
    r"\\",
    r"\/",
    r"\b",
    r"\f",
    r"\n",
    r"\r",
    r"\t",
    r"\u0000",
    r"\u00e9",
    r"\u2028",
    r"\uFFFF",
    r"\uD83D\uDE00",
]
LONE_SURROGATES = [
    r"\ud800",
    r"\udbff",
    r"\uDC00",
    r"\udfff",
    r"\ud800\ud800",
    r"\ud83dx",
    r"\udc00\ud800",
    r"\ud800\u0041",
]
BREAKS = [
    *(
        b'"',
        b"\\",
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b" ",
        b"0",
        b"-",
        b".",
        b"e",
        b"+",
        b"'",
        b"/",
        b"n",
        b"true",
        b"u",
    ),
    *(
        b"\x00",
        b"\x1f",
        b"\x7f",
        b"\n",
        b"\xff",
        b"\x80",
        b"\xc0\xaf",
        b"\xc3",
        b"\xe2\x82",
        b"\xed\xa0\x80",
        b"\xf0\x9f\x98",
    ),
    *(
        b"\xf4\x90\x80\x80",
        b"\xe0\x80\xaf",
        b"\xef\xbf\xbd",
        b"\xef\xbb\xbf",
        b"\\ud800",
        b"\\udc00",
        b"\\u12",
        b"\\x",
        b"NaN",
    ),
    *(b"//", b"/**/", b"null", b"{}", b'"a":1', b"\xc2\xa0", b"\xc2\x85", b"\xe2\x80\xa8"),
]


def often(*weighted: tuple[int, st.SearchStrategy[str]]) -> st.SearchStrategy[str]:
    """`st.one_of` with weights, which it does not have."""
    choices = [choice for weight, choice in weighted for _ in range(weight)]
    return st.integers(0, len(choices) - 1).flatmap(choices.__getitem__)


spaces = st.sampled_from([("", "", ""), ("", "", " "), (" ", "", "\n"), ("\r\n", "\t", ""), ("\t", " ", "\n  ")])
colon = st.sampled_from([":", ": ", " :", "\n:\t", "\r: "])
numeral = st.one_of(
    st.sampled_from(NUMERALS),
    st.integers(-99, 99).map(str),
    st.integers(-(2**70), 2**70).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.builds(
        "{}.{}{}{}".format,
        st.integers(-(10**6), 10**6),
        st.integers(0, 10**6),
        st.sampled_from("eE"),
        st.integers(-30, 30),
    ),
)
piece = st.one_of(
    st.text(st.characters(exclude_characters='"\\', exclude_categories=["Cs", "Cc"]), max_size=4),
    st.sampled_from(ESCAPES),
)
text = st.one_of(
    st.lists(piece, max_size=3).map("".join),
    st.lists(st.one_of(piece, st.sampled_from(LONE_SURROGATES)), max_size=3).map("".join),
)
date = st.one_of(
    st.sampled_from(DATES),
    st.dates().map(str),
    st.builds("{:04}-{:02}-{:02}".format, st.integers(0, 9999), st.integers(0, 13), st.integers(0, 32)),
)
timestamp = st.one_of(
    st.datetimes().map("{}Z".format),
    st.builds("{:%Y-%m-%dT%H:%M:%S}{}".format, st.datetimes(), st.sampled_from(OFFSETS)),
    st.builds(
        "{}{}{}{}".format,
        st.one_of(date, st.sampled_from(["1677-09-21", "2262-04-11", "9999-12-31", "0001-01-01"])),
        st.sampled_from(["T", "T", "t", " ", "_", ""]),
        st.one_of(st.sampled_from(TIMES), st.times().map(str)),
        st.sampled_from(OFFSETS),
    ),
)
string = st.one_of(text, date, timestamp, st.sampled_from(BINARY)).map('"{}"'.format)


def escaped(character: str) -> str:
    """A character as JSON may spell it."""
    return "".join(f"\\u{unit:04X}" for unit in memoryview(character.encode("utf-16-le")).cast("H"))


def spelled(key: str) -> st.SearchStrategy[str]:
    """A key in one of its spellings."""
    plain = "".join(escaped(c) if c in '"\\' or c < " " else c for c in key)
    first = escaped(key[:1]) + plain[len(plain) - len(key) + 1 :] if key else ""
    written = {plain, first} if len(plain) == len(key) else {plain}
    return st.sampled_from([plain, *sorted(written), "".join(map(escaped, key))]).map('"{}"'.format)


@st.composite
def joined(draw: st.DrawFn, members: st.SearchStrategy[list[str]], brackets: str) -> str:
    """Members with commas and any spacing between them."""
    around, before, after = draw(spaces)
    return brackets[0] + around + f"{before},{after}".join(draw(members)) + around + brackets[1]


def member(key: st.SearchStrategy[str], value: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """`key: value` with any spacing."""
    return st.builds("{}{}{}".format, key, colon, value)


scalar = st.one_of(st.sampled_from(["null", "true", "false"]), numeral, string)
any_key = st.one_of(
    st.sampled_from(["n", "u", "raw", "z", "a.b", "a", "A", ""]).flatmap(spelled), text.map('"{}"'.format)
)


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def container(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """An array or an object of these."""
    return joined(st.lists(inner, max_size=3), "[]") | joined(st.lists(member(any_key, inner), max_size=3), "{}")


flat = often((3, scalar), (1, container(scalar)))
any_value = often((4, scalar), (1, container(flat)), (1, container(container(flat))))
short = st.binary(max_size=4)
BY_TYPE = {
    "bool": st.sampled_from(["true", "false"]),
    "int64": numeral,
    "float64": numeral,
    "string": string,
    "json": any_value,
    "date": date.map('"{}"'.format),
    "decimal": often((1, numeral), (1, st.integers(-99_999, 99_999).map(lambda cents: f"{cents / 100:.2f}"))),
    "timestamp": often((2, timestamp.map('"{}"'.format)), (1, st.integers(-(2**63), 2**63).map(str)), (1, numeral)),
    "binary": often((1, st.sampled_from(BINARY)), (1, short.map(bytes.hex)), (1, short.map(_base64))).map(
        '"{}"'.format
    ),
}


def fitting(column: Column) -> st.SearchStrategy[str]:
    """A value that may fit the column."""
    return BY_TYPE[re.split(r"\W", column.type)[0]]


def record(path: tuple[str, ...] = ()) -> st.SearchStrategy[str]:
    """An object with the declared keys below `path`, in any order, some twice, and with undeclared ones."""
    members = [(1, member(any_key, any_value))]
    for key in dict.fromkeys(column.path[len(path)] for column in COLUMNS if _below(column, path)):
        inside = (*path, key)
        beneath = sum(column.path[: len(inside)] == inside for column in COLUMNS)
        values = [(1, any_value)] + [(3, fitting(column)) for column in COLUMNS if column.path == inside]
        if beneath > 1 or values == values[:1]:
            values.append((9, record(inside)))
        # The more columns lie there, the more often the key is there.
        members.append((2 * beneath, member(spelled(key), often(*values))))
    return joined(st.lists(often(*members), min_size=2, max_size=6), "{}")


def _below(column: Column, path: tuple[str, ...]) -> bool:
    return len(column.path) > len(path) and column.path[: len(path)] == path


document = often((15, record()), (1, any_value)).map(str.encode)


def only(type_: str) -> st.SearchStrategy[bytes]:
    """A record with one column, `v`, of this type; now and then its key is there twice, or not at all."""
    value = often((5, BY_TYPE[re.split(r"\W", type_)[0]]), (1, scalar))
    key = st.sampled_from(['"v"'] * 9 + [r'"\u0076"', '"w"'])
    return joined(st.lists(member(key, value), min_size=1, max_size=2), "{}").map(str.encode)


@st.composite
def broken(draw: st.DrawFn) -> bytes:
    """A document with some bytes lost, put in, repeated or cut off."""
    value = draw(document)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(value)))
        length = draw(st.integers(0, 3))
        match draw(st.sampled_from(["lose", "put in", "put in", "exchange", "repeat", "cut off"])):
            case "lose":
                value = value[:at] + value[at + length :]
            case "put in":
                value = value[:at] + draw(st.sampled_from(BREAKS)) + value[at:]
            case "exchange":
                value = value[:at] + draw(st.sampled_from(BREAKS)) + value[at + length :]
            case "repeat":
                value = value[: at + length] + value[at:]
            case _:
                value = value[:at]
    return value
