import numpy as np
import pytest

from depthg.errors import DepthGError
from depthg.evaluation.classes import check_labels, read_classes

HEADER = "id,name,red,green,blue\n"


def test_reads_names_and_colours(tmp_path):
    path = tmp_path / "classes.csv"
    path.write_text(HEADER + '0,"road, paved",1,2,3\n1,sky,4,5,6\n')
    classes = read_classes(path)
    assert classes.names == ("road, paved", "sky")
    assert classes.colors == ((1, 2, 3), (4, 5, 6))


def test_only_a_header_means_no_labels(tmp_path):
    (tmp_path / "classes.csv").write_text(HEADER)
    assert len(read_classes(tmp_path / "classes.csv")) == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("name,red,green,blue\nroad,1,2,3\n", "needs the columns"),
        (HEADER + "0,road,1,2,red\n", "needs the columns"),
        (HEADER + "1,road,1,2,3\n", "ids must be"),
        (HEADER + "0,road,1,2,3\n1,road,1,2,3\n", "same name"),
    ],
)
def test_malformed_tables_are_named(tmp_path, content, message):
    path = tmp_path / "classes.csv"
    path.write_text(content)
    with pytest.raises(DepthGError, match=message):
        read_classes(path)


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(DepthGError, match="No such file"):
        read_classes(tmp_path / "classes.csv")


def test_labels_are_class_ids_or_void():
    check_labels(np.array([0, 2, 255], np.uint16), 3, "here")
    with pytest.raises(DepthGError, match="here: label 3 is neither"):
        check_labels(np.array([0, 3], np.uint16), 3, "here")
