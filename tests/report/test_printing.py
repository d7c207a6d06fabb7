"""A document as a page of its own, and as two sheets of paper where a browser is."""

from __future__ import annotations

from pathlib import Path

import pytest

from promotion.comparison import FailedVariant
from promotion.report.printing import MOST_PAGES, PAGE_OF_A_PDF, as_page, find_browser, on_paper
from promotion.report.publication import write_sheet
from tests.builders import STUDY, canary, evidence, run
from tests.report.builders import published, registration


def test_a_page_loads_nothing_and_runs_nothing() -> None:
    page = as_page("# Titre <script>alert(1)</script>\n\n- [x] fait\n\n[là](javascript:alert(1))\n")
    assert "default-src 'none'" in page
    assert "<script" not in page
    assert 'href="javascript' not in page
    assert "☑ fait" in page


@pytest.mark.slow
def test_the_decision_fits_on_two_sheets_however_much_was_tried() -> None:
    """A grid of thirty configurations and twenty failures, in the long names that runs have."""
    if find_browser() is None:
        pytest.skip("no Chromium, Chrome or Edge is installed: `apt install chromium` brings one")
    many = [run(f"yolov8n_e100_sz640_lr0.00{place:02d}", 1, 0.1) for place in range(30)]
    failed = [FailedVariant(run_name=f"huge_s{n}", reason="failed", error="?") for n in range(20)]
    found = evidence(runs=[*evidence().runs, *many], failed=failed)
    sheet = write_sheet(published(found, registration(), canary("go"), "production"), found, STUDY)
    pdf = on_paper({"decision": sheet})["decision"]
    assert pdf.startswith(b"%PDF")
    assert 1 <= len(PAGE_OF_A_PDF.findall(pdf)) <= MOST_PAGES


@pytest.mark.parametrize("program", ["", "#!/bin/sh\nexit 1\n"])
def test_without_a_browser_that_prints_there_is_no_paper_and_no_failure(
    program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if program:
        browser = tmp_path / "chromium"
        browser.write_text(program, encoding="utf-8")
        browser.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("promotion.report.printing.PLACES", ())
    assert on_paper({"decision": "# Décision"}) == {}
