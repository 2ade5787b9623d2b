"""The mutants of a module are what they are said to be, and tests find or miss them."""

from tests.reliability.mutations import mutants

SOURCE = '''
from functools import cache

LIMIT: int = 2


@cache
def kept(values: list, limit: float = 1.5) -> list:
    """No number 7 of a docstring is changed."""
    values.sort(reverse=True)
    if not values or len(values) == LIMIT:
        return [min(value, limit) for value in values if value > 0]
    return dict(zip(values, values, strict=True))
'''

CHANGES = [
    "LIMIT: int = 3",
    "def kept(values: list, limit: float=2.5) -> list:",
    "without values.sort(reverse=True)",
    "values.sort()",
    "values.sort(reverse=False)",
    "if not (not values or len(values) == LIMIT):",
    "if not values and len(values) == LIMIT:",
    "if not not values or len(values) == LIMIT:",
    "if not values or len(values) != LIMIT:",
    "return [max(value, limit) for value in values if value > 0]",
    "return [min(value, limit) for value in values if value >= 0]",
    "return [min(value, limit) for value in values if value > 1]",
]


def test_a_mutant_differs_in_one_thing():
    assert sorted(mutant.after for mutant in mutants(SOURCE)) == sorted(CHANGES)
    assert {mutant.before for mutant in mutants(SOURCE) if mutant.line == 4} == {"LIMIT: int = 2"}
