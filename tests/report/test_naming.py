"""What is typed at `depthg clusters name` and `merge`."""

import pytest

from depthg.data.clusters import ClusterEntry, make_clusters
from depthg.errors import DepthGError
from depthg.report.naming import merged, named, summary

PLAIN = [ClusterEntry()] * 4
SAID = named(PLAIN, ["0=sky", "2=dirt road"], ["2=#808080"])


def clusters(entries):
    return make_clusters(entries, "here")


def test_names_and_colours_are_given_by_number():
    found = clusters(SAID)
    assert found.names == ("sky", "cluster 1", "dirt road", "cluster 3")
    assert found.colors[2] == (128, 128, 128)
    assert [ClusterEntry()] * 4 == PLAIN  # unchanged


def test_a_name_may_hold_an_equals_sign():
    assert named(PLAIN, ["1=a=b"], [])[1].name == "a=b"


def test_an_empty_name_or_colour_takes_it_back():
    assert named(SAID, ["0=", "2="], ["2="]) == PLAIN


def test_clusters_are_merged_by_number_or_name():
    assert clusters(merged(SAID, ["1", "3", "into", "sky"])).target == (0, 0, 2, 0)
    assert clusters(merged(SAID, ["dirt road", "into", "3"])).target == (0, 1, 3, 3)


def test_a_merge_is_taken_back():
    assert merged(merged(SAID, ["1", "3", "into", "0"]), ["3", "into", "3"]) == merged(
        SAID, ["1", "into", "0"]
    )


def test_the_summary_says_what_became_of_each():
    assert summary(clusters(SAID)) == "4 clusters: 0 sky, 1 cluster 1, 2 dirt road, 3 cluster 3"
    assert summary(clusters(merged(SAID, ["3", "into", "2"]))).startswith("4 clusters make 3: 0 sky")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: named(PLAIN, ["3"], []), "'3' is not NUMBER=TEXT, as 3=sky"),
        (lambda: named(PLAIN, ["sky=3"], []), "'sky=3' is not NUMBER=TEXT"),
        (lambda: named(PLAIN, ["4=sky"], []), "there is no cluster 4: they are numbered 0 to 3"),
        (lambda: named(PLAIN, [], ["1=octarine"]), "cluster 1: colour: a colour is .*got 'octarine'"),
        (lambda: merged(SAID, ["1", "2"]), "say which into which, as 7 9 into 3: got '1 2'"),
        (lambda: merged(SAID, ["into"]), "say which into which"),
        (lambda: merged(SAID, ["1", "2", "in", "3"]), "say which into which"),
        (lambda: merged(SAID, ["1", "into", "skyy"]), "unknown cluster 'skyy': did you mean 'sky'"),
        (lambda: merged(SAID, ["9", "into", "1"]), "there is no cluster 9"),
        (lambda: merged(named(SAID, ["1=sky"], []), ["sky", "into", "3"]), "clusters 0, 1 are named sky"),
    ],
)
def test_wrong_words_are_told_in_one_line(call, message):
    with pytest.raises(DepthGError, match=message) as error:
        call()
    assert "\n" not in str(error.value)
