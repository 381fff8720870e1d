"""Pages of runs in a browser: what is drawn, what can be read, and that nothing of a run is executed."""

import html
import re
import shutil
import subprocess
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.picturing.pages import HOSTILE, hostile, many
from tests.watchdog import PATIENCE

CHROMIUM: Final = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium: scripts/setup_chromium installs it")

AGENT: Final = {"light": (0x4F, 0x67, 0xC8), "dark": (0x82, 0x96, 0xEE)}
WRONG: Final = {"light": (0xCC, 0x3F, 0x37), "dark": (0xF0, 0x71, 0x6A)}
PAPER: Final = {"light": (0xFC, 0xFC, 0xFA), "dark": (0x17, 0x18, 0x1B)}


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose path is short enough for the sockets of the browser."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as path:
        yield Path(path)


def browse(folder: Path, page: str, fragment: str, *options: str) -> str:
    """Show a page without a window, and return what the browser prints."""
    assert CHROMIUM is not None
    path = folder / "page.html"
    path.write_text(page, encoding="utf-8")
    done = subprocess.run(
        [
            CHROMIUM,
            *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
            *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
            *("--disable-dev-shm-usage", "--virtual-time-budget=4000", "--window-size=1200,700"),
            f"--user-data-dir={folder / 'profile'}",
            *options,
            f"{path.as_uri()}{fragment}",
        ],
        capture_output=True,
        check=True,
        timeout=PATIENCE * 4,
    )
    return done.stdout.decode()


def dom_of(folder: Path, page: str, fragment: str = "") -> str:
    return browse(folder, page, fragment, "--dump-dom")


def shown(dom: str) -> str:
    """Return the details of the chosen call, as they are read."""
    (aside,) = re.findall(r"<aside[^>]*>(.*?)</aside>", dom, re.DOTALL)
    return html.unescape(re.sub(r"<[^>]*>", "\n", aside))


def colours_of(folder: Path, page: str, theme: str) -> Counter[tuple[int, int, int]]:
    """Return how often each colour is in a picture of a page."""
    picture = folder / "picture.png"
    browse(
        folder, page, "", f"--screenshot={picture}", f"--blink-settings=preferredColorScheme={int(theme == 'light')}"
    )
    return colours_in(picture.read_bytes())


def colours_in(png: bytes) -> Counter[tuple[int, int, int]]:
    """Read a PNG of 8 bits a channel, without interlacing."""
    width, height, depth, kind = *(int.from_bytes(png[at : at + 4]) for at in (16, 20)), png[24], png[25]
    assert depth == 8
    size = {2: 3, 6: 4}[kind]
    packed = b""
    place = 8
    while place < len(png):
        length = int.from_bytes(png[place : place + 4])
        if png[place + 4 : place + 8] == b"IDAT":
            packed += png[place + 8 : place + 8 + length]
        place += 12 + length
    raw = zlib.decompress(packed)
    found: Counter[tuple[int, int, int]] = Counter()
    above = bytearray(width * size)
    for row in range(height):
        start = row * (width * size + 1)
        line = bytearray(raw[start + 1 : start + 1 + width * size])
        unfilter(raw[start], line, above, size)
        found.update(zip(line[0::size], line[1::size], line[2::size], strict=True))
        above = line
    return found


def unfilter(method: int, line: bytearray, above: bytearray, size: int) -> None:
    for at in range(len(line) if method else 0):
        left = line[at - size] if at >= size else 0
        corner = above[at - size] if at >= size else 0
        near = left + above[at] - corner
        best = min((left, above[at], corner), key=lambda value: abs(near - value))
        line[at] = (line[at] + (0, left, above[at], (left + above[at]) // 2, best)[method]) % 256


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("count", [1, 100, 100_000])
def test_runs_of_all_sizes_are_drawn(folder: Path, count: int, theme: str) -> None:
    found = colours_of(folder, many(count), theme)
    assert found.most_common(1)[0][0] == PAPER[theme]
    assert found[AGENT[theme]] > 100
    assert (found[WRONG[theme]] > 20) == (count > 1)


@pytest.mark.parametrize("count", [1, 100, 100_000])
def test_only_what_is_seen_is_drawn(folder: Path, count: int) -> None:
    dom = dom_of(folder, many(count))
    assert f'data-ready="{count}"' in dom
    (drawn,), (rows,) = (re.findall(rf'data-{name}="(\d+)"', dom) for name in ("drawn", "rows"))
    assert 0 < int(drawn) <= min(count, 30)
    assert int(drawn) <= int(rows) <= 1_000
    assert f"{count:,} call" in dom


def test_any_call_can_be_shown(folder: Path) -> None:
    """Those above it are opened."""
    number = 77_777
    text = shown(dom_of(folder, many(100_000), f"#call={number}"))
    assert f"\nname {number % 7}\n" in text
    assert f'"number": {number}' in text


def test_texts_are_found(folder: Path) -> None:
    dom = dom_of(folder, many(100_000), '#search="number": 99999')
    assert ">1 of 1</span>" in dom
    assert '"number": 99999' in shown(dom)
    assert ">0 found</span>" in dom_of(folder, many(100), "#search=nowhere")


def test_nothing_of_a_run_is_executed(folder: Path) -> None:
    dom = dom_of(folder, hostile(), "#call=7")
    (title,) = re.findall(r"<title>(.*?)</title>", dom, re.DOTALL)
    assert html.unescape(title).startswith("</script><script>")
    assert len(re.findall(r"<script", re.sub(r"<script type.*?</script>", "", dom, flags=re.DOTALL))) == 1
    assert "<img" not in dom.partition("<aside")[2].partition("</aside>")[0]
    readable = HOSTILE.replace("\ud800", "").replace("\x00", "�")
    assert shown(dom).replace("\x00", "�").count(readable) >= 3
