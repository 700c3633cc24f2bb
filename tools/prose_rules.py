"""Check the English of documents, docstrings, comments and messages: ``python -m tools.prose_rules [PATH ...]``.

Each rule is a regular expression and advice. Code is not read: fences and backquotes of Markdown, backquotes of
docstrings and comments, doctests, and what an f-string fills in.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.prose_texts import Kind, Text, texts_of
from vpc_flow_logs.progress import counted

ROOT = Path(__file__).resolve().parent.parent

FOLDERS = ("infra", "job", "local", "tools", "bench", "tests/support", "docs", "environments", ".github")
FILES = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "Makefile", "app.py", ".pre-commit-config.yaml")
SUFFIXES = (".py", ".md", ".toml", ".yml", ".yaml")
_GENERATED = re.compile(r"(?:^|/)(?:build|dist|__pycache__|[^/]+\.egg-info)/")


@dataclass(frozen=True)
class Rule:
    """Words that the project does not use.

    Attributes:
        pattern: Regular expression; a space in it also matches a line break.
        advice: The words to write instead.
        kinds: The kinds of text that the rule applies to; empty for all.
    """

    pattern: str
    advice: str
    kinds: tuple[Kind, ...] = ()


@dataclass(frozen=True, order=True)
class Finding:
    """Words that a rule matched, and their place."""

    file: str
    line: int
    words: str
    advice: str

    def __str__(self) -> str:
        return f'{self.file}:{self.line}: "{self.words}": {self.advice}'


_BE = "(?:is|are|was|were)"
_VERB = (
    "(?:is|are|was|were|has|have|had|does|do|did|can|cannot|could|may|might|must|will|would|knows?|needs?|takes?|goes"
    "|gives?|makes?|reads?|writes?|comes?|gets?)"
)
_NOUN = (
    "(?:account|batch|bucket|call|class|column|construct|core|document|environment|event|field|file|folder|flow log"
    "|item|job|key|line|member|message|module|name|package|place|policy|process|purpose|record|region|request|role|row|run"
    "|section|service|source|stack|statement|step|table|target|test|value|worker)"
)
# Words that begin a new part of a sentence: "one is a table".
_OTHER = "(?!(?:and|as|by|for|from|has|in|is|of|on|or|that|to|was|with) )"

RULES = (
    Rule(
        rf"(?<!there ){_BE} no (?!longer|more|less|fewer|later|earlier|smaller|larger|need|way)\w+",
        "write `is not a ...`, `is not a valid ...` or `unknown ...`",
    ),
    Rule(rf"(?<!there ){_BE} (?-i:none)(?! of)", "write `is not one`, or name the noun"),
    Rule("(?:told|tells)(?! apart)", "use the specific verb: reports, returns, records, selects, shows"),
    Rule("(?:says|said)", "use the specific verb: reports, returns, logs, states, shows"),
    Rule("(?<=, )for (?:it|they|he|she|we|there|nobody|nothing)", "write `because`"),
    Rule(
        rf"(?<=, )for (?:the|this|that|its|their|a|an|no|every|each) (?:(?!that|which|who)[\w'-]+ ){{1,2}}{_VERB}",
        "write `because`",
    ),
    Rule("mend(?:s|ed|ing)?", "write `fix`"),
    Rule("anew", "write `again`"),
    Rule("beside", "write `next to`, `in addition to` or `besides`"),
    Rule("meanwhile", "write `in the meantime` or `at the same time`"),
    Rule("by (?:itself|himself|herself|themselves)", "write `on its own`, `alone` or `automatically`"),
    Rule("of (?:its|their|his|her|our|your|my) own", "put it first: `its own stack`, not `a stack of its own`"),
    Rule("of (?:ours|theirs|yours)", "put it first: `our ...`, `their ...`"),
    Rule("just (?:this|that|these|those)", "write `exactly this`, or only `this`"),
    Rule(
        r"so (?:many|few|often|long)(?! [\w-]+(?: [\w-]+){0,4} that\b)(?! that\b)",
        "name the number or the interval; for a condition, write `as long as`",
    ),
    Rule("once more", "write `again`"),
    Rule(rf"{_BE} to be", "write what happens, or `must be`"),
    Rule("what (?:was|were)", "name the thing: `the granted principals`, not what somebody did"),
    Rule("nothing of", "write `needs no ...`, `nothing from ...` or `none of ...`"),
    Rule("of which(?! [0-9…])", "write `whose`, or two sentences"),
    Rule("(?:go|goes|going|went) on(?! (?:line|the|a|an)\\b)", "write `continue` or `resume`"),
    Rule("(?:lie|lies|lay|lying) (?:in|at|below|under|on|there)", "write `is in`, `is under`"),
    Rule("(?:take|takes|took|taken|taking) note", "write `record` or `remember`"),
    Rule("(?:see|sees) to (?:it|that)", "write `ensure`, `check` or `take care of`"),
    Rule("until now", "write `so far`"),
    Rule("for ever", "write `indefinitely`, or name the time"),
    Rule("(?-i:Else)(?! if)", "begin the sentence with `Otherwise`"),
    Rule("without a word", "write `silently` or `without an error`"),
    Rule("(?:to|for|by|with|from|let|lets) who", "write `anyone who`, `whoever`, or name the role"),
    Rule(
        rf"(?<!in )(?<!on )(?<!of )(?<!to )(?<!for )(?<!from )(?<!with )"
        rf"(?:one (?:{_OTHER}[\w-]+ )?|(?:a|an) {_NOUN} )(?:a|an) {_NOUN}",
        "write `per` or `for each`",
    ),
    Rule("(?:hence|thereby|therein|thereof|wherein|hitherto|lest|whilst|amongst|albeit)", "use an everyday word"),
    Rule(
        "(?:behaviour|colour|neighbour|favour|honour|centre|catalogue|licence|travell|modell|labell)[a-z]*",
        "use the American spelling",
    ),
    Rule(
        "(?:recogn|organ|initial|normal|serial|summar|synchron|author|custom|optim|minim|maxim|capital|final|real)is"
        "(?:e|es|ed|ing|ation)",
        "use the American spelling",
    ),
    Rule(
        "^(?:what|who|whose|how|why|whether|where|that)",
        "begin with a verb (`Return ...`, `Check ...`), or with a noun for a module, a class or an attribute",
        kinds=("docstring",),
    ),
)

_COMPILED = [(rule, re.compile(rf"(?<![\w-])(?:{rule.pattern})(?![\w])", re.IGNORECASE)) for rule in RULES]


def findings_in(text: Text) -> Iterator[Finding]:
    """Yield each place of a text that a rule matches."""
    for rule, pattern in _COMPILED:
        if rule.kinds and text.kind not in rule.kinds:
            continue
        for match in pattern.finditer(text.words):
            yield Finding(text.file, text.line_of(match.start()), match[0], rule.advice)


def files_of(root: Path, paths: Iterable[str] = ()) -> list[Path]:
    """Return the files to read: those of the repository's folders, or of the given files and folders."""
    places = [root / path for path in (tuple(paths) or (*FOLDERS, *FILES))]
    files: set[Path] = set()
    for place in places:
        inside = place.rglob("*") if place.is_dir() else [place]
        files |= {file for file in inside if file.is_file() and (file.suffix in SUFFIXES or file.name == "Makefile")}
    return sorted(file for file in files if not _GENERATED.search(file.relative_to(root).as_posix()))


def check(root: Path, files: Iterable[Path]) -> list[Finding]:
    """Return the findings of all files, in order."""
    return sorted(
        {
            finding
            for file in files
            for text in texts_of(file.relative_to(root).as_posix(), file.read_text(encoding="utf-8"))
            for finding in findings_in(text)
        }
    )


def counts(findings: Iterable[Finding]) -> list[str]:
    """Return one line per folder with its number of findings, the largest first."""
    folders = Counter("/".join(finding.file.split("/")[:-1][:2]) or finding.file for finding in findings)
    return [f"{number:6} {folder}" for folder, number in folders.most_common()]


def main(paths: list[str], root: Path = ROOT) -> int:
    """Print all findings and their number per folder; return the exit status."""
    missing = [path for path in paths if not (root / path).exists()]
    if missing:
        print(f"there is no {', no '.join(missing)} in {root}", file=sys.stderr)
        return 2
    files = files_of(root, paths)
    findings = check(root, files)
    for finding in findings:
        print(finding)
    if findings:
        print(
            f"\n{counted(len(findings), 'finding')} in {counted(len(files), 'file')}:",
            *counts(findings),
            sep="\n",
            file=sys.stderr,
        )
        return 1
    print(f"{counted(len(files), 'file')}: plain English, as far as {len(RULES)} rules see")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
