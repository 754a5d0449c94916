"""Bytes to text, and how a text marks its cells: encoding, delimiter, quotes."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from salesops.crm.files.sources import Source

_HEAD = 256 * 1024
_DELIMITERS = (",", ";", "\t", "|", "\x1f", "^")
_LATIN = set("äöüßéèêëàâçñóòôõøåæîïíìúùûýÿœÄÖÜÉÈÊÀÂÇÑÓÔÕØÅÆÎÍÚÛÝŒ’‘“”–—€£©®™°§«»¿¡…·•ªº½")
_CENTRAL = set("ąćęłńśźżĄĆĘŁŃŚŹŻčďěňřšťůžČĎĚŇŘŠŤŮŽőűŐŰăâîșțşţĂÂÎȘȚŞŢđĐáéíóúýäöüÁÉÍÓÚÝÄÖÜß–—„”“’€")
_CYRILLIC = set("абвгдежзийклмнопрстуфхцчшщъыьэюяАБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯёЁіїєІЇЄ№«»–—")


@dataclass(frozen=True)
class Encoding:
    """An encoding, why it was chosen, and whether some bytes do not fit it."""

    name: str
    why: str
    exact: bool = True


@dataclass(frozen=True)
class Marks:
    """How delimited text marks its cells.

    ``separator_line`` is true where the first line says ``sep=;`` and is no record;
    ``wrapped`` where nearly every record stands whole inside quotes.
    """

    delimiter: str
    quote: str = '"'
    escape: str = ""
    separator_line: bool = False
    wrapped: bool = False
    others: tuple[str, ...] = ()
    width: int = 1


def detect_encoding(source: Source) -> Encoding:
    """The encoding of a whole file: byte order mark, UTF-8 proof, NUL pattern, then letters."""
    head = source.head(_HEAD)
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF32_LE, "utf-32"),
        (codecs.BOM_UTF32_BE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if head.startswith(mark) and (name != "utf-32" or len(head) % 4 == 0):
            return Encoding(name, "byte order mark", name != "utf-8-sig" or _utf8_faults(source) == 0)
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if even + odd > 0.2 * len(head) > 0 and max(even, odd) > 3 * min(even, odd):
        return Encoding("utf-16-be" if even > odd else "utf-16-le", "every second byte is zero")
    faults = _utf8_faults(source)
    if faults == 0:
        return Encoding("utf-8", "every byte fits")
    odd_lines = _non_ascii_lines(source)
    multibyte = len(re.findall(rb"[\xc3-\xf4][\x80-\xbf]+", odd_lines))
    if multibyte > 4 * faults:
        return Encoding("utf-8", f"all but {faults} places fit", exact=False)
    return Encoding(_single_byte(odd_lines), "not UTF-8; chosen by the letters it gives")


def _utf8_faults(source: Source) -> int:
    decoder = codecs.getincrementaldecoder("utf-8")()
    with source.open() as stream:
        try:
            while chunk := stream.read(1 << 20):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            pass
        else:
            return 0
    faults = 0
    with source.open() as stream:
        for line in stream:
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                faults += 1
    return max(faults, 1)


def _non_ascii_lines(source: Source, most: int = 128 * 1024) -> bytes:
    kept: list[bytes] = []
    size = 0
    with source.open() as stream:
        for line in stream:
            if not line.isascii():
                kept.append(line)
                size += len(line)
                if size > most:
                    break
    return b"".join(kept)


def _single_byte(sample: bytes) -> str:
    scores: dict[str, int] = {}
    for name, letters in (
        ("cp1252", _LATIN),
        ("mac_roman", _LATIN),
        ("cp1250", _CENTRAL),
        ("iso8859_2", _CENTRAL),
        ("cp1251", _CYRILLIC),
        ("koi8_r", _CYRILLIC),
    ):
        try:
            text = sample.decode(name)
        except UnicodeDecodeError:
            continue
        odd = [c for c in text if ord(c) > 127]
        # a capital after a small letter is what a wrong Cyrillic or Mac page gives
        jumps = len(re.findall(r"[a-zа-яß-ÿ][А-ЯЁÀ-Þ]", text))
        scores[name] = sum(1 if c in letters else -1 for c in odd) - jumps
    if scores:
        best = max(scores, key=lambda n: scores[n])
        if scores[best] > 0:
            return "cp1252" if scores.get("cp1252") == scores[best] else best
    from charset_normalizer import from_bytes  # slow to load, and only odd files need it

    match = from_bytes(sample).best()
    if match and match.encoding not in ("ascii", "utf_8"):
        return match.encoding
    return "latin-1"


def decode_error_handler(error: UnicodeError) -> tuple[str, int]:
    """Read stray bytes of a UTF-8 file as Windows-1252, which is where they nearly always come from."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    stray = error.object[error.start : error.end]
    return stray.decode("cp1252", errors="replace"), error.end


codecs.register_error("salesops-stray", decode_error_handler)


def open_text(source: Source, encoding: Encoding) -> io.TextIOWrapper:
    """The text of a source, line ends kept."""
    errors = "strict" if encoding.exact and encoding.name != "latin-1" else "salesops-stray"
    if encoding.exact and not encoding.name.startswith("utf"):
        errors = "replace"
    return io.TextIOWrapper(source.open(), encoding=encoding.name, errors=errors, newline="")


def detect_marks(head: str, *, hint: str = "") -> Marks | None:
    """Delimiter, quote and escape by the most even split of the first records; None for no cells at all.

    Args:
        head: the first part of the text; a last broken line is left out by the caller.
        hint: delimiter the file's name suggests, taken where the text gives no other.
    """
    directive = re.match(r"^\ufeff?sep=(.)\r?\n?", head, re.IGNORECASE)
    if directive:
        return Marks(
            directive[1], separator_line=True, width=_mode(_split(head.split("\n", 1)[-1], directive[1]))[0]
        )
    if not head.strip():
        return None
    quote = "'" if _single_quoted(head) else '"'
    escape = ""
    if re.search(r'\\"', head) and not re.search(r'\\"[,;\t|\r\n]', head):
        escape = "\\"
    best, best_score, widths = "", 0.0, {}
    for delimiter in _DELIMITERS:
        if delimiter not in head:
            continue
        width, share = _mode(_split(head, delimiter, quote, escape))
        widths[delimiter] = width
        score = share * min(width, 12) + (share > 0.95)
        if width > 1 and score > best_score + 0.01:
            best, best_score = delimiter, score
    wrapped = _unwrapped(head)
    if wrapped:
        inner = detect_marks(wrapped)
        if inner and inner.width > widths.get(best, 1):
            return Marks(
                inner.delimiter,
                inner.quote,
                inner.escape,
                wrapped=True,
                others=inner.others,
                width=inner.width,
            )
    if not best:
        return Marks(hint or ",", quote, escape)
    others = tuple(d for d in _DELIMITERS if d != best and d in head)
    return Marks(best, quote, escape, others=others, width=widths[best])


def _split(text: str, delimiter: str, quote: str = '"', escape: str = "") -> list[list[str]]:
    rows: list[list[str]] = []
    lines = io.StringIO(text, newline="")
    try:
        reader = csv.reader(lines, delimiter=delimiter, quotechar=quote, escapechar=escape or None)
        for row in reader:
            rows.append(row)
            if len(rows) >= 400:
                break
    except csv.Error:
        return rows
    return rows


def _mode(rows: Sequence[Sequence[str]]) -> tuple[int, float]:
    """Most common number of cells over 1 and its share of the rows with any text."""
    widths = Counter(len(r) for r in rows if any(c.strip() for c in r))
    total = sum(widths.values())
    wide = {w: n for w, n in widths.items() if w > 1}
    if not wide or total == 0:
        return 1, 1.0
    width = max(wide, key=lambda w: (wide[w], w))
    return width, wide[width] / total


def _single_quoted(head: str) -> bool:
    lines = [line for line in head.splitlines()[:50] if line]
    starts = sum(1 for line in lines if re.match(r"^'[^']*'[,;\t|]", line))
    return bool(lines) and starts > 0.8 * len(lines)


def _unwrapped(head: str) -> str:
    """The head with the outer quotes taken off, where nearly every record is one quoted cell."""
    rows = [r for r in _split(head, "\x00") if r and r[0].strip()]
    lines = [line for line in head.splitlines() if line.strip()]
    quoted = sum(1 for line in lines if len(line) > 1 and line[0] == '"' and line.rstrip(";,\t ")[-1:] == '"')
    if not rows or not lines or quoted < 0.8 * len(lines):
        return ""
    try:
        inner = ["".join(next(csv.reader([line.rstrip(";,\t ")], delimiter="\x00"))) for line in lines]
    except (csv.Error, StopIteration):
        return ""
    return "\n".join(inner) + "\n"
