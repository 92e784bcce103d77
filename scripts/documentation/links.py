"""Finds links that lead nowhere: in the Markdown pages of the repository, and in the site made of them."""

import json
import os
import re
from urllib.parse import unquote, urlparse

from markdown import anchors, links


def pages(root):
    """Every Markdown page of the repository, without what builds and runs made."""
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and not (folder == root and name in ("runs", "demo"))
        )
        yield from (os.path.join(folder, name) for name in sorted(files) if name.endswith(".md"))


def is_address(target):
    """Whether an address on the web is written as one; whether it answers is not asked."""
    address = urlparse(target)
    if address.scheme == "mailto":
        return "@" in address.path
    return bool(re.fullmatch(r"[\w-]+(\.[\w-]+)+(:\d+)?|localhost(:\d+)?", address.netloc))


def dead_links_of_pages(root):
    """A line for each dead link of a page: where it stands, and what is not there."""
    anchors_of = {}
    for page in pages(root):
        with open(page, encoding="utf-8") as file:
            text = file.read()
        name = os.path.relpath(page, root)
        is_catalogue = ".docc/" in page
        for target, line in links(text):
            if re.match(r"[a-z][a-z0-9+.-]*:", target):
                # Links of a catalogue to symbols and articles are DocC's to resolve.
                if not (is_catalogue and target.startswith("doc:")) and not is_address(target):
                    yield f"{name}:{line}: {target} is no address"
                continue
            path, _, fragment = unquote(target).partition("#")
            file = os.path.normpath(os.path.join(os.path.dirname(page), path)) if path else page
            if not os.path.exists(file):
                yield f"{name}:{line}: {target}: there is no such file"
            elif fragment and file.endswith(".md"):
                if file not in anchors_of:
                    with open(file, encoding="utf-8") as other:
                        anchors_of[file] = anchors(other.read())
                if fragment not in anchors_of[file]:
                    yield f"{name}:{line}: {target}: there is no such heading"


def dead_links_of_site(site):
    """A line for each dead link of a built site: pages, headings and pictures that are not there."""
    data = os.path.join(site, "data")
    documents = {}
    for folder, _, files in os.walk(data):
        for name in files:
            if name.endswith(".json"):
                path = os.path.join(folder, name)
                with open(path, encoding="utf-8") as file:
                    documents["/" + os.path.relpath(path, data)[: -len(".json")]] = json.load(file)
    if not documents:
        yield f"{site}: there are no pages"
    anchors_of = {}

    def page_anchors(url):
        if url not in anchors_of:
            found = anchors_of[url] = set()
            walk(documents[url], lambda node: found.add(node.get("anchor")))
        return anchors_of[url]

    for url, document in sorted(documents.items()):
        # A page that is data alone would not be served.
        if not os.path.exists(os.path.join(site, url.lstrip("/"), "index.html")):
            yield f"{url}: there is no index.html"
        for reference in (document.get("references") or {}).values():
            kind, target = reference.get("type"), reference.get("url", "")
            if kind == "image":
                for variant in reference["variants"]:
                    if not os.path.exists(os.path.join(site, variant["url"].lstrip("/"))):
                        yield f"{url}: there is no picture {variant['url']}"
            elif target.startswith("/"):
                page, _, fragment = target.partition("#")
                if page not in documents:
                    yield f"{url}: there is no page {target}"
                elif fragment and unquote(fragment) not in page_anchors(page):
                    yield f"{url}: there is no heading {target}"
            elif kind == "unresolvable":
                yield f"{url}: {reference.get('title')} was not found"
            elif target and not is_address(target):
                yield f"{url}: {target} is no address"


def walk(node, visit):
    """Visits every object of a JSON document."""
    if isinstance(node, dict):
        visit(node)
        for value in node.values():
            walk(value, visit)
    elif isinstance(node, list):
        for value in node:
            walk(value, visit)
