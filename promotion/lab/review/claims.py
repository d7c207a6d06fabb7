"""What a decision document claims: runs, numbers, settings, praise; each with its line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from promotion.facts import Fact
from promotion.lab.review.lexicon import (
    FALSE_ALARMS,
    FEARS,
    HOLDS_BACK,
    LATENCY,
    MAP,
    MEASURE,
    PRAISE,
    PROMOTES,
    RUN_KEY,
    SETTING,
    SETTING_VALUES,
    SHARES,
    fold,
    measure_of,
    measures_in,
)
from promotion.lab.review.reading import Clause, Document
from promotion.metrics import MEASURES

Kind = Literal["value", "limit", "change", "mean", "interval", "count"]
CANDIDATE, BASELINE = "candidate", "baseline"

_RUN_NAME = re.compile(
    r"(?<![\w.])[A-Za-z][\w.]{0,40}?_e\d+_sz\d+_lr\d+(?:\.\d+)?(?:_[A-Za-z0-9.]{1,40}){0,4}?_s\d+(?!\w)"
)
# A run's name without its seed: all of its seeds together.
CONFIGURATION = re.compile(
    r"(?<![\w.])[A-Za-z][\w.]{0,40}?_e\d+_sz\d+"
    r"(?:_lr\d+(?:\.\d+)?(?:_(?!s\d+\b)[A-Za-z0-9.]{1,40}){0,4}?)?(?!\w)"
)
_RUN_ID = re.compile(
    r"(?<![\w-])(?=[0-9a-f]*[a-f])(?=[0-9a-f]*\d)(?:[0-9a-f]{32}|[0-9a-f]{8})(?![\w-])"
)
_LABEL = re.compile(
    r"\b(?P<candidate>candidate?|run (?:selectionne|retenu)|selected run)\b"
    # What something is relative to is not what it is of.
    r"|\b(?<!a la )(?<!to the )(?P<baseline>baseline|reference)\b"
    r"|\b(?P<numbered>(?:run|alternative|option|modele|model) (?:\d{1,2}|[a-h]))\b"
)
_TWO_SIDES = re.compile(r"\b(?:vs|contre|versus|et|and|ou|or)\b")
# What looks like a claimed number, and is none.
_NOT_A_NUMBER = re.compile(
    r"https?://\S+|\d{4}-\d\d-\d\d|\d{1,2}/\d{1,2}/\d{4}|\d{1,2}:\d\d(?::\d\d)?|\bv\d[\w.]*|#\s*\d+(?:/\d+)?"
    r"|\bp\s*[=<>≤≥]\s*[\d.,]+|\b(?:ic|ci|intervalle|interval|confiance|confidence)\b[^\d]{0,12}\d+\s*%"
    r"|\b(?:a|at)\s+9\d\s*%|\d+\s*[x×]\s*\d+|\byolo\w*"
)
_INTERVAL = re.compile(
    r"±\s*\d+(?:[.,]\d+)?|"
    r"\[[^\]\d]{0,9}\d[^\]]{0,20}?[;,àa][^\]\d]{0,9}\d[^\]]{0,20}\]"
    r"|(?<![\w.,])\d+(?:[.,]\d+)?\s*[-–]\s*\d+(?:[.,]\d+)?\s*(?:%|ms|s|min)?(?!\w)"
)
_COUNT = re.compile(r"(?<![\w.,#/])(\d+)\s*(?:/|\bsur\b|\bof\b|\bout of\b)\s*(\d+)(?![\w.,/])")
_NUMBER = re.compile(
    r"(?<![\w.,@#])(?P<sign>[-+−]?)(?P<digits>\d{1,3}(?:[\u00a0\u202f]\d{3})+(?:[.,]\d+)?|\d+(?:[.,]\d+)?)"
    r"(?:e(?P<power>-?\d{1,2}))?\s*"
    r"(?P<unit>%|ms|secondes?|seconds?|secs?|s|minutes?|min|heures?|hours?|h|kwh|wh|mo|mb|images?|personnes?|"
    r"persons?|people|points?|pts?|fois|times|epochs?|epoques?|seeds?|graines?|runs?|px|pixels?|fps|boxes|boites?|mots?|ans?)?(?!\w)"
)
_IN_UNITS = {
    **dict.fromkeys(("secondes", "seconde", "seconds", "second", "sec", "secs"), "s"),
    **dict.fromkeys(("minutes", "minute"), "min"),
    **dict.fromkeys(("heures", "heure", "hours", "hour"), "h"),
}
# What each unit is in that of its measure: ms, s, Wh, MB.
_FACTORS = {
    ("ms", "ms"): 1.0,
    ("s", "ms"): 1e3,
    ("ms", "s"): 1e-3,
    ("s", "s"): 1.0,
    ("min", "s"): 60.0,
    ("h", "s"): 3600.0,
    ("wh", "Wh"): 1.0,
    ("kwh", "Wh"): 1e3,
    ("mo", "MB"): 1.0,
    ("mb", "MB"): 1.0,
}
_MEASURED_IN = {LATENCY: "ms", **{one.name: one.unit for one in MEASURES.values() if one.unit}}
_LIMIT = re.compile(
    r"(?:(?P<least>[>≥]=?|au moins|plus de|superieure?s? a|at least|more than|above|minimum|cible)"
    r"|(?P<most>[<≤]=?|au plus|moins de|inferieure?s? a|sous|at most|less than|under|below"
    r"|maximum|max))[\s:]{0,4}(?:de )?$"
)
_CHANGE = re.compile(r"\b(gain|perte|ecart|delta|difference|drop|increase|decrease)\b[^\d]{0,30}$")
_MEAN = re.compile(r"\b(moyen(ne)?s?|mean|average)\b")
# The template's own words, which leave it open.
_CHOICE = re.compile(r"(promouvoir|promote)?\s*:?\s*(oui\s*/\s*non|yes\s*/\s*no)\b")
_KEYED = re.compile(
    r"\brun(?: ?name)?(?:\s*/\s*id)?\s*:\s*([\w][\w.-]{3,80}(?<![.-]))", re.IGNORECASE
)
_DECLARES = re.compile(r"(configuration|parametres?|reglages?|settings?|parameters?)\b[^:]{0,20}:")
_SPLIT = re.compile(r"\b(val|validation|test)\b")
_IS = re.compile(r"\s*(?:is|est|:|=|\(|/)\s*(?:le run |the run |run )?", re.IGNORECASE)
_BEHIND = re.compile(r"\s*(\(\s*|pour |for |chez )(l'|la |le |the )?")
# So many letters before a number tell what it is; so many digits are a number's.
LEAD, MOST_DIGITS = 45, 15
_VERSUS = re.compile(r"(?:\bvs\b\.?|\bcontre|\bversus|\bau lieu de|\bagainst|\bthan|→)\s*:?\s*$")
_APPROXIMATE = re.compile(r"(?:~|≈|\benviron|\babout|\baround)\s*$")
_OF_MEASURE = re.compile(r"\s*(?:de |d'|of |in )\s*(?:la |le |the )?$")
_SPLIT_COUNT = re.compile(
    r"(\d+)\s*(?:images?)\b[^.;\n]{0,40}?(\d+)\s*(?:personnes?|persons?|people)\b"
)
_PERSONS = re.compile(r"(?<![\w.,])(\d+)\s*(?:personnes?|persons?|people)\b(?! (?:de plus|more))")


class Figure(Fact):
    """A number that is claimed of a measure, in the measure's own unit; shares between 0 and 1.

    `step` is the unit of its last digit. `subject` is the run's name where one is named, else
    `candidate` or `baseline`, else what the document calls it; None where nothing tells.
    """

    measure: str
    value: float
    step: float
    kind: Kind
    subject: str | None
    shown: str
    line: int
    end: int
    at_least: bool | None = None
    section: str | None = None
    split: str | None = None

    def agrees(self, measured: float) -> bool:
        """Whether a measured value, rounded or cut to the digits written, is this number."""
        return abs(measured - self.value) < self.step * (1 + 1e-6)


class Setting(Fact):
    """Values that a line names of one setting; `declared` where it says how a run was set."""

    name: str
    values: tuple[str, ...]
    subject: str | None
    declared: bool
    line: int
    end: int


class Praise(Fact):
    """Words of quality in one line, without a number of what they speak of anywhere."""

    words: tuple[str, ...]
    kinds: tuple[str, ...]
    measures: tuple[str, ...]
    line: int
    end: int


@dataclass(frozen=True)
class Claims:
    """All that a document claims."""

    document: Document
    names: dict[str, int]
    candidate: str | None
    figures: list[Figure]
    settings: list[Setting]
    praise: list[Praise]
    persons: int | None
    images: int | None
    verdict: Literal["promote", "hold", None]

    def values(self, measure: str, subject: str) -> list[Figure]:
        """The numbers claimed of one measure of one subject."""
        return [
            one
            for one in self.figures
            if (one.measure, one.subject, one.kind) == (measure, subject, "value")
        ]

    @property
    def others(self) -> list[str]:
        """The subjects with numbers of their own that are not the candidate."""
        found = (one.subject for one in self.figures if one.kind == "value" and one.subject)
        return [one for one in dict.fromkeys(found) if one not in (CANDIDATE, self.candidate)]


def claims_of(document: Document, known: Iterable[str] = ()) -> Claims:
    """What a document claims; `known` are names of runs that MLflow holds."""
    subjects = _Subjects(document, known)
    figures: list[Figure] = []
    settings: list[Setting] = []
    for clause in document.clauses:
        if not clause.is_step and clause.section != "risks":
            line = _Line(clause, subjects)
            figures += _figures(line)
            settings += _settings(line)
    images, persons = _counts(document)
    return Claims(
        document=document,
        names=subjects.lines,
        candidate=subjects.candidate,
        figures=figures,
        settings=settings,
        praise=list(_praise(document, figures, subjects)),
        persons=persons,
        images=images,
        verdict=_verdict(document),
    )


def notices_false_alarms(document: Document) -> bool:
    """Whether the document says somewhere that its detector raises false alarms."""
    said = (" ".join((*one.headings, *one.labels, one.text)) for one in document.clauses)
    return any(FALSE_ALARMS.search(fold(one)) for one in said)


def _keyed(document: Document) -> set[str]:
    """What the document itself says is a run's name: *Run name / ID: upbeat-shark-7*."""
    found = (_KEYED.search(one.text) for one in document.of("candidate", "comparison"))
    return {one[1] for one in found if one and not _LABEL.search(fold(one[1]))}


class _Subjects:
    """Which run a text speaks of: names, and what the document calls them."""

    def __init__(self, document: Document, known: Iterable[str]) -> None:
        names = {*(one for one in known if len(one) > 3), *_keyed(document)}
        self.known = sorted(names, key=len, reverse=True)
        self.lines: dict[str, int] = {}
        self.called: dict[str, str] = {}
        self.candidate: str | None = None
        for clause in document.clauses:
            self._learn(clause)
        if self.candidate is not None:
            self.called.setdefault(CANDIDATE, self.candidate)

    def _learn(self, clause: Clause) -> None:
        for name in self._names(clause.text):
            self.lines.setdefault(name, clause.line)
            if self.candidate is None and clause.section == "candidate":
                self.candidate = name
        for label in (clause.headings[-1:], clause.labels[:1]):
            for text in label:
                for name in self._names(text):
                    self.lines.setdefault(name, clause.line)
                self._bind(text)
        self._bind_neighbours(clause.text)
        if clause.is_label or RUN_KEY.search(fold(clause.text.partition(":")[0])):
            self._bind(clause.text, in_candidate=clause.section == "candidate")

    def _bind(self, text: str, in_candidate: bool = False) -> None:
        """Names for one and the same run, as in *Run 1 (baseline)*; not where two are compared."""
        found = list(dict.fromkeys(one for one, _, _ in self._mentions(text)))
        if {CANDIDATE, BASELINE} <= set(found) or _TWO_SIDES.search(fold(text)):
            return
        names = [one for one in found if one in self.lines]
        labels = [one for one in found if one not in self.lines]
        if in_candidate and names and names[0] == self.candidate:
            labels.append(CANDIDATE)
        target = (
            names[0] if names else next((o for o in labels if o in (CANDIDATE, BASELINE)), None)
        )
        for label in labels:
            if target is not None and label != target:
                self.called.setdefault(label, target)

    def _bind_neighbours(self, text: str) -> None:
        """Names that stand side by side for one run: *the baseline is X*, *Run 1 (X)*."""
        for (one, _, end), (other, start, _) in pairwise(self._mentions(text)):
            label, name = (one, other) if other in self.lines else (other, one)
            between = text[end:start]
            beside = _IS.fullmatch(between) or (name == other and not between.strip())
            if name in self.lines and label not in self.lines and beside:
                self.called.setdefault(label, name)

    def who(self, label: str) -> str:
        """The run behind what the document calls it, as far as it says so."""
        seen = set()
        while label in self.called and label not in seen:
            seen.add(label)
            label = self.called[label]
        return label

    def _names(self, text: str) -> list[str]:
        return list(dict.fromkeys(name for name, _, _ in self._name_spans(text)))

    def _name_spans(self, text: str) -> list[tuple[str, int, int]]:
        found = [(one[0], *one.span()) for one in _RUN_NAME.finditer(text)]
        found += [(one[0], *one.span()) for one in _RUN_ID.finditer(text)]
        for name in self.known:
            for one in re.finditer(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", text):
                if not any(start < one.end() and one.start() < end for _, start, end in found):
                    found.append((name, *one.span()))
        return found

    def _mentions(self, text: str) -> list[tuple[str, int, int]]:
        """Runs and what stands for one, each with where it is."""
        found = self._name_spans(text)
        if not found:
            several = [(one[0], *one.span()) for one in CONFIGURATION.finditer(text)]
            if several:
                return several
        for one in _LABEL.finditer(fold(text)):
            label = {"candidate": CANDIDATE, "baseline": BASELINE}.get(str(one.lastgroup), one[0])
            found.append((label, *one.span()))
        return sorted(found, key=lambda mention: mention[1])

    def mentions(self, text: str) -> list[tuple[str, int, int]]:
        """The same, each as the run that it stands for."""
        return [(self.who(label), start, end) for label, start, end in self._mentions(text)]

    def around(self, clause: Clause) -> str | None:
        """The run that the context of a clause speaks of."""
        # A column says whose its numbers are before a row does.
        labels = clause.labels if clause.is_cell else reversed(clause.labels)
        for text in (*labels, *reversed(clause.headings[1:])):
            found = self.mentions(text)
            if found and not _TWO_SIDES.search(fold(text)):
                return found[0][0]
        in_candidate = clause.section == "candidate"
        return (self.candidate or CANDIDATE) if in_candidate else None


class _Line:
    """A clause taken apart: what it names, where, and what is left to be numbers."""

    def __init__(self, clause: Clause, subjects: _Subjects) -> None:
        self.clause = clause
        self.text = fold(clause.text)
        self.measures = [(measure_of(one), *one.span()) for one in MEASURE.finditer(self.text)]
        self.mentions = subjects.mentions(clause.text)
        self.around = subjects.around(clause) if clause.section != "objectives" else None
        self.candidate = subjects.candidate or CANDIDATE
        named = [span[1:] for span in (*self.measures, *self.mentions)]
        self.masked = _masked(self.text, named)
        under = [measures_in(one) for one in reversed(clause.labels)]
        self.hint = next((found[-1] for found in under if found), None)
        said = fold(" ".join((clause.text, *clause.labels, *clause.headings[-1:])))
        self.is_mean = bool(_MEAN.search(said))

    def measure_at(self, found: re.Match[str]) -> tuple[str | None, int]:
        """The measure that a number is of, and where what tells of the number begins."""
        after = next((one for one in self.measures if one[1] >= found.end()), None)
        if after is not None and _OF_MEASURE.fullmatch(self.text[found.end() : after[1]]):
            return after[0], 0
        before = [one for one in self.measures if one[2] <= found.start()]
        if before and not re.search(r"[;!?]|\.\s", self.text[before[-1][2] : found.start()]):
            return before[-1][0], before[-1][2]
        return self.hint, 0

    def split_at(self, found: re.Match[str]) -> str | None:
        """The split that is named right before a number, or in its column or row."""
        near = [self.text[: found.start()][-LEAD:], *map(fold, self.clause.labels)]
        named = [one[-1] for one in map(_SPLIT.findall, near) if one]
        return named[0][:3] if named else None

    def subject_at(self, found: re.Match[str], versus: bool = False) -> str | None:
        """The run that a number is of: one named right behind it, or before it, or around."""
        after = next((one for one in self.mentions if one[1] >= found.end()), None)
        if after is not None and _BEHIND.fullmatch(self.text[found.end() : after[1]]):
            return after[0]
        before = [one for one in self.mentions if one[2] <= found.start()]
        if before and _VERSUS.search(self.text[: before[-1][1]][-LEAD:]):
            return before[-1][0]
        own = before[-1][0] if before else self.around
        if not versus:
            return own
        return self.candidate if own not in (None, self.candidate) else None


def _figures(line: _Line) -> Iterator[Figure]:
    counts = list(_COUNT.finditer(line.masked))
    for found in _NUMBER.finditer(line.masked):
        if any(one.start() <= found.start() < one.end() for one in counts):
            continue
        measure, begin = line.measure_at(found)
        number = _number(found, measure) if measure else None
        if measure is None or number is None:
            continue
        # What a number is told by stands right before it.
        lead = line.masked[begin : found.start()][-LEAD:]
        limit = _LIMIT.search(lead)
        value, step = number
        subject = line.subject_at(found, bool(_VERSUS.search(lead)))
        yield Figure(
            measure=measure,
            value=value,
            step=max(step, 0.1 * abs(value)) if _APPROXIMATE.search(lead) else step,
            kind=_kind(line, found, bool(limit), subject),
            at_least=None if limit is None else limit["least"] is not None,
            subject=subject,
            shown=line.clause.text[found.start() : found.end()].strip(),
            line=line.clause.line,
            end=line.clause.end,
            section=line.clause.section,
            split=line.split_at(found),
        )
    for found in counts:
        measure, _ = line.measure_at(found)
        part, whole = int(found[1]), int(found[2])
        if measure in ("precision", "recall") and part <= whole and whole:
            yield Figure(
                measure=measure,
                value=part / whole,
                # A count has no digits: what it is half of is another count.
                step=0.5 / whole,
                kind="value",
                subject=line.subject_at(found),
                shown=line.clause.text[found.start() : found.end()],
                line=line.clause.line,
                end=line.clause.end,
                section=line.clause.section,
            )


def _kind(line: _Line, found: re.Match[str], is_limit: bool, subject: str | None) -> Kind:
    if is_limit:
        return "limit"
    if found["sign"] or _CHANGE.search(line.text[: found.start()][-LEAD:]):
        return "change"
    of_several = subject is not None and CONFIGURATION.fullmatch(subject)
    return "mean" if line.is_mean or of_several else "value"


def _masked(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """The text with what holds no claimed number blanked, letter for letter."""
    spans = [*spans, *_spans(_NOT_A_NUMBER, text), *_spans(_INTERVAL, text)]
    for one in SETTING.finditer(text):
        values = SETTING_VALUES.match(text, one.end())
        if values:
            spans.append((one.start(), values.end()))
    return _blanked(text, spans)


def _blanked(text: str, spans: Iterable[tuple[int, int]]) -> str:
    letters = list(text)
    for start, end in spans:
        letters[start:end] = "\x00" * (end - start)
    return "".join(letters)


def _spans(pattern: re.Pattern[str], text: str) -> list[tuple[int, int]]:
    return [one.span() for one in pattern.finditer(text)]


def _number(found: re.Match[str], measure: str) -> tuple[float, float] | None:
    """A number and the unit of its last digit, as its measure has them; None if of no measure."""
    unit = _IN_UNITS.get(found["unit"] or "", found["unit"] or "")
    digits = re.sub(r"[\u00a0\u202f]", "", found["digits"]).replace(",", ".")
    decimals = len(digits.partition(".")[2])
    power = int(found["power"] or 0)
    if len(digits) > MOST_DIGITS or abs(power) > MOST_DIGITS:
        return None
    value, step = float(digits) * 10.0**power, 10.0 ** (power - decimals)
    if measure in SHARES:
        if unit not in ("", "%") or (not unit and not decimals and value > 1):
            return None
        factor = 0.01 if unit else 1.0
    else:
        own = _MEASURED_IN.get(measure, "")
        # Without a unit, the measure's own is meant.
        factor = _FACTORS.get((unit, own), 1.0 if own and not unit and decimals else 0.0)
        if not factor:
            return None
    return value * factor, step * factor


def _settings(line: _Line) -> Iterator[Setting]:
    text = _blanked(line.text, [one[1:] for one in line.mentions])
    declared = line.clause.section == "candidate" or bool(_DECLARES.match(line.text))
    for found in SETTING.finditer(text):
        values = SETTING_VALUES.match(text, found.end())
        if values:
            every = re.findall(r"\d+(?:[.,]\d+)?", values["values"])
            yield Setting(
                name=str(found.lastgroup),
                values=tuple(one.replace(",", ".") for one in every),
                subject=line.mentions[0][0] if line.mentions else line.around,
                declared=declared,
                line=line.clause.line,
                end=line.clause.end,
            )


def _praise(document: Document, figures: Sequence[Figure], subjects: _Subjects) -> Iterator[Praise]:
    """Words of quality by line; those of the objectives are constraints, those of risks fears."""
    known = {one.measure for one in figures if one.kind in ("value", "mean")}
    if known & {"mAP50", "mAP50-95"}:
        known.add(MAP)
    by_line: dict[int, list[Clause]] = {}
    for clause in document.of(None, "candidate", "comparison", "decision"):
        if clause.is_cell and FEARS.search(fold(" ".join(clause.labels))):
            continue
        by_line.setdefault(clause.line, []).append(clause)
    for line, clauses in by_line.items():
        words: dict[str, str] = {}
        measures: dict[str, None] = {}
        for clause in clauses:
            said = _Line(clause, subjects)
            if _has_a_number(said):
                continue
            found = list(PRAISE.finditer(said.text))
            of = measures_in(clause.text) or [m for one in clause.labels for m in measures_in(one)]
            if found and (not of or not set(of) <= known):
                words |= {clause.text[one.start() : one.end()]: str(one.lastgroup) for one in found}
                measures |= dict.fromkeys(of)
        if words:
            yield Praise(
                words=tuple(words),
                kinds=tuple(dict.fromkeys(words.values())),
                measures=tuple(measures),
                line=line,
                end=clauses[0].end,
            )


def _has_a_number(line: _Line) -> bool:
    """Whether a line holds a number that could be a measurement: no setting, no rank, no size."""
    settings = ("epoch", "epoque", "seed", "graine", "run", "px", "pixel")
    return bool(_INTERVAL.search(line.text)) or any(
        (one["unit"] or "." in one[0] or "," in one[0])
        and not str(one["unit"] or "").startswith(settings)
        for one in _NUMBER.finditer(line.masked)
    )


def _counts(document: Document) -> tuple[int | None, int | None]:
    """The images and persons that a document says its numbers are of."""
    for clause in document.clauses:
        text = fold(clause.text)
        found = _SPLIT_COUNT.search(text)
        if found:
            return int(found[1]), int(found[2])
    for clause in document.clauses:
        found = _PERSONS.search(fold(clause.text))
        if found and int(found[1]) > 1:
            return None, int(found[1])
    return None, None


def _verdict(document: Document) -> Literal["promote", "hold", None]:
    """What the section *Décision* decides; the first line that tells."""
    for clause in document.of("decision"):
        said = _CHOICE.sub("", fold(" ".join((*clause.headings[-1:], clause.text))))
        if HOLDS_BACK.search(said):
            return "hold"
        if PROMOTES.search(said):
            return "promote"
    return None
