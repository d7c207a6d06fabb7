"""The annotated document: each remark where it belongs, and nothing of the document's own runs."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from promotion.errors import DocumentError
from promotion.lab.review import check_claims
from promotion.report.review import annotated_html, annotated_markdown, tell, writer_of
from tests.builders import invoke
from tests.lab.review.builders import decision, lab_store

HOSTILE = """# Décision <img src=x onerror=alert(1)>

## Candidat promu
- Run : `yolov8n_e3_sz9_lr0.01_s1` <script>alert(2)</script>
- [clic](javascript:alert(3)) ![mouchard](http://example.test/pixel.png)
- rappel = 0,7742 \x1b[31mrouge\x1b[0m [bold]gras[/bold] \u202egauche

## Comparaison
- `évidemment <b>rapide</b>` et |rapide| *meilleur* [x](y)
"""


def test_a_remark_stands_right_below_what_it_is_about() -> None:
    lines = annotated_markdown(tell(check_claims(decision("original"), None), "d.md")).splitlines()
    at = next(i for i, line in enumerate(lines) if "rapide, faible coût" in line)
    assert lines[at + 1] == ""
    assert lines[at + 2].startswith("    > **À reprendre.** Sans chiffre")
    assert "«\u00a0rapide\u00a0»" in lines[at + 2]


def test_the_document_itself_is_kept_line_for_line() -> None:
    text = decision("english")
    lines = iter(annotated_markdown(tell(check_claims(text, None), "d.md")).splitlines())
    assert all(line in lines for line in text.splitlines())


def test_the_annotated_markdown_keeps_the_lists_and_tables_of_the_document() -> None:
    review = tell(check_claims(decision("lists"), None), "d.md")
    shown = MarkdownIt("commonmark").enable("table").render(annotated_markdown(review))
    quoted = re.findall(r"<blockquote>\s*<p><strong>", shown)
    assert len(quoted) == len([one for one in review.told if one.remark.line is not None])


def test_a_hostile_document_is_shown_and_never_run(tmp_path: Path) -> None:
    page = annotated_html(tell(check_claims(HOSTILE, None), "<i>nom</i>.md"))
    for forbidden in ("<script", "<img src=x", "<b>rapide", 'href="javascript', "<i>nom"):
        assert forbidden not in page
    assert "default-src 'none'" in page
    path = tmp_path / "hostile.md"
    path.write_text(HOSTILE, encoding="utf-8")
    shown = invoke("review", str(path), home=tmp_path / "home").stdout
    assert "\x1b[31mrouge" not in shown
    assert "\u202e" not in shown
    assert "[bold]gras[/bold]" in shown


def test_the_page_has_each_remark_inside_the_document() -> None:
    review = tell(check_claims(decision("original"), None), "d.md")
    page = annotated_html(review)
    assert page.count("<aside") == len(review.told)
    table = page.index("<table")
    assert page.index("24 contre 22") > table


def test_the_command_says_by_its_exit_code_what_it_found(empty_store: Path, tmp_path: Path) -> None:
    shutil.copy(empty_store, tmp_path)
    lab_store(tmp_path)
    for name, code in (("honest", 0), ("lists", 1)):
        path = tmp_path / f"{name}.md"
        path.write_text(decision(name), encoding="utf-8")
        done = invoke("review", str(path), home=tmp_path)
        assert done.exit_code == code, done.output
    page = tmp_path / "lists.html"
    done = invoke("review", str(path), "--output", str(page), home=tmp_path)
    assert done.exit_code == 1
    assert "<aside" in page.read_text(encoding="utf-8")
    for arguments in (
        ("gone.md",),
        (str(path), "--experiment", "gone"),
        (str(path), "--output", "review.pdf"),
        (str(path), "--output", str(path)),
    ):
        done = invoke("review", *arguments, home=tmp_path)
        assert done.exit_code == 2, done.output
        assert done.stderr.count("\n") == 1
    assert path.read_text(encoding="utf-8") == decision("lists")


def test_a_review_makes_no_store_where_there_is_none(tmp_path: Path) -> None:
    path = tmp_path / "original.md"
    path.write_text(decision("original"), encoding="utf-8")
    done = invoke("review", str(path), home=tmp_path / "home")
    assert done.exit_code == 1
    assert "Aucun run n’a été retrouvé" in done.stdout
    assert not (tmp_path / "home").exists()


def test_a_review_is_written_beside_what_it_reviews_never_over_it(tmp_path: Path) -> None:
    source = tmp_path / "d.md"
    source.touch()
    with pytest.raises(DocumentError, match="is the document itself"):
        writer_of(source, source)
    with pytest.raises(DocumentError, match="make it first"):
        writer_of(tmp_path / "none" / "r.md", source)
