"""Runs the commands of a page, block by block, and compares what they print with what the page shows. Standard library only.

    python3 tests/site/tutorial.py PAGE...

A line of a text block must be in the output of the block of commands before it; `…` stands for anything, and any space for any other.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def pattern(line):
    parts = [r"\s+".join(re.escape(word) for word in part.split()) for part in line.split("…")]
    return ".*".join(parts)


def run(page):
    """The number of blocks of commands, and what is wrong with them."""
    blocks, wrong = 0, []
    with tempfile.TemporaryDirectory() as scratch:
        for directory in ("tests", "deploy"):
            (Path(scratch) / directory).symlink_to(ROOT / directory)
        output = ""
        for kind, body in re.findall(r"^```(\w+)\n(.*?)^```$", page.read_text(), re.M | re.S):
            if kind == "sh":
                blocks += 1
                done = subprocess.run(["bash", "-eu", "-c", body], cwd=scratch, text=True, capture_output=True)
                output = done.stdout
                if done.returncode != 0:
                    wrong.append(f"{page.name}: exit code {done.returncode}: {body}{output}{done.stderr}")
            elif kind == "text":
                missing = [line for line in body.splitlines() if not re.search(pattern(line), output)]
                wrong += [f"{page.name}: the output lacks {line!r}:\n{output}" for line in missing]
    return blocks, wrong


if __name__ == "__main__":
    results = [run(Path(page)) for page in sys.argv[1:]]
    wrong = [line for _, lines in results for line in lines]
    if wrong:
        sys.exit("\n".join(wrong))
    print(f"{sum(blocks for blocks, _ in results)} blocks of commands are right")
