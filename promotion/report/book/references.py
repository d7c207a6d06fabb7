"""The list of references in the language of the book: the one of BibTeX is English."""

from __future__ import annotations

from pybtex.database import Entry, Person
from pybtex.plugin import register_plugin
from pybtex.richtext import Text
from pybtex.style.formatting import toplevel
from pybtex.style.formatting.alpha import Style as AlphaStyle
from pybtex.style.names.plain import NameStyle
from pybtex.style.template import Node, names, optional_field, sentence, words

from promotion.report.words import text

STYLE = "promotion"


class Names(NameStyle):
    """A person's name; BibTeX writes `others` for those that an entry does not name."""

    def format(self, person: Person, abbr: bool = False) -> Node | Text:
        """One person's name."""
        if person.last_names == ["others"]:
            return Text(text("references.others"))
        return super().format(person, abbr)


class Style(AlphaStyle):
    """BibTeX's alpha style, with its words in the language of the book."""

    default_name_style = Names

    def format_names(self, role: str, as_sentence: bool = True) -> Node:
        """All persons of a role."""
        last = f" {text('references.and')} "
        listed = names(role, sep=", ", sep2=last, last_sep=last)
        return sentence[listed] if as_sentence else listed

    def get_inproceedings_template(self, entry: Entry) -> Node:
        """A paper in proceedings."""
        proceedings = self.format_btitle(entry, "booktitle", as_sentence=False)
        return toplevel[
            self.format_names("author"),
            self.format_title(entry, "title"),
            words[text("references.in"), sentence[proceedings]],
            self.format_address_organization_publisher_date(entry),
            sentence[optional_field("note")],
            self.format_web_refs(entry),
        ]


def use() -> str:
    """Make the style known to pybtex; return its name."""
    register_plugin("pybtex.style.formatting", STYLE, Style)
    return STYLE
