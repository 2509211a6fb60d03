"""The claims ledger as a table."""

from kit.claims import claims_table
from kit.views.html import Html, table_html


def show_claims(lesson=None):
    """The claims of `lesson` ("01", or None for all) with what their inputs really give."""
    table = claims_table(lesson)
    headers = {"number": "no.", "says": "the chapter says"}
    return Html(table_html(table, "What the chapter says, recomputed", headers), str(table))
