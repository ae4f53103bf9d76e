"""`biotrail evaluate` and `calibrate`: from scores to a report, pictures and a threshold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from biotrail.matchers.rates import Calibration
from tests.integration.cli_runner import HOSTILE_AGENT, run
from tests.unit.matchers.rates._made import CARD, made_columns

pytestmark = [pytest.mark.component("cli"), pytest.mark.component("matplotlib")]


def written(path: Path, people: int = 30, *, cohort: str = "") -> Path:
    """A file of scores, with two failures to acquire."""
    rows = [
        f"{left},{right},{score},,{cohort}"
        for left, right, score in zip(*made_columns(people), strict=True)
    ]
    lines = ["reference,probe,score,kind,cohort", *rows, *[",,,failure_to_acquire,"] * 2]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def scores(tmp_path: Path) -> Path:
    """A file of scores of thirty people."""
    return written(tmp_path / "scores.csv")


def calibrate(scores: Path, output: Path, *more: object) -> list[object]:
    """The command that calibrates at 1 in 100; what is given again holds."""
    return [
        *("calibrate", scores, "--fmr", "0.01", "--card", CARD.hex(), "--metric", "made"),
        *("--cohort", "thirty people", "--resamples", "200", "-o", output, *more),
    ]


def test_evaluate_reports_and_draws(scores: Path, tmp_path: Path) -> None:
    """The report says rates, intervals and what is not supported; the folder holds it all."""
    folder = tmp_path / "report"
    ran = run("evaluate", scores, "--captures", "100", "-o", folder, "--resamples", "100")
    assert ran.code == 0, ran.err
    assert "of 30 people" in ran.out
    assert "FNMR at FMR 1e-02" in ran.out
    assert "not supported: 78 people are needed" in ran.out
    assert "2.00 % (2 of 100)" in ran.out
    names = sorted(path.name for path in folder.iterdir())
    pictures = [f"{name}.{form}" for name in ("det", "roc", "scores") for form in ("png", "svg")]
    assert names == sorted(["evaluation.json", *pictures])
    report = json.loads((folder / "evaluation.json").read_text())
    assert report["format"] == "biotrail/evaluation/1"
    assert report["failure_to_acquire"]["rate"] == 0.02


def test_evaluate_for_machines(scores: Path, tmp_path: Path) -> None:
    """JSON holds the whole report and the files; formats can be chosen; nothing else is printed."""
    told = run(
        "evaluate", scores, "-o", tmp_path / "r", "--format", "svg", "--resamples", "100", "--json"
    ).json()
    assert told["overall"]["people"] == 30
    assert sorted(Path(path).suffix for path in told["files"]) == [".json", ".svg", ".svg", ".svg"]
    alone = run("evaluate", scores, "--resamples", "100", "--json").json()
    assert alone["files"] == []


def test_cohorts_cannot_steer_the_terminal(tmp_path: Path) -> None:
    """A cohort's name is printed and drawn with everything escaped that could do harm."""
    path = tmp_path / "scores.jsonl"
    lines = [
        json.dumps({"reference": left, "probe": right, "score": score, "cohort": cohort})
        for left, right, score in zip(*made_columns(6), strict=True)
        for cohort in (HOSTILE_AGENT.replace("\r\n", ""), "$plain^")
    ]
    path.write_text("\n".join(lines))
    ran = run("evaluate", path, "--resamples", "100", "-o", tmp_path / "r", "--format", "png")
    assert ran.code == 0, ran.err
    assert "\x1b" not in ran.out
    assert "cohort $plain^" in ran.out


def test_evaluate_reads_standard_input() -> None:
    """Scores come through a pipe as well, and without people there is a word about it."""
    text = "score,kind\n0.9,mated\n0.8,mated\n0.1,non_mated\n,failure_to_enrol\n"
    ran = run("evaluate", "-", stdin=text)
    assert ran.code == 0, ran.err
    assert "EER" in ran.out
    assert "No intervals" in ran.out
    assert "attempts were not counted" in ran.out


def test_calibrate_writes_what_loads(scores: Path, tmp_path: Path) -> None:
    """The file loads as a calibration, and what was printed is what stands in it."""
    output = tmp_path / "calibration.json"
    ran = run(*calibrate(scores, output))
    assert ran.code == 0, ran.err
    found = Calibration.from_json(output.read_bytes())
    assert found.id in ran.out
    assert f"Threshold {found.threshold:g}" in ran.out
    assert found.card_digest == CARD.hex()
    told = run(*calibrate(scores, output, "--json")).json()
    assert told["threshold"] == found.threshold


def test_calibrate_at_the_bound_and_downwards(tmp_path: Path) -> None:
    """Place and direction are options; both are in the file."""
    path = written(tmp_path / "s.csv", people=60)
    turned = path.read_text().splitlines()
    rows = [line.split(",") for line in turned]
    flipped = [[a, b, str(-float(c)) if a and c != "score" else c, d, e] for a, b, c, d, e in rows]
    path.write_text("\n".join(",".join(row) for row in flipped))
    output = tmp_path / "c.json"
    ran = run(*calibrate(path, output, "--lower-is-better", "--place", "bound"))
    assert ran.code == 0, ran.err
    found = Calibration.from_json(output.read_text())
    assert (found.place, found.higher_is_better) == ("bound", False)
    assert found.fmr_upper <= 0.01


def test_too_few_people_leave_no_file(tmp_path: Path) -> None:
    """A target that the people cannot support is refused with how many are needed."""
    output = tmp_path / "calibration.json"
    ran = run(*calibrate(written(tmp_path / "few.csv", people=8), output))
    assert ran.code == 3
    assert "at least 25 people" in ran.err
    assert not output.exists()
    told = run(*calibrate(tmp_path / "few.csv", output, "--json")).json()
    assert told["error"]["type"] == "CalibrationError"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "first line"),
        (b"\xff\xfe", "UTF-8"),
        (b"score,kind\nnan,mated\n", "not finite"),
        (b"score,kind\n1,mated\n", "no non-mated"),
    ],
)
def test_bad_files_are_named(tmp_path: Path, content: bytes, says: str) -> None:
    """What cannot be read as scores is refused by name, with exit code 3."""
    path = tmp_path / "bad.csv"
    path.write_bytes(content)
    ran = run("evaluate", path)
    assert ran.code == 3
    assert says in ran.err
    assert run("evaluate", tmp_path / "none.csv").code == 3


@pytest.mark.parametrize(
    "more",
    [["--card", "xyz"], ["--place", "middle"], ["--fmr", "much"]],
)
def test_wrong_calls_are_usage_errors(scores: Path, tmp_path: Path, more: list[str]) -> None:
    """An option that cannot be meant is a mistake in the call, and nothing is written."""
    output = tmp_path / "c.json"
    assert run(*calibrate(scores, output, *more)).code == 2
    assert not output.exists()


def test_an_unwritable_folder_is_an_error(scores: Path, tmp_path: Path) -> None:
    """A folder that is a file is an error by name; so is another format of pictures."""
    (tmp_path / "file").write_text("")
    ran = run("evaluate", scores, "-o", tmp_path / "file", "--resamples", "100")
    assert ran.code == 3
    assert "cannot be written" in ran.err
    ran = run("evaluate", scores, "-o", tmp_path / "x", "--format", "pdf", "--resamples", "100")
    assert ran.code == 3
    assert "'pdf'" in ran.err
