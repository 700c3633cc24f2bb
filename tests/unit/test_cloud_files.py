"""The parts of the Auto Loader stand-in that need no Spark: options, discovery, file list, tasks and batches."""

from __future__ import annotations

import os
import re
from collections.abc import Container
from pathlib import Path

import pyarrow as pa
import pytest

from local.cloud_files import content
from local.cloud_files.discovery import FoundFile, Listing
from local.cloud_files.error import CloudFilesError
from local.cloud_files.folder import FolderListing
from local.cloud_files.intake import Intake
from local.cloud_files.log import NAME, FileLog
from local.cloud_files.options import Options
from local.cloud_files.partitions import BIG, TASK, pack
from local.cloud_files.pattern import Pattern, to_regex
from local.cloud_files.selection import Selection

BINARY = {"cloudFiles.format": "binaryFile"}


def write(root: Path, *names: str, data: bytes = b"x", modified: float = 1000) -> None:
    for name in names:
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        os.utime(file, (modified, modified))


def numbered_files(*numbers: int) -> list[FoundFile]:
    return [FoundFile(f"file:/in/{number}", number, number) for number in numbers]


# Options


def test_the_defaults_match_auto_loader() -> None:
    assert Options.parse({**BINARY, "path": "/in"}) == Options(path="/in")


def test_option_names_are_accepted_in_lower_case_as_spark_passes_them() -> None:
    options = {
        "cloudfiles.format": "binaryFile",
        "cloudfiles.includeexistingfiles": "FALSE",
        "cloudfiles.maxfilespertrigger": "7",
        "cloudfiles.maxbytespertrigger": "2k",
        "cloudfiles.usenotifications": "true",
        "cloudfiles.region": "us-east-1",
        "cloudfiles.backfillinterval": "1 day",
        "cloudfiles.partitioncolumns": "",
        "cloudfiles.usemanagedfileevents": "false",
        "cloudfiles.usestrictglobber": "true",
        "pathglobfilter": "*.gz",
        "path": "file:///in/x/",
    }
    assert Options.parse(options) == Options(
        path="/in/x",
        glob_filter="*.gz",
        include_existing=False,
        max_files=7,
        max_bytes=2048,
        strict_globber=True,
        region="us-east-1",
        backfill=86_400,
    )


def test_all_problems_are_reported_in_one_message() -> None:
    with pytest.raises(CloudFilesError) as error:
        Options.parse({"cloudFiles.format": "csv", "cloudFiles.maxFilesPerTrigger": "0", "cloudFiles.Speed": "1"})
    message = str(error.value)
    problems = ("'csv'", "cloudFiles.maxFilesPerTrigger = '0'", "unknown options: cloudfiles.speed")
    for part in ("path is missing", *problems, "queueUrl"):
        assert part in message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "cloudFiles.format = ''"),
        ({**BINARY, "path": "s3://BUCKET/x"}, "not a valid bucket name"),
        ({**BINARY, "path": "s3a://bucket/x"}, "must be s3://bucket/prefix"),
        ({**BINARY, "path": "dbfs:/x"}, "must be s3://bucket/prefix, /folder"),
        ({**BINARY, "path": "/in", "cloudFiles.queueUrl": "https://q"}, "a queue cannot report"),
        ({**BINARY, "path": "/in", "cloudFiles.partitionColumns": "year"}, "only '' is supported here"),
        ({**BINARY, "path": "/in", "cloudFiles.useManagedFileEvents": "true"}, "there is no Unity Catalog here"),
        ({**BINARY, "path": "/in", "cloudFiles.maxBytesPerTrigger": "much"}, "must be a number of bytes"),
        ({**BINARY, "path": "/in", "cloudFiles.useNotifications": "yes"}, "must be true or false"),
        ({**BINARY, "path": "/in", "ignoreCorruptFiles": "true"}, "not supported here: ignorecorruptfiles"),
    ],
)
def test_an_invalid_or_unsupported_option_is_rejected(options: dict[str, str], message: str) -> None:
    with pytest.raises(CloudFilesError, match=message):
        Options.parse(options)


def test_unknown_options_are_accepted_without_validation() -> None:
    Options.parse({**BINARY, "path": "/in", "cloudFiles.speed": "1", "cloudFiles.validateOptions": "false"})


# Patterns


@pytest.mark.parametrize(
    ("path", "file", "default", "strict"),
    [
        ("/a/b", "/a/b/c/file.txt", True, True),
        ("/a/b", "/a/b_dir/c/file.txt", False, False),
        ("/a/b", "/a/b.txt", False, False),
        ("/a/b/", "/a/b.txt", False, False),
        ("/a/*/c/", "/a/b/c/file.txt", True, True),
        ("/a/*/c/", "/a/b/c/d/file.txt", True, True),
        ("/a/*/c/", "/a/b/x/y/c/file.txt", True, False),
        ("/a/*/c", "/a/b/c_file.txt", True, False),
        ("/a/b*", "/a/b.txt", True, True),
        ("/a/b*", "/a/b/file.txt", True, True),
        ("/a/{0.txt,1.txt}", "/a/0.txt", True, True),
        ("/a/*/{0.txt,1.txt}", "/a/0.txt", False, False),
        ("/a/b/[cde-h]/i", "/a/b/c/i/file.txt", True, True),
        ("/a/[^x]", "/a/x", False, False),
        ("/a/x?", "/a/x", False, False),
        (r"/a/\*", "/a/*", True, True),
        ("/x/AWSLogs/*/vpcflowlogs/*", "/x/AWSLogs/1/vpcflowlogs/eu/2026/f.gz", True, True),
        ("/x/AWSLogs/*/vpcflowlogs/*", "/x/AWSLogs/1/CloudTrail/eu/f.gz", False, False),
    ],
)
def test_globs_match_as_auto_loader_documents(path: str, file: str, default: bool, strict: bool) -> None:
    assert Pattern(path).matches(file) is default
    assert Pattern(path, strict=True).matches(file) is strict


@pytest.mark.parametrize("glob", ["/a/[b", "/a/{b,c", "/a/{b,{c}"])
def test_an_unclosed_bracket_or_brace_in_a_glob_is_an_error(glob: str) -> None:
    with pytest.raises(CloudFilesError, match="never closed"):
        to_regex(glob, crossing=True)


# Discovery


def names(root: Path, path: str, *, known: frozenset[str] = frozenset(), glob_filter: str | None = None) -> list[str]:
    listing = FolderListing(Selection(Pattern(f"{root}{path}"), glob_filter=glob_filter))
    return [file.path.removeprefix(f"file:{root}/") for file in listing.new_files(known)]


def test_an_existing_literal_name_takes_precedence_over_a_glob(tmp_path: Path) -> None:
    for name in ("logs [prod]/a/b.log", "logs p/a/b.log", "x{1,2}/*/b.log", "x1/y/b.log"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()

    def listed(path: str) -> list[str]:
        listing = FolderListing(Selection(Pattern.of_folder(f"{tmp_path}{path}")))
        return sorted(file.path.removeprefix(f"file:{tmp_path}/") for file in listing.new_files(()))

    assert listed("/logs [prod]") == listed("/logs [prod]/*/b*") == ["logs [prod]/a/b.log"]
    assert listed("/logs ?/a") == ["logs p/a/b.log"]
    assert listed("/x{1,2}/*") == ["x{1,2}/*/b.log"]
    assert listed("/x{1,3}/*") == ["x1/y/b.log"]


def test_files_are_listed_recursively_by_time_and_path_without_hidden_files(tmp_path: Path) -> None:
    write(tmp_path, "x/b", "x/a", "c", modified=2000)
    write(tmp_path, "z", modified=1000)
    write(tmp_path, "_t", ".t", "x/_t", "_f/a", ".f/a", "x/.f/g/a")
    assert names(tmp_path, "") == ["z", "c", "x/a", "x/b"]


def test_a_glob_lists_only_the_files_that_match(tmp_path: Path) -> None:
    write(
        tmp_path, "AWSLogs/1/vpcflowlogs/eu/1.gz", "AWSLogs/2/vpcflowlogs/us/2.gz", "AWSLogs/1/elb/3.gz", "other/4.gz"
    )
    assert names(tmp_path, "/AWSLogs/*/vpcflowlogs/*") == [
        "AWSLogs/1/vpcflowlogs/eu/1.gz",
        "AWSLogs/2/vpcflowlogs/us/2.gz",
    ]
    assert names(tmp_path, "/oth*") == ["other/4.gz"]
    assert names(tmp_path, "/AWSLogs/1/*", glob_filter="[13].*") == [
        "AWSLogs/1/elb/3.gz",
        "AWSLogs/1/vpcflowlogs/eu/1.gz",
    ]
    assert names(tmp_path, "/other/4.gz") == ["other/4.gz"]
    assert names(tmp_path, "/none*") == []


def test_known_files_are_not_listed_again_even_if_they_changed(tmp_path: Path) -> None:
    write(tmp_path, "a", "b")
    write(tmp_path, "a", data=b"new", modified=5000)
    assert names(tmp_path, "", known=frozenset({f"file:{tmp_path}/a"})) == ["b"]


def test_a_listed_file_has_its_time_and_length(tmp_path: Path) -> None:
    write(tmp_path, "a b%20ü", data=b"abc", modified=12.3456)
    assert FolderListing(Selection(Pattern(str(tmp_path)))).new_files(()) == [
        FoundFile(f"file:{tmp_path}/a b%20ü", 12345, 3)
    ]


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    for path in ("/none", "/none/x*"):
        with pytest.raises(CloudFilesError, match=f"{tmp_path}/none: the folder does not exist"):
            names(tmp_path, path)


def test_a_link_to_a_listed_folder_does_not_list_its_files_twice(tmp_path: Path) -> None:
    write(tmp_path, "x/a", "_hidden/b")
    (tmp_path / "x" / "up").symlink_to(tmp_path)
    (tmp_path / "y").symlink_to(tmp_path / "x")
    (tmp_path / "shown").symlink_to(tmp_path / "_hidden")
    assert names(tmp_path, "") == ["shown/b", "x/a"]


def test_circular_links_list_each_file_once(tmp_path: Path) -> None:
    for number in range(6):
        write(tmp_path, f"{number}/a")
        for other in range(6):
            (tmp_path / str(number) / f"to{other}").symlink_to(tmp_path / str(other))
    (tmp_path / "itself").symlink_to(tmp_path / "itself")
    assert names(tmp_path, "") == [f"{number}/a" for number in range(6)]


def test_circular_links_outside_the_folder_and_below_a_glob_end(tmp_path: Path) -> None:
    write(tmp_path, "one/a", "two/b", "logs/c")
    for link, folder in (("one/two", "two"), ("two/one", "one"), ("logs/link", "one"), ("one/logs", "logs")):
        (tmp_path / link).symlink_to(tmp_path / folder)
    assert names(tmp_path, "/logs") == ["logs/c", "logs/link/a", "logs/link/two/b"]
    assert names(tmp_path, "/l*") == ["logs/c", "logs/link/a", "logs/link/two/b"]


def test_a_file_with_a_name_that_is_not_utf8_is_read_and_shown_with_escaped_bytes(tmp_path: Path) -> None:
    (tmp_path / "in" / os.fsdecode(b"d\xfe")).mkdir(parents=True)
    file = tmp_path / "in" / os.fsdecode(b"d\xfe/\xff\xc3\xa9.log")
    file.write_bytes(b"abc")
    listing = FolderListing(Selection(Pattern(str(tmp_path / "in"))))
    with FileLog(tmp_path / "state") as log:
        log.start()
        log.append(listing.new_files(()))
    with FileLog(tmp_path / "state") as log:
        assert listing.new_files(log.known) == []
        paths = [file.path for file in log.read(0, 1)]
    (batch,) = content.batches(paths)
    assert batch.to_pylist()[0]["content"] == b"abc"
    assert batch.to_pylist()[0]["path"] == rf"file:{tmp_path}/in/d\xfe/\xffé.log"
    file.unlink()
    with pytest.raises(CloudFilesError, match=re.escape(rf"file:{tmp_path}/in/d\xfe/\xffé.log. File does not exist")):
        list(content.batches(paths))


# The list of files


def test_entries_survive_a_restart(tmp_path: Path) -> None:
    odd = FoundFile("file:/in/a\nü\u2028b", 1, 0)
    with FileLog(tmp_path) as log:
        assert log.is_new
        log.start()
        log.append(numbered_files(1, 2))
        log.append([odd])
    with FileLog(tmp_path) as log:
        assert (log.is_new, log.first, len(log)) == (False, 0, 3)
        assert log.known == {"file:/in/1", "file:/in/2", odd.path}
        log.append(numbered_files(4))
        assert list(log.read(1, 4)) == [*numbered_files(2), odd, *numbered_files(4)]


def test_an_incomplete_last_line_is_dropped_wherever_it_ends(tmp_path: Path) -> None:
    with FileLog(tmp_path) as log:
        log.start()
        log.append(numbered_files(1))
    whole = (tmp_path / NAME).read_bytes()
    for cut in range(1, len(whole.splitlines()[1]) + 1):
        (tmp_path / NAME).write_bytes(whole + whole.splitlines()[1][:cut])
        with FileLog(tmp_path) as log:
            assert list(log.read(0, len(log))) == numbered_files(1)
            log.append(numbered_files(2))
            assert list(log.read(0, len(log))) == numbered_files(1, 2)


def test_an_interrupted_start_leaves_the_list_new(tmp_path: Path) -> None:
    (tmp_path / NAME).with_suffix(".tmp").write_text('{"version": 1, "skipped": 9}\n')
    with FileLog(tmp_path) as log:
        assert log.is_new


def test_skipped_files_are_known_but_never_read(tmp_path: Path) -> None:
    with FileLog(tmp_path) as log:
        log.start(numbered_files(1, 2))
        log.append(numbered_files(3))
    with FileLog(tmp_path) as log:
        assert log.first == 2
        assert list(log.read(log.first, len(log))) == numbered_files(3)
        assert "file:/in/1" in log.known


def test_a_damaged_list_is_reported_with_the_last_good_entry(tmp_path: Path) -> None:
    with FileLog(tmp_path) as log:
        log.start()
        log.append(numbered_files(1))
    with (tmp_path / NAME).open("ab") as file:
        file.write(b"\0\0\n")
    with pytest.raises(CloudFilesError, match="after entry 1: the list of found files is damaged"):
        FileLog(tmp_path)


def test_two_streams_cannot_share_a_list(tmp_path: Path) -> None:
    with FileLog(tmp_path), pytest.raises(CloudFilesError, match="in use by another running stream"):
        FileLog(tmp_path, patience=0)


# The intake


class Folder(Listing):
    """A discovery that finds the given files."""

    def __init__(self, *files: FoundFile) -> None:
        self.files = list(files)
        self.listings = 0
        self.drained = True
        self.logged_offsets: list[int] = []
        self.committed_offsets: list[int] = []

    def new_files(self, known: Container[str], *, patient: bool = False) -> list[FoundFile]:
        self.listings += 1
        return [file for file in self.files if file.path not in known]

    def logged(self, offset: int) -> None:
        self.logged_offsets.append(offset)

    def committed(self, offset: int) -> None:
        self.committed_offsets.append(offset)


def intake(state: Path, folder: Folder, clock: list[float] | None = None, **options: object) -> Intake:
    stream_options = Options(path="/in", **options)  # type: ignore[arg-type]
    return Intake(FileLog(state), folder, options=stream_options, clock=lambda: (clock or [0.0])[0])


def test_a_micro_batch_has_at_most_max_files(tmp_path: Path) -> None:
    folder = Folder(*numbered_files(1, 2, 3, 4, 5))
    stream = intake(tmp_path, folder, max_files=2)
    assert [stream.latest(start) for start in (0, 2, 4)] == [2, 4, 5]
    assert stream.files(2, 4) == numbered_files(3, 4)
    assert (folder.logged_offsets, folder.committed_offsets) == ([5], [0, 2, 4])


def test_the_file_that_exceeds_the_byte_limit_is_part_of_the_batch(tmp_path: Path) -> None:
    stream = intake(tmp_path, Folder(*numbered_files(1, 2, 3, 4, 5)), max_bytes=3)
    assert [stream.latest(start) for start in (0, 2, 3, 5)] == [2, 3, 4, 5]


def test_a_batch_without_a_start_offset_has_no_limits(tmp_path: Path) -> None:
    assert intake(tmp_path, Folder(*numbered_files(1, 2, 3)), max_files=1).latest() == 3


def test_files_that_arrive_after_the_freeze_wait_for_the_next_run(tmp_path: Path) -> None:
    folder = Folder(*numbered_files(1))
    stream = intake(tmp_path, folder)
    stream.freeze()
    folder.files += numbered_files(2)
    assert stream.latest(0) == 1
    assert stream.latest(1) == 1


def test_an_idle_stream_lists_at_most_twice_per_second(tmp_path: Path) -> None:
    folder, clock = Folder(), [0.0]
    stream = intake(tmp_path, folder, clock)
    for clock[0] in (0.0, 0.1, 0.4, 0.6, 0.7):
        stream.latest(0)
    assert folder.listings == 2


def test_a_stream_does_not_list_while_a_full_batch_waits(tmp_path: Path) -> None:
    folder, clock = Folder(*numbered_files(1, 2, 3, 4)), [0.0]
    stream = intake(tmp_path, folder, clock, max_files=2)
    stream.latest(0)
    clock[0] = 100
    assert stream.latest(2) == 4
    assert folder.listings == 1


def test_existing_files_can_be_excluded_permanently(tmp_path: Path) -> None:
    folder = Folder(*numbered_files(1, 2))
    stream = intake(tmp_path, folder, include_existing=False)
    folder.files += numbered_files(3)
    assert (stream.first, stream.latest(2)) == (2, 3)
    assert stream.files(2, 3) == numbered_files(3)


def test_a_checkpoint_that_has_read_more_files_than_the_list_holds_is_rejected(tmp_path: Path) -> None:
    stream = intake(tmp_path, Folder(*numbered_files(1)))
    with pytest.raises(CloudFilesError, match=r"has read 5 files, but .* lists only"):
        stream.latest(5)


# Tasks and batches


def sizes(*lengths: int) -> list[FoundFile]:
    return [FoundFile(f"file:/in/{number}", 0, length) for number, length in enumerate(lengths)]


def test_many_small_files_are_split_evenly_between_the_cores() -> None:
    files = sizes(*[3000] * 10_000)
    assert [len(packed) for packed in pack(files, cores=2)] == [5000, 5000]


def test_large_files_are_split_evenly_between_the_cores() -> None:
    files = sizes(*[28 * 2**20] * 8)
    assert [len(packed) for packed in pack(files, cores=2)] == [4, 4]


def test_the_longest_files_are_packed_first_and_the_others_fill_the_tasks() -> None:
    files = sizes(20 * 2**20, 100 * 2**20, 40 * 2**20, 30 * 2**20)
    assert pack(files, cores=2) == [[files[1]], [files[2], files[3], files[0]]]


def test_every_core_gets_the_same_number_of_tasks_with_large_files() -> None:
    files = sizes(*[75 * 2**20] * 8)
    assert [len(packed) for packed in pack(files, cores=2)] == [2, 2, 1, 1, 1, 1]


def test_tasks_of_small_files_have_a_limited_size_and_each_file_once() -> None:
    files = sizes(*[BIG - 1] * 50, BIG, *[0] * 10)
    packed = pack(files, cores=2)
    assert sorted(file for task in packed for file in task) == sorted(files)
    assert max(sum(file.length for file in task) for task in packed) <= TASK + BIG


def test_no_files_make_no_tasks() -> None:
    assert pack([], cores=2) == []
    assert pack(sizes(0), cores=2) == [sizes(0)]


def read(root: Path, *names: str) -> list[pa.RecordBatch]:
    return list(content.batches(f"file:{root / name}" for name in names))


def test_rows_match_the_binary_file_format(tmp_path: Path) -> None:
    write(tmp_path, "a", data=b"abc", modified=12.5)
    write(tmp_path, "empty", data=b"")
    (batch,) = read(tmp_path, "a", "empty")
    batch.validate(full=True)
    first, second = batch.to_pylist()
    assert first["path"] == f"file:{tmp_path}/a"
    assert first["modificationTime"].timestamp() == 12.5
    assert (first["length"], first["content"]) == (3, b"abc")
    assert (second["length"], second["content"]) == (0, b"")


def test_batches_are_limited_by_bytes_and_by_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "BATCH_BYTES", 10)
    monkeypatch.setattr(content, "BATCH_FILES", 3)
    write(tmp_path, "s1", "s2", "s3", "s4", data=b"1")
    write(tmp_path, "m1", "m2", data=b"123456")
    write(tmp_path, "big", data=b"1" * 50)
    counts = [batch.num_rows for batch in read(tmp_path, "s1", "s2", "s3", "s4", "m1", "m2", "big", "s1")]
    assert counts == [3, 2, 1, 1, 1]


def test_a_missing_file_is_named_in_the_error(tmp_path: Path) -> None:
    with pytest.raises(CloudFilesError, match=f"error while reading file file:{tmp_path}/gone. File does not exist"):
        read(tmp_path, "gone")
