"""Makes a site of the pages of this repository, of what the doctor explains, and of its help.

site.py DOCTOR DIRECTORY. A page is where its source is, so that links between pages hold in the repository and on the site. What is
linked and is no page is copied. A link that leads nowhere, on this site, fails the build.
"""

import html
import json
import os
import pathlib
import posixpath
import re
import shutil
import subprocess
import sys

from markdown_it import MarkdownIt

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCTOR, OUT = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])

# The order of the menu: heading, then pages by their sources.
MENU = [
    ("Start", ["README.md", "docs/obtaining.md", "docs/asking.md", "docs/asking-for-help.md"]),
    ("Use", ["docs/pipelines.md", "docs/configuration.md", "docs/formats.md", "docs/logs.md", "docs/diff.md", "docs/elsewhere.md",
             "docs/rehearsing.md", "docs/fixing.md"]),
    ("Trust", ["docs/promises.md", "SECURITY.md", "docs/testing.md", "fixtures/outcomes/README.md", "fixtures/reports/README.md",
               "fixtures/reports/FORMAT.md", "fixtures/COVERAGE.md", "tests/lab/README.md", "tests/lab/DISAGREEMENTS.md",
               "tests/fuzz/README.md"]),
    ("Work on it", ["CONTRIBUTING.md", "ARCHITECTURE.md", "docs/versions.md", "CHANGELOG.md", "CODE_OF_CONDUCT.md"]),
]
POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'"


def doctor(*arguments):
    environment = {"PATH": "/usr/bin:/bin", "COLUMNS": "100"}
    return subprocess.run([DOCTOR, *arguments], check=True, capture_output=True, text=True, env=environment).stdout


def checks():
    """A page for each check, by area in the order of reports: area, source, text."""
    for entry in json.loads(doctor("list", "--format", "json"))["checks"]:
        check = json.loads(doctor("explain", entry["id"], "--format", "json"))
        lines = [f"# {check['id']}", "", f"{check['title']}.", "", "| target | worst severity |", "| --- | --- |"]
        lines += [f"| {target} | {severity} |" for target, severity in check["severity"].items()]
        lines += ["", check["doc"], ""]
        if check["logs"]:
            lines += ["## In logs", "", "`doctor explain --log` knows it by:", "", "```text", *check["logs"], "```", ""]
        yield check["area"], f"checks/{check['id']}.md", "\n".join(lines)


def commands():
    """The help of every command as one page."""
    names = re.findall(r"(?m)^  ([a-z]+) {2,}", doctor("--help").split("Commands:")[1].split("\n\n")[0])
    texts = [("doctor", doctor("--help"))]
    texts += [(f"doctor {name}", doctor(name, "--help")) for name in names if name != "help"]
    parts = [f"## {name}\n\n```text\n{text.rstrip()}\n```\n" for name, text in texts]
    return "# Commands and options\n\n" + "\n".join(parts)


def output(source):
    """Where the page of a source is."""
    folder, name = posixpath.split(source)
    return posixpath.join(folder, "index.html" if name == "README.md" else name.removesuffix(".md") + ".html")


def slug(text, seen):
    """The anchor that GitHub gives to a heading."""
    base = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
    number = seen.get(base, 0)
    seen[base] = number + 1
    return base if number == 0 else f"{base}-{number}"


class Site:
    def __init__(self):
        self.sources, self.titles, self.wrong = {}, {}, []
        self.menu = [(heading, [s for s in sources if (ROOT / s).exists()]) for heading, sources in MENU]
        for _, sources in self.menu:
            self.sources |= {source: (ROOT / source).read_text() for source in sources}
        areas = {}
        for area, source, text in checks():
            self.sources[source] = text
            areas.setdefault(area, []).append(source)
        self.sources["docs/commands.md"] = commands()
        self.menu[0][1].append("docs/commands.md")
        self.areas = areas
        self.sources["docs/checks.md"] = self.linked(ROOT.joinpath("docs/checks.md").read_text())
        for source, text in self.sources.items():
            self.titles[source] = next((l[2:] for l in text.splitlines() if l.startswith("# ")), source)
        self.titles["README.md"] = "dind-doctor"

    def linked(self, table):
        """The table of checks, each with a link to its page."""
        name = lambda m: f"| [`{m[1]}`](../checks/{m[1]}.md):" if f"checks/{m[1]}.md" in self.sources else m[0]
        return re.sub(r"(?m)^\| `([a-z0-9-]+)`:", name, table)

    def link(self, source, target):
        """A link of a source, for its page; nothing if it leads nowhere on the site."""
        if re.match(r"[a-z]+:", target) or target.startswith("#"):
            return target
        path, _, anchor = target.partition("#")
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        if path not in self.sources and f"{path}/README.md" in self.sources:
            path = f"{path}/README.md"
        here = posixpath.dirname(output(source)) or "."
        if path in self.sources:
            return posixpath.relpath(output(path), here) + (f"#{anchor}" if anchor else "")
        if (ROOT / path).is_file():
            (OUT / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / path, OUT / path)
            return posixpath.relpath(path, here)
        if not (ROOT / path).is_dir():
            self.wrong.append(f"{source}: {target}")
        return None

    def body(self, source):
        markdown = MarkdownIt("commonmark", {"html": True}).enable("table")
        text = re.sub(r"(?m)^<!-- (begin|end) .*? -->\n", "", self.sources[source])
        tokens = markdown.parse(text)
        seen = {}
        for at, token in enumerate(tokens):
            if token.type == "heading_open":
                token.attrs["id"] = slug(tokens[at + 1].content.replace("`", ""), seen)
            # Styles stand in one file, and the policy holds pages to that.
            if token.attrs.pop("style", "") == "text-align:right":
                token.attrs["class"] = "number"
            closed = []
            for child in token.children or []:
                if child.type == "link_open":
                    target = self.link(source, child.attrs["href"])
                    closed.append(target is not None)
                    if target is None:
                        child.type, child.tag, child.attrs = "text", "", {}
                    else:
                        child.attrs["href"] = target
                elif child.type == "link_close" and not closed.pop():
                    child.type, child.tag = "text", ""
        rendered = markdown.renderer.render(tokens, markdown.options, {})
        return rendered.replace("<table>", '<div class="wide"><table>').replace("</table>", "</table></div>")

    def navigation(self, source):
        def item(target):
            here = posixpath.dirname(output(source)) or "."
            current = ' aria-current="page"' if target == source else ""
            href = posixpath.relpath(output(target), here)
            return f'<li><a href="{href}"{current}>{html.escape(self.titles[target].replace("`", ""))}</a></li>'

        parts = []
        for heading, sources in self.menu:
            parts.append(f"<b>{heading}</b><ul>{''.join(map(item, sources))}</ul>")
            if heading == "Use":
                parts.append(f"<b>Checks</b><ul>{item('docs/checks.md')}</ul>")
                for area, sources in self.areas.items():
                    is_open = " open" if source in sources else ""
                    parts.append(f"<details{is_open}><summary>{area}</summary><ul>{''.join(map(item, sources))}</ul></details>")
        return "".join(parts)

    def write(self):
        for source in self.sources:
            where = output(source)
            style = posixpath.relpath("style.css", posixpath.dirname(where) or ".")
            title = html.escape(self.titles[source])
            page = f"""<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width"><title>{title}</title><link rel="stylesheet" href="{style}"></head>
<body><nav aria-label="pages">{self.navigation(source)}</nav>
<main>{self.body(source)}<footer>Made from <code>{html.escape(source)}</code> by docs/site/build.</footer></main></body></html>
"""
            (OUT / where).parent.mkdir(parents=True, exist_ok=True)
            (OUT / where).write_text(page)
        shutil.copyfile(pathlib.Path(__file__).with_name("style.css"), OUT / "style.css")
        (OUT / "llms.txt").write_text(self.overview())

    def overview(self):
        """llms.txt: what is where, for programs that read."""
        lines = ["# dind-doctor", "", "> Tells whether nested Docker, kind, podman, rootless, systemd, BuildKit or bubblewrap will work in "
                 "this container, pod, VM or CI runner, and what to change.", ""]
        for heading, sources in [*self.menu, *((f"Checks: {area}", s) for area, s in self.areas.items())]:
            lines += [f"## {heading}", ""]
            lines += [f"- [{self.titles[source]}]({output(source)})" for source in sources] + [""]
        return "\n".join(lines)

    def check(self):
        """Every link on the site leads to a file and, if it names one, to an anchor in it."""
        pages = {page: page.read_text() for page in OUT.rglob("*.html")}
        anchors = {page: set(re.findall(r'\bid="([^"]+)"', text)) for page, text in pages.items()}
        count = 0
        for page, text in pages.items():
            for target in re.findall(r'\bhref="([^"]+)"', text):
                if re.match(r"[a-z]+:", target):
                    continue
                count += 1
                path, _, anchor = html.unescape(target).partition("#")
                there = pathlib.Path(os.path.normpath(page.parent / path)) if path else page
                if not there.is_file():
                    self.wrong.append(f"{page}: {target}")
                elif anchor and anchor not in anchors.get(there, ()):
                    self.wrong.append(f"{page}: {target}: no such heading")
        return len(pages), count


shutil.rmtree(OUT, ignore_errors=True)
site = Site()
site.write()
pages, links = site.check()
print(f"{pages} pages, {links} links; {len(site.wrong)} lead nowhere; {OUT}/index.html")
for wrong in site.wrong:
    print(f"WRONG  {wrong}", file=sys.stderr)
sys.exit(1 if site.wrong else 0)
