"""What every page of the book gets: tables in boxes, pictures that are told, names of controls."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

from bs4 import BeautifulSoup

from promotion.report.book.surface import mend, put_beside

TABLE = (
    '<style scoped>td {color: red}</style><table border="1" class="dataframe"><thead>'
    '<tr style="text-align: right;"><th></th><th>rappel</th></tr></thead><tbody>'
    "<tr><th>petite</th><td>0,612</td></tr></tbody></table>"
)


def mended(body: str) -> BeautifulSoup:
    return BeautifulSoup(mend(body), "html.parser")


def test_a_table_scrolls_in_a_box_that_a_keyboard_reaches() -> None:
    page = mended(TABLE)
    box = page.select_one("div.scrolling")
    assert box is not None
    assert (box["tabindex"], box["role"], box["aria-label"]) == ("0", "region", "Tableau 1")
    assert not page.select("style, [border], [style]")


def test_every_header_cell_says_what_it_heads() -> None:
    page = mended(TABLE)
    assert [(cell.text, cell["scope"]) for cell in page.select("th")] == [
        ("rappel", "col"),
        ("petite", "row"),
    ]


def test_a_table_that_sphinx_made_keeps_its_one_box() -> None:
    page = mended(f'<div class="pst-scrollable-table-container">{TABLE}</div>')
    assert len(page.select("div")) == 1


def test_no_picture_is_told_as_the_name_of_a_file() -> None:
    """A reader of the screen who hears a file's name knows that there is something, not what."""
    page = mended(
        '<p>La perte descend-elle ?</p><img src="a.png" alt="_images/a.png"><img src="b.png">'
        '<img src="c.png" alt="Perte par époque"><img src="d.png" alt="">'
    )
    assert [picture["alt"] for picture in page.select("img")] == [
        "La perte descend-elle ?",
        "La perte descend-elle ?",
        "Perte par époque",
        "",
    ]


def test_a_task_s_box_is_named_by_its_task() -> None:
    page = mended('<ul><li><p><input type="checkbox" disabled> Tester</p></li></ul>')
    box = page.input
    assert box is not None
    assert box["aria-label"] == "Tester"


def test_a_drawing_is_left_as_it_was_drawn() -> None:
    drawings = ['<svg viewBox="0 0 9 9"><path d="M0 0"/></svg>', "<svg>\n<clipPath/></svg>"]
    body = f"<p>One</p>{drawings[0]}{TABLE}{drawings[1]}"
    shown = mend(body)
    assert [shown.index(one) for one in drawings] == sorted(shown.index(one) for one in drawings)


def test_what_a_page_holds_lies_beside_it(tmp_path: Path) -> None:
    """A page of photographs that holds them all is slow to open; its numbers are files to take."""
    held = {kind: b64encode(kind.encode()).decode() for kind in ("table", "one", "other")}
    body = (
        f'<a download="gains.csv" href="data:text/csv;charset=utf-8;base64,{held["table"]}">CSV</a>'
        f'<svg><image href="data:image/webp;base64,{held["one"]}"/></svg>'
        f'<svg><image href="data:image/webp;base64,{held["other"]}"/></svg>'
        f'<svg><image href="data:image/webp;base64,{held["one"]}"/></svg>'
    )
    page = tmp_path / "notebooks" / "3 a#b"
    shown = BeautifulSoup(put_beside(body, page), "html.parser")
    files = [tag["href"] for tag in shown.select("[href]")]
    one, other = "3%20a%23b-1.webp", "3%20a%23b-2.webp"
    assert files == ["3%20a%23b-gains.csv", one, other, one]
    written = {file.name: file.read_text() for file in page.parent.iterdir()}
    assert written == {"3 a#b-gains.csv": "table", "3 a#b-1.webp": "one", "3 a#b-2.webp": "other"}


def test_what_a_page_names_leads_to_where_it_is_told() -> None:
    """A name in a sentence, in code or alone in a cell is one step from its page; code is not."""
    places = {"yolov8n_s1": "../runs/yolov8n_s1.html", "overlap": "audit.html#overlap"}
    body = (
        "<p>yolov8n_s1 is <code>yolov8n_s1</code></p><pre><code>overlap</code></pre>"
        "<table><thead><tr><th>overlap</th></tr></thead><tbody><tr><th>overlap</th>"
        '<td><a href="#">yolov8n_s1</a></td><td><code>yolov8n_s1</code></td></tr></tbody></table>'
    )
    page = BeautifulSoup(mend(body, places), "html.parser")
    assert [(link["href"], link.text) for link in page.select("a")] == [
        (places["yolov8n_s1"], "yolov8n_s1"),
        (places["overlap"], "overlap"),
        ("#", "yolov8n_s1"),
        (places["yolov8n_s1"], "yolov8n_s1"),
    ]
