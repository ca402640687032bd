"""How much a Parquet file from outside will hold once it is read, found before anything of it is decompressed.

A file of a megabyte can ask for gigabytes: values repeated by run lengths, pages that compress ten thousand to one,
one long text in a dictionary that a million rows name. Column metadata may lie about all of it, so the header of every
page is read (Thrift's compact protocol): a page cannot decompress to more than its header says. Texts must be read as
dictionaries afterwards (`read_bounded` does), else a reader writes the long text out once per row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from lapca_bench.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow import parquet

FREE_ROWS = 1_000_000  # a file may hold as many, however small it is, and beyond them one per byte
MOST_ROWS = 200_000_000
FREE_BYTES = 64 * 1024**2  # likewise of decompressed pages, and beyond them 200 per byte of the file
BYTES_PER_BYTE = 200
MOST_BYTES = 16 * 1024**3
MOST_PAGES = 1_000_000
MOST_ROW_GROUPS = 10_000
MOST_FOOTER = 64 * 1024**2
EMPTY_COLUMN = 256  # bytes of a column without a value
LONGEST_HEADER = 1024**2

_REMEDY = "ask whoever made it for the file as their program wrote it"
_DELTA_BYTE_ARRAY = 7  # an encoding of texts that writes out what its pages only hint at
_PLACE = "this Parquet file"


@dataclass(frozen=True)
class _Page:
    dictionary: bool
    compressed: int
    decompressed: int
    values: int
    encoding: int


def read_bounded(path: Path, columns: Sequence[str], texts: Sequence[str]) -> pa.Table:
    """The `columns` of a Parquet file, those of `texts` as dictionaries, after `refuse_oversized`.

    Raises `InputError` for a file that would become too large, and what pyarrow raises for one that cannot be read.
    """
    from pyarrow import parquet

    with parquet.ParquetFile(path, read_dictionary=list(texts)) as file:
        refuse_oversized(path, file)
        table: pa.Table = file.read(columns=list(columns), use_threads=False)
    longest = max(FREE_BYTES, min(MOST_BYTES, path.stat().st_size * BYTES_PER_BYTE))
    for name in texts:
        if _written_out(table[name]) > longest:
            raise InputError(f"the texts of column {name!r} are too long", path=path, remedy=_REMEDY)
    return table


def _written_out(column: pa.ChunkedArray) -> int:
    """Bytes of a column of texts where each row has its own."""
    import pyarrow as pa
    import pyarrow.compute as pc

    total = 0
    for chunk in column.chunks:
        if not isinstance(chunk, pa.DictionaryArray):
            return total + int(column.nbytes)
        lengths = pc.binary_length(chunk.dictionary).take(chunk.indices)
        total += int(pc.sum(lengths.cast(pa.int64())).as_py() or 0)
    return total


def refuse_oversized(path: Path, file: parquet.ParquetFile, content: bytes | None = None) -> None:
    """Raise `InputError` where reading `file` would need more than its size gives reason for.

    It is at `path`, or its `content` is in memory already.
    """
    about, size = file.metadata, path.stat().st_size if content is None else len(content)
    if about.serialized_size > MOST_FOOTER or about.num_row_groups > MOST_ROW_GROUPS:
        raise InputError("this Parquet file has metadata beyond all measure", path=path, remedy=_REMEDY)
    rows = sum(about.row_group(number).num_rows for number in range(about.num_row_groups))
    if rows != about.num_rows or rows < 0:
        raise InputError("the row counts of this Parquet file do not agree", path=path, remedy=_REMEDY)
    if rows > min(MOST_ROWS, max(FREE_ROWS, size)):
        raise InputError(f"{rows:,} rows in a file of {size:,} bytes", path=path, remedy=_REMEDY)
    total = pages = 0
    with path.open("rb") if content is None else BytesIO(content) as handle:
        for number in range(about.num_row_groups):
            group = about.row_group(number)
            for place in range(group.num_columns):
                for page in _pages(handle, path, group.column(place), group.num_rows, size):
                    total += page.decompressed
                    pages += 1
                    if total > min(MOST_BYTES, max(FREE_BYTES, size * BYTES_PER_BYTE)) or pages > MOST_PAGES:
                        message = f"a file of {size:,} bytes would become more than {total:,} when it is read"
                        raise InputError(message, path=path, remedy=_REMEDY)


def _pages(handle: BinaryIO, path: Path, column: parquet.ColumnChunkMetaData, rows: int, size: int) -> Iterator[_Page]:
    """The pages of one column chunk, by their own headers, which must fill its place exactly."""
    at = column.data_page_offset
    if column.dictionary_page_offset is not None and 0 < column.dictionary_page_offset < at:
        at = column.dictionary_page_offset
    end = at + column.total_compressed_size
    if not rows and not column.num_values and column.total_compressed_size <= EMPTY_COLUMN:
        return  # an empty run: its place holds at most the dictionary of nothing
    flat = "." not in column.path_in_schema
    if not 0 <= at <= end <= size or (flat and column.num_values != rows):
        raise _damaged(path)
    values = 0
    while at < end:
        handle.seek(at)
        try:
            header = _Header(handle.read(min(LONGEST_HEADER, end - at)))
            page = header.page()
        except (IndexError, ValueError, RecursionError) as error:
            raise _damaged(path) from error
        at += header.length + page.compressed
        if page.compressed < 0 or page.decompressed < 0 or not page.values >= 0 or at > end:
            raise _damaged(path)
        if page.dictionary and page.values > page.decompressed:
            raise _damaged(path)
        if page.encoding == _DELTA_BYTE_ARRAY:
            message = "texts are written as differences (DELTA_BYTE_ARRAY)"
            raise InputError(message, path=path, remedy="write them plain or as a dictionary")
        values += 0 if page.dictionary else page.values
        yield page
    if values != column.num_values:
        raise _damaged(path)


def _damaged(path: Path) -> InputError:
    return InputError("the pages of this Parquet file are not where and what it says", path=path, remedy=_REMEDY)


# Thrift's compact protocol: what a value is, by its number.
_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(1, 13)
_Value = int | None | dict[int, "_Value"]
_DEEPEST = 16


class _Header:
    """One page header: whole numbers and structures by field number; the rest is passed over."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.length = 0

    def page(self) -> _Page:
        """The page; raises `IndexError` or `ValueError` where these bytes are no header of one."""
        fields = self._struct(0)
        kind, decompressed, compressed = (fields.get(number) for number in (1, 2, 3))
        inner = next((value for number in (5, 7, 8) if isinstance(value := fields.get(number), dict)), {})
        values, encoding = inner.get(1, 0), inner.get(4 if 8 in fields else 2, 0)
        numbers = [number for number in (compressed, decompressed, values, encoding) if isinstance(number, int)]
        if len(numbers) < 4 or not isinstance(kind, int):
            raise ValueError("no page")
        return _Page(kind == 2, *numbers)

    def _byte(self) -> int:
        value = self._content[self.length]
        self.length += 1
        return value

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
            if shift > 63:
                raise ValueError("a number without end")

    def _number(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)

    def _skip(self, count: int) -> None:
        if not 0 <= count <= len(self._content) - self.length:
            raise ValueError("ends too early")
        self.length += count

    def _struct(self, depth: int) -> dict[int, _Value]:
        if depth > _DEEPEST:
            raise ValueError("nested too deeply")
        found: dict[int, _Value] = {}
        number = 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self._number()
            if number in found:
                raise ValueError("a field twice")
            found[number] = self._value(head & 0x0F, depth)
        return found

    def _value(self, kind: int, depth: int) -> _Value:
        if kind in (_TRUE, _FALSE):
            return kind == _TRUE
        if kind in (_I16, _I32, _I64):
            return self._number()
        if kind == _STRUCT:
            return self._struct(depth + 1)
        if kind in (_BYTE, _DOUBLE, _BINARY):
            self._skip({_BYTE: 1, _DOUBLE: 8}.get(kind) or self._varint())
            return None
        raise ValueError("no field of a page header")  # lists, sets and maps have no place in one
