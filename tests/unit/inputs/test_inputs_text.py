"""Marks, encodings, numbers and ids: what is read, and what is said of the rest."""

import pytest

from lapca_bench.errors import InputError, UsageError
from lapca_bench.inputs.identifiers import fault_of
from lapca_bench.inputs.numbers import decimal_number, whole_number
from lapca_bench.inputs.text import decoded, lines, read_utf8

LINES = "eins\r\nzwei\u2028drei\n"


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_byte_order_mark_is_passed_over(tmp_path, mark):
    path = tmp_path / "a"
    path.write_bytes((mark + LINES).encode())
    assert list(lines(path)) == [(1, "eins"), (2, "zwei\u2028drei")]
    assert read_utf8(path) == LINES.encode()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf16_is_called_so(tmp_path, encoding):
    path = tmp_path / "a"
    path.write_bytes("q1 Q0 d1 1 2.0 t\n".encode(encoding))
    for read in (read_utf8, lambda path: list(lines(path)), lambda path: decoded(path.read_bytes(), path)):
        with pytest.raises(InputError, match="UTF-16") as raised:
            read(path)
        assert "iconv" in raised.value.remedy


def test_other_bytes_are_named_with_their_line(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"eins\nzw\xe9i\n")
    with pytest.raises(UsageError, match=r"not UTF-8 \(byte 0xe9\)") as raised:
        decoded(path.read_bytes(), path, UsageError)
    assert raised.value.line == 2
    with pytest.raises(UsageError, match="compressed by gzip"):
        decoded(b"\x1f\x8b\x08\0", path, UsageError)


@pytest.mark.parametrize(("text", "value"), [("0", 0), ("17", 17), ("-2", -2), ("+1", 1), ("007", 7)])
def test_whole_numbers(text, value):
    assert whole_number(text) == value


@pytest.mark.parametrize(
    "text", ["", *["1_0", "٣", "²", "１", "1.0", "1e0", "0x1", "--1", "Ⅷ", "१"], " 1", "1 ", "9" * 19]
)
def test_what_is_no_whole_number(text):
    assert whole_number(text) is None


@pytest.mark.parametrize(
    ("text", "value"), [("1", 1.0), ("-.5", -0.5), ("2.", 2.0), ("1e3", 1000.0), ("+1E-2", 0.01), ("1e-400", 0.0)]
)
def test_decimal_numbers(text, value):
    assert decimal_number(text) == value


@pytest.mark.parametrize(
    "text", ["", *[".", "1_0", "1_0.5", "٣.٥", "１", "0x1p3", "nan", "inf", "-Infinity", "1e39", "1,5", "1e", "½"]]
)
def test_what_is_no_decimal_number(text):
    assert decimal_number(text) is None


@pytest.mark.parametrize("odd", list(" \t\0\x1c\x85\u00a0\u2003\u2028\u3000\u200b\u2060\ufeff"))
@pytest.mark.parametrize("form", ["a{}b", "a{}", "{}a", "{}"])
def test_ids_that_are_refused(form, odd):
    assert "in the id" in fault_of(form.format(odd))
    assert fault_of("") == "an empty id"


@pytest.mark.parametrize(
    "text", ["d1", "12#3", "می\u200cخواهم", "क्\u200dष", '"Blue"_Rivers', "https://a.example/ü?x=1"]
)
def test_ids_that_stay(text):
    assert fault_of(text) is None
