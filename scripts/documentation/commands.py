"""A page for each command of the program, made from what its argument parser knows."""

import json
import re
import subprocess


def all_commands(program):
    """Every command as its words and what the parser says of it, outer ones first."""
    dump = subprocess.run([program, "--experimental-dump-help"], check=True, capture_output=True, text=True)

    def below(command, words):
        for inner in command.get("subcommands", []):
            if inner["commandName"] != "help" and inner.get("shouldDisplay", True):
                path = words + [inner["commandName"]]
                yield path, inner
                yield from below(inner, path)

    return list(below(json.loads(dump.stdout)["command"], []))


def name(words):
    """The name of a command's page in the site."""
    return "mae-" + "-".join(words)


def page(program, words, command, all_paths):
    """A command's page: what it is for, how it is called, examples, arguments, options, commands below it."""
    help_text = subprocess.run(
        [program, "help", *words], check=True, capture_output=True, text=True, env={"COLUMNS": "100"}
    ).stdout
    usage = re.search(r"^USAGE: (.*(?:\n {2,}\S.*)*)", help_text, re.MULTILINE).group(1)
    parts = [f"# mae {' '.join(words)}", prose(command["abstract"]), "## Usage", code("sh", usage)]
    if command.get("discussion"):
        parts += ["## Discussion", discussion(command["discussion"])]
    shown = [a for a in command.get("arguments", []) if a.get("shouldDisplay", True)]
    for title, kinds in (("Arguments", ("positional",)), ("Options", ("option", "flag"))):
        rows = [row(argument) for argument in shown if argument["kind"] in kinds]
        if rows:
            parts += [f"## {title}", "\n".join([f"| {title[:-1]} | What it means |", "|---|---|", *rows])]
    inner = [path for path in all_paths if path[:-1] == words]
    if inner:
        parts += ["## Topics", "### Commands", "\n".join(f"- <doc:{name(path)}>" for path in inner)]
    return "\n\n".join(parts) + "\n"


def row(argument):
    """An argument or option with what it means, its values and its default, as a row of a table."""
    value = f"<{argument['valueName']}>" if argument.get("valueName") else ""
    names = [("--" if n["kind"] == "long" else "-") + n["name"] for n in argument.get("names", [])]
    if argument["kind"] == "positional":
        words = value
    else:
        words = ", ".join(names) + (f" {value}" if argument["kind"] == "option" else "")
    if argument.get("isRepeating"):
        words += " …"
    told = prose(argument.get("abstract", ""))
    if argument.get("allValues"):
        told += " One of " + ", ".join(f"`{value}`" for value in argument["allValues"]) + "."
    if argument.get("defaultValue"):
        told += f" `{argument['defaultValue']}` unless given."
    return f"| `{cell(words)}` | {cell(told)} |"


def cell(text):
    return text.replace("|", "\\|").replace("\n", " ")


def code(language, text):
    return f"```{language}\n{text}\n```"


def prose(text):
    """Plain text in Markdown; what looks like a word of a command line is code."""
    text = re.sub(r"([\\`*<>#]|(?<![\w])_|_(?![\w]))", r"\\\1", text)
    return re.sub(r"(?<![\w-])(--[a-z][\w-]*)", r"`\1`", text)


def discussion(text):
    """Paragraphs; indented lines are examples, and lines with columns stay as they are."""
    parts = []
    for block in re.split(r"\n\s*\n", text):
        lines, run, kind = block.split("\n"), [], None
        columns = any(re.search(r"\S {2,}\S", line) for line in lines if not line.startswith("  "))

        def close():
            if run:
                parts.append(code(kind, "\n".join(run)) if kind else prose(" ".join(run)))

        for line in lines:
            new = "text" if columns else "sh" if line.startswith("  mae ") else "text" if line.startswith("  ") else None
            if new != kind:
                close()
                run, kind = [], new
            run.append(line if columns else line[2:] if new else line)
        close()
    return "\n\n".join(parts)
