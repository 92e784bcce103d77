"""What all pages are read by: links, headings and their anchors, code set aside."""

import re

# A link or picture: `[text](target)`; the text may hold one more pair of brackets.
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(([^()\s]*(?:\([^()\s]*\)[^()\s]*)*)\)")
FENCE = re.compile(r"^( *)(```+|~~~+).*?^\1\2[ \t]*$", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
CODE = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)


def outside_code(text, change):
    """The text with everything outside of fenced blocks and comments changed."""
    parts, end = [], 0
    for match in re.finditer(f"(?:{COMMENT.pattern})|(?:{FENCE.pattern})", text, FENCE.flags):
        parts += [change(text[end : match.start()]), match.group()]
        end = match.end()
    return "".join(parts) + change(text[end:])


def links(text):
    """The targets that a page links to, pictures included, each with the number of its line."""
    # Lines stay where they are.
    blank = lambda match: re.sub(r"[^\n]", " ", match.group())
    text = FENCE.sub(blank, COMMENT.sub(blank, text))
    # Code may hold what looks like a link; the text of a link may be code.
    text = CODE.sub(lambda m: blank(m) if "](" in m.group() else m.group(), text)
    return [(m.group(3), text.count("\n", 0, m.start()) + 1) for m in LINK.finditer(text)]


def plain(heading):
    """A heading without its marks: no code, links and emphasis."""
    heading = LINK.sub(lambda m: m.group(2), heading)
    return re.sub(r"[`*]", "", heading).strip()


def headings(text):
    """The headings of a page in order, without their marks."""
    found = []
    outside_code(text, lambda part: found.extend(re.findall(r"^#{1,6} +(.+?) *#*$", part, re.M)) or part)
    return [plain(heading) for heading in found]


def anchors(text):
    """The anchors that GitHub gives the headings of a page, with the heading of each."""
    found = {}
    for heading in headings(text):
        name = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        number, unique = 0, name
        while unique in found:
            number += 1
            unique = f"{name}-{number}"
        found[unique] = heading
    return found
