"""The pages of the repository, written as GitHub shows them, as a catalogue of DocC's articles."""

import os
import re
import shutil

from markdown import CODE, LINK, anchors, outside_code


class DeadLink(Exception):
    """A link of a page that leads nowhere."""


class Catalogue:
    """Copies pages into a folder and turns their links: between pages, to symbols, to pictures.

    `names` maps each page's path to the name it has in the site; `symbols` holds `/Module/Type` of all types.
    """

    def __init__(self, root, folder, names, symbols):
        self.root, self.folder, self.names, self.symbols = root, folder, names, symbols
        os.makedirs(folder)

    def add(self, path, is_root=False):
        """Adds a page. The root's sections, which are lists of pages, become the groups of the site."""
        with open(os.path.join(self.root, path), encoding="utf-8") as file:
            text = file.read()
        title, _, body = text.partition("\n")
        if not title.startswith("# "):
            raise DeadLink(f"{path}: expected a title, '# …', in the first line")
        body = outside_code(body, lambda part: self.turned(part, path))
        if is_root:
            body = topics(body)
            title += "\n\n@Metadata {\n  @TechnologyRoot\n}"
        elif path.endswith("Decisions/README.md"):
            pages = re.findall(r"^\d+\. \[[^\]]*\]\((doc:[^)]*)\)", body, re.MULTILINE)
            body = re.sub(r"^\d+\. \[.*\n", "", body, flags=re.MULTILINE)
            body += "\n## Topics\n\n### In order\n\n" + "".join(f"- <{page}>\n" for page in pages)
        self.write(self.names[path], f"{title}\n{below_overview(body)}")

    def write(self, name, text):
        """Adds an article by its name."""
        with open(os.path.join(self.folder, name + ".md"), "x", encoding="utf-8") as file:
            file.write(text)

    def turned(self, text, path):
        return LINK.sub(lambda match: self.link(*match.groups(), path), text)

    def link(self, mark, words, target, path):
        """A link as DocC reads it."""
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            return f"{mark}[{words}]({target})"
        file, _, fragment = target.partition("#")
        file = os.path.normpath(os.path.join(os.path.dirname(path), file)) if file else path
        if not os.path.exists(os.path.join(self.root, file)):
            raise DeadLink(f"{path}: there is no {target}")
        if mark:
            return f"![{words}]({self.picture(file)})"
        if os.path.isdir(os.path.join(self.root, file)):
            file = os.path.join(file, "README.md")
        library = re.fullmatch(r"Sources/(\w+)/\1\.docc/\1\.md", file)
        if library:
            return f"[{words}](doc:/{library.group(1)})"
        if file in self.names:
            if not fragment:
                return f"[{words}](doc:{self.names[file]})"
            with open(os.path.join(self.root, file), encoding="utf-8") as page:
                heading = anchors(page.read()).get(fragment)
            if heading is None:
                raise DeadLink(f"{path}: there is no heading {target}")
            return f"[{words}](doc:{self.names[file]}#{anchor(heading)})"
        return self.outside(words, file)

    def outside(self, words, file):
        """A file that is no page of the site: the type of its name, or its path."""
        name, stem = words.strip("`"), os.path.splitext(os.path.basename(file))[0]
        parts = file.split("/")
        if name == stem and parts[0] == "Sources" and f"/{parts[1]}/{name}" in self.symbols:
            return f"``/{parts[1]}/{name}``"
        return f"`{file}`" if name in (stem, file) else f"{words} (`{file}`)"

    def picture(self, file):
        """Copies a picture, under a name of its own."""
        name = re.sub(r"^Documentation/(Pictures/)?", "", file).replace("/", "-")
        shutil.copyfile(os.path.join(self.root, file), os.path.join(self.folder, name))
        return name


def anchor(heading):
    """The anchor that DocC gives a heading."""
    return re.sub(r"[^\w.]+", "-", heading).strip("-")


def topics(body):
    """The sections of a page, of which each is a list of links, as groups of topics."""
    opening, *sections = re.split(r"^## ", body, flags=re.MULTILINE)
    groups = ""
    for section in sections:
        title, _, rest = section.partition("\n")
        pages = re.findall(r"^- \[(?:[^\[\]]|\[[^\]]*\])*\]\((doc:[^)]*)\)", rest, re.MULTILINE)
        groups += f"\n### {title}\n\n" + "".join(f"- <{page}>\n" for page in pages)
    return opening + "## Topics\n" + groups


def below_overview(body):
    """The body, with a heading before a first paragraph that is no summary: it has links, or is a list or table."""
    first = CODE.sub("", body.lstrip("\n").split("\n\n")[0])
    return "\n## Overview\n" + body if re.search(r"\]\(|^[|>#!`-]", first) else body
