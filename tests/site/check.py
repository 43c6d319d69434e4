"""Checks the site in the directory that is given, and runs the tutorials. Standard library only."""

import subprocess
import sys
import urllib.parse
from html.parser import HTMLParser
from pathlib import Path

import tutorial

SITE = Path(sys.argv[1])
ROOT = Path(__file__).resolve().parents[2]
HOME = subprocess.check_output([ROOT / "scripts/home"], text=True).strip()
wrong = []


class Page(HTMLParser):
    def __init__(self, path):
        super().__init__()
        self.links, self.ids = [], set()
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.ids.add(attributes.get("id"))
        link = attributes.get("href") if tag == "a" else attributes.get("src") if tag == "img" else None
        if link:
            self.links.append(link)


pages = {path: Page(path) for path in SITE.rglob("*.html") if path.name != "toc.html"}
links = 0
for path, page in pages.items():
    for link in page.links:
        links += 1
        url = urllib.parse.urlparse(link)
        if link.startswith(f"{HOME}/blob/main/"):
            target = ROOT / urllib.parse.unquote(link.removeprefix(f"{HOME}/blob/main/").split("#")[0])
            if not target.exists():
                wrong.append(f"{path.name}: {link}: there is no such file")
        elif url.scheme in ("http", "https", "mailto"):
            continue
        else:
            base = SITE if url.path.startswith("/") else path.parent
            target = (base / urllib.parse.unquote(url.path).lstrip("/")).resolve() if url.path else path
            if not target.exists():
                wrong.append(f"{path.name}: {link}: leads nowhere")
            elif url.fragment and target in pages and urllib.parse.unquote(url.fragment) not in pages[target].ids:
                wrong.append(f"{path.name}: {link}: there is no such heading")

for source in (ROOT / "docs").rglob("*.md"):
    built = SITE / source.relative_to(ROOT / "docs").with_suffix(".html")
    if source.name != "SUMMARY.md" and not built.exists():
        wrong.append(f"{source.relative_to(ROOT)} is not in docs/SUMMARY.md")

[index] = SITE.glob("searchindex*.js")
text = index.read_text()
for word in ["promtail", "max_user_watches", "talos"]:
    if word not in text.lower():
        wrong.append(f"search does not know {word}")

# Those of a cluster run on a real node.
on_a_node = (ROOT / "tests/deploy/on-node.sh").read_text()
blocks = 0
for page in sorted((ROOT / "docs/tutorials").glob("*.md")):
    if f"docs/tutorials/{page.name}" in on_a_node:
        continue
    ran, failed = tutorial.run(page)
    blocks += ran
    wrong += failed

print("\n".join(wrong))
if wrong:
    sys.exit(1)
print(f"site: {len(pages)} pages, {links} links, {blocks} blocks of commands are right")
