"""Putting a mutant in the place of a module that is imported already, in this process."""

import ast
import functools
import inspect
import sys
from collections.abc import Iterator
from types import FunctionType, ModuleType

PLAIN = (bool, int, float, str, tuple, list, dict, set, frozenset)


def graft(live: ModuleType, tree: ast.Module) -> None:
    """Give the functions of a module, and their copies in other modules, the code of its mutant; likewise constants."""
    mutant = ModuleType(live.__name__)
    vars(mutant).update(__file__=live.__file__, __package__=live.__package__)
    exec(compile(tree, str(live.__file__), "exec"), vars(mutant))
    for name, new in list(vars(mutant).items()):
        old = vars(live).get(name)
        if name.startswith("__") or getattr(new, "__module__", live.__name__) != live.__name__:
            continue
        if isinstance(new, type):
            _graft_class(old, new)
        elif isinstance(new, PLAIN):
            _replace(name, old, new)
        else:
            _graft_function(old, new)


def _graft_class(old: type, new: type) -> None:
    for name, value in vars(new).items():
        if (isinstance(value, PLAIN) and not name.startswith("__")) or not _graft_function(
            vars(old).get(name), value
        ):
            setattr(old, name, value)


def _graft_function(old: object, new: object) -> bool:
    """Exchange the code of a function, below decorators; false if it refers to other variables around it."""
    for one, other in zip(_functions(old), _functions(new), strict=True):
        if one.__code__.co_freevars != other.__code__.co_freevars:
            return False
        if one.__code__ != other.__code__:
            one.__code__ = other.__code__
        one.__defaults__, one.__kwdefaults__ = other.__defaults__, other.__kwdefaults__
    return True


def _functions(value: object) -> Iterator[FunctionType]:
    """The function in a property, a class method, a decorated function."""
    for name in ("fget", "func", "__func__"):
        value = getattr(value, name, value) if isinstance(value, _WRAPPERS) else value
    value = inspect.unwrap(value) if callable(value) else value
    if isinstance(value, FunctionType):
        yield value


_WRAPPERS = (property, functools.cached_property, classmethod, staticmethod)


def _replace(name: str, old: object, new: object) -> None:
    """Exchange a constant wherever it was imported."""
    for module in list(sys.modules.values()):
        if (
            getattr(module, "__name__", "").startswith(("depthg.", "tests."))
            and vars(module).get(name) is old
        ):
            setattr(module, name, new)
