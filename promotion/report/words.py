"""Every word that the report's reader sees outside the templates, in one place.

The words here are French; another language has them from its catalogue (`locale/`), where the key
is the message's context.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from itertools import groupby
from string import Formatter
from typing import TYPE_CHECKING, Any

from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal, format_percent

from promotion.metrics import MEASURES
from promotion.report.language import REPORT, SOURCE, locale, spoken

if TYPE_CHECKING:
    from promotion.comparison import MeasureBounds

NBSP = "\u00a0"
NARROW_NBSP = "\u202f"
MINUS = "\u2212"
MISSING = "—"
MOST_NAMES = 4

TEXTS = {
    "list.apart": "\u202f; ",
    "list.named": "{name} : {value}",
    "list.interval": "[{low}\u202f;\u00a0{high}]",
    "list.span": "de {low} à {high}",
    "figure.table": "Données (CSV)",
    "figure.sizes": "{split:split} : {persons:count} personnes, hauteur médiane {median:count} "
    "pixels, de {low:count} à {high:count} du 5ᵉ au 95ᵉ centile",
    "figure.median": "{median:count} ({split:split})",
    "figure.sizes.finding": "Hauteurs médianes, en pixels : {medians}.",
    "figure.sizes.distance": "Deux parts cumulées ne s’écartent nulle part de plus de "
    "{distance:percent} ({one:split}, {other:split}).",
    "figure.sample": "personnes annotées : {persons:count}",
    "figure.samples.finding": "{shown:count} des {images:count} images, à intervalles réguliers "
    "dans l’ordre de leurs noms, avec leurs {persons:count} personnes annotées.",
    "figure.curve": "{run} : en {epochs:count} époques, perte {loss:course}, mAP@50 {found:course}",
    "figure.curve.finding": "De la première époque à la dernière, perte : {loss:course}, mAP@50 : "
    "{found:course} ; la plus haute mAP@50, {highest:number}, est celle de l’époque {best:count}.",
    "figure.curves.role": "{role:role} {values:span}",
    "figure.curves.finding": "mAP@50 de la dernière époque : {roles}.",
    "figure.point": "Au seuil de {threshold:number}, précision {precision:number} et rappel "
    "{recall:number}.",
    "figure.point.role": "{role:role}, au seuil de {threshold:number}, précision "
    "{precision:number} et rappel {recall:number}",
    "figure.strip": "{metric:measure}, {configuration} : moyenne {mean:number}, graines "
    "{values:span}",
    "figure.seeds.above": "{metric:measure} : candidat {ours:number}, référence {theirs:number} "
    "en moyenne, et chaque graine du candidat dépasse chacune de la référence",
    "figure.seeds.below": "{metric:measure} : candidat {ours:number}, référence {theirs:number} "
    "en moyenne, et chaque graine du candidat reste sous chacune de la référence",
    "figure.seeds.mixed": "{metric:measure} : candidat {ours:number}, référence {theirs:number} "
    "en moyenne, mais leurs graines se mêlent",
    "figure.front": "{measure:measure} : {front:count} runs sur {runs:count} sont sur le front de "
    "Pareto ({roles})",
    "figure.front.role": "{role:role} {runs:count}",
    "figure.cost": "{run} : {cost:measure} {spent}, {gain:measure} {gained}",
    "figure.latency": "{name} : médiane {median:number1} ms, de {low:number1} à {high:number1} ms "
    "du 5ᵉ au 95ᵉ centile",
    "figure.latency.role": "{role:role} {median:number1} ms",
    "figure.latency.ratio": "le candidat demande {ratio:number1} fois le temps de la référence",
    "figure.latency.finding": "Médianes : {roles}.",
    "figure.difference": "{metric:measure} : {difference:signed}, intervalle {interval:interval}",
    "figure.bound": ", au moins {bound:signed} à {level:percent} de confiance",
    "figure.required": ", à dépasser selon la politique : {required:signed}",
    "figure.established": "Exigence établie, à la confiance que la règle demande : "
    "{metrics:measures}.",
    "figure.not_established": "Exigence non établie à cette confiance : {metrics:measures}.",
    "figure.errors": "{metric:measure} : erreur-type de {image_error:number} due aux images, "
    "{seed_error:number} ajoutée par les graines",
    "figure.errors.images": "Les images pèsent plus que les graines : {metrics:measures}.",
    "figure.errors.seeds": "Les graines pèsent plus que les images : {metrics:measures}.",
    "figure.errors.unknown": "Une seule graine ne dit pas ce que les graines ajoutent : "
    "{metrics:measures}.",
    "figure.pictures.finding": "En tout sur ces images ({images:count}), chaque modèle à son seuil : "
    "{totals}.",
    "figure.reliability.high": "{role:role} : ECE {ece:number}, confiances trop hautes de "
    "{excess:number} en moyenne",
    "figure.reliability.low": "{role:role} : ECE {ece:number}, confiances trop basses de "
    "{excess:number} en moyenne",
    "figure.bins": "{role:role}, confiance annoncée → part juste : {bins}",
    "figure.kept": "{measure} : {kept:count} sur {all:count}",
    "figure.not_kept": "{title}, {metric:measure}, {counted} : {share:percent1}, promis : "
    "{promise}",
    "figure.calibration.finding": "Promesses tenues, scénarios et mesures confondus : {kept}. En "
    "vert, la promesse ; barres : intervalles de Wilson à {level:percent} ; ce qui sort du cadre "
    "est au bord, avec sa valeur.",
    "figure.canary.difference": "{name:metric} {value:signed} {bounds:interval}, pour une perte "
    "tolérée de {limit:signed} ({state:state})",
    "figure.canary.look": "{name:metric} après {images:count} images : {value:signed} "
    "{bounds:interval}",
    "figure.canary.finding": "Après {images:count} images, {told}.",
    "figure.criteria.held": "tenus : {criteria:criteria}",
    "figure.criteria.broken": "rompus : {criteria:criteria}",
    "figure.criteria.open": "non tranchés : {criteria:criteria}",
    "figure.evidence": "{name:criterion} : {evidence_for:number} pour, {evidence_against:number} "
    "contre ({state:state})",
    "figure.in_time": "Réponses en {limit:count} ms au plus : {told} ; il en faut "
    "{share:percent} au prétendant.",
    "figure.in_time.side": "{side:contender} {share:percent1}",
    "figure.drift.boxes": "boîtes par image, en moyenne : {test:number1} au test, "
    "{canary:number1} au canari",
    "figure.drift.confidence": "confiance moyenne : {test:number} au test, {canary:number} au "
    "canari",
    "metric.mAP50": "mAP@50",
    "metric.mAP50-95": "mAP@50-95",
    "metric.precision": "précision",
    "metric.recall": "rappel",
    "metric.threshold": "seuil de confiance",
    "metric.latency_p50_ms": "latence médiane (ms)",
    "metric.latency_p95_ms": "latence p95 (ms)",
    "metric.latency_ratio": "latence relative à la référence",
    "metric.energy_wh": "énergie d’entraînement (Wh)",
    "metric.train_seconds": "durée d’entraînement (s)",
    "metric.model_mb": "taille du modèle (Mo)",
    "metric.seed_spread": "écart-type entre graines",
    "book.files": "À emporter : {files}.",
    "book.no_paper": "Pas de PDF : aucun navigateur (Chromium, Chrome ou Edge) n’était là pour l’imprimer ; la page `decision.html` s’imprime de n’importe où.",
    "constraint.latence faible": "latence faible",
    "constraint.énergie limitée": "énergie limitée",
    "constraint.stabilité inter-seed": "stabilité inter-seed",
    "book.table": "Tableau {number}",
    "book.sidebar": "Afficher ou masquer le sommaire du livre",
    "book.contents": "Afficher ou masquer le sommaire de la page",
    "book.chapters": "Chapitres",
    "book.chapter": "Afficher ou masquer les pages de ce chapitre",
    "book.language": "Langue",
    "book.home": "Accueil du livre ; verdict : {verdict}",
    "book.search": "Chercher dans le livre…",
    "book.filter": "Filtrer les lignes…",
    "book.no_row": "Aucune ligne ne correspond.",
    "book.not_done": "Cette étape n’a pas été exécutée pour cette étude.",
    "book.shelf": "Les études",
    "book.shelf_says": "Un livre par étude : sa décision et ce qui la prouve.",
    "book.study": "Étude",
    "book.read": "Lire",
    "book.verdict": "Verdict",
    "references.and": "et",
    "references.others": "al.",
    "references.in": "Dans",
    "language.fr": "français",
    "language.en": "English",
    "book.decided": "Décidé le",
    "verdict.none": "pas encore de décision",
    "verdict.promote": "promouvoir",
    "verdict.reject": "rejeter",
    "verdict.inconclusive": "non concluant",
    "outcome.gain": "gain établi",
    "outcome.no_gain": "gain écarté",
    "outcome.kept": "maintenu",
    "outcome.lost": "perdu",
    "outcome.open": "non tranché",
    "energy.measured": "mesurée",
    "energy.estimated": "estimée",
    "split.train": "entraînement",
    "split.val": "validation",
    "split.test": "test",
    "split.canary": "canari",
    "column.image": "image",
    "column.confidence": "confiance",
    "column.suspect": "annotation en doute",
    "column.box": "boîte (x0, y0, x1, y1), pixels",
    "column.shown_by": "runs qui la montrent",
    "suspect.missing_annotation": "personne peut-être oubliée",
    "suspects.none": "aucune : nulle part les modèles ne contredisent ensemble l’annotation",
    "column.without_suspects": "différence sans elles",
    "column.split": "découpe",
    "column.images": "images",
    "column.persons": "personnes",
    "column.persons_per_image": "personnes par image",
    "column.run": "run",
    "column.configuration": "configuration",
    "column.seed": "graine",
    "column.seeds": "graines",
    "column.parameter": "paramètre",
    "column.requested": "demandé",
    "column.applied": "appliqué",
    "column.metric": "mesure",
    "column.value": "valeur",
    "column.candidate": "candidat",
    "column.baseline": "référence",
    "column.difference": "différence",
    "column.interval": "intervalle à {level}",
    "column.probability": "confiance que le candidat est meilleur",
    "column.error": "erreur",
    "column.version": "version",
    "column.when": "quand (UTC)",
    "column.who": "qui",
    "column.action": "action",
    "column.why": "pourquoi",
    "column.canary": "canari",
    "column.contender": "modèle",
    "column.champion": "tenant",
    "column.checkpoint": "modèle entraîné",
    "column.registered": "modèle enregistré",
    "column.criterion": "critère",
    "column.bounds": "bornes, à tout instant",
    "column.limit": "exigence",
    "column.state": "état",
    "column.batch": "lot",
    "parity.boxes": "boîtes comparées (sur {images} images)",
    "parity.share": "part des boîtes qui coïncident",
    "parity.iou": "IoU médiane",
    "parity.gap": "plus grand écart de confiance",
    "parity.map": "écart de mAP@50",
    "parity.none": "Rien n’est enregistré, il n’y a rien à comparer.",
    "parity.limit.share": "≥ {limit}",
    "parity.limit.map": "≤ {limit}",
    "column.alias": "alias",
    "role.candidate": "candidat",
    "role.baseline": "référence",
    "role.other": "autre configuration",
    "plot.sizes.title": "Hauteur des personnes, par découpe",
    "plot.sizes.x": "hauteur de la boîte (pixels)",
    "plot.sizes.y": "densité",
    "plot.samples.title": "Images de la découpe {split:split}, boîtes annotées",
    "plot.curves.title": "Courbes d’apprentissage",
    "plot.curves.epoch": "époque",
    "plot.curves.loss": "perte de localisation (entraînement)",
    "plot.curves.map": "mAP@50 (validation, Ultralytics)",
    "plot.pr.title": "Précision–rappel à IoU 0,5 ({split:split}, {images:count} images)",
    "plot.pr.point": "point de fonctionnement,\nseuil {threshold:number}",
    "plot.pr.role": "{role}, seuil {threshold:number}",
    "plot.seeds.title": "Une graine, un point ; un trait, la moyenne ({split:split}, "
    "{images:count} images)",
    "plot.pareto.title": "Ce que coûte la qualité ({split:split})",
    "plot.pareto.front": "front de Pareto",
    "plot.latency.title": "Latences entrelacées, lot de 1",
    "plot.latency.x": "latence par image (ms)",
    "plot.difference.title": "Candidat − référence, sur le test "
    "({images:count} images, {persons:count} personnes)",
    "plot.difference.x": "différence",
    "plot.difference.required": "à dépasser, selon la politique",
    "column.gate": "critère",
    "column.protects": "ce dont il protège",
    "column.margin": "marge",
    "column.turns": "le verdict tourne",
    "protects.mAP50": "un modèle qui gagne sur la référence mais reste trop faible pour servir",
    "protects.mAP50-95": "des boîtes trop mal placées pour servir",
    "protects.precision": "des fausses alarmes si nombreuses que plus personne ne les regarde",
    "protects.recall": "un modèle qui se tait",
    "protects.latency_p50_ms": "des réponses trop lentes en temps ordinaire",
    "protects.latency_p95_ms": "des réponses trop lentes aux mauvais moments",
    "protects.latency_ratio": "un gain payé par un ralentissement",
    "protects.energy_wh": "un réentraînement trop coûteux pour être répété",
    "protects.train_seconds": "un réentraînement trop long pour être répété",
    "protects.model_mb": "un modèle trop gros pour sa machine",
    "protects.seed_spread": "un gain dû à une graine heureuse, qu’un réentraînement perdrait",
    "column.changed": "ce qui change",
    "column.decided": "décidée le (UTC)",
    "column.dataset": "données",
    "column.policy": "politique",
    "column.code": "code",
    "history.none": "Aucune décision de cette étude n’est dans MLflow.",
    "history.opening": "Les décisions de l’étude `{study}`, la plus récente d’abord ; chacune mène à son run dans MLflow (`python -m promotion ui`).",
    "history.unreadable": "{count:décision plus ancienne, d’une autre version de ce logiciel, ne peut être lue|décisions plus anciennes, d’une autre version de ce logiciel, ne peuvent être lues}.",
    "history.production": "Face à la version en Production",
    "history.no_production": "Aucune version n’est en Production, ou sa décision n’est plus dans MLflow.",
    "history.is_production": "La version {version}, en Production, est celle de la dernière décision.",
    "history.differs": "La version {version} est en Production. Ce qui a changé de sa décision à la dernière :",
    "history.one": "{when} : {verdict}",
    "history.first": "Première décision de cette étude.",
    "history.same": "Rien n’a changé depuis la précédente : origine, politique, chiffres et verdict sont les mêmes.",
    "column.before": "avant",
    "column.after": "après",
    "change.verdict": "verdict",
    "change.origin": "origine : {name}",
    "change.policy": "politique : {name}",
    "change.side": "{name}",
    "change.metric": "{name} du candidat",
    "change.difference": "différence de {name}",
    "change.gate": "critère : {name}",
    "change.canary": "canari",
    "change.audit": "vérification : {name}",
    "origin.when": "date (UTC)",
    "origin.code": "code",
    "origin.dataset": "données",
    "origin.hardware": "machine",
    "passed.true": "tenue",
    "passed.false": "en défaut",
    "passed.none": "inconnue",
    "column.image_error": "erreur due aux images",
    "column.seed_error": "erreur ajoutée par les graines",
    "column.seed_share": "part des graines dans la variance",
    "column.sd": "écart-type",
    "column.range": "étendue",
    "column.worst": "pire graine",
    "column.rule": "règle",
    "column.size": "taille",
    "rule.f1": "F1 maximal",
    "rule.precision_floor": "rappel, avec une précision d’au moins {floor}",
    "rule.recall_floor": "précision, avec un rappel d’au moins {floor}",
    "rule.out_of_reach": " (hors d’atteinte : le point le plus proche)",
    "kind.Loc": "mal placée (IoU entre 0,1 et 0,5)",
    "kind.Dupe": "en double",
    "kind.Bkg": "fond pris pour une personne",
    "kind.Miss": "personne manquée",
    "kind.shown": "{model} : nombre (AP regagnée)",
    "size.small": "petite (moins de 32² pixels)",
    "size.medium": "moyenne",
    "size.large": "grande (plus de 96² pixels)",
    "plot.band": "bande : autres images, à {level:percent}",
    "plot.reliability.title": "Fiabilité des confiances (test)",
    "plot.reliability.diagonal": "confiance exacte",
    "plot.reliability.x": "confiance annoncée",
    "plot.reliability.y": "part de boîtes justes",
    "plot.variance.title": "D’où vient l’incertitude de la différence",
    "plot.variance.x": "erreur-type",
    "plot.variance.images": "images",
    "plot.variance.seeds": "ajoutée par les graines",
    "plot.calibration.title": "Études simulées : couverture et erreurs, scénario par scénario",
    "plot.calibration.coverage": "Couverture à 95 %",
    "plot.calibration.promoted": "Promus à tort",
    "plot.calibration.rejected": "Rejetés à tort",
    "plot.margin": "perte tolérée",
    "plot.canary.x": "images vues",
    "plot.canary.differences": "Prétendant − tenant, après chaque lot",
    "plot.canary.latency": "Réponses sous {requests:count} requêtes simultanées "
    "(machine libre : {free:percent})",
    "plot.canary.limit": "limite : {limit:count} ms",
    "plot.canary.share": "part cumulée",
    "plot.canary.drift": "Ce que le prétendant dessine, du test au canari",
    "plot.drift.boxes": "boîtes par image",
    "plot.drift.confidence": "confiance moyenne par image",
    "plot.evidence.title": "Preuve réunie pour chaque critère, et contre lui",
    "plot.evidence.for": "Pour : le critère est tenu",
    "plot.evidence.against": "Contre : le critère est rompu",
    "plot.evidence.y": "preuve réunie (1 suffit)",
    "plot.detections.title": "Les mêmes images vues par les deux modèles",
    "plot.detections.found": "trouvée",
    "plot.detections.missed": "manquée",
    "plot.detections.false": "fausse alarme",
    "plot.detections.counts": "trouvées : {found:count}, manquées : {missed:count}, "
    "fausses alarmes : {false:count}",
    "gallery.told": "{image} : personnes annotées {persons:count}",
    "gallery.pictures": "Les images",
    "gallery.model": "Modèle",
    "gallery.back": "Revenir au seuil retenu",
    "gallery.at_own": "au seuil retenu : {value}",
    "gallery.curve": "Précision selon le rappel à IoU 0,5, sur le test.",
    "gallery.curve_point": "{model}, au seuil {threshold:number} : précision {precision:number}, "
    "rappel {recall:number}.",
    "gallery.curve_caption": "Le cercle vide marque le seuil retenu de chaque modèle, le disque celui du curseur.",
    "gallery.what": "Images avec",
    "gallery.anything": "tout",
    "gallery.what.found": "une personne trouvée",
    "gallery.what.missed": "une personne manquée",
    "gallery.what.Miss": "une personne manquée, sans boîte mal placée sur elle",
    "gallery.what.false": "une fausse alarme",
    "gallery.what.suspect": "une annotation en doute",
    "gallery.any": "toutes",
    "gallery.shown": "{shown} images sur {all}, les plus fautives d’abord.",
    "gallery.boxes": "{shown} images sur {all}, où {boxes} boîtes répondent au filtre.",
    "gallery.none": "Aucune image ne répond au filtre.",
    "gallery.count.found": "trouvées",
    "gallery.count.missed": "manquées",
    "gallery.count.false": "fausses alarmes",
    "gallery.doubt": "annotation en doute : {kind} (confiance {score:number}, {runs:count} runs)",
    "gallery.enlarge": "Agrandir {image}",
    "gallery.enlarged": "La même image par les deux modèles",
    "gallery.close": "Fermer",
    "plot.telling.best": "le mieux",
    "plot.telling.worst": "le moins bien",
    "plot.telling.fullest": "la plus peuplée",
    "audit.complete-grid.passed": "Les {total} variantes prévues ont abouti.",
    "audit.complete-grid.inferred": "Les {total} runs remplissent la grille de leurs propres réglages ; le plan, "
    "lui, n’est pas enregistré{aside:aside}.",
    "audit.complete-grid.failed": "Variantes absentes de la comparaison : {names:some}{aside:aside}.",
    "audit.complete-grid.unknown": "Aucun échec parmi les {total} runs lus, mais leur plan n’est pas enregistré "
    "et leurs réglages ne forment pas une grille : des variantes ont pu disparaître{aside:aside}.",
    "audit.aside": " ({count:run parent, sans mesures propres, mis|runs parents, sans mesures propres, mis} à part)",
    "audit.empty-run.passed": "Chaque run a vu des images, montré des détections et laissé des mesures.",
    "audit.empty-run.failed": "Runs terminés sans erreur, et vides : {names:some}.",
    "audit.empty-run.unknown": "Chacun des {runs} runs porte des mesures ; le nombre d’images vues et de "
    "détections n’est pas enregistré partout.",
    "audit.metric-contract.passed": "Chaque run porte les quatre mesures du TP, entre 0 et 1.",
    "audit.metric-contract.failed": "Mesures absentes ou supérieures à 1 : {names:some}.",
    "audit.metric-contract.unknown": "Aucun run ne porte, sous un nom connu : {names:all}. Le reste du contrat est tenu.",
    "audit.metric-contract.even": "Tous les runs portent les mêmes mesures : {metrics:some}. Aucune n’est une "
    "mAP : le contrat d’un détecteur ne s’applique pas.",
    "audit.metric-contract.uneven": "Mesures que d’autres runs portent, et qui manquent ici : {names:some}.",
    "audit.metric-range.passed": "Les {looked:count} valeurs mesurées sont des nombres finis ; aucune part, aucun coût n’est négatif.",
    "audit.metric-range.failed": "Mesures impossibles : {names:some}.",
    "audit.metric-range.unknown": "Aucune mesure n’est enregistrée : rien à vérifier.",
    "audit.copied-metrics.passed": "Aucun des {runs:count} runs n’a tous les chiffres d’un autre.",
    "audit.copied-metrics.failed": "Des runs de réglages différents ont tous leurs chiffres en commun, jusqu’au "
    "dernier : {names:some}. L’un est la copie de l’autre.",
    "audit.copied-metrics.unknown": "Moins de deux runs, ou aucune mesure : rien à comparer.",
    "audit.same-conditions.passed": "Tous les runs ont les mêmes données et le même code.",
    "audit.same-conditions.failed": "La comparaison mêle {datasets} jeux de données et {codes} "
    "versions du code : les écarts ne viennent pas des seuls réglages.",
    "audit.same-conditions.partly": "Rien ne diffère, mais l’empreinte des données n’est enregistrée que pour {data} "
    "runs sur {total}, et la version du code que pour {code}.",
    "audit.same-conditions.unknown": "Ni l’empreinte des données ni la version du code ne sont "
    "enregistrées : rien ne dit que les runs sont comparables.",
    "audit.same-hardware.passed": "Toutes les latences viennent de la même machine : {names:all}.",
    "audit.same-hardware.failed": "Les latences comparées viennent de machines différentes : {names:some}.",
    "audit.same-hardware.unknown": "Rien ne dit sur quelle machine chaque latence a été mesurée.",
    "audit.same-hardware.untimed": "Aucune latence n’est enregistrée : rien à comparer.",
    "audit.enough-seeds.passed": "Au moins {fewest} graines par configuration comparée.",
    "audit.enough-seeds.failed": "Seulement {fewest:graine|graines} par configuration comparée : "
    "la stabilité entre graines ne peut pas être jugée (il en faut 3).",
    "audit.enough-seeds.partly": "Les graines ne sont enregistrées que pour {known} configurations sur {total}.",
    "audit.enough-seeds.unknown": "Aucune graine n’est enregistrée : la stabilité ne peut pas être "
    "jugée.",
    "audit.seed-balance.passed": "Les configurations comparées ont les mêmes graines, au nombre de {seeds}.",
    "audit.seed-balance.failed": "Des graines manquent d’un côté : {names:some}.",
    "audit.seed-balance.disjoint": "Les configurations n’ont aucune graine en commun ({seeds} en tout) : leurs chances "
    "ne sont pas les mêmes, et rien ne les sépare des réglages.",
    "audit.seed-balance.unknown": "Moins de deux configurations ont des graines enregistrées.",
    "audit.seed-effect.passed": "Les graines d’une même configuration donnent des runs différents.",
    "audit.seed-effect.failed": "Des graines différentes donnent le même run : {names:some}.",
    "audit.seed-effect.unknown": "Aucune configuration n’a deux graines enregistrées : rien à comparer.",
    "audit.seed-effect.unreadable": "Des graines sont enregistrées, mais aucune mesure ne permet de comparer leurs "
    "runs.",
    "audit.seed-effect.coarse": "Des graines donnent les mêmes chiffres ({names:some}), mais ils sont trop peu nombreux ou "
    "trop arrondis pour dire que c’est le même run.",
    "audit.parameter-effect.passed": "Chaque paramètre balayé change le résultat : {effective:some}. Mesures "
    "comparées : {metrics:some}.",
    "audit.parameter-effect.failed": "Un paramètre balayé est sans effet ({parameters:all}), ces runs n’en font "
    "qu’un : {names:some}.",
    "audit.parameter-effect.partial": "Des valeurs différentes de {parameters:all} ne changent rien, ces runs n’en font "
    "qu’un : {names:some}.",
    "audit.parameter-effect.partly": "Changent le résultat : {effective:some}. On ne peut le dire de : {others:some}, "
    "faute de runs qui ne diffèrent que par là ou de mesures assez fines.",
    "audit.parameter-effect.coarse": "Des valeurs de {others:some} donnent les mêmes chiffres ({names:some}), mais ils "
    "sont trop peu nombreux ou trop arrondis pour dire que c’est le même run.",
    "audit.parameter-effect.apart": "Sont balayés : {others:some}, mais jamais deux runs ne diffèrent par un seul "
    "d’entre eux : l’effet de chacun ne peut être isolé.",
    "audit.parameter-effect.unreadable": "Sont balayés : {others:some}, mais aucune mesure enregistrée ne permet de "
    "comparer les runs.",
    "audit.parameter-effect.unknown": "Aucun des {parameters} paramètres enregistrés ne varie entre les {runs} runs : "
    "rien à comparer.",
    "audit.applied-as-requested.passed": "Les réglages appliqués sont ceux demandés.",
    "audit.applied-as-requested.failed": "Réglages appliqués différents de ceux demandés : "
    "{names:some}.",
    "audit.applied-as-requested.unknown": "Les réglages appliqués ne sont pas enregistrés : ceux "
    "demandés ont pu être ignorés.",
    "audit.applied-as-requested.partly": "Rien ne diffère, mais les réglages appliqués ne sont connus que pour "
    "{known} runs sur {total}.",
    "audit.measured-artifact.passed": "Les mesures portent sur l’artefact enregistrable.",
    "audit.measured-artifact.failed": "Mesures prises sur d’autres poids que l’artefact : {names:some}.",
    "audit.measured-artifact.unknown": "Rien ne dit sur quels poids les mesures ont été prises.",
    "audit.measured-artifact.partly": "Rien ne diffère, mais les poids mesurés ne sont connus que pour {known} "
    "runs sur {total}.",
    "audit.artifact-intact.passed": "Chaque artefact a encore l’empreinte relevée à sa mesure.",
    "audit.artifact-intact.failed": "Artefacts changés depuis leur mesure : {names:some}.",
    "audit.artifact-intact.partly": "Rien n’a changé, mais seuls {known} artefacts sur {total} ont pu être relus.",
    "audit.artifact-intact.unknown": "Les artefacts n’ont pas été relus, ou leur empreinte n’est pas enregistrée.",
    "audit.operating-point.passed": "Au seuil {threshold:threshold}, {boxes:number1} boîtes par image : le point de "
    "fonctionnement est utilisable.",
    "audit.operating-point.failed": "Point de fonctionnement dégénéré : {boxes:number1} boîtes par image "
    "pour {most} possibles, seuil {threshold:threshold}. Précision et rappel n’y décrivent aucun détecteur "
    "utilisable.",
    "audit.operating-point.no_threshold": "non enregistré",
    "audit.operating-point.unknown": "Ni le seuil ni le nombre de boîtes ne sont enregistrés.",
    "audit.operating-point.no_detector": "Aucune mAP parmi les mesures ({metrics:some}) : un point de fonctionnement de "
    "détecteur n’a pas de sens ici.",
    "audit.threshold-transfer.passed": "Au seuil choisi sur la validation, le rappel tient sur le test ({runs} runs).",
    "audit.threshold-transfer.failed": "Au seuil choisi sur la validation, le rappel tombe de moitié ou plus sur le "
    "test : {names:some}.",
    "audit.threshold-transfer.unknown": "Aucun run ne porte son rappel à la fois sur la validation et sur le test.",
    "audit.selection-split.passed": "Choix sur la découpe {selected:split}, conclusion sur la découpe "
    "{claimed:split}.",
    "audit.selection-split.failed": "Le choix et la conclusion portent sur la même découpe "
    "({claimed:split}) : le gagnant y est flatté.",
    "audit.selection-split.unknown": "Rien ne dit sur quelle découpe le choix a été fait.",
    "audit.policy-frozen.passed": "La politique est celle d’avant l’ouverture du test.",
    "audit.policy-frozen.failed": "La politique a changé après l’ouverture du test ({changes:policy_changes}) : elle a pu "
    "être choisie pour son verdict.",
    "audit.policy-frozen.unknown": "Rien ne dit si la politique a changé depuis l’ouverture du test.",
    "audit.enough-images.passed": "{images:count} images et {persons:count} personnes suffisent à distinguer "
    "du hasard une différence de {difference:signed} {interval:interval}.",
    "audit.enough-images.failed": "{images:count} images et {persons:count} personnes ne distinguent pas du "
    "hasard une différence de {difference:signed} {interval:interval} ; {needed:needed}.",
    "audit.enough-images.needed": "il faudrait environ {persons:count} personnes (estimation)",
    "audit.enough-images.never": "aucun nombre de personnes ne montrerait une différence nulle",
    "audit.enough-images.unknown": "La taille de la découpe d’évaluation n’est pas connue.",
    "audit.within-seeds.passed": "La différence de {metric:measure} ({difference:signed}) dépasse ce que font "
    "{seeds} graines (± {reach:number}) : {one} contre {other}.",
    "audit.within-seeds.failed": "La différence de {metric:measure} ({difference:signed}) ne dépasse pas ce que font "
    "{seeds} graines (± {reach:number}) : {one} contre {other}.",
    "audit.within-seeds.no_metric": "Aucune mesure de validation ou de test de sens connu n’est commune aux runs ; "
    "sont enregistrées : {metrics:some}.",
    "audit.within-seeds.unknown": "Il n’y a pas deux configurations de deux graines au moins : la dispersion n’est pas "
    "connue.",
    "audit.independent-images.passed": "{images:count} images du test, {groups:count} groupes indépendants.",
    "audit.independent-images.failed": "Les {images:count} images du test ne valent que {groups:count} groupes indépendants : les intervalles en tiennent compte, mais si peu de scènes n’en représentent pas d’autres.",
    "audit.independent-images.unknown": "Rien ne dit si les images d’évaluation sont indépendantes les unes des autres.",
    "audit.overlap.passed": "Aucune image d’évaluation ne se retrouve, même retouchée, à "
    "l’entraînement.",
    "audit.overlap.failed": "Images communes ou presque : {notes:notes}.",
    "audit.overlap.unknown": "Les images ne sont pas accessibles : leur recouvrement est inconnu.",
    "audit.cut-group.passed": "Aucun groupe d’images n’est coupé par les découpes.",
    "audit.cut-group.failed": "Groupes d’images partagés entre plusieurs découpes : {names:some}.",
    "audit.cut-group.unknown": "Les groupes d’images ne sont pas connus.",
    "audit.doubled-labels.passed": "Aucune boîte n’est annotée deux fois.",
    "audit.doubled-labels.failed": "Boîtes annotées deux fois : {names:some}.",
    "audit.doubled-labels.unknown": "Les annotations ne sont pas accessibles : des boîtes doublées sont possibles.",
    "audit.shifted-labels.passed": "Les boîtes du test tombent sur les personnes comme celles de la validation.",
    "audit.shifted-labels.failed": "Les boîtes du test tombent à côté des personnes, sans les couvrir (part approchée / "
    "part trouvée) : {names:some}. Les annotations du test sont peut-être décalées.",
    "audit.shifted-labels.unknown": "Rien ne dit à quelle distance des personnes tombent les boîtes du test.",
    "audit.pretraining.passed": "Le modèle de départ n’a pas vu ces images, à notre connaissance.",
    "audit.pretraining.failed": "Le modèle de départ a été entraîné sur COCO, d’où viennent ces "
    "images : les mesures absolues sont flattées, les différences seules se discutent.",
    "audit.pretraining.unknown": "Rien ne dit ce que le modèle de départ a déjà vu.",
    "audit.untrained.passed": "Le candidat n’est pas battu par le modèle de départ sans "
    "entraînement : {metric:metric} {candidate:number} contre {untrained:number}, différence {interval:interval}.",
    "audit.untrained.failed": "Le modèle de départ sans entraînement bat le candidat : {metric:metric} "
    "{untrained:number} contre {candidate:number}, différence {interval:interval}.",
    "audit.untrained.level": "Le candidat et le modèle de départ sans entraînement ne se distinguent pas : {metric:metric} "
    "{candidate:number} contre {untrained:number}, différence {interval:interval}.",
    "audit.more": " ; et {more} autres",
    "audit.operating-point.precision": "La plus basse précision est de {precision:number}, soit {boxes:count} "
    "boîtes montrées par personne trouvée ; le seuil n’est pas enregistré.",
    "audit.untrained.unknown": "Aucune mAP parmi les mesures : rien ne dit s’il y avait un modèle de départ.",
    "audit.untrained.absent": "Le modèle de départ sans entraînement n’est pas parmi les "
    "alternatives.",
    "audit.constraints.passed": "Chaque contrainte énoncée est mesurée sur chaque run.",
    "audit.constraints.failed": "Contraintes énoncées que rien ne mesure : {names:constraints}.",
    "audit.constraints.unknown": "Aucune contrainte n’est énoncée.",
    "risk.misses": "Au seuil {threshold:number}, {missed:percent1} des personnes du test sont manquées et {false:percent1} "
    "des boîtes affichées sont de fausses alarmes. *Mitigation* : revoir le seuil avec "
    "l’exploitant avant la mise en production.",
    "risk.sample": "Le test compte {images:count} images et {persons:count} personnes : la {metric:metric} du "
    "candidat n’est connue qu’à ± {half:number}. *Mitigation* : élargir le test avant toute annonce "
    "plus précise.",
    "risk.selection": "Le run a été choisi sur la validation, où sa {metric:metric} vaut {val:number} ; elle "
    "vaut {test:number} sur le test (écart {gap:signed}). *Mitigation* : ne citer que les valeurs du test.",
    "risk.optimism": "Choisi sur la validation parmi {rivals} configurations, le candidat peut y paraître "
    "meilleur qu’il n’est : l’optimisme attendu de ce choix est de {optimism:signed}. Sa {metric:metric} vaut "
    "{val:number} sur la validation et {test:number} sur le test (écart {gap:signed}). *Mitigation* : ne citer que les "
    "valeurs du test ; la probabilité exigée tient compte du nombre de configurations.",
    "risk.seeds": "D’une graine à l’autre, l’écart-type est de {sd:number} ({seeds} graines) ; aucune ne s’est effondrée, ce qui n’exclut pas que jusqu’à {rate:percent} des entraînements le fassent. *Mitigation* : un réentraînement peut faire moins bien ; le canari le vérifiera.",
    "risk.policy_changed": "La politique a changé depuis que ce test a été ouvert ({changes:policy_changes}). *Mitigation* : écrire la politique avant d’ouvrir le test ; en cas de doute, réunir un nouveau test.",
    "risk.labels": "Les modèles, d’accord entre eux, mettent en doute {count:annotation|annotations} du test sur {images:image|images}. Sans elles, la différence de {metric:metric} serait de {without:signed} {interval:interval} au lieu de {difference:signed}, et le verdict « {verdict:verdict} ». *Mitigation* : relire ces images avant de suivre la décision.",
    "risk.incumbent_unknown": "Rien ne dit si la version {version} de Production a connu des images de ce test : ses données ne sont plus dans MLflow. *Mitigation* : lire sa comparaison avec prudence ; le canari, lui, prend des images nouvelles.",
    "risk.conditions_drawn": "Les intervalles supposent le seuil choisi sur la validation ; ils contiennent le hasard de la découpe, retirée au sort pour chaque graine. *Mitigation* : surveiller le seuil au canari.",
    "risk.conditions": "Les intervalles supposent le seuil choisi sur la validation et les images d’entraînement telles qu’elles sont : ce qu’un autre tirage d’entraînement changerait, aucune graine ne le montre. *Mitigation* : refaire l’étude avec une autre découpe avant d’en généraliser le résultat.",
    "risk.one_seed": "Une seule graine : la stabilité du candidat est inconnue. "
    "*Mitigation* : entraîner au moins trois graines.",
    "risk.energy": "L’énergie est estimée d’après la charge du processeur, sans compteur. "
    "*Mitigation* : mesurer sur une machine dotée d’un compteur avant d’en tirer un coût.",
    "risk.synthetic": "Les images sont dessinées : rien ici ne vaut pour de vraies photographies. "
    "*Mitigation* : rejouer l’étude sur ses propres images.",
    "next.register": "Enregistrer le run dans le Model Registry (stage Staging)",
    "next.canary": "Tester sur un jeu de production limité (canari)",
    "next.production": "Promouvoir en Production si les performances sont stables",
    "done.version": " — fait : version {version}",
    "done.production": " — fait : version {version}",
    "done.left": " — fait : version {version}, qui n’y est plus (voir l’historique du registre)",
    "done.displaced": " — n’a pas eu lieu : une autre version l’a remplacée en Staging",
    "done.canary": " — ",
    "done.stopped": " — n’aura pas lieu : le canari l’a arrêtée",
    "done.waits": " — en attente d’approbation (`promotion approve`)",
    "canary.recall": "différence de rappel",
    "canary.precision": "différence de précision",
    "canary.latency": "part des réponses à temps",
    "canary.drift_boxes": "dérive du nombre de boîtes",
    "canary.drift_confidence": "dérive des confiances",
    "canary.go.sentence": "feu vert après {images:count} images et {persons:count} personnes",
    "canary.stop.sentence": "arrêt après {images:count} images et {persons:count} personnes, critère rompu : "
    "{broken:criteria}",
    "canary.continue.sentence": "{images:count} images et {persons:count} personnes ne suffisent pas ; non "
    "tranché : {open:criteria}",
    "canary.needed": " ; il en faudrait environ {images:count} en tout (estimation)",
    "canary.needed_unknown": " ; ce qui a été vu ne permet pas d’estimer combien il en faudrait",
    "canary.pictures": "images du canari",
    "canary.pictures.source": "source",
    "canary.pictures.street_scenes": "rues dessinées, graine {seed}",
    "canary.pictures.folder": "dossier {name}",
    "canary.pictures.domain": "domaine",
    "canary.pictures.warning": "avertissement",
    "canary.limits": "Ici, {requests} requêtes arrivent à la fois et chacune attend les autres : {share:percent} des réponses doivent venir en {limit:number0} ms, et celles du prétendant, sur les {images:count} images, sont venues en {loaded:number0} ms au 95ᵉ centile. {alone}",
    "canary.limits.alone": "Seule, une requête a pris {single:number1} ms en médiane, mesurée quand le candidat fut choisi.",
    "canary.limits.gate": "La politique borne autre chose, une requête seule : {gate}.",
    "domain.day": "jour",
    "domain.busy": "foule, de jour",
    "domain.night": "crépuscule et nuit",
    "domain.winter": "hiver, sous la neige",
    "canary.go": "feu vert",
    "canary.stop": "arrêt",
    "canary.continue": "à poursuivre",
    "state.held": "tenu",
    "state.broken": "rompu",
    "state.open": "non tranché",
    "contender.challenger": "prétendant",
    "contender.champion": "tenant",
    "because.decided": "promotion décidée de {run}",
    "action.stage": "mise en Staging",
    "action.promote": "mise en Production",
    "action.withdraw": "retrait de Staging",
    "action.approve": "approbation",
    "action.rollback": "retour arrière",
    "next.gate": "Lever le critère non respecté : {gate}",
    "next.measure_again": "Mesurer de nouveau, sur une machine au repos : {gate}",
    "next.keep_baseline": "Garder la configuration de référence",
    "next.new_grid": "Proposer une nouvelle grille avant une nouvelle décision",
    "next.keep_start": "Garder le modèle de départ, sans entraînement : il fait mieux que le candidat",
    "next.keep_incumbent": "Garder la version en Production : elle fait mieux que le candidat",
    "next.one_seed": "Entraîner au moins trois graines par configuration",
    "next.seeds_lost": "Entraîner à nouveau ce qui manque : {runs:some}",
    "next.seeds_collapsed": "Comprendre pourquoi ces entraînements se sont effondrés, avant toute décision : {runs:some}",
    "next.incumbent_knew": "Comparer sur un test que la version en Production n’a pas connu : elle connaît {share:percent1} des images de celui-ci",
    "next.test_spent": "Réunir un nouveau test : celui-ci a été ouvert {number} fois, la politique en admet {budget}",
    "next.settle": "Pour trancher ({open:measures}), réunir {ways} (estimations, à mi-chemin entre la différence observée et l’exigence)",
    "settle.images": "{images:count} images de test avec les mêmes graines (puissance {power:percent})",
    "settle.seeds": "{seeds} graines par configuration sur les mêmes images (puissance {power:percent})",
    "settle.both": "{images:count} images et {seeds} graines (puissance {power:percent})",
    "settle.or": ", ou ",
    "settle.unknown": "Ce qui reste ouvert ({open:measures}) est trop près de l’exigence pour qu’une étude cent fois plus grande suffise : changer de grille ou revoir la politique",
    "reason.blocked": "contrôle bloquant : {check}",
    "reason.gate_broken": "critère rompu : {gate:gate}",
    "reason.gate_open": "critère non tranché : {gate:gate}",
    "reason.no_gain": "{metric:metric} : gain écarté",
    "reason.lost": "{metric:metric} : perte établie",
    "reason.objective_open": "{metric:metric} : non tranché",
    "reason.one_seed": "une seule graine d’un côté : ce que les graines font varier est inconnu",
    "reason.precision_floor_unmet": "aucun seuil n’atteint sur la validation la précision demandée de {floor:number} : le point retenu n’est que le plus proche",
    "reason.recall_floor_unmet": "aucun seuil n’atteint sur la validation le rappel demandé de {floor:number} : le point retenu n’est que le plus proche",
    "reason.seeds_lost": "graines manquantes : {runs:some}",
    "reason.seeds_collapsed": "entraînements effondrés (moins de la moitié de la médiane) : {runs:some}",
    "reason.untrained_better": "le modèle de départ sans entraînement fait mieux : {metric:metric} {other:number} contre {candidate:number}, différence {interval:interval}",
    "reason.untrained_open": "rien n’établit que le candidat vaut le modèle de départ sans entraînement : {metric:metric} {candidate:number} contre {other:number}, différence {interval:interval}",
    "reason.incumbent_better": "la version en Production fait mieux : {metric:metric} {other:number} contre {candidate:number}, différence {interval:interval}",
    "reason.incumbent_open": "rien n’établit que le candidat vaut la version en Production : {metric:metric} {candidate:number} contre {other:number}, différence {interval:interval}",
    "reason.incumbent_knew": "la version en Production connaissait {share:percent1} des images de ce test : qu’elle n’y fasse pas moins bien n’établit rien ({metric:metric} {candidate:number} contre {other:number}, différence {interval:interval})",
    "reason.slice_lost": "tranche perdue : {column:slice} {value:slice}, rappel {difference:signed} {interval:interval} ({persons:count} personnes)",
    "reason.slice_open": "tranche non tranchée : {column:slice} {value:slice}, rappel {difference:signed} {interval:interval} ({persons:count} personnes)",
    "reason.slices_unknown": "tranches inconnues de ces données, ou trop petites : {columns:all}",
    "risk.slice": "Le rappel baisse sur une tranche : {column:slice} {value:slice}, {difference:signed} {interval:interval} ({persons:count} personnes). *Mitigation* : garder cette tranche dans la politique (`slices`), ou dire qui supporte cette perte.",
    "slice.size": "taille",
    "slice.small": "petite",
    "slice.medium": "moyenne",
    "slice.large": "grande",
    "slice.crowding": "affluence",
    "slice.light": "lumière",
    "slice.weather": "temps",
    "slice.day": "jour",
    "slice.night": "nuit",
    "slice.overcast": "couvert",
    "slice.dusk": "crépuscule",
    "slice.clear": "clair",
    "slice.wet": "mouillé",
    "slice.rain": "pluie",
    "slice.fog": "brouillard",
    "slice.snow": "neige",
    "slice.unknown": "inconnu",
    "column.slice": "tranche",
    "column.recall_difference": "différence de rappel",
    "reason.test_spent": "test épuisé : {number} ouvertures, la politique en admet {budget}",
    "ledger.first": "Première ouverture connue de ce test, sur {budget} admises ; elle peut se tromper dans {level:percent1} des cas au plus",
    "ledger.nth": "Ouverture n° {number} de ce test, sur {budget} admises ; elle peut se tromper dans {level:percent1} des cas au plus",
    "policy.changed": "La politique a changé depuis que ce test a été ouvert ({changes:policy_changes}).",
    "policy.times": "{times:count} fois sous une autre, la dernière le {when:day} : {rules}",
    "policy.rule": "{name} {before} → {after}",
    "policy.then": " puis ",
    "policy.unknown": "ce qui différait n’a pas été gardé ({unknown:count} fois)",
    "value.true": "oui",
    "value.false": "non",
    "incumbent.none": "Aucune version n’est en Production.",
    "column.worse": "pire",
    "column.equivalent": "équivalent",
    "column.better": "meilleur",
    "column.bound": "borne",
    "argument.better": "{metric} : {candidate} contre {baseline}, différence {difference} {interval}, confiance {probability}",
    "argument.worse": "{metric} : {candidate} contre {baseline}, différence {difference} {interval}",
    "argument.objective": "{metric} : {outcome}, différence {difference} {interval} pour {least} exigé",
    "argument.canary": "canari, {criterion} : {value} {bounds} pour {sign} {limit} exigé, {state}",
    "argument.run": "{metric} du run retenu, sur le test : {candidate} contre {baseline} pour le run de la référence{difference}",
    "argument.slice": "rappel plus bas sur {lost:tranche|tranches} sur {slices}, la pire : {slice}, {difference} {interval} ({persons:personne|personnes})",
    "argument.latency": "latence médiane (ms) : {candidate} contre {baseline}, soit {ratio} fois le temps de la référence",
    "argument.cost": "{metric} : {candidate} contre {baseline}{difference}",
    "argument.difference": ", différence {difference}",
    "question": "{changes}{where} : le candidat doit-il remplacer la référence ?",
    "question.imgsz": "{ours} px au lieu de {theirs} px",
    "question.epochs": "{ours} époques au lieu de {theirs}",
    "question.other": "{name} {ours} au lieu de {theirs}",
    "question.same": "Le même réglage",
    "question.apart": ", ",
    "question.day": ", de jour",
    "question.busy": ", de jour et dans la foule",
    "question.night": ", de nuit",
    "question.winter": ", en hiver",
    "turning.some": "Si une seule limite avait été autre, voici où le verdict aurait tourné :",
    "turning.demand": "{name} {limit}, mesuré {measured} : {turns}",
    "turning.above": "« {verdict:verdict} » au-delà de {at}",
    "turning.below": "« {verdict:verdict} » en deçà de {at}",
    "turning.others": "Déplacer seule une autre limite n’y changerait rien ({names}).",
    "turning.none": "Aucune limite, déplacée seule, n’y changerait rien ({names}).",
    "turning.despite": "non, pas par cette seule limite : {reasons}",
    "turning.never": "non, à aucune limite que la politique puisse poser",
    "demand.difference": "{name:metric}, différence",
    "demand.slice": "rappel, {name:slice} {value:slice}, différence",
    "demand.gate": "{name:metric}",
    "demand.untrained": "{name:metric}, différence avec le modèle de départ",
    "demand.incumbent": "{name:metric}, différence avec la version en Production",
    "gate.held": "tenu",
    "gate.broken": "rompu",
    "gate.open": "non tranché",
    "gate.sentence": "{name} {sign} {limit} (mesuré : {value}, borne : {bound})",
    "gate.too_few": "{name} {sign} {limit} (mesuré : {value} ; il faut {needed} mesures pour une borne)",
    "transition.production": "Version {version} en Production.",
    "transition.waits": "Version {version} en Staging, en attente d’approbation.",
    "transition.stopped": "Version {version} retirée de Staging ; la Production ne change pas.",
    "transition.continues": "Version {version} reste en Staging.",
    "transition.left": "Version {version} n’est plus en Production.",
    "place.staging": "en Staging",
    "place.production": "en Production",
    "place.left": "passée par la Production, qu’elle a quittée",
    "place.none": "ni en Staging ni en Production",
    "session.run": "Run MLflow : {experiment} / {run}",
    "detections.count": "{boxes} boîtes, de la plus sûre à la plus douteuse",
    "optimism": "{optimism} de {metric} (estimation)",
    "registered.yes": "Version {version} enregistrée.",
    "registered.still_true": "La décision tient : {runs} runs, données {digest}, même politique.",
    "registered.more": "… (document entier : decision.md, artefact de la décision sur {run})",
    "registered.no": "Rien n’est enregistré : le verdict est « {verdict} ».",
    "registry.state": "Chaque version de `{model}`, la plus récente d’abord, avec les "
    "verdicts qui l’ont menée là. L’alias fait foi : `production` sert, `previous` attend un "
    "retour arrière, `staging` attend le canari.",
    "mlflow.run": "Ce run dans MLflow (`python -m promotion ui`) : <a href='{link}'>{run}</a>.",
    "mlflow.links": "Dans MLflow (`python -m promotion ui`) : <a href='{trainings}'>les entraînements</a>, "
    "<a href='{grid}'>la grille en coordonnées parallèles</a>, <a href='{models}'>les modèles</a>, "
    "<a href='{registry}'>le modèle enregistré</a>.\n",
    "registry.history": "Toutes les transitions, la plus récente d’abord.",
    "findings.none": "aucun avertissement",
    "failures.none": "toutes les variantes ont abouti",
    "note.nearly_same": "presque la même image : {one} et {other} ({bits} bits de l’empreinte "
    "perceptuelle diffèrent, sur 64)",
    "note.nearly_seen": "{one} ressemble de près à {other}, déjà vue ({bits} bits de "
    "l’empreinte perceptuelle diffèrent, sur 64)",
    "note.mirrored": "{one} est l’image en miroir de {other} ({bits} bits de l’empreinte perceptuelle "
    "diffèrent, sur 64)",
    "note.cropped": "{one} et {other} se recouvrent : l’une est découpée dans l’autre",
    "note.same_file": "{one} et {other} sont le même fichier sous deux noms",
    "note.nearly_twice": "deux fois presque la même image dans une découpe : {one} et {other} "
    "({bits} bits de l’empreinte perceptuelle diffèrent, sur 64)",
    "note.more_twice": "et {more:count} autres images en double dans cette découpe",
    "run.failed": "échec",
    "run.interrupted": "interrompu",
    "run.absent": "pas exécuté avec les données et le code actuels",
    "check.passed": "passé",
    "check.failed": "échoué",
    "check.unknown": "ne peut être dit",
    "check.blocking": "bloquant",
    "check.warning": "avertissement",
    "check.note": "note",
    "column.method": "méthode",
    "column.role": "rôle",
    "column.check": "contrôle",
    "column.severity": "gravité",
    "column.outcome": "résultat",
    "column.message": "constat",
    "column.verdict": "verdict",
    "calibration.at_most": "au plus {high}",
    "calibration.at_least": "au moins {low}",
    "calibration.between": "de {low} à {high}",
    "calibration.kept": "tenu",
    "calibration.not_kept": "non tenu",
    "calibration.not_kept_mark": "✗",
    "calibration.where": "{counted}{metric} {observed}",
    "calibration.answer": "**{title}** — {where}. {done}",
    "calibration.section.gates": "Critères sur les coûts et sur les graines",
    "calibration.section.openings": "Ouvertures répétées et rivales",
    "calibration.section.plans": "Plans suivis",
    "calibration.section.canary": "Canari : cinq critères sous dépendance",
    "calibration.measure.coverage": "couverture",
    "calibration.measure.promoted": "promus à tort",
    "calibration.measure.rejected": "rejetés à tort",
    "calibration.measure.gate_held": "tenu à tort",
    "calibration.measure.gate_broken": "rompu à tort",
    "calibration.measure.settled": "tranchés",
    "calibration.measure.wrong": "tranchés à tort",
    "calibration.measure.stopped": "arrêté à tort",
    "calibration.measure.let_through": "laissé passer à raison",
    "calibration.name.embedded": "étude embarquée, 200 images",
    "calibration.name.no_difference": "aucune différence",
    "calibration.name.images_10": "10 images",
    "calibration.name.images_20": "20 images",
    "calibration.name.crowds": "foules",
    "calibration.name.rare_positives": "positifs rares, 6 images sur 60",
    "calibration.name.clips": "20 clips de 5 images",
    "calibration.name.clips_ignored": "clips ignorés",
    "calibration.name.seeds_2_and_6": "2 et 6 graines",
    "calibration.name.seeds_noisy": "graines bruyantes",
    "calibration.name.seeds_correlated": "graines corrélées à 0,7",
    "calibration.name.collapse_seen": "une graine effondrée",
    "calibration.name.collapse_unseen": "une graine sur dix s’effondre",
    "calibration.name.near_1": "12 images, près de 1",
    "calibration.name.latency_p50": "latence médiane, 100 mesures",
    "calibration.name.latency_p95": "latence p95, 100 mesures",
    "calibration.name.latency_alike": "latence p95, mesures qui se suivent et se ressemblent",
    "calibration.name.spread_3": "écart-type entre 3 graines",
    "calibration.name.spread_10": "écart-type entre 10 graines",
    "calibration.name.seeds_added_no_rule": "une graine de plus à chacun de 9 regards, sans règle",
    "calibration.name.seeds_added_ledger": "une graine de plus à chacun de 9 regards, au registre",
    "calibration.name.seeds_added_planned": "une graine de plus à chacun de 9 regards prévus",
    "calibration.name.seeds_added_no_rule_noisy": "graines bruyantes, 9 regards sans règle",
    "calibration.name.seeds_added_ledger_noisy": "graines bruyantes, 9 regards au registre",
    "calibration.name.seeds_added_planned_noisy": "graines bruyantes, 9 regards prévus",
    "calibration.name.candidates_no_rule": "20 candidats l’un après l’autre, sans règle",
    "calibration.name.candidates_ledger": "20 candidats, au registre",
    "calibration.name.rivals_no_rule": "le meilleur de 5 rivales, sans correction",
    "calibration.name.rivals_corrected": "le meilleur de 5 rivales, corrigé",
    "calibration.name.plan_as_they_come": "distances telles qu’elles viennent",
    "calibration.name.plan_0.25": "vraie distance d’un quart d’erreur-type",
    "calibration.name.plan_0.5": "vraie distance d’une demi-erreur-type",
    "calibration.name.plan_1": "vraie distance d’une erreur-type",
    "calibration.name.recall": "rappel, perte égale à la marge",
    "calibration.name.recall_independent": "rappel, perte égale à la marge, côtés indépendants",
    "calibration.name.recall_empty": "rappel, 70 % d’images vides",
    "calibration.name.recall_crowds": "rappel, toute la perte dans les foules",
    "calibration.name.recall_crowds_plain": "rappel, perte dans les foules, comptée sur toutes les personnes",
    "calibration.name.recall_clips": "rappel, clips de 10 images",
    "calibration.name.recall_equal": "rappel égal, 1 000 images",
    "calibration.name.recall_equal_clips": "rappel égal, 300 clips",
    "calibration.name.precision": "précision, perte égale à la marge",
    "calibration.name.precision_empty": "précision, 70 % d’images vides",
    "calibration.name.precision_clips": "précision, clips de 10 images",
    "calibration.name.precision_equal": "précision égale, 600 images",
    "calibration.name.precision_equal_clips": "précision égale, 200 clips",
    "calibration.name.latency_600": "8 % de retards en rafales, 600 réponses",
    "calibration.name.latency_8": "8 % de retards en rafales, 10 000 réponses",
    "calibration.name.latency_single": "5 % de retards isolés",
    "calibration.name.latency_50": "5 % de retards, rafales de la durée prévue",
    "calibration.name.latency_100": "5 % de retards, rafales deux fois trop longues",
    "calibration.name.latency_200": "8 % de retards, rafales quatre fois trop longues",
    "calibration.name.latency_both": "30 % de retards communs, 1 % du prétendant seul",
    "calibration.name.latency_1": "1 % de retards en rafales, 15 000 réponses",
    "calibration.name.drift_boxes": "nombre de boîtes sans dérive",
    "calibration.name.drift_boxes_clips": "nombre de boîtes sans dérive, clips de 10",
    "calibration.name.drift_confidence": "confiances sans dérive",
    "calibration.name.drift_confidence_clips": "confiances sans dérive, clips de 10",
    "calibration.answer.prudent": "L’intervalle est plus large que promis : prudent, il coûte de la puissance, non de l’honnêteté. Le système ne le resserre pas.",
    "calibration.answer.coverage": "Le système ne corrige pas cet écart : la promesse de l’intervalle ne vaut pas ici.",
    "calibration.answer.promoted": "Le système ne corrige pas cet écart : la promesse sur les promotions ne vaut pas ici.",
    "calibration.answer.rejected": "L’AP de peu d’images est un peu trop basse : un bon candidat est rejeté un peu trop souvent, sans être promu trop souvent. Le système ne corrige pas ce biais ; davantage d’images de test y remédient.",
    "calibration.answer.gate_held": "Le système ne corrige pas cet écart : ce critère ne garantit pas sa limite ici.",
    "calibration.answer.gate_broken": "Le critère rompt trop souvent : le système rejette, prudemment, ce qu’il pourrait laisser ouvert.",
    "calibration.answer.settled": "Le plan n’atteint pas sa puissance : le verdict reste non concluant.",
    "calibration.answer.wrong": "Le système ne corrige pas cet écart.",
    "calibration.answer.stopped": "Le canari s’arrête trop souvent : rien n’est mis en Production à tort.",
    "calibration.answer.let_through": "Le canari rend « à poursuivre » et dit combien d’images il faudrait : un canari agrandi reprend où il s’était arrêté.",
    "calibration.answer.clips_ignored": "Ligne témoin : des clips que rien ne désigne comme tels. Le système groupe les images d’après leurs noms, un tableau ou leur empreinte perceptuelle, et rééchantillonne des groupes entiers ; sans groupes déclarés ni reconnus, rien n’y remédie.",
    "calibration.answer.seeds_correlated": "Les graines sont traitées comme indépendantes ; quand les deux côtés partagent leur chance, l’intervalle est trop large. C’est prudent, et le système ne le resserre pas.",
    "calibration.answer.collapse_seen": "L’intervalle s’élargit au point de ne plus rien dire. Une graine sous la moitié de la médiane de son côté est dite effondrée : le verdict n’est pas « promouvoir », et le document nomme l’entraînement.",
    "calibration.answer.collapse_unseen": "Un effondrement que l’étude n’a pas vu ne peut être dans son intervalle : avec trois graines, 73 études sur 100 n’en montrent aucun. Le système ne promet rien de la moyenne sur ces entraînements ; s’il en voit un, il ne promeut pas. Le modèle enregistré est jugé, lui, par ses propres critères puis par le canari.",
    "calibration.answer.near_1": "Quand presque tout est trouvé, 12 images se ressemblent toutes et l’égalité est prise au mot : les différences plus petites qu’une personne restent invisibles. Les promotions à tort restent dans leur promesse, non les rejets. Le contrôle des effectifs avertit quand les images ne distinguent pas la différence du hasard ; seules des images plus nombreuses ou plus difficiles y remédient.",
    "calibration.answer.latency_alike": "Les bornes de la latence veulent des mesures indépendantes. Le système mesure les modèles entrelacés, image par image, ce qui protège leur rapport ; la borne en millisecondes ne vaut que sur une machine tranquille, et le canari l’éprouve sous charge, par blocs de temps.",
    "calibration.answer.seeds_added_no_rule": "Ligne témoin : regarder souvent sans le payer. Le registre des ouvertures donne à chaque regard une part de l’erreur.",
    "calibration.answer.seeds_added_no_rule_noisy": "Ligne témoin : regarder souvent sans le payer. Le registre des ouvertures donne à chaque regard une part de l’erreur.",
    "calibration.answer.candidates_no_rule": "Ligne témoin : essayer candidat après candidat sur un même test. Le registre donne à chaque ouverture une part de l’erreur.",
    "calibration.answer.rivals_no_rule": "Ligne témoin : les graines heureuses sur la validation le sont aussi sur le test. La probabilité exigée est corrigée du nombre de rivales (Bonferroni).",
    "calibration.answer.plan_0.25": "Près de l’indifférence, aucune taille ne tranche avec la puissance annoncée : le verdict reste non concluant, et chaque nouvelle ouverture coûte.",
    "calibration.answer.plan_0.5": "Près de l’indifférence, aucune taille ne tranche avec la puissance annoncée : le verdict reste non concluant, et chaque nouvelle ouverture coûte.",
    "calibration.answer.recall_crowds_plain": "Au canari, une image compte au plus pour dix personnes : une foule ne peut décider seule. Une perte concentrée dans les foules y pèse donc moins que dans le rappel brut ; la marge promise porte sur ce rappel-là, non sur le rappel brut, et le canari laisse passer. Une colonne de tranches qui nomme les foules permet à la politique de les protéger sur le test.",
    "calibration.answer.latency_100": "La promesse ne couvre que des rafales au plus aussi longues que `burst_s` ; les blocs doublent quand ils se ressemblent, sans toujours suffire. L’étude doit nommer la plus longue.",
    "calibration.answer.latency_200": "La promesse ne couvre que des rafales au plus aussi longues que `burst_s` ; les blocs doublent quand ils se ressemblent, sans toujours suffire. L’étude doit nommer la plus longue.",
    "metric.mAP": "mAP",
    "metric.f1": "F1",
    "metric.latency": "latence",
    "lab.state.held": "trouvé",
    "lab.state.wrong": "à revoir",
    "lab.state.missing": "manque",
    "lab.chapter.run": "Suivre un run",
    "lab.chapter.grid": "La grille",
    "lab.chapter.error": "Trouvez l’erreur",
    "lab.chapter.chance": "Le hasard",
    "lab.chapter.threshold": "Le point de fonctionnement",
    "lab.chapter.cost": "Ce que ça coûte",
    "lab.chapter.policy": "La politique d’abord",
    "lab.chapter.decide": "Décider",
    "lab.chapter.registry": "Registre, canari, retour arrière",
    "class.sheets": "Comptes de la classe",
    "class.sheet.account": "Serveur : {address}. Compte : {student}. Mot de passe : {password}. L’interface de MLflow les demande ; votre terminal les prend dans ces variables.",
    "class.sheet.then": "La première commande dit si le serveur vous connaît, la dernière rend vos réponses et votre décision ; rendez autant de fois que vous voulez, la dernière compte.",
    "class.marks": "Notes de la classe",
    "class.student": "Élève",
    "class.handed_in": "Rendu",
    "class.yes.True": "oui",
    "class.yes.False": "non",
    "class.submission.True": "Réponses rendues.",
    "class.submission.False": "Rien n’est rendu.",
    "class.passed": "Chapitres tenus",
    "class.summary": "{passed:chapitre tenu|chapitres tenus} sur {chapters}.",
    "class.flaws": "Défauts de l’expérience",
    "class.claims": "Affirmations à reprendre",
    "class.line": "Ligne {line} : {said}",
    "class.same": "Semblable à un autre rendu",
    "class.same.timed": "Mêmes runs, temps compris",
    "class.same.untimed": "Mêmes mesures, sans temps",
    "class.same.wording": "Même décision",
    "class.unread": "Illisible",
    "class.state.passed": "tenu",
    "class.state.failed": "à revoir",
    "class.state.missing": "manque",
    "class.state.unknown": "inconnu",
    "class.twin.timed": "{runs:run a les mesures d’un de ceux|runs ont les mesures de ceux} de {other} jusqu’au dernier chiffre, temps compris : deux entraînements ne durent jamais exactement autant.",
    "class.twin.untimed": "{runs:run a les mesures d’un de ceux|runs ont les mesures de ceux} de {other} jusqu’au dernier chiffre, sans temps mesuré : une copie, ou la même graine sur une même machine.",
    "class.twin.wording": "La décision est, mot pour mot, celle de {other}.",
    "lab.hint.run.name": "Notez le nom d’un run fini de votre expérience, tel que MLflow l’écrit.",
    "lab.hint.run.recall": "Le rappel du run que vous nommez, sur la validation, à trois chiffres : onglet des métriques.",
    "lab.hint.run.precision": "La précision de ce même run, sur la validation : ne la confondez pas avec la mAP.",
    "lab.hint.run.dataset": "L’empreinte est entre parenthèses, à côté du nom du jeu de données : douze signes, sur la page du run.",
    "lab.hint.run.model": "Cherchez, parmi les artefacts de ce run, le fichier de la mesure : celui que l’on enregistrerait.",
    "lab.hint.grid.complete": "{done} runs finis sur {asked} : relancez la même commande, ce qui est fait n’est pas refait.",
    "lab.hint.grid.best": "Une configuration est un nom de run sans sa graine ; comparez les moyennes sur les graines du premier objectif.",
    "lab.hint.error.distinct": "Comptez les lignes différentes du tableau, sans regarder les réglages.",
    "lab.hint.error.persons": "Un rappel est un nombre de personnes trouvées divisé par le nombre de personnes annotées.",
    "lab.hint.error.boxes_per_image": "La précision est le nombre de personnes trouvées divisé par le nombre de boîtes montrées ; il y a dix images.",
    "lab.hint.chance.candidate": "Nommez un run fini de la configuration que vous proposez.",
    "lab.hint.chance.baseline": "Nommez un run fini de la référence, de la même graine si possible.",
    "lab.hint.chance.difference": "Rappel du candidat moins rappel de la référence, sur toutes les images de validation, une fois chacune.",
    "lab.hint.chance.low": "Tirez les images avec remise, les mêmes pour les deux runs, au moins mille fois ; un rappel se recalcule sur les comptes du tirage.",
    "lab.hint.chance.high": "Même tirage que pour la borne basse ; à 95 %, il reste 2,5 % de chaque côté.",
    "lab.hint.threshold.run": "Nommez le run dont vous réglez le seuil.",
    "lab.hint.threshold.threshold": "Un seuil de confiance est un nombre entre 0 et 1.",
    "lab.hint.threshold.precision": "Gardez les boîtes dont la confiance atteint votre seuil, puis comptez celles qui trouvent une personne.",
    "lab.hint.threshold.recall": "Au même seuil : les personnes trouvées, divisées par toutes les personnes annotées.",
    "lab.hint.threshold.costs": "Deux nombres plus grands que zéro : ce que coûte une personne manquée, et ce que coûte une fausse alarme.",
    "lab.hint.threshold.cheapest": "Avec vos deux coûts, faites le total des erreurs sur toute la grille des seuils, et gardez le moins cher.",
    "lab.hint.cost.run": "Nommez le run dont vous lisez les coûts.",
    "lab.hint.cost.latency_p95_ms": "La latence p95 de ce run, en millisecondes ; `promotion choose` la mesure.",
    "lab.hint.cost.low": "Triez les temps : le rang du bout bas est le quantile 0,025 de la loi binomiale.",
    "lab.hint.cost.high": "Triez les temps : le rang du bout haut est le quantile 0,975 de la loi binomiale. Avec moins de 72 images, il n’y en a pas.",
    "lab.hint.cost.energy_wh": "L’énergie de ce run, en wattheures, dans ses métriques.",
    "lab.hint.cost.energy": "L’étiquette `promotion.energy_method` du run dit d’où vient ce nombre.",
    "lab.hint.policy.reasons": "Donnez une raison à chaque objectif et à chaque limite ; sans raison : {lacking:quoted}.",
    "lab.hint.policy.first": "Le test a d’abord été ouvert sous une autre politique : une limite choisie après avoir vu le résultat ne juge rien. Dites-le dans votre décision, ou prenez un autre test.",
    "lab.hint.decide.document": "{file} n’est pas à côté de vos réponses : `promotion lab template` écrit le modèle à remplir.",
    "lab.hint.decide.review": "Affirmations à reprendre : {failed} ; `promotion review` les montre dans votre texte.",
    "lab.hint.registry.production": "Le numéro de la version en Production, ou « none » s’il n’y en a pas : `promotion status`.",
    "lab.hint.registry.events": "Comptez les lignes de l’historique ; un retour arrière en ajoute une.",
    "lab.hint.registry.rollback": "Aucun retour arrière dans l’historique de vos modèles : il y faut deux versions, puis `promotion rollback`.",
    "review.title": "Revue de {name}",
    "review.summary": "{failed} à reprendre, {open} en suspens, {held} tenus.",
    "review.looked": "Runs lus dans l’expérience {experiment}.",
    "review.blind": "Aucun run n’a été retrouvé dans MLflow : le document n’est jugé que sur ce qu’il dit.",
    "review.state.failed": "À reprendre",
    "review.state.open": "En suspens",
    "review.state.held": "Tenu",
    "review.name.objectives": "Objectifs et contraintes",
    "review.name.candidate": "Candidat promu",
    "review.name.comparison": "Comparaison",
    "review.name.risks": "Risques et mitigations",
    "review.name.decision": "Décision",
    "review.subject.candidate": "le candidat",
    "review.subject.baseline": "la référence",
    "review.section.passed": "Les cinq sections du gabarit sont là.",
    "review.section.failed": "La section « {section:section} » manque. Ajoutez-la, même pour y écrire ce que vous ne savez pas.",
    "review.run.passed": "Dans l’expérience {experiment}, ces runs existent : {names:some}.",
    "review.run.unnamed": "Aucun run n’est nommé : personne ne peut retrouver ce qui est promu. Écrivez le nom du run, tel que MLflow le montre.",
    "review.run.absent": "Le document nomme {name} ; parmi les {runs:count} runs finis de l’expérience {experiment}, aucun ne s’appelle ainsi. Retrouvez dans MLflow celui dont vous parlez.",
    "review.run.no_runs": "Le document nomme {names:some}. Sans MLflow, rien ne dit que cela existe : relancez la revue là où sont vos runs.",
    "review.parameter.failed": "Le document écrit {setting} = {claimed} ; le run {run} a {actual}. Duquel parlez-vous ?",
    "review.parameter.name": "Le document écrit {setting} = {claimed}, mais le nom {run} dit {actual}. Duquel parlez-vous ?",
    "review.contradiction.failed": "Pour {subject:subject}, {measure:measure} vaut « {other} » ici et « {one} » à la ligne {first_line}. Un run n’a qu’une valeur : relevez-la dans MLflow.",
    "review.number.passed": "{count:chiffre du document est bien celui d’un run|chiffres du document sont bien ceux des runs}.",
    "review.number.unnamed": "{count:chiffre est donné|chiffres sont donnés} pour {subject:subject}, dont aucun run n’est nommé : personne ne peut vérifier. Nommez ce run.",
    "review.number.loose": "Ces chiffres ne disent pas de quel run ils sont : {shown:some}. Rattachez chacun à un run.",
    "review.number.none": "Aucune mesure n’est chiffrée : une décision sans chiffre ne se discute pas. Relevez dans MLflow ce que vos objectifs demandent.",
    "review.number.no_runs": "{count:chiffre n’est pas vérifié|chiffres ne sont pas vérifiés} : aucun run n’est là pour confirmer.",
    "review.number.unmeasured": "Le document donne {measure:measure} = « {shown} » ; le run {run} ne porte pas cette mesure. Mesurez-la et enregistrez-la dans MLflow, ou retirez le chiffre.",
    "review.number.percent": "Le document donne {measure:measure} = « {shown} » ; le run {run} dit {value:number5}. Un facteur cent les sépare : un pourcentage, ou une part ?",
    "review.number.other_run": "Le document donne {measure:measure} = « {shown} » pour {run}, qui dit {value:number5}. Cette valeur est celle de {other} : deux runs sont-ils mêlés ?",
    "review.number.mean": "Le document donne {measure:measure} = « {shown} » en moyenne pour {configuration} ; la moyenne sur {runs:run|runs} est {value:number5}. Reprenez-la, et dites de quels runs elle est.",
    "review.number.differs": "Le document donne {measure:measure} = « {shown} » ; le run {run} dit {value:number5}. Reprenez la valeur dans MLflow, et dites de quelle découpe elle est.",
    "review.precision.passed": "La précision de {value:percent2} n’est pas passée sous silence.",
    "review.precision.failed": "Une précision de {value:percent2}, c’est une personne trouvée pour {boxes:count} boîtes dessinées, et le document n’en dit rien. Regardez à quel seuil de confiance elle est lue, et combien de boîtes une image y reçoit.",
    "review.precision.nothing": "La précision est nulle : aucune boîte ne tombe juste, et le document n’en dit rien. Regardez à quel seuil de confiance elle est lue.",
    "review.difference.identical": "{candidate} et {other:subject} ont les mêmes mesures jusqu’au dernier chiffre : c’est le même run deux fois. Comparez, dans MLflow, les réglages demandés et appliqués.",
    "review.difference.within": "Face à {other:subject}, le hasard suffit à expliquer : {chances:chances}. Écrivez l’intervalle à côté de la différence, et dites ce qui la montrerait : plus d’images, ou plus de graines.",
    "review.difference.admitted": "Face à {other:subject}, le document reconnaît ce que les runs disent : {chances:chances}.",
    "review.difference.beyond": "Face à {other:subject}, le hasard ne suffit pas à expliquer : {chances:chances}.",
    "review.difference.unknown": "Face à {other:subject}, nul ne sait si le hasard suffit : {chances:chances}. Donnez le nombre d’images et de personnes, ou relancez deux graines au moins de chaque côté.",
    "review.chance.part": "{measure:measure} {difference:signed4} {interval:interval}",
    "review.chance.none": "{measure:measure} {difference:signed4}",
    "review.chance.way.images": "{parts}, sur {images:count} images et {persons:count} personnes, {seeds:graine|graines} par côté",
    "review.chance.way.count": "{parts}, soit {found:found} sur {persons:count} personnes (p {p_value:relation})",
    "review.chance.way.lab": "{parts}, soit {found:found} sur les {persons:count} personnes de la validation du TP (p {p_value:relation})",
    "review.chance.way.guess": "{parts}, si ce sont {found:found} sur {persons:count} personnes, le plus petit nombre qui donne ces rappels",
    "review.chance.way.seeds": "{parts}, d’après {seeds:count} graines par côté, sans le hasard des images",
    "review.chance.way.none": "{parts}",
    "review.found": "{one} contre {other}",
    "review.setting.identical": "Les runs qui ne diffèrent que par {setting} ({values:all}) sont les mêmes jusqu’au dernier chiffre : {names:some}. Cherchez si ce réglage a été appliqué, avant de dire lequel est le meilleur.",
    "review.setting.passed": "De {setting} = {values:toward}, {metric:measure} change de {difference:signed} {interval:interval} en moyenne de {pairs:count} paires de runs : plus que d’une graine à l’autre.",
    "review.setting.failed": "De {setting} = {values:toward}, {metric:measure} change de {difference:signed} {interval:interval} en moyenne de {pairs:count} paires de runs : le hasard des graines suffit. Dites-le, ou ajoutez des graines.",
    "review.setting.one_pair": "De {setting} = {values:toward}, {metric:measure} change de {difference:signed} dans la seule paire de runs qui ne diffère que par là. Une paire ne dit rien du hasard : ajoutez des graines.",
    "review.stability.written": "La stabilité est annoncée, et le document nomme {seeds:seeds}. Trois graines au moins en parlent : relancez, puis donnez l’écart-type.",
    "review.stability.unknown": "La stabilité est annoncée sur {seeds:seeds} ; sans leurs runs, l’écart-type n’est pas vérifié.",
    "review.stability.few": "La stabilité est annoncée ; le candidat n’a été entraîné qu’avec {seeds:graine|graines}, {metric:measure} : {values:numbers}. Trois au moins en parlent : relancez, puis donnez l’écart-type.",
    "review.stability.unwritten": "La stabilité est annoncée sans chiffre ; {seeds:count} graines donnent {metric:measure} {values:numbers}. Écrivez leur écart-type, et ce qui serait trop.",
    "review.stability.passed": "La stabilité est chiffrée : {seeds:count} graines, écart-type {spread:number}.",
    "review.constraint.passed": "« {constraint} » est tenu : {known:known}, pour une limite de {limit}.",
    "review.constraint.broken": "« {constraint} » n’est pas tenu : {known:known}, pour une limite de {limit}. Dites pourquoi promouvoir malgré tout, ou ne promouvez pas.",
    "review.constraint.unmeasured": "« {constraint} » : le run {run} n’a aucune mesure de cela. Une contrainte que rien ne mesure ne contraint rien : mesurez-la sur le modèle promu.",
    "review.constraint.no_number": "« {constraint} » : ni limite, ni mesure dans tout le document. Choisissez la limite avant de regarder, puis mesurez.",
    "review.constraint.no_limit": "« {constraint} » : une mesure est donnée, mais aucune limite. À partir de quelle valeur auriez-vous dit non ?",
    "review.constraint.no_limit_measured": "« {constraint} » : MLflow dit {known:known}, mais aucune limite n’est écrite. À partir de quelle valeur auriez-vous dit non ?",
    "review.constraint.no_measure": "« {constraint} » : un coût en quoi ? Temps, énergie, mémoire : nommez une mesure et sa limite.",
    "review.constraint.unknown": "« {constraint} » : la revue n’y reconnaît aucune mesure. Dites laquelle la contrôle, et sa limite.",
    "review.constraint.no_runs": "« {constraint} » a une limite ({limit}) ; sans MLflow, rien ne dit si elle est tenue.",
    "review.adjective.failed": "Sans chiffre : {words:quoted}. Donnez la mesure des deux côtés{measures:wanted}, ou retirez le mot.",
    "review.adjective.unmeasured": "Sans chiffre : {words:quoted}, et le run promu ne porte rien qui le dise{measures:wanted}. Mesurez, ou retirez le mot.",
    "review.adjective.measured": "Sans chiffre : {words:quoted}. Le run promu dit pourtant {known:known}. Écrivez-le, à côté de la valeur de l’autre run.",
    "review.wanted": " ({measures} par exemple)",
    "review.or": " ou ",
    "review.seeds.none": "aucune graine",
    "review.seeds.one": "une seule graine ({seeds})",
    "review.seeds.some": "{count} graines ({seeds})",
    "review.artifact.passed": "Les mesures de {run} portent sur l’artefact que l’on promeut.",
    "review.artifact.failed": "L’artefact gardé par {run} ({kept}) n’est pas celui qui a été mesuré ({measured}) : les chiffres décrivent un autre modèle. Remesurez celui que vous promouvez.",
    "review.artifact.changed": "L’artefact de {run} a changé depuis sa mesure. Remesurez-le avant de le promouvoir.",
    "review.artifact.registered": "Le document promeut {run}, mais le modèle enregistré, {version}, vient de {other}. Enregistrez le run promu, ou corrigez le document.",
    "review.artifact.unknown": "Rien dans MLflow ne dit si les mesures de {run} sont celles de l’artefact gardé : dernière époque, ou meilleure ?",
    "review.artifact.no_runs": "Sans le run promu, rien ne dit si l’artefact est celui qui a été mesuré.",
    "review.verdict.failed": "La section « Décision » ne dit ni oui, ni non. Tranchez, ou écrivez ce qui manque pour trancher.",
}


def text(key: str) -> str:
    """The text of a key, in the language that the report speaks.

    Raises:
        KeyError: the key is not in the catalogue.
    """
    return typeset(REPORT.spoken().pgettext(key, TEXTS[key]))


def has_text(key: str) -> bool:
    """Whether the catalogue has a text of this key."""
    return key in TEXTS


def sentence(key: str, facts: Mapping[str, Any]) -> str:
    """The text of a key with its facts in their places, each formatted as the text asks.

    Raises:
        KeyError: the key is not in the catalogue, or a fact is missing.
    """
    return _WRITER.vformat(text(key), (), facts)


def some(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    shown = listed(names[:MOST_NAMES])
    more = len(names) - MOST_NAMES
    return shown + text("audit.more").format(more=more) if more > 0 else shown


def listed(parts: Sequence[str]) -> str:
    """Several things one after the other, apart."""
    return text("list.apart").join(parts)


def named(name: str, value: str) -> str:
    """A value behind its name."""
    return text("list.named").format(name=name, value=value)


def typeset(told: str) -> str:
    """Put no-break spaces where French typography wants them: before : ; ! ? % », after «.

    Another language is left as it is.
    """
    if spoken() != SOURCE:
        return told
    told = re.sub(r"(?<=\S) (?=[:%»](?:\s|$|[.,;)]))", NBSP, told)
    told = re.sub(r"(?<=\S) (?=[;!?](?:\s|$))", NARROW_NBSP, told)
    return told.replace("« ", f"«{NBSP}")


def capital(told: str) -> str:
    """A sentence with its first letter as one begins; a word with capitals of its own keeps them."""
    word = told.partition(" ")[0]
    return told[:1].upper() + told[1:] if word == word.lower() else told


def number(value: float | None, digits: int = 3) -> str:
    """A number as the language writes it, with a true minus."""
    if value is None or not math.isfinite(value):
        return MISSING
    return _minus(format_decimal(value, f"#,##0.{'0' * digits}", locale()))


def signed(value: float | None, digits: int = 3) -> str:
    """A difference, with its sign, which what rounds to nothing has not."""
    shown = number(value, digits)
    return f"+{shown}" if value is not None and value > 0 and not _is_nothing(shown) else shown


def percent(value: float | None, digits: int = 0) -> str:
    """A share as a percentage."""
    if value is None or not math.isfinite(value):
        return MISSING
    pattern = locale().percent_formats[None].pattern
    return _minus(format_percent(value, pattern.replace("0", f"0.{'0' * digits}", 1), locale()))


def day(when: str) -> str:
    """A day in ISO 8601, its month in words: 25 novembre 2026; what is no day stays as it is."""
    try:
        return format_date(date.fromisoformat(when), "long", locale())
    except ValueError:
        return when


def moment(when: str) -> str:
    """A moment in ISO 8601, in Coordinated Universal Time; what is no moment stays as it is."""
    try:
        return format_datetime(datetime.fromisoformat(when), "medium", UTC, locale())
    except ValueError:
        return when


def _minus(shown: str) -> str:
    return shown.replace("-", "" if _is_nothing(shown) else MINUS)


def _is_nothing(shown: str) -> bool:
    """Whether a number is shown as zero, whatever it was before it was rounded."""
    return not any(digit in shown for digit in "123456789")


def probability(value: float | None) -> str:
    """A probability estimated from draws: never written as exactly 0 or 1."""
    shown = relation(value)
    return shown.removeprefix(f"={NBSP}")


def relation(value: float | None) -> str:
    """A probability with its sign, to stand behind `P`: = 0,412 or > 0,999."""
    if value is None:
        return MISSING
    if value < 0.001:
        return f"<{NBSP}{number(0.001)}"
    if value > 0.999:
        return f">{NBSP}{number(0.999)}"
    return f"={NBSP}{number(value)}"


def interval(bounds: tuple[float, float] | None, digits: int = 3) -> str:
    """An interval as the language writes it: [a ; b], or [a, b] where the comma is free."""
    if bounds is None:
        return MISSING
    low, high = (number(bound, digits) for bound in bounds)
    return text("list.interval").format(low=low, high=high)


def measured(name: str, value: float | None) -> str:
    """A measured value with the digits that its unit deserves."""
    return number(value, MEASURES[name].digits if name in MEASURES else 3)


def bounded(name: str, found: MeasureBounds) -> str:
    """A difference of a measure, with its bounds where they are more than itself."""
    if found.value is None:
        return MISSING
    digits = MEASURES[name].digits
    shown = signed(found.value, digits)
    if found.low is None or found.high is None or found.low == found.high:
        return shown
    return f"{shown} {interval((found.low, found.high), digits)}"


def _threshold(value: float | None) -> str:
    return text("audit.operating-point.no_threshold") if value is None else number(value)


def _aside(count: int) -> str:
    return sentence("audit.aside", {"count": count}) if count else ""


def _measure(name: str) -> str:
    """A metric's name in words where there are any, else as it was logged."""
    return text(f"metric.{name}") if f"metric.{name}" in TEXTS else name


def _needed(persons: float | None) -> str:
    if persons is None:
        return text("audit.enough-images.never")
    return sentence("audit.enough-images.needed", {"persons": persons})


def slice_name(name: str) -> str:
    """A slice, or a way of slicing, in words; a user's own is shown as it is."""
    return text(f"slice.{name}") if f"slice.{name}" in TEXTS else name


def constraint_name(name: str) -> str:
    """A constraint of the lab in words; a user's own is shown as it is."""
    return text(f"constraint.{name}") if f"constraint.{name}" in TEXTS else name


def _section(name: str) -> str:
    return text(f"review.name.{name}")


def _subject(name: str) -> str:
    """A run as a document calls it: its name, or the part that it plays."""
    key = f"review.subject.{name}"
    return text(key) if key in TEXTS else name


def _chances(found: Sequence[Mapping[str, Any]]) -> str:
    """Differences, those that are known in the same way together."""
    told = []
    for way, some in groupby(found, key=lambda one: one["way"] or "none"):
        of = list(some)
        part = "review.chance.none" if way == "none" else "review.chance.part"
        parts = ", ".join(sentence(part, one) for one in of)
        told.append(sentence(f"review.chance.way.{way}", {**of[0], "parts": parts}))
    return f"{NARROW_NBSP}; ".join(told)


def _known(values: Mapping[str, float]) -> str:
    told = [f"{_measure(name)} = {measured(name, value)}" for name, value in values.items()]
    return f"{NARROW_NBSP}; ".join(told)


def _wanted(measures: Sequence[str]) -> str:
    if not measures:
        return ""
    return text("review.wanted").format(measures=text("review.or").join(map(_measure, measures)))


def _seeds(seeds: Sequence[str]) -> str:
    key = {0: "none", 1: "one"}.get(len(seeds), "some")
    return sentence(f"review.seeds.{key}", {"seeds": ", ".join(seeds), "count": len(seeds)})


def rule_value(value: Any) -> str:
    """A value of a policy's rule."""
    if isinstance(value, bool):
        return text(f"value.{str(value).lower()}")
    if isinstance(value, int | float):
        return format_decimal(value, "#,##0.######", locale())
    if isinstance(value, list):
        value = ", ".join(map(rule_value, value))
    return value or MISSING


def _policy_changes(changes: Mapping[str, Any]) -> str:
    """How often a test was opened by other policies, and what they asked otherwise."""
    told = [
        text("policy.rule").format(
            name=one["name"],
            before=text("policy.then").join(map(rule_value, one["before"])),
            after=rule_value(one["after"]),
        )
        for one in changes["rules"]
    ]
    if changes["unknown"]:
        told.append(sentence("policy.unknown", changes))
    facts = {**changes, "when": changes["when"][:10], "rules": listed(told)}
    return sentence("policy.times", facts)


def _span(values: Sequence[float]) -> str:
    """From the least to the greatest of several values, as they are shown."""
    low, high = number(min(values)), number(max(values))
    return low if low == high else text("list.span").format(low=low, high=high)


# How a text may ask for a fact, as in {difference:signed}.
_FORMATS: dict[str, Callable[[Any], str]] = {
    "all": ", ".join,
    "chances": _chances,
    "aside": _aside,
    "day": day,
    "constraints": lambda names: ", ".join(map(constraint_name, names)),
    "contender": lambda side: text(f"contender.{side}"),
    "count": lambda value: number(value, 0),
    "course": lambda values: " → ".join(dict.fromkeys(map(number, values))),
    "criterion": lambda name: text(f"canary.{name}"),
    "criteria": lambda names: ", ".join(text(f"canary.{name}") for name in names),
    "found": lambda pair: sentence("review.found", {"one": pair[0], "other": pair[1]}),
    "gate": str,
    "interval": interval,
    "known": _known,
    "metric": lambda name: text(f"metric.{name}"),
    "measure": _measure,
    "needed": _needed,
    "measures": lambda names: ", ".join(text(f"metric.{name}") for name in names),
    "percent": percent,
    "policy_changes": _policy_changes,
    "notes": lambda notes: some([sentence(f"note.{one['id']}", one["facts"]) for one in notes]),
    "number": number,
    "number0": lambda value: number(value, 0),
    "number5": lambda value: number(value, 5),
    "numbers": lambda values: f"{NARROW_NBSP}; ".join(map(number, values)),
    "number1": lambda value: number(value, 1),
    "percent1": lambda value: percent(value, 1),
    "percent2": lambda value: percent(value, 2),
    "quoted": lambda words: ", ".join(f"«{NBSP}{word}{NBSP}»" for word in words),
    "relation": relation,
    "role": lambda name: text(f"role.{name}"),
    "section": _section,
    "seeds": _seeds,
    "signed": signed,
    "signed4": lambda value: signed(value, 4),
    "slice": slice_name,
    "some": some,
    "subject": _subject,
    "span": _span,
    "split": lambda name: text(f"split.{name}"),
    "state": lambda name: text(f"state.{name}").strip("*"),
    "threshold": _threshold,
    "toward": " → ".join,
    "wanted": _wanted,
    "verdict": lambda name: text(f"verdict.{name}"),
}


class _Writer(Formatter):
    """Python's own format strings, with the catalogue's ways of writing a fact.

    A count may bring the word that it counts, for one and for others: {lost:slice|slices}.
    """

    def format_field(self, value: Any, format_spec: str) -> str:
        if format_spec in _FORMATS:
            return _FORMATS[format_spec](value)
        if "|" in format_spec:
            one, others = format_spec.split("|")
            word = one if locale().plural_form(value) == "one" else others
            return f"{number(value, 0)} {word}"
        return str(super().format_field(value, format_spec))


_WRITER = _Writer()
