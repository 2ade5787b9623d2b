"""Mutants of a module: its source with one thing changed, as a slip of the hand might change it."""

import ast
from collections.abc import Callable, Iterator
from typing import NamedTuple

OPERATORS: dict[type, type] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.USub: ast.UAdd,
    ast.Invert: ast.UAdd,
}
NAMES = {"min": "max", "max": "min", "any": "all", "all": "any"}
# They guard against slips of ours: no behaviour of correct code depends on them.
GUARDS = {"strict", "frozen"}

Change = Callable[[], None]


class Mutant(NamedTuple):
    """A module with one thing changed.

    Attributes:
        tree: the module.
        line: where it was changed, from 1.
        before, after: the line, in the spelling of `ast.unparse`.
    """

    tree: ast.Module
    line: int
    before: str
    after: str


def mutants(source: str) -> Iterator[Mutant]:
    """Every mutant of a module, in the order of its source."""
    original, seen = ast.unparse(ast.parse(source)), set()
    for number in range(len(list(_changes(ast.parse(source))))):
        tree = ast.parse(source)
        node, change = list(_changes(tree))[number]
        change()
        changed = ast.unparse(ast.fix_missing_locations(tree))
        if changed not in seen:
            seen.add(changed)
            lines = zip(original.splitlines(), changed.splitlines(), strict=False)
            before, after = next((one.strip(), other.strip()) for one, other in lines if one != other)
            yield Mutant(tree, node.lineno, before, f"without {before}" if after == "None" else after)


def _changes(tree: ast.Module) -> Iterator[tuple[ast.AST, Change]]:
    """What can be changed in a module: where, and how, in place."""
    hints = {id(part) for node in ast.walk(tree) for hint in _hints(node) for part in ast.walk(hint)}
    nodes = [node for node in ast.walk(tree) if hasattr(node, "lineno") and id(node) not in hints]
    for node in sorted(nodes, key=lambda node: (node.lineno, node.col_offset)):
        for change in _changes_of(node):
            yield node, change


def _hints(node: ast.AST) -> list[ast.AST]:
    """Annotations, which do nothing when the code runs, and guards."""
    found = [getattr(node, name, None) for name in ("annotation", "returns")]
    guards = [word for word in getattr(node, "keywords", []) if word.arg in GUARDS]
    return [hint for hint in [*found, *guards] if hint is not None]


def _changes_of(node: ast.AST) -> Iterator[Change]:
    match node:
        case ast.UnaryOp(op=ast.Not()):
            yield _setting(node, "operand", ast.UnaryOp(ast.Not(), node.operand))
        case ast.BinOp(op=op) | ast.BoolOp(op=op) | ast.UnaryOp(op=op) | ast.AugAssign(op=op):
            if type(op) in OPERATORS:
                yield _setting(node, "op", OPERATORS[type(op)]())
        case ast.Compare():
            for place, op in enumerate(node.ops):
                yield lambda place=place, op=op: node.ops.__setitem__(place, OPERATORS[type(op)]())
        case ast.If() | ast.While() | ast.IfExp() if not _is_equality(node.test):
            yield _setting(node, "test", ast.UnaryOp(ast.Not(), node.test))
        case ast.Constant(value=bool()):
            yield _setting(node, "value", not node.value)
        case ast.Constant(value=int() | float()):
            yield _setting(node, "value", node.value + 1)
        case ast.Call(func=ast.Name(id=name)) if name in NAMES:
            yield _setting(node.func, "id", NAMES[name])
        case ast.Expr(value=ast.Call()):  # a call for its effect is left out
            yield _setting(node, "value", ast.Constant(None))
    for place, word in enumerate(getattr(node, "keywords", [])):
        if isinstance(node, ast.Call) and word.arg and word.arg not in GUARDS:
            yield lambda place=place: node.keywords.pop(place)


def _is_equality(test: ast.expr) -> bool:
    """Whether to exchange its operator is to negate it."""
    same = (ast.Eq, ast.NotEq, ast.In, ast.NotIn, ast.Is, ast.IsNot)
    return isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], same)


def _setting(node: ast.AST, name: str, value: object) -> Change:
    return lambda: setattr(node, name, value)
