"""How a text betrays its language: words that stand in hardly any text of the other one."""

from __future__ import annotations

import re

FRENCH = re.compile(r"\b(le|les|des|une|est|sont|du|dans|avec|pour|pas|qui|sur|par)\b|[éèêçœ«»]")
ENGLISH = re.compile(r"\b(the|of|is|are|which|with|from|than|against|what)\b", re.IGNORECASE)
