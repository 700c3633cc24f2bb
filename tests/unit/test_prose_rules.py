"""The prose rules: each rule finds its words, plain English passes, and code is not read."""

import pytest

from tools.prose_rules import FOLDERS, RULES, check, files_of, findings_in, main
from tools.prose_texts import Text, texts_of


def findings(sentence, kind="document"):
    return [(finding.words, finding.advice) for finding in findings_in(Text("x.md", kind, sentence, 1))]


def lines_and_words(file, content):
    return [(finding.line, finding.words) for text in texts_of(file, content) for finding in findings_in(text)]


# One sentence per rule, in the order of the rules.
CAUGHT = [
    ('"vpc-1" is no VPC ID', "is no VPC"),
    ("what looks like a secret and is none", "is none"),
    ("the job is told where to read", "told"),
    ("the review says what to add", "says"),
    ("the bucket is empty, for it is new", "for it"),
    ("the run fails, for the new role cannot read", "for the new role cannot"),
    ("Mend this and run the job again", "Mend"),
    ("the venv is made anew", "anew"),
    ("a file beside the wheel", "beside"),
    ("Meanwhile the job waits", "Meanwhile"),
    ("the job starts again by itself", "by itself"),
    ("a stack of its own", "of its own"),
    ("a statement of ours", "of ours"),
    ("needs just this", "just this"),
    ("files are deleted after so many days", "so many"),
    ("tried once more", "once more"),
    ("the table is to be kept", "is to be"),
    ("compare it with what was sent", "what was"),
    ("the lambda needs nothing of this repository", "nothing of"),
    ("two paths, of which one is wider", "of which"),
    ("the next run goes on from there", "goes on"),
    ("the secret lies in the account of the stack", "lies in"),
    ("Takes note that the files are done", "Takes note"),
    ("`make lint` sees to it", "sees to it"),
    ("all files until now", "until now"),
    ("files are kept for ever", "for ever"),
    ("Used if set. Else the default is used", "Else"),
    ("the stream stops without a word", "without a word"),
    ("give the profile to who runs the job", "to who"),
    ("a file an environment", "a file an environment"),
    ("hence the minimum", "hence"),
    ("the catalogue of fields", "catalogue"),
    ("sessions are initialised once", "initialised"),
]


@pytest.mark.parametrize(("sentence", "match"), CAUGHT, ids=[match for _, match in CAUGHT])
def test_a_rule_finds_its_words(sentence, match):
    assert [words for words, _ in findings(sentence)] == [match]


def test_every_rule_has_a_test():
    advice = [findings(sentence)[0][1] for sentence, _ in CAUGHT]
    assert [*advice, findings("Whether it runs", "docstring")[0][1]] == [rule.advice for rule in RULES]


@pytest.mark.parametrize(
    "sentence",
    [
        "The table is no longer clustered. It is no more than a copy, and there is no other one.",
        "There is none. The list has none of them, and x is None.",
        "gzip and text are told apart by their first bytes",
        "one for it and one for the job; use the table, for example, for the rows that have no time",
        "The message is for a job that is paused, and for the role that can read.",
        "Besides the table, the job has a checkpoint.",
        "It amends the file and recommends a new one.",
        "It runs on its own, under its own name.",
        "Wait as long as the run is active. So far, there are so many files that a listing takes minutes.",
        "The table has to be kept; it is not to blame.",
        "What is missing? Show what the role can read.",
        "Run it on the cluster. Resume on line 5: the loop goes on the list.",
        "someone who runs the job",
        "23 lines, of which 5 are quarantined; one is a table, and one and a line are not",
        "twice a day, 10 USD a month, on a laptop a folder, and a key in a file",
        "else if there is no wheel, or else nothing",
        "The neighborhood catalog is otherwise organized. Promise to revise the exercise.",
    ],
)
def test_plain_english_passes(sentence):
    assert findings(sentence) == []


@pytest.mark.parametrize("word", ["What", "Who", "How", "Why", "Whether", "Where", "That"])
def test_a_docstring_begins_with_a_verb_or_a_noun(word):
    assert [words for words, _ in findings(f"{word} it is", "docstring")] == [word]
    assert findings(f"Return {word.lower()} it is", "docstring") == []
    assert findings("Whatever happens", "docstring") == []
    assert findings(f"{word} it is", "comment") == []


def test_words_are_found_across_a_line_break_and_not_across_paragraphs():
    assert lines_and_words("a.md", "# A\n\nThe job is tried once\nmore, and the\ntable lies\nin S3.\n") == [
        (3, "once more"),
        (5, "lies in"),
    ]
    assert lines_and_words("a.md", "Try it once\n\nmore rows\n") == []


def test_code_in_a_document_is_not_read():
    text = (
        "Run `told` and ``says``.\n\n```bash\necho told\n```\n\n"
        "<!-- told -->\n[page](https://example.org/told/says)\n\nhttps://example.org/anew\n\nIt is told.\n"
    )
    assert lines_and_words("a.md", text) == [(12, "told")]


PYTHON = '''#!/usr/bin/env python3
"""What a module says.

    ``told`` is code.

>>> print("told")
told
"""

# A comment of two lines that ends once
# more, and `anew` in code.
told = 5  # noqa: says
names = ["told", "once more"]  # kept anew


def one(path):
    """Return the path.

    It is
    told.
    """
    raise ValueError(
        f"the file {path.anew('told')} is "
        "no file that can be read, "
        f"and it says {told!r} once"
        " more"
    )


PATTERN = r"it says (?P<what>.*) once more"
LIMIT = 5
"""How many files."""
'''


def test_docstrings_comments_and_messages_of_python_are_read_but_not_code():
    assert sorted(lines_and_words("a.py", PYTHON)) == [
        (2, "What"),
        (2, "says"),
        (10, "once more"),
        (13, "anew"),
        (20, "told"),
        (23, "is no file"),
        (25, "once more"),
        (25, "says"),
        (32, "How"),
    ]


def test_comments_of_toml_files_and_makefiles_are_read():
    toml = '[job]\nname = "a # told"  # kept anew\n# The table lies\n# in S3.\nx = "told"\n'
    assert lines_and_words("a.toml", toml) == [(2, "anew"), (3, "lies in")]
    makefile = "help:  ## says all\n\techo told\n"
    assert lines_and_words("Makefile", makefile) == [(1, "says")]


def test_findings_are_printed_with_their_place_and_counted_per_folder(tmp_path, capsys):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("It is told.\n\nIt is told anew.\n", encoding="utf-8")
    (tmp_path / "infra" / "iam").mkdir(parents=True)
    (tmp_path / "infra" / "iam" / "a.py").write_text("# once more\n", encoding="utf-8")
    (tmp_path / "infra" / "build").mkdir()
    (tmp_path / "infra" / "build" / "a.py").write_text("# once more\n", encoding="utf-8")
    (tmp_path / "README.md").write_text("Plain English.\n", encoding="utf-8")

    assert main([], tmp_path) == 1
    printed = capsys.readouterr()
    assert printed.out.splitlines()[0] == (
        'docs/a.md:1: "told": use the specific verb: reports, returns, records, selects, shows'
    )
    assert [line.split('"')[1] for line in printed.out.splitlines()] == ["told", "anew", "told", "once more"]
    assert printed.err.splitlines() == ["", "4 findings in 3 files:", "     3 docs", "     1 infra/iam"]

    assert main(["infra"], tmp_path) == 1
    assert main(["README.md"], tmp_path) == 0
    assert main(["nowhere"], tmp_path) == 2
    assert "nowhere" in capsys.readouterr().err


def test_the_rules_and_their_advice_are_plain_english():
    root = files_of.__globals__["ROOT"]
    own = [root / "tools" / name for name in ("prose_rules.py", "prose_texts.py", "environment_reference.py")]
    assert check(root, own) == []


def test_every_folder_of_the_repository_is_read():
    root = files_of.__globals__["ROOT"]
    assert [folder for folder in FOLDERS if not (root / folder).is_dir()] == []
