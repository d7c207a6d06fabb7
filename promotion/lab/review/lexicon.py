"""The words in which a decision is written, French and English: sections, measures, praise.

Everything here is matched on folded text: lower case, without accents, as long as the original.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

SECTIONS = ("objectives", "candidate", "comparison", "risks", "decision")
_SECTION_WORDS = {
    "objectives": r"objectif|contrainte|objective|constraint|\bgoals?\b|requirement",
    "comparison": r"comparaison|compare|comparison|alternative",
    "candidate": r"candidat|(run|modele) (selectionne|retenu|choisi|promu)"
    r"|(selected|promoted|chosen) (run|model)",
    "risks": r"risque|risk|mitigation",
    "decision": r"decision|choix final|conclusion|verdict",
}
_NEXT_STEPS = re.compile(
    r"\b(etapes? suivantes?|prochaines? (etapes?|actions?)|next steps?|actions? (a|correctives)|"
    r"(court|moyen|long) terme|si |if )"
)

MAP, LATENCY, COST = "mAP", "latency", "cost"
# Measures, the more telling name first; each with what names it.
_MEASURES = {
    "mAP50-95": r"\bm?ap\s*@?\s*[\[(]?\s*(0?[.,])?50?\s*[-–:_]\s*(0?[.,])?95\b[\])]?",
    "mAP50": r"\bm?ap\s*@?_?\s*(0?[.,])?50?\b(?![.,]\d)",
    MAP: r"\bmap\b|mean average precision",
    "precision": r"\bprecision\b",
    "recall": r"\b(recall|rappel|sensibilite)\b",
    "f1": r"\bf1([- ]?score)?\b",
    "latency_ratio": r"\b(latence relative|relative latency|latency ratio)\b",
    "latency_p95_ms": r"\b(latence|latency)\s*\(?(p95|au 95e centile)",
    "latency_p50_ms": r"\b(latence|latency)\s*\(?(p50|mediane?)|\bmedian latency",
    LATENCY: r"\b(latence|latency|temps (d.inference|de reponse|de traitement)"
    r"|(inference|response) time)",
    "train_seconds": r"\b(temps d.entrainement|entrainement (rapide|court)|fast training|duree"
    r"|train(ing)? (time|duration)|duration)",
    "energy_wh": r"\b(energie|energetique|energy|consommation|co2)\b",
    "model_mb": r"\b(taille du modele|model size)\b",
    "seed_spread": r"\b(ecart[- ]type|standard deviation|std|variance|dispersion)\b",
    "threshold": r"\b(seuils?|threshold|conf(idence|iance)?|iou|nms)\b",
    COST: r"\b(couts?|cost)\b",
}
MEASURE = re.compile(
    "|".join(f"(?P<m{number}>{words})" for number, words in enumerate(_MEASURES.values()))
)
_MEASURE_NAMES = tuple(_MEASURES)
SHARES = ("mAP50", "mAP50-95", MAP, "precision", "recall", "f1")

_SETTING_WORDS = {
    "epochs": r"epochs?|epoques?",
    "imgsz": r"imgsz|image ?size|taille d.images?",
    "lr0": r"lr0?|learning[ _]rate|taux d.apprentissage",
    "seed": r"seeds?|graines?",
    "batch": r"batch([ _]size)?",
}
_VALUE = r"\d+(?:[.,]\d+)?"
SETTING = re.compile(
    "|".join(f"(?P<{name}>\\b(?:{words})\\b)" for name, words in _SETTING_WORDS.items())
)
# The values that stand behind a setting: `lr0 = 0.01`, `lr0 0,01 vs 0,005`.
SETTING_VALUES = re.compile(
    rf"\s*(?:\([^)\d]{{0,30}}\))?\s*[=: ]\s*"
    rf"(?P<values>{_VALUE}(?:\s*(?:vs\.?|contre|et|and|ou|or|/)\s*{_VALUE}){{0,9}})(?![\w%])"
)

STABILITY = re.compile(
    r"\b(stables?|stabilite|stability|reproducti\w+|reproducib\w+|robustes?|robust\w*|"
    r"inter-?(seeds?|graines?)|consistent)\b"
)
_PRAISE = {
    "speed": r"rapides?|rapidement|lente?s?|courte?s?|fast(er|est)?|slow(er|est)?|quick\w*|"
    r"short(er)?",
    "cost": r"faible cout|cout (plus )?(faible|eleve|limite)|peu couteux|couteu(x|ses?)|"
    r"economiques?|legere?s?|lightweight|lourde?s?|cheap(er)?|expensive|low cost",
    "quality": r"performante?s?|meilleure?s?|superieure?s?|inferieure?s?|better|best|worse|worst|"
    r"optimale?s?|excellente?s?|bon(ne)?s?|good|bad|mauvaise?s?|gagne|wins?|ameliore\w*|improve\w*",
    "degree": r"(?<!points )faibles?|elevee?s?|acceptables?|limitee|negligeables?|low(er)?|"
    r"high(er)?|limited|legerement|slightly|un peu|a bit|nettement|clearly|clairement|largement|"
    r"significati\w+|significantly|moyen\b|simpl\w+",
}
PRAISE = re.compile("|".join(f"(?P<{kind}>\\b(?:{words})\\b)" for kind, words in _PRAISE.items()))
# What would put a number behind each kind of praise.
PRAISED = {
    "speed": ("latency_p50_ms", "train_seconds"),
    "cost": ("energy_wh", "train_seconds", "model_mb"),
    "quality": ("mAP50", "recall"),
    "degree": (),
}
BETTER = re.compile(
    r"\b(meilleure?s?|superieure?s?|inferieure?s?|better|best|worse|optimale?s?|gagne|wins?|"
    r"higher|lower|legerement|slightly|performante?s?|plus (eleve|bas|faible|rapide|lent)e?s?|"
    r"ameliore\w*|improve\w*)\b"
)
# What a table says of fears, as the section on risks does.
FEARS = re.compile(r"\b(probabilites?|impacts?|priorites?|risques?|likelihood|priority|risks?)\b")
FALSE_ALARMS = re.compile(
    r"faux[- ]positifs?|fausses? (alarmes?|detections?|alertes?)|"
    r"false (positives?|alarms?|detections?)|boites? par image|boxes (per|an) image|"
    r"inutilisable|unusable|very low precision|"
    r"precision (extremement|tres|trop|anormalement) (faible|basse)"
)
PROMOTES = re.compile(
    r"\boui\b|\byes\b|\bpromouvoir\b|nous promouvons|on promeut|\bpromote\b|approuve|approved"
)
HOLDS_BACK = re.compile(
    r"\bnon\b|ne pas (promouvoir|trancher)|promouvons pas|promeut pas|"
    r"pas (promue?|de promotion)|\brejet\w*|\breject\w*|\bno\b|not promote|inconclusive"
)
# What says of a difference that it may be none.
ADMITS = re.compile(
    r"(pas|non) (encore )?(etablie?s?|significati\w+|prouvee?s?|concluante?s?)|\bhasard\b|"
    r"(ne )?se distingue(nt)? pas|rien ne (les )?(separe|distingue)|identiques?\b|"
    r"ne (permet|permettent) pas (de|d')|not (established|significant|shown)|(within|by) chance|"
    r"inconclusive|cannot (tell|be told)|identical"
)
RUN_KEY = re.compile(r"\b(run|id)\b")


def fold(text: str) -> str:
    """The text in lower case without accents, letter for letter."""
    return "".join(map(_fold_letter, text))


@cache
def _fold_letter(letter: str) -> str:
    if letter in "’ʼ":
        return "'"
    plain = unicodedata.normalize("NFKD", letter)[:1].lower() if letter.isalpha() else letter
    return plain if len(plain) == 1 else letter


def section_of(heading: str) -> str | None:
    """Which of the template's sections a heading opens."""
    said = fold(heading)
    return next((one for one, words in _SECTION_WORDS.items() if re.search(words, said)), None)


def is_next_steps(text: str) -> bool:
    """Whether a text speaks of what is to be done, which claims nothing."""
    return bool(_NEXT_STEPS.match(re.sub(r"^\W+", "", fold(text))))


def measure_of(found: re.Match[str]) -> str:
    """The measure that a match of MEASURE names."""
    return _MEASURE_NAMES[int(str(found.lastgroup)[1:])]


def measures_in(text: str) -> list[str]:
    """The measures that a text names, in its order, each once."""
    return list(dict.fromkeys(measure_of(one) for one in MEASURE.finditer(fold(text))))
