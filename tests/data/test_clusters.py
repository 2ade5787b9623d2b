"""clusters.yaml: names, colours and merges of the clusters of one probe."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthg.data.clusters import (
    ClusterEntry,
    hexadecimal,
    make_clusters,
    plain_clusters,
    read_clusters,
    read_entries,
    write_entries,
)
from depthg.errors import DepthGError
from depthg.runtime.files import file_hash


@pytest.fixture
def probes(tmp_path) -> Path:
    path = tmp_path / "probes.safetensors"
    path.write_bytes(b"centroids")
    return path


@pytest.fixture
def write(tmp_path, probes):
    """Write clusters.yaml as a user would."""

    def write(clusters: str) -> Path:
        path = tmp_path / "clusters.yaml"
        path.write_text(f"probe: {file_hash(probes)}\nclusters:\n{clusters}")
        return path

    return write


def test_without_a_file_clusters_are_plain(tmp_path, probes):
    found = read_clusters(tmp_path / "clusters.yaml", probes, 3)
    assert found == plain_clusters(3)
    assert found.names == ("cluster 0", "cluster 1", "cluster 2")
    assert len(set(found.colors)) == 3
    np.testing.assert_array_equal(found.merged, [0, 1, 2])
    assert found.palette.dtype == np.uint8 and found.palette.shape == (3, 3)


def test_names_colours_and_merges_as_a_user_writes_them(write, probes):
    path = write(
        "- {name: sky, colour: '#87ceeb'}\n- {}\n- {as: 0}\n- {as: 2, name: haze}\n- {colour: [1, 2, 255]}\n"
    )
    found = read_clusters(path, probes, 5)
    assert found.names == ("sky", "cluster 1", "sky", "sky", "cluster 4")
    assert found.colors[0] == found.colors[3] == (0x87, 0xCE, 0xEB) and found.colors[4] == (1, 2, 255)
    assert found.merged.dtype == np.int64
    np.testing.assert_array_equal(found.merged, [0, 1, 0, 0, 4])
    assert found.kept == [0, 1, 4]


def test_clusters_beyond_the_list_are_plain(write, probes):
    assert read_clusters(write("- {name: sky}\n"), probes, 2).names == ("sky", "cluster 1")


def test_a_file_of_another_probe_is_refused(write, probes):
    path = write("- {name: sky}\n")
    probes.write_bytes(b"trained anew")
    with pytest.raises(DepthGError, match=r"clusters\.yaml: names the clusters of another probe"):
        read_clusters(path, probes, 1)


@pytest.mark.parametrize(
    ("clusters", "message"),
    [
        ("- {as: 1}\n- {as: 0}\n", "in a circle, 0 into 1 into 0: leave one"),
        ("- {as: 0}\n- {}\n", "in a circle, 0 into 0"),
        ("- {as: 1}\n- {as: 2}\n- {as: 1}\n", "in a circle, 1 into 2 into 1"),
        ("- {as: 7}\n- {}\n", "there is no cluster 7: they are numbered 0 to 2"),
        ("- {as: -1}\n", r"clusters\.0\.as: .*got -1"),
        ("- {colour: octarine}\n", r"clusters\.0\.colour: a colour is '#rrggbb'"),
        ("- {colour: [1, 2, 256]}\n", r"clusters\.0\.colour: a colour is"),
        ("- {colour: [1, 2]}\n", r"clusters\.0\.colour: a colour is"),
        ("- {nmae: sky}\n", "unknown key 'nmae': did you mean 'name'"),
        ("- {name: ''}\n", "a name is one line of text"),
        ('- {name: "a\\nb"}\n', "a name is one line of text"),
        ("- {}\n" * 4, "has 4 entries, and there are 3 clusters"),
        ("- {name: sky\n", "cannot be read: .*: correct it, or delete it"),
        ("- sky\n", r"clusters\.0"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_that_names_the_file(clusters, message, write, probes):
    with pytest.raises(DepthGError, match=message) as error:
        read_clusters(write(clusters), probes, 3)
    assert "clusters.yaml" in str(error.value) and "\n" not in str(error.value)


def test_an_empty_file_says_what_it_lacks(tmp_path, probes):
    (tmp_path / "clusters.yaml").touch()
    with pytest.raises(DepthGError, match="probe: Field required"):
        read_clusters(tmp_path / "clusters.yaml", probes, 3)


names = st.none() | st.text(min_size=1).filter(lambda text: text.strip() and len(text.splitlines()) == 1)
entries = st.builds(ClusterEntry, name=names, colour=st.none() | st.tuples(*[st.integers(0, 255)] * 3))


@given(said=st.lists(entries, min_size=1, max_size=5), parts=st.randoms())
def test_entries_survive_a_round_trip(said, parts, tmp_path_factory):
    folder = tmp_path_factory.mktemp("clusters")
    (folder / "probes").write_bytes(b"centroids")
    merged = [
        entry.model_copy(update={"as_": parts.randrange(number)})
        if number and parts.random() < 0.5
        else entry
        for number, entry in enumerate(said)
    ]
    write_entries(folder / "clusters.yaml", folder / "probes", merged)
    assert read_entries(folder / "clusters.yaml", folder / "probes", len(said)) == merged


@given(st.lists(st.none() | st.integers(0, 7), min_size=8, max_size=8))
def test_a_merge_leads_to_a_cluster_that_is_part_of_no_other_or_is_a_circle(parts):
    chosen = [ClusterEntry.model_validate({"as": part}) for part in parts]
    try:
        found = make_clusters(chosen, "here")
    except DepthGError as error:
        assert "circle" in str(error)
        return
    assert all(parts[number] is None for number in found.kept)
    np.testing.assert_array_equal(found.merged[found.merged], found.merged)
    assert [found.names[to] for to in found.merged] == list(found.names)


def test_wrong_entries_are_not_written(tmp_path, probes):
    with pytest.raises(DepthGError, match="circle"):
        write_entries(tmp_path / "clusters.yaml", probes, [ClusterEntry.model_validate({"as": 0})])
    assert not (tmp_path / "clusters.yaml").exists()


def test_a_colour_has_a_name_of_css_too():
    assert hexadecimal("green") == "#008000" and hexadecimal("#abc") == "#aabbcc"
