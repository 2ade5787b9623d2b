"""Patches of clusters, and where in the images they come from."""

import numpy as np
import pytest

from depthg.data.clusters import ClusterEntry, make_clusters, plain_clusters
from depthg.report.folder import ResultFolder
from depthg.report.gallery import find_gallery, find_regions
from depthg.store.reader import Store

CHOSEN = np.array([[200, 30, 30], [30, 200, 30], [30, 30, 200]])  # the colours of the planted classes


@pytest.fixture(scope="module")
def gallery(labelled_results):
    folder = ResultFolder(labelled_results)
    return find_gallery(folder, folder.clusters(), patches=3, side=16)


def test_shares_are_of_all_tokens(gallery):
    assert sum(look.share for look in gallery.looks) == pytest.approx(1)
    assert gallery.crops == 5 and all(0 < look.images <= 5 for look in gallery.looks)


def test_the_nearest_class_is_that_of_most_labelled_tokens(gallery, labelled_results):
    total = sum(look.labelled for look in gallery.looks)
    labels = Store(ResultFolder(labelled_results).resource("val/crops.zarr")).read("labels")
    sampled = labels[:, 2::4, 2::4]  # the middles of 8 × 8 tokens in 32 pixels
    np.testing.assert_array_equal(total, [(sampled == k).sum() for k in range(3)])
    assert all(look.labelled.max() > 0.9 * look.labelled.sum() for look in gallery.looks)
    assert gallery.looks[0].nearest(gallery.classes).split()[0] in ("road", "sky", "tree")


def test_the_lit_part_of_a_patch_shows_the_cluster(gallery):
    for look in gallery.looks:
        colour = CHOSEN[look.labelled.argmax()]
        assert 1 <= len(look.patches) <= 3 and look.patches.shape[1:] == (16, 16, 3)
        for patch in look.patches:
            near = np.abs(patch.astype(int) - colour).max(axis=-1) < 40
            assert near.mean() > 0.1


def test_merged_clusters_are_looked_at_as_one(labelled_results, gallery):
    merged = make_clusters([ClusterEntry.model_validate({"as": 1}), *[ClusterEntry()] * 3], "here")
    found = find_gallery(ResultFolder(labelled_results), merged, patches=3, side=16)
    assert [look.number for look in found.looks] == [1, 2, 3]
    assert found.looks[0].share == pytest.approx(gallery.looks[0].share + gallery.looks[1].share)
    np.testing.assert_array_equal(
        found.looks[0].labelled, gallery.looks[0].labelled + gallery.looks[1].labelled
    )


def test_without_labels_there_is_no_nearest_class(unlabelled_results):
    found = find_gallery(ResultFolder(unlabelled_results), plain_clusters(4), patches=2, side=8)
    assert found.classes == () and {look.nearest(found.classes) for look in found.looks} == {""}


def test_regions_are_the_largest_of_each_crop_by_cosine():
    inside = np.zeros((3, 4, 4), bool)
    inside[0, :2, :2] = inside[0, 3, 3] = True  # of four tokens, and of one
    inside[2, 1:, :2] = True
    cosines = np.full((3, 4, 4), 0.5)
    cosines[2], cosines[0, 3, 3] = 0.8, 1
    found = find_regions(inside, cosines)
    assert [(region.crop, region.size) for region in found] == [(2, 6), (0, 4)]
    assert found[1].box == (slice(0, 2), slice(0, 2)) and found[1].cosine == 0.5


def test_small_regions_are_shown_if_there_are_no_others():
    inside = np.zeros((2, 4, 4), bool)
    inside[0, 0, 0] = True
    assert [region.size for region in find_regions(inside, np.ones((2, 4, 4)))] == [1]
    inside[1] = True
    assert [region.size for region in find_regions(inside, np.ones((2, 4, 4)))] == [16]
