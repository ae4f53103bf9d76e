"""The text syntax of conditions; its grammar is in ``docs/reference/query-syntax.md``."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Any

from biotrail.errors import MissingDependencyError, QueryError, QuerySyntaxError
from biotrail.query._reading import Misfit, Reading
from biotrail.query.condition import Condition

if TYPE_CHECKING:
    from lark.exceptions import UnexpectedInput
    from lark.lark import Lark

__all__ = ["MAXIMUM_TEXT", "parse_condition"]

MAXIMUM_TEXT = 8_192
"""The longest text that is read, in characters."""

_GRAMMAR = r"""
start: either
?either: both ("or"i both)*
?both: single ("and"i single)*
?single: "not"i single -> negated
    | "(" either ")"
    | name OPERATOR value -> compare
    | name "in"i "(" value ("," value)* ")" -> one_of
    | name "in"i value -> within
    | name "within"i WORD "km"i "of"i WORD "," WORD -> near
    | name "starts"i "with"i value -> starts_with
    | name "exists"i -> exists
name: WORD | OWN STRING
?value: WORD | STRING
OPERATOR: "!=" | "<=" | ">=" | "==" | "=" | "<" | ">"
OWN.2: /(label|attribute)\.(?=")/i
STRING: /"(\\.|[^"\\])*"/s
WORD: /[^\s()=<>!,;"']+/i
%ignore /\s+/
"""
_EXAMPLE = "a condition is for example: outcome = failure and ip in 10.0.0.0/8"
_WORDS = {
    "WORD": "a word",
    "STRING": 'text in "quotes"',
    "OPERATOR": "a comparison",
    "LPAR": "'('",
    "RPAR": "')'",
    "COMMA": "','",
    "$END": "the end",
}


def parse_condition(text: str) -> Condition:
    """Read a condition from text, as in ``subject = "anna" and not score < 0.5``.

    Args:
        text: Up to 8,192 characters.

    Raises:
        QuerySyntaxError: It cannot be read: says where, and what may have been meant.
        QueryError: It is no text.
        MissingDependencyError: The package lark is not installed (extra ``query``).
    """
    if not isinstance(text, str):
        raise QueryError(f"a condition is text or a Condition, not a {type(text).__name__}")
    if len(text) > MAXIMUM_TEXT:
        what = f"a condition has at most {MAXIMUM_TEXT:,} characters, this has {len(text):,}"
        raise QuerySyntaxError(what, text, MAXIMUM_TEXT)
    if not text.strip():
        raise QuerySyntaxError("nothing is asked for", text, 0, _EXAMPLE)
    parser: Any = _parser()
    from lark.exceptions import UnexpectedInput

    try:
        found: Any = parser.parse(text)
    except Misfit as error:
        raise QuerySyntaxError(error.what, text, error.position, error.hint) from None
    except UnexpectedInput as error:
        raise _unexpected(text, error) from None
    condition: Condition = found.condition
    return condition


@cache
def _parser() -> Lark:
    try:
        from lark.lark import Lark
    except ImportError as error:
        raise MissingDependencyError(
            "conditions as text need the package lark: pip install 'biotrail[query]'; conditions "
            "written in Python (biotrail.field) need nothing"
        ) from error
    # With its callbacks in the parser itself, no tree is built, and none is walked down.
    make: Any = Lark
    found: Lark = make(_GRAMMAR, parser="lalr", transformer=Reading(), maybe_placeholders=False)
    return found


def _unexpected(text: str, raised: UnexpectedInput) -> QuerySyntaxError:
    """What stands where it cannot, and what could."""
    error: Any = raised
    token = getattr(error, "token", None)
    allowed = getattr(error, "accepts", None) or getattr(error, "allowed", None) or ()
    names = sorted({str(one) for one in allowed})
    if token is not None and token.type == "$END":
        what = "the condition is not complete"
        return QuerySyntaxError(what, text, len(text.rstrip()), _expected(names))
    at = error.pos_in_stream or 0
    if token is None and text[at : at + 1] == '"':
        return QuerySyntaxError("this quote is not closed", text, at)
    found = text[at : at + 1] if token is None else str(token)
    if found.startswith("'"):
        return QuerySyntaxError("text stands in double quotes", text, at)
    keywords = [one.lower() for one in names if one.isalpha() and one not in _WORDS]
    close = get_close_matches(found.lower(), keywords, n=1, cutoff=0.6)
    hint = f"did you mean {close[0]!r}?" if close else _expected(names)
    return QuerySyntaxError(f"{_shortened(found)!r} cannot stand here", text, at, hint)


def _expected(names: Iterable[str]) -> str | None:
    words = [_WORDS.get(one, repr(one.lower())) for one in names if one != "OWN"]
    return f"here may stand {', '.join(dict.fromkeys(words))}" if words else None


def _shortened(found: str) -> str:
    return found if len(found) <= 40 else f"{found[:40]}..."
