"""The language of formulas: its text as a tree.

    if([Seats] > 0, [Price] / [Seats], 0) & " a seat"

Numbers, texts in quotes, fields by name or as [Label], + - * / &, comparisons, and, or, not, functions. Nothing else: there is no
way from here to Python or SQL. A tree is bounded in length, depth and number of nodes.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

LONGEST, MOST_NODES, MOST_DEPTH, MOST_DIGITS = 2_000, 150, 20, 15
TOKENS = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<number>\d+(?:\.\d+)?)"
    r'|(?P<text>"(?:[^"]|"")*")'
    r"|(?P<label>\[[^\[\]]+\])"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<sign><=|>=|<>|!=|[-+*/&=<>(),])"
)
BINDS = {
    "or": 1,
    "and": 2,
    "=": 4,
    "<>": 4,
    "!=": 4,
    "<": 4,
    "<=": 4,
    ">": 4,
    ">=": 4,
    "&": 5,
    "+": 6,
    "-": 6,
    "*": 7,
    "/": 7,
}
NOT_BINDS, MINUS_BINDS = 3, 8
WORDS = {"and", "or", "not"}


class FormulaError(ValueError):
    """What is wrong with a formula, in words; `at`: the place in its text, where one is known."""

    def __init__(self, message: str, at: int | None = None):
        super().__init__(message)
        self.at = at


@dataclass(frozen=True)
class Node:
    """A part of a formula, with its place in the text. `kind`: number, text, field or call; the `value` of a field is its name or its
    [Label], that of a call the operator or function."""

    kind: str
    value: Any
    parts: tuple["Node", ...] = ()
    at: int = 0
    end: int = 0

    def walk(self) -> Iterator["Node"]:
        yield self
        for part in self.parts:
            yield from part.walk()


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    at: int

    @property
    def end(self) -> int:
        return self.at + len(self.text)


def parse(text: str) -> Node:
    """Raises FormulaError."""
    if len(text) > LONGEST:
        raise FormulaError(_("A formula can have up to %(n)d characters.") % {"n": LONGEST})
    return _Parser(_tokens(text)).whole()


def _tokens(text: str) -> list[_Token]:
    found, at = [], 0
    while at < len(text):
        match = TOKENS.match(text, at)
        if match is None:
            raise FormulaError(_unread(text, at), at)
        if match.lastgroup != "space":
            found.append(_Token(str(match.lastgroup), match[0], at))
        at = match.end()
    return [*found, _Token("end", "", at)]


def _unread(text: str, at: int) -> str:
    if text[at] == '"':
        return _('A text begins with " and has no end.')
    if text[at] == "[":
        return _("A field begins with [ and has no ].")
    return _("“%(sign)s” means nothing in a formula.") % {"sign": text[at : at + 1]}


class _Parser:
    """Precedence climbing."""

    def __init__(self, tokens: list[_Token]):
        self.tokens, self.place, self.nodes = tokens, 0, 0

    @property
    def here(self) -> _Token:
        return self.tokens[self.place]

    def take(self) -> _Token:
        token = self.here
        self.place += 1
        return token

    def whole(self) -> Node:
        if self.here.kind == "end":
            raise FormulaError(_("Enter a formula."))
        found = self.expression(0, 1)
        if self.here.kind != "end":
            raise FormulaError(_("“%(what)s” is not expected here.") % {"what": self.here.text[:40]}, self.here.at)
        return found

    def made(self, kind: str, value: Any, parts: tuple[Node, ...], at: int, end: int) -> Node:
        self.nodes += 1
        if self.nodes > MOST_NODES:
            raise FormulaError(_("A formula can have up to %(n)d parts.") % {"n": MOST_NODES})
        return Node(kind, value, parts, at, end)

    def expression(self, binds: int, depth: int) -> Node:
        if depth > MOST_DEPTH:
            raise FormulaError(_("A formula can be up to %(n)d deep.") % {"n": MOST_DEPTH}, self.here.at)
        left, length = self.operand(depth), 0
        while (operator := self.here.text.lower()) in BINDS and self.here.kind in ("sign", "name"):
            strength = BINDS[operator]
            if strength <= binds:
                break
            length += 1
            if depth + length > MOST_DEPTH * 2:  # a + b + c …: each one is a level of the tree
                raise FormulaError(_("A formula can be up to %(n)d deep.") % {"n": MOST_DEPTH}, self.here.at)
            self.take()
            right = self.expression(strength, depth + 1)
            operator = "<>" if operator == "!=" else operator
            left = self.made("call", operator, (left, right), left.at, right.end)
        return left

    def operand(self, depth: int) -> Node:
        token = self.take()
        if token.kind == "number":
            if len(token.text.replace(".", "")) > MOST_DIGITS:
                raise FormulaError(_("Use at most %(n)d digits.") % {"n": MOST_DIGITS}, token.at)
            return self.made("number", Decimal(token.text), (), token.at, token.end)
        if token.kind == "text":
            return self.made("text", token.text[1:-1].replace('""', '"'), (), token.at, token.end)
        if token.kind == "label":
            return self.made("field", token.text, (), token.at, token.end)
        if token.kind == "name" and token.text.lower() not in WORDS:
            return self.call(token, depth) if self.here.text == "(" else self.word(token)
        if token.text == "(":
            found = self.expression(0, depth + 1)
            self.expect(")")
            return found
        if token.text == "-" or token.text.lower() == "not":
            binds, value = (MINUS_BINDS, "negative") if token.text == "-" else (NOT_BINDS, "not")
            part = self.expression(binds, depth + 1)
            return self.made("call", value, (part,), token.at, part.end)
        if token.kind == "end":
            raise FormulaError(_("The formula ends too early."), token.at)
        raise FormulaError(_("“%(what)s” is not expected here.") % {"what": token.text[:40]}, token.at)

    def word(self, token: _Token) -> Node:
        if token.text.lower() == "today":
            return self.made("call", "today", (), token.at, token.end)
        return self.made("field", token.text, (), token.at, token.end)

    def call(self, token: _Token, depth: int) -> Node:
        self.expect("(")
        parts: list[Node] = []
        if self.here.text != ")":
            parts.append(self.expression(0, depth + 1))
            while self.here.text == ",":
                self.take()
                parts.append(self.expression(0, depth + 1))
        end = self.expect(")")
        return self.made("call", token.text.lower(), tuple(parts), token.at, end)

    def expect(self, sign: str) -> int:
        if self.here.kind != "sign" or self.here.text != sign:
            words = _("A “%(sign)s” is missing.") % {"sign": sign}
            raise FormulaError(words, self.here.at)
        return self.take().end
