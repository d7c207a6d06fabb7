"""Study files that a hurried or hostile hand wrote: one line that names cause and mend."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promotion.errors import StudyError
from promotion.paths import ROOT
from promotion.study import Study, load_study
from promotion.study.reading import parse

SMOKE = ROOT / "studies" / "smoke.yaml"
TEXT = SMOKE.read_text(encoding="utf-8")


def line_of(error: StudyError) -> str:
    """The one line of a fault, short and without a control character."""
    (line,) = str(error).splitlines()
    assert line.isprintable()
    assert len(line) < 500
    assert error.exit_code == 2
    return line


def fault(*overrides: str) -> str:
    with pytest.raises(StudyError) as refused:
        load_study(SMOKE, overrides)
    return line_of(refused.value)


def fault_of_file(path: Path, content: str | bytes) -> str:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(StudyError) as refused:
        load_study(path)
    line = line_of(refused.value)
    assert line.startswith(f"{path}: ")
    return line.removeprefix(f"{path}: ")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "study.yaml"


def bomb() -> str:
    levels = [f"  l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 10)]
    return "\n".join(["bomb:", "  l0: &l0 [lol, lol, lol]", *levels])


@pytest.mark.parametrize("value", [".nan", ".inf", "-.inf"])
@pytest.mark.parametrize(
    "override",
    [
        "policy.gates=[{{measure: recall, at_least: {}}}]",
        "policy.objectives=[{{metric: mAP50, smallest_gain: {}}}]",
        "policy.confidence={}",
        "grid.lr0=[{}]",
        "canary.latency_p95_ms={}",
    ],
)
def test_a_number_that_is_none_is_refused(override: str, value: str) -> None:
    assert "finite number" in fault(override.format(value)) or ".inf" in value


@pytest.mark.parametrize("seed", [str(2**64), str(2**32), "-1", "true", "1.5", ".nan"])
def test_a_seed_that_no_library_takes_is_refused(seed: str) -> None:
    assert "grid.seed" in fault(f"grid.seed=[{seed}, 2]")
    assert "dataset.seed" in fault(f"dataset.seed={seed}")


@pytest.mark.parametrize("key", ["grid.epochs=[true]", "experiment=yes", "policy.confidence=on"])
def test_a_truth_value_is_no_number_and_no_name(key: str) -> None:
    assert "true and false" in fault(key)


@pytest.mark.parametrize("key", ["grid.lr0=[1.5]", "training.lrf=2", "training.weight_decay=1.5"])
def test_what_the_trainer_refuses_is_refused_before(key: str) -> None:
    assert "less than or equal to 1" in fault(key)


def test_two_learning_rates_of_one_run_name_are_refused() -> None:
    line = fault("grid.lr0=[0.01, 0.01000001]", "baseline.lr0=0.01")
    assert "0.01 and 0.01000001 make one run name (lr0.01)" in line


def test_a_grid_that_would_never_end_is_refused_at_once() -> None:
    began = time.perf_counter()
    many = list(range(1, 900))
    line = fault(f"grid.seed={many}", f"grid.epochs={many}", f"grid.batch={many}")
    assert "more than 1000" in line
    assert time.perf_counter() - began < 2


@pytest.mark.parametrize(
    "name",
    ["../../x", "..", ".", "a/b", "a\\b", "/etc", "[red]x[/red]", "<b>x</b>", "x" * 600, "", " ",
     "a'b", "a%2fb", "x.", "a\u202eb"],
)  # fmt: skip
def test_an_experiment_whose_name_leads_elsewhere_is_refused(name: str) -> None:
    assert "experiment" in fault(f"experiment={name!r}") or "\\" in name


@pytest.mark.parametrize("name", ["street_night", "cv yolo-tiny.2", "démo"])
def test_an_ordinary_name_of_an_experiment_passes(name: str) -> None:
    assert load_study(SMOKE, [f"experiment={name}"]).experiment == name


def test_a_name_in_markup_is_no_constraint() -> None:
    assert "policy.constraints" in fault('policy.constraints={"<script>": energy_wh}')


def test_a_fault_in_a_group_names_the_keys_it_takes() -> None:
    with pytest.raises(StudyError, match="patern: unknown key; did you mean pattern"):
        load_study(SMOKE, ["dataset.group={patern: x}"])


def test_a_key_that_is_there_twice_is_refused(path: Path) -> None:
    line = fault_of_file(path, TEXT + "name: again\n")
    assert "the key name is there twice" in line
    assert f"line {len(TEXT.splitlines()) + 1}" in line
    assert "twice" in fault("grid={seed: [1], seed: [2]}")


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (bomb(), "aliases written out"),
        ("a: &a [*a]", "an alias inside its own anchor"),
        ("[" * 50_000, "nested more than 12 levels"),
        ("a: " + "{a: " * 40, "nested more than 12 levels"),
        ("- a\n" * 12_000, "more than 5000 values"),
        ("x" * 10_000_000, "more than 64 KiB"),
        (b"name: caf\xe9\n", "not UTF-8 text at line 1"),
        (b"\x00\x01\x02", "special characters are not allowed"),
        (bytes(range(128, 256)), "not UTF-8 text"),
        ('name: "a\\u0007b"', "a control character"),
        ('name: "a\\eb"', "a control character"),
        ("name: |\n  a\n  b\n", "a value of several lines"),
        ("seed: !!int ''", "a value that its tag cannot hold"),
        ("when: 2024-99-99", "a value that its tag cannot hold"),
        ("n: " + "9" * 5000, "a value that its tag cannot hold"),
        ("!!python/object/apply:os.system [ls]", "could not determine a constructor"),
        ("", "a study is a mapping"),
        ("- a", "a study is a mapping"),
        ("\ud800".encode("utf-8", "surrogatepass"), "not UTF-8 text"),
    ],
)
def test_a_file_that_is_no_study_is_refused_in_one_line(
    path: Path, content: str | bytes, cause: str
) -> None:
    began = time.perf_counter()
    assert cause in fault_of_file(path, content)
    assert time.perf_counter() - began < 3


def test_a_text_with_a_byte_order_mark_is_read(path: Path) -> None:
    path.write_bytes(b"\xef\xbb\xbf" + TEXT.encode())
    assert load_study(path).name == "smoke"


def test_an_anchor_that_is_used_twice_is_no_bomb(path: Path) -> None:
    path.write_text(
        TEXT.replace("imgsz: [96, 160]", "imgsz: &sizes [96, 160]").replace(
            "name: smoke", "name: smoke # *sizes"
        ),
        encoding="utf-8",
    )
    assert load_study(path).grid.imgsz == [96, 160]


def test_many_faults_are_told_in_few_lines() -> None:
    with pytest.raises(StudyError) as refused:
        load_study(SMOKE, [f"grid.seed={['x'] * 300}"])
    lines = str(refused.value).splitlines()
    assert len(lines) == 11
    assert "and 290 more faults" in lines[-1]


def test_what_was_found_is_cut_where_it_is_long() -> None:
    assert len(fault(f"policy.confidence={'x' * 5000}")) < 300


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=30).map(repr)
)
KEYS = st.sampled_from(
    ["name", "experiment", "dataset", "dataset.seed", "dataset.group", "dataset.path", "model",
     "model.weights", "training", "training.lrf", "grid", "grid.lr0", "grid.seed", "baseline",
     "policy", "policy.gates", "policy.constraints", "policy.confidence", "canary", "a.b"]
)  # fmt: skip


@given(KEYS, st.one_of(SCALARS, st.lists(SCALARS, max_size=3)))
def test_any_value_is_a_study_or_its_own_error(key: str, value: object) -> None:
    lines = ""
    try:
        assert isinstance(load_study(SMOKE, [f"{key}={value}"]), Study)
    except StudyError as error:
        lines = str(error)
    assert all(line.isprintable() for line in lines.splitlines())


@given(
    st.one_of(
        st.text(max_size=200),
        st.text(alphabet="[]{}:,-&*!|>'\"\n ab1.~%@", max_size=80),
        st.lists(
            st.sampled_from(["!!int ", "!!float ", "!!bool ", "!!set ", "!!pairs ", "!!omap ",
                             "!!binary ", "!!timestamp ", "!!null ", "!!map ", "!!seq ", "? ",
                             "- ", ": ", "<<: ", "&a ", "*a", "x", "'", "\n", "  ", "{", "}", "1"]),
            max_size=12,
        ).map("".join),
    )
)  # fmt: skip
def test_any_text_is_parsed_or_a_study_error(text: str) -> None:
    line = ""
    try:
        parse(text)
    except StudyError as error:
        line = str(error)
    assert line.isprintable()


@given(st.binary(max_size=300))
def test_any_bytes_are_no_study_in_lines(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(content)
    with pytest.raises(StudyError):
        load_study(path)
