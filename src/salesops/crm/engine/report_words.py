"""Words by which reports give away their titles, totals and footers, in several languages."""

from __future__ import annotations

import re

_TOTAL = (
    r"grand\s+totals?|sub[\s-]?totals?|totals?|counts?|record\s+count|row\s+count|"
    r"sum(?:\s+of)?|averages?|avg|"
    r"min(?:imum)?|max(?:imum)?|median|"
    r"gesamtsummen?|zwischensummen?|teilsummen?|teilergebnis|gesamtergebnis|gesamt(?:betrag)?|summen?|anzahl|"
    r"durchschnitt|mittelwert|"
    r"sous[\s-]totaux|sous[\s-]total|total\s+g[ée]n[ée]ral|total\s+global|somme|nombre|moyenne|"
    r"total\s+general|suma(?:\s+total)?|recuento|promedio|subtotales|totales|"
    r"totale(?:\s+(?:generale|complessivo|parziale))?|subtotale|somma|conteggio|media|"
    r"total\s+geral|soma|contagem|m[ée]dia|"
    r"eindtotaal|subtotaal|totaal|som|aantal|gemiddelde|"
    r"suma\s+ca[łl]kowita|razem|celkem|sum[ae]\s+totalt|summa|i\s+alt|yhteens[äa]|"
    r"итого|общий\s+итог|промежуточный\s+итог|всего|количество|"
    r"総計|合計|小計|件数|总计|小计|合计|계|총계|소계"
)
TOTAL_WHOLE = re.compile(rf"^(?:{_TOTAL})\s*(?::|\(\s*[\d.,\s]+[^)]*\))?\s*[\d.,\s]*$", re.IGNORECASE)
"""A cell that is nothing but a total's label (and perhaps a number)."""

TOTAL_PART = re.compile(
    rf"^(?:(?:sub[\s-]?total|grand\s+total|total|count|sum|average|summe|anzahl|sous-total)\s+(?:for|of|in|von|für|de|pour)\b"
    rf"|.+\s(?:{_TOTAL})\s*(?:\(\s*[\d.,\s]+[^)]*\))?$)",
    re.IGNORECASE,
)
"""'Total for Europe', 'Closed Won Total': believed only where the rest of the row is figures."""

TOTAL_HINT = rf"(?i)(?:^|\s)(?:{_TOTAL})(?:[\s:(\d.,]|$)"
"""What the cell of a total holds at least. RE2 pre-filter for whole columns."""

FOOTER = re.compile(
    r"confidential information|do not distribute|^copyright\b|^\(c\)|©|all rights reserved|"
    r"^generated (?:by|on|at|from)\b|^erstellt (?:von|am)\b|^g[ée]n[ée]r[ée] (?:par|le)\b|"
    r"^exported (?:by|on|from)\b|"
    r"^report generated|^run (?:by|on|date)\b|^printed (?:by|on)\b|^page \d+(?: of \d+)?$|^seite \d+|"
    r"vertrauliche informationen|informations? confidentielles?|informaci[óo]n confidencial|"
    r"^applied filters?:|"
    r"^end of (?:report|file)\b|^salesforce\.com|^stand:? \d",
    re.IGNORECASE,
)
RECORD_COUNT = re.compile(
    r"^\(?\s*(?:total\s+)?(?:records?|rows?|count|datens[äa]tze|enregistrements|"
    r"registros)\s*[:=]?\s*[\d.,]+\s*\)?$|"
    r"^\(?\s*[\d.,]+\s+(?:total\s+)?(?:records?|rows?|datens[äa]tze|zeilen|enregistrements|lignes|registros)"
    r"(?:\s+(?:found|total|affected|selected))?\s*\)?\.?$",
    re.IGNORECASE,
)
HEADING = re.compile(
    r"^(?P<label>[^:]{1,60}?)\s*:\s*(?P<value>.*?)\s*(?:\(\s*[\d.,]+\s*[^)\d]*\))?\s*$", re.DOTALL
)
"""'Stage: Closed Won (23 records)' standing alone above its rows."""

AS_OF = re.compile(
    r"\b(?:as\s+of|stand(?:\s+vom)?|per|generated\s+(?:on|at)|exported\s+on|report\s+date|"
    r"run\s+date|data\s+as\s+of|"
    r"data\s+date|erstellt\s+am|au|en\s+date\s+du|a\s+fecha\s+de)\s*:?\s+(?P<text>[^•|;]*\d{1,4}[^•|;]*)",
    re.IGNORECASE,
)
FILTER = re.compile(
    r"^(?:filter(?:ed)?(?:\s+by|s)?|show|units|date\s+(?:range|field)|opportunity\s+status|probability|"
    r"close\s+date|created\s+date|range|scope|role|zeitraum|anzeigen|filtres?|owner|"
    r"sorted\s+by|grouped\s+by)\b.*",
    re.IGNORECASE,
)
ARROWS = "↑↓▲▼⬆⬇⇧⇩△▽⯅⯆"
