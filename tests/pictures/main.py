"""Runs the console in a terminal of its own, presses keys, and draws its screen as a picture."""

import argparse
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import tempfile
import termios
import time
from pathlib import Path

import matplotlib
import pyte
from PIL import Image, ImageDraw, ImageFont

# A picture: the demo's arguments, the size in columns and rows, and the steps. A step presses keys, then waits until
# the screen matches.
PICTURES = {
    "screenshot": (
        ["--scenario", "good-release", "--speed", "60"],
        (120, 36),
        [("", r"checkout"), ("\r", r"verdict .*PASS"), ("P", r"\by\b"), ("y", r"read back ✓"), ("", r"observed (9|10|11)[. ]"), ("", r"verdict .*PASS")],
    ),
    "logs": (
        ["--scenario", "failing-health-check", "--speed", "60"],
        (140, 36),
        [("", r"FAIL|unhealthy|failing"), ("\r", r"ROLLBACK"), ("l", r"does not answer|refused|not")],
    ),
    "native": (
        ["--scenario", "paused-native", "--speed", "20"],
        (120, 36),
        [("", r"PAUSED|WAITING"), ("\r", r"ROLLBACK")],
    ),
    "evidence": (
        ["--scenario", "bad-canary", "--speed", "60"],
        (120, 36),
        [("", r"checkout"), ("\r", r"verdict .*FAIL"), ("", r"over (9|1\d) min"), ("z", r"tab: next"), ("\t", r"\[ratio\]")],
    ),
}
# The longest wait for a step, seconds.
PATIENCE = 120

CELL, LINE, MARGIN, BAR = 12, 24, 8, 38
BACK, FORE = "#0f1419", "#d9dde3"
# The sixteen colours of a terminal, by the values that pyte gives them.
COLOURS = {
    "000000": "#15191f", "cd0000": "#f06a6a", "00cd00": "#6fbf73", "cdcd00": "#e0b04f", "0000ee": "#5b8dd9",
    "cd00cd": "#c586e0", "00cdcd": "#58b8c4", "e5e5e5": "#d9dde3", "7f7f7f": "#7d8590", "ff0000": "#f47067",
    "00ff00": "#7ee787", "ffff00": "#f2cc60", "5c5cff": "#79b8ff", "ff00ff": "#d68fe0", "00ffff": "#6cd3df",
    "ffffff": "#ffffff",
}


class Screen(pyte.Screen):
    """A screen with faint text, which pyte does not know: it is kept as blinking text."""

    def select_graphic_rendition(self, *attributes, **options):
        replaced = {(2,): (5,), (22,): (22, 25)}.get(attributes, attributes)
        super().select_graphic_rendition(*replaced, **options)


class Console:
    """The program in a pseudo-terminal, with what is on its screen."""

    def __init__(self, program, arguments, size):
        columns, rows = size
        self.screen = Screen(columns, rows)
        self.stream = pyte.ByteStream(self.screen)
        self.state = tempfile.TemporaryDirectory()
        self.child, self.terminal = pty.fork()
        if self.child == 0:
            names = {"TERM": "xterm-256color", "LANG": "C.UTF-8", "PATH": os.environ["PATH"], "HOME": self.state.name}
            os.execve(program, [program, "demo", "--seed", "7", *arguments], {**names, "XDG_STATE_HOME": self.state.name})
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def until(self, pattern):
        """Reads until the screen matches."""
        ends = time.monotonic() + PATIENCE
        while not re.search(pattern, "\n".join(self.screen.display)):
            if time.monotonic() > ends:
                raise SystemExit(f"no {pattern!r} on the screen:\n" + "\n".join(self.screen.display))
            self.read(0.2)

    def read(self, seconds):
        ready, _, _ = select.select([self.terminal], [], [], seconds)
        if ready:
            self.stream.feed(os.read(self.terminal, 65_536))

    def press(self, keys):
        for key in keys:
            os.write(self.terminal, key.encode())
            # Keys that come at once are a paste.
            ends = time.monotonic() + 0.7
            while time.monotonic() < ends:
                self.read(0.1)

    def close(self):
        os.kill(self.child, signal.SIGTERM)
        os.waitpid(self.child, 0)
        os.close(self.terminal)
        self.state.cleanup()


def font(bold):
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return ImageFont.truetype(folder / f"DejaVuSansMono{'-Bold' if bold else ''}.ttf", 20)


def colour(name, default):
    if name == "default":
        return default
    return COLOURS.get(name, f"#{name}")


def faint(fore):
    parts = [(int(fore[at : at + 2], 16), int(BACK[at : at + 2], 16)) for at in (1, 3, 5)]
    return "#" + "".join(f"{(near * 55 + far * 45) // 100:02x}" for near, far in parts)


def draw(screen):
    image = Image.new("RGB", (screen.columns * CELL + 2 * MARGIN, screen.lines * LINE + BAR + MARGIN), BACK)
    paper = ImageDraw.Draw(image)
    for place, light in enumerate(("#ff5f56", "#ffbd2e", "#27c93f")):
        paper.ellipse((18 + 22 * place, 12, 32 + 22 * place, 26), fill=light)
    paper.text((image.width / 2, 19), "tidegate", fill=FORE, font=font(True), anchor="mm")
    fonts = {bold: font(bold) for bold in (False, True)}
    for row in range(screen.lines):
        for column in range(screen.columns):
            cell = screen.buffer[row][column]
            fore, back = colour(cell.fg, FORE), colour(cell.bg, BACK)
            fore, back = (back, fore) if cell.reverse else (fore, back)
            fore = faint(fore) if cell.blink else fore
            x, y = MARGIN + column * CELL, BAR + row * LINE
            if back != BACK:
                paper.rectangle((x, y, x + CELL - 1, y + LINE - 1), fill=back)
            if "\u2800" < cell.data <= "\u28ff":
                dots(paper, x, y, ord(cell.data) - 0x2800, fore)
            elif cell.data.strip():
                paper.text((x, y + 1), cell.data, fill=fore, font=fonts[cell.bold])
    return image


def dots(paper, x, y, bits, fore):
    """The dots of a braille character, larger than a font draws them."""
    for bit, (column, row) in enumerate([(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3)]):
        if bits >> bit & 1:
            left, top = x + 2 + 6 * column, y + 2 + 6 * row
            paper.rectangle((left, top, left + 2, top + 2), fill=fore)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", metavar="name")
    args = parser.parse_args()
    for name in args.names or PICTURES:
        arguments, size, steps = PICTURES[name]
        console = Console(str(args.program), arguments, size)
        try:
            for keys, pattern in steps:
                console.press(keys)
                console.until(pattern)
            console.read(0.3)
            draw(console.screen).save(args.folder / f"{name}.png", optimize=True)
            print(f"{name}.png")
        finally:
            console.close()


if __name__ == "__main__":
    sys.exit(main())
