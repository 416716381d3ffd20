"""Read a template in Go's language into nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resticprof.errors import TemplateError, did_you_mean
from resticprof.templates import lexer, literals
from resticprof.templates.lexer import Kind, Token
from resticprof.templates.nodes import (
    Action,
    Call,
    Chain,
    Command,
    Dot,
    Function,
    If,
    Jump,
    Literal,
    Nil,
    Node,
    Operand,
    Pipeline,
    Range,
    Template,
    Text,
    Variable,
    With,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

_CONTROLS: dict[str, Callable[..., If | With | Range]] = {"if": If, "with": With, "range": Range}
_KEYWORDS = {*_CONTROLS, "else", "end", "define", "template", "block", "break", "continue"}
_READERS: dict[Kind, Callable[[str], str | int | float]] = {
    Kind.STRING: literals.quoted,
    Kind.RAW: lambda text: text[1:-1].replace("\r", ""),
    Kind.CHARACTER: literals.character,
    Kind.NUMBER: literals.number,
}
_CONSTANTS: dict[str, Literal | Nil] = {
    "true": Literal(value=True),
    "false": Literal(value=False),
    "nil": Nil(),
}


def parse(text: str, file: str, functions: Collection[str]) -> tuple[Template, dict[str, Template]]:
    """The template itself, and the templates that it defines by name."""
    return _Parser(lexer.tokens(text, file), file, functions).run()


class _Parser:
    """Recursive descent: a method for each rule of the grammar."""

    def __init__(self, tokens: list[Token], file: str, functions: Collection[str]) -> None:
        self.tokens = tokens
        self.index = 0
        self.file = file
        self.functions = functions
        self.defined: dict[str, Template] = {}
        self.variables = ["$"]  # those that can be used at this place
        self.open: list[Token] = []  # the statements that wait for their `end`

    def run(self) -> tuple[Template, dict[str, Template]]:
        body, ender = self.body()
        if ender.kind is not Kind.END:
            raise self.error(f"`{ender.text}` has nothing to end", ender)
        return Template("", self.file, body), self.defined

    # ── statements ──

    def body(self) -> tuple[tuple[Node, ...], Token]:
        """Nodes up to `end`, `else` or the end of the template, and which of them it was."""
        nodes: list[Node] = []
        while True:
            token = self.take()
            if token.kind is Kind.END:
                if self.open:
                    raise self.error(f"`{self.open[-1].text}` has no `end`", self.open[-1])
                return tuple(nodes), token
            if token.kind is Kind.TEXT:
                nodes.append(Text(token.text, token.line))
                continue
            keyword = self.peek()
            if keyword.kind is not Kind.NAME or keyword.text not in _KEYWORDS:
                nodes.append(Action(self.pipeline("an action"), token.line))
                continue
            self.take()
            if keyword.text in ("end", "else"):
                return tuple(nodes), keyword
            nodes += self.statement(keyword)

    def statement(self, keyword: Token) -> list[Node]:
        if keyword.text in _CONTROLS:
            return [self.control(keyword)]
        if keyword.text in ("break", "continue"):
            return [self.jump(keyword)]
        if keyword.text == "define":
            return self.define(keyword)
        return [self.call(keyword)]

    def control(self, keyword: Token) -> Node:
        """`if`, `with` or `range`, up to and with its `end`."""
        visible = len(self.variables)
        self.open.append(keyword)
        pipeline = self.pipeline(keyword.text)
        body, ender = self.body()
        otherwise: tuple[Node, ...] = ()
        if ender.text == "else":
            otherwise = self.otherwise(keyword, ender)
        else:
            self.close(ender)
        self.open.pop()
        del self.variables[visible:]
        return _CONTROLS[keyword.text](pipeline, body, otherwise, keyword.line)

    def otherwise(self, keyword: Token, word: Token) -> tuple[Node, ...]:
        """What follows `else`, up to and with the `end` of the whole statement."""
        following = self.peek()
        self.open[-1] = word
        if keyword.text in ("if", "with") and following.text == keyword.text:
            return (self.control(self.take()),)
        self.close(word)
        body, ender = self.body()
        if ender.text == "else":
            raise self.error("a second `else`", ender)
        self.close(ender)
        return body

    def jump(self, keyword: Token) -> Node:
        if not any(statement.text == "range" for statement in self.open):
            raise self.error(f"`{keyword.text}` outside of a `range`", keyword)
        self.close(keyword)
        return Jump(keyword.text, keyword.line)

    def define(self, keyword: Token) -> list[Node]:
        if self.open:
            raise self.error(f"`define` inside of a `{self.open[-1].text}`", keyword)
        name = self.name(keyword)
        self.close(keyword)
        self.definition(name, keyword)
        return []

    def call(self, keyword: Token) -> Node:
        """`template`, or `block`, which defines a template and calls it."""
        name = self.name(keyword)
        pipeline = None
        if keyword.text == "template" and self.peek().kind is Kind.CLOSE:
            self.take()
        else:
            pipeline = self.pipeline(keyword.text)
        if keyword.text == "block":
            self.definition(name, keyword)
        return Call(name, pipeline, keyword.line)

    def definition(self, name: str, keyword: Token) -> None:
        """The body of a `define` or `block`, which sees nothing of what is around it."""
        around = self.variables, self.open
        self.variables, self.open = ["$"], [keyword]
        body, ender = self.body()
        if ender.text != "end":
            raise self.error(f"`else` in a `{keyword.text}`", ender)
        self.close(ender)
        self.variables, self.open = around
        template = Template(name, self.file, body)
        if name not in self.defined or self.defined[name].blank:
            self.defined[name] = template
        elif not template.blank:
            raise self.error(f"the template `{name}` is defined twice", keyword)

    def name(self, keyword: Token) -> str:
        token = self.take()
        if token.kind not in (Kind.STRING, Kind.RAW):
            raise self.error(f"`{keyword.text}` wants the name of a template in quotes", token)
        return str(self.literal(token).value)

    def close(self, keyword: Token) -> None:
        """Step over the end of an action that holds nothing more."""
        token = self.take()
        if token.kind is not Kind.CLOSE:
            raise self.error(f"`{token.text}` after `{keyword.text}`", token)

    # ── pipelines ──

    def pipeline(self, context: str, *, closing: str = lexer.RIGHT) -> Pipeline:
        """Commands up to and with what closes them."""
        variables, assigns = self.declaration(context)
        self.variables += variables
        commands = [self.command(context)]
        while self.peek().text == "|":
            mark = self.take()
            if self.peek().text == closing:
                break  # Go does not mind a last `|` that leads nowhere
            commands.append(self.command(context))
            if isinstance(commands[-1].operands[0], Literal | Nil | Dot):
                raise self.error("what follows `|` must be a function, a method or a field", mark)
        token = self.take()
        if token.text != closing:
            raise self.error(
                f"`{token.text or token.kind.value}` where `{closing}` should be", token
            )
        return Pipeline(tuple(commands), variables, assigns)

    def declaration(self, context: str) -> tuple[tuple[str, ...], bool]:
        """`$x :=`, `$x =`, and for `range` also `$i, $e :=`; otherwise nothing."""
        first, mark, second, last = (self.peek(ahead) for ahead in range(4))
        if first.kind is not Kind.VARIABLE:
            return (), False
        names: tuple[str, ...] = (first.text,)
        if context == "range" and mark.text == "," and second.kind is Kind.VARIABLE:
            names, mark = (first.text, second.text), last
        if mark.text not in (":=", "="):
            return (), False
        self.index += 2 * len(names)
        return names, mark.text == "="

    def command(self, context: str) -> Command:
        operands = [self.operand(context)]
        while self.peek().kind is not Kind.CLOSE and self.peek().text not in ("|", ")"):
            if not self.peek().spaced:
                raise self.error(f"`{self.peek().text}` where a blank should be", self.peek())
            operands.append(self.operand(context))
        return Command(tuple(operands))

    def operand(self, context: str) -> Operand:
        """A term, with the fields or methods that are taken from it."""
        start = self.peek()
        term = self.term(context)
        names = []
        while self.peek().kind is Kind.FIELD and not self.peek().spaced:
            names.append(self.take().text[1:])
        if not names:
            return term
        if isinstance(term, Literal | Nil | Dot):
            raise self.error(f"`{start.text}` has no fields", start)
        if isinstance(term, Chain):
            return Chain(term.base, (*term.names, *names))
        return Chain(term, tuple(names))

    def term(self, context: str) -> Operand:
        token = self.take()
        match token.kind:
            case Kind.STRING | Kind.RAW | Kind.CHARACTER | Kind.NUMBER:
                return self.literal(token)
            case Kind.DOT:
                return Dot()
            case Kind.FIELD:
                return Chain(Dot(), (token.text[1:],))
            case Kind.VARIABLE:
                self.check_variable(token.text, token)
                return Variable(token.text)
            case Kind.NAME:
                return self.word(token)
            case Kind.MARK if token.text == "(":
                return self.pipeline("parentheses", closing=")")
            case _:
                what = token.text or token.kind.value
                hint = "; `eq` compares" if what == "=" else ""
                raise self.error(f"`{what}` in {context}, where a value should be{hint}", token)

    def word(self, token: Token) -> Operand:
        if token.text in _CONSTANTS:
            return _CONSTANTS[token.text]
        if token.text not in self.functions:
            meant = did_you_mean(token.text, self.functions)
            raise self.error(f"there is no function `{token.text}`{meant}", token)
        return Function(token.text)

    def literal(self, token: Token) -> Literal:
        try:
            return Literal(_READERS[token.kind](token.text))
        except ValueError as error:
            raise self.error(str(error), token) from error

    # ── tokens ──

    def peek(self, ahead: int = 0) -> Token:
        return self.tokens[min(self.index + ahead, len(self.tokens) - 1)]

    def take(self) -> Token:
        token = self.peek()
        self.index += 1
        return token

    def check_variable(self, name: str, token: Token) -> None:
        if name not in self.variables:
            raise self.error(f"there is no variable `{name}`", token)

    def error(self, text: str, token: Token) -> TemplateError:
        return TemplateError(text, file=self.file, line=token.line)
