"""What is typed at `depthg clusters name` and `merge`, put into the entries of clusters.yaml."""

from collections.abc import Iterator, Sequence

from depthg.config.validation import validated
from depthg.data.clusters import ClusterEntry, Clusters, check_number
from depthg.errors import DepthGError, unknown

NAMES = "depthg clusters name"
MERGES = "depthg clusters merge"


def named(
    entries: Sequence[ClusterEntry], names: Sequence[str], colours: Sequence[str]
) -> list[ClusterEntry]:
    """The entries with names and colours given as `3=sky`; an empty one takes what there was back.

    Raises:
        DepthGError: a word is not NUMBER=TEXT, there is no such cluster, or a colour is none.
    """
    changed = list(entries)
    for key, words in (("name", names), ("colour", colours)):
        for number, text in _pairs(words, len(entries)):
            changed[number] = _with(changed[number], {key: text or None}, f"{NAMES}: cluster {number}")
    return changed


def _pairs(words: Sequence[str], count: int) -> Iterator[tuple[int, str]]:
    for word in words:
        number, sign, text = word.partition("=")
        if not sign or not number.strip().isdecimal():
            raise DepthGError(f"{NAMES}: '{word}' is not NUMBER=TEXT, as 3=sky or 5='dirt road'")
        check_number(int(number), count, NAMES)
        yield int(number), text.strip()


def merged(entries: Sequence[ClusterEntry], words: Sequence[str]) -> list[ClusterEntry]:
    """The entries with clusters made part of another: `7 9 into 3`; `7 into 7` takes a merge back.

    Raises:
        DepthGError: the words are not in this form, there is no such cluster, or clusters would be merged in a circle.
    """
    *parts, sign, whole = words if len(words) > 2 else ["", "", ""]
    if sign != "into":
        raise DepthGError(f"{MERGES}: say which into which, as 7 9 into 3: got '{' '.join(words)}'")
    target = _number(whole, entries)
    changed = list(entries)
    for part in parts:
        number = _number(part, entries)
        other = None if number == target else target
        changed[number] = _with(changed[number], {"as": other}, f"{MERGES}: cluster {number}")
    return changed


def _number(word: str, entries: Sequence[ClusterEntry]) -> int:
    """The cluster that a number or a name means."""
    if word.isdecimal():
        check_number(int(word), len(entries), MERGES)
        return int(word)
    found = [number for number, entry in enumerate(entries) if entry.name == word]
    if len(found) > 1:
        raise DepthGError(f"{MERGES}: clusters {', '.join(map(str, found))} are named {word}: say a number")
    if not found:
        raise unknown("cluster", word, [entry.name for entry in entries if entry.name], MERGES)
    return found[0]


def _with(entry: ClusterEntry, changes: dict[str, object], where: str) -> ClusterEntry:
    return validated(ClusterEntry, entry.model_dump(by_alias=True) | changes, where)


def summary(clusters: Clusters) -> str:
    """What is said of clusters, in one line: `12 clusters make 11: 0 sky, 1 cluster 1, 2 into 0, …`."""
    said = [
        f"{number} {clusters.names[number]}" if to == number else f"{number} into {to}"
        for number, to in enumerate(clusters.target)
    ]
    made = len(clusters.kept)
    less = f" make {made}" if made < len(clusters) else ""
    return f"{len(clusters)} clusters{less}: {', '.join(said)}"
