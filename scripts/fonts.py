"""Makes the fonts that pictures are lettered in, Sources/CFonts/Fonts/*.otf, and a font for the tests of fallbacks.

Run with Python 3.11, fontTools 4.60.1 and the package fonts-inter 4.0~beta7+ds-1 of Debian 12 (Inter 3.19), unpacked:

    apt-get download fonts-inter && dpkg -x fonts-inter_*.deb inter
    python scripts/fonts.py inter/usr/share/fonts/opentype/inter

Kept are Latin with its extensions, Greek, Cyrillic, punctuation, currencies, arrows and mathematical signs, without the
tables of substitutions and kerning, which FreeType does not read. The fonts have a name of their own, as the SIL Open Font
License asks of changed fonts whose names are reserved.
"""

import pathlib
import sys

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUT = ROOT / "Sources/CFonts/Fonts"
RANGES = [
    (0x20, 0x24F), (0x300, 0x36F), (0x370, 0x3FF), (0x400, 0x52F), (0x1E00, 0x1EFF), (0x2000, 0x209F), (0x20A0, 0x20BF),
    (0x2100, 0x214F), (0x2190, 0x21FF), (0x2200, 0x22FF), (0x25A0, 0x25FF), (0xFFFD, 0xFFFD),
]


def subset(source: pathlib.Path, weight: str) -> None:
    font = TTFont(source / f"Inter-{weight}.otf", recalcTimestamp=False)
    options = Options()
    options.layout_features = []
    options.drop_tables += ["GSUB", "GPOS", "GDEF", "DSIG"]
    options.notdef_outline = True
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=[code for first, last in RANGES for code in range(first, last + 1)])
    subsetter.subset(font)
    names = font["name"]
    copyright = names.getDebugName(0)
    version = names.getDebugName(5)
    names.names = []
    for number, text in {
        0: copyright, 1: "Figures Sans" if weight == "Regular" else f"Figures Sans {weight}", 2: "Regular",
        3: f"FiguresSans-{weight}", 4: f"Figures Sans {weight}", 5: f"{version}; subset of Inter", 6: f"FiguresSans-{weight}",
        13: "This Font Software is licensed under the SIL Open Font License, Version 1.1.", 14: "https://openfontlicense.org",
    }.items():
        names.setName(text, number, 3, 1, 0x409)
    top = font["CFF "].cff
    top.fontNames = [f"FiguresSans-{weight}"]
    top[0].FullName, top[0].FamilyName = f"Figures Sans {weight}", "Figures Sans"
    font.save(OUT / f"FiguresSans-{weight}.otf")


def fallback() -> None:
    """A font of two squares: 猫 (U+732B), as wide as it is high, and its mark above, U+20DD, without a width."""
    def square(low: int, high: int):
        pen = TTGlyphPen(None)
        pen.moveTo((low, low)), pen.lineTo((low, high)), pen.lineTo((high, high)), pen.lineTo((high, low))
        pen.closePath()
        return pen.glyph()

    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "cat", "mark"])
    builder.setupCharacterMap({0x732B: "cat", 0x20DD: "mark"})
    builder.setupGlyf({".notdef": square(0, 500), "cat": square(0, 1000), "mark": square(0, 200)})
    builder.setupHorizontalMetrics({".notdef": (600, 0), "cat": (1000, 0), "mark": (0, 0)})
    builder.setupHorizontalHeader(ascent=1000, descent=0)
    builder.setupNameTable({"familyName": "Squares", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.updateHead(created=0, modified=0)
    builder.font.recalcTimestamp = False
    builder.save(ROOT / "Tests/ImagingTests/Fixtures/squares.ttf")


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    for name in ("Regular", "SemiBold"):
        subset(pathlib.Path(sys.argv[1]), name)
    fallback()
