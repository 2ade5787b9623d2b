"""`depthg segment`: many images, one after the other; one that fails does not stop the rest."""

from collections.abc import Iterator, Sequence
from errno import ENAMETOOLONG
from pathlib import Path
from typing import Literal, NamedTuple

from depthg.config.base import Model
from depthg.errors import DepthGError, UnreadableImageError
from depthg.inference import coco, outputs
from depthg.inference.inputs import Input, find_inputs
from depthg.inference.journal import FILE as JOURNAL
from depthg.inference.journal import Journal
from depthg.inference.kept import KeptWindows, forget_all
from depthg.inference.picture import Picture, open_picture
from depthg.inference.segmenter import Segmenter, check_numbers
from depthg.runtime.prefetch import prefetch
from depthg.runtime.progress import info, track, warn

AREAS = "areas.csv"
FAR = 4  # times the short side of the training images: then the user is told what the model sees


class Options(Model):
    """What is written besides masks, overlays and areas, and how the model is applied."""

    probabilities: bool = False
    coco: Literal["rle", "panoptic"] | None = None
    polygons: Literal["geojson", "labelme"] | None = None
    crf: bool = False
    flip: bool = False
    scale: float | None = None


class Failure(NamedTuple):
    """An image that was not segmented, and why."""

    path: Path
    reason: str


def run(
    given: Sequence[Path],
    segmenter: Segmenter,
    out: Path,
    options: Options,
    batch: int | None = None,
    resume: bool = False,
) -> None:
    """Segment images and write what the options ask for, with areas.csv last.

    Args:
        given: images, folders, globs or tables of images.
        segmenter: the model.
        out: folder to write, created if missing.
        options: what to write, and how to apply the model.
        batch: windows that are looked at together.
        resume: keep what is there, also of an image that was begun, if model, options and the image are the same.

    Raises:
        DepthGError: a number is out of range, nothing to segment, images lie where masks would be written, a library is
            missing, or images failed; they are listed before.
    """
    check_numbers(options.scale, batch)
    inputs = _outside(out, find_inputs(given))
    writers = outputs.writers_of(options.probabilities, options.polygons)
    coco.check(options.coco)
    out.mkdir(parents=True, exist_ok=True)
    journal = Journal(out, segmenter.fingerprint, options.model_dump(), resume)
    (out / AREAS).unlink(missing_ok=True)  # a former run's would be of other masks
    outputs.write_classes(out / "classes.csv", segmenter.config.classes)
    waiting = [one for one in inputs if not journal.has(one)]
    if len(waiting) < len(inputs):
        info(f"{out}: {len(inputs) - len(waiting)} of {len(inputs)} images are there already")
    failures = list(_segment_all(waiting, segmenter, journal, options, writers, batch))
    failed = {failure.path for failure in failures}
    kept = [one for one in inputs if one.path not in failed]
    coco.write(options.coco, out, kept, segmenter.config.classes)
    journal.write_areas(out / AREAS, kept, segmenter.names)
    for failure in failures:
        warn(f"{failure.path}: {failure.reason}")
    if failures:
        raise DepthGError(
            f"images not segmented: {len(failures)} of {len(inputs)}, see the warnings above; the others are in {out}"
        )
    forget_all(out)
    info(f"{out}: masks, overlays and {AREAS} of {len(inputs)} images")


def _outside(out: Path, inputs: Sequence[Input]) -> list[Input]:
    """The images without those in the folder that is written: the masks of a former run are no photographs.

    Raises:
        DepthGError: nothing is left, or it is no former run's folder, and a mask might replace an image.
    """
    folder = out.resolve()
    others = [one for one in inputs if not one.path.resolve().is_relative_to(folder)]
    if not others or (len(others) < len(inputs) and not (out / JOURNAL).is_file()):
        raise DepthGError(
            f"--out {out}: there are images in it, which masks might replace: choose another folder"
        )
    return others


def _segment_all(
    inputs: Sequence[Input],
    segmenter: Segmenter,
    journal: Journal,
    options: Options,
    writers: Sequence[outputs.Writer],
    batch: int | None,
) -> Iterator[Failure]:
    """Segment images, of which the next is decoded meanwhile; yields those that failed."""
    opened = prefetch(_opened, inputs, ahead=1)
    flip = True if options.flip else None
    told = False
    for one, picture in track(zip(inputs, opened, strict=True), len(inputs), "segment"):
        try:
            if isinstance(picture, Exception):
                raise picture
            told = told or _tell_scale(one, picture, segmenter, options.scale)
            state = one.state
            windows = KeptWindows(journal.out, one, state)
            found = segmenter(
                picture,
                crf=options.crf,
                flip=flip,
                scale=options.scale,
                batch=batch,
                keep=options.probabilities,
                windows=windows,
            )
            for write in writers:
                write(journal.out, one, picture, found)
            journal.add(one, state, found.pixels())
            windows.forget()
        except UnreadableImageError as error:
            yield Failure(one.path, error.reason)
        except DepthGError as error:
            yield Failure(one.path, str(error).removeprefix(f"{one.path}: "))
        except OSError as error:
            if error.errno != ENAMETOOLONG:
                raise  # a full disk, say, of which the others fail, too
            yield Failure(
                one.path, "the name of a file that is written of it would be too long: shorten the image's"
            )


def _opened(one: Input) -> Picture | Exception:
    """The picture of an image, or why there is none: the thread that reads ahead goes on."""
    try:
        return open_picture(one.path)
    except DepthGError as error:
        return error
    except Exception as error:  # decoders raise many types
        return DepthGError(f"{type(error).__name__}: {error}")


def _tell_scale(one: Input, picture: Picture, segmenter: Segmenter, scale: float | None) -> bool:
    """Say that an image is far larger than those of the training; whether it was said."""
    typical, side = segmenter.config.typical_side, segmenter.config.side
    short = min(picture.height, picture.width)
    if scale is not None or typical is None or short < FAR * typical:
        return False
    warn(
        f"{one.path}: its short side of {short:,} px is seen at {side} px, and the model learned from images of "
        f"{typical:,} px: for the detail that it learned from, give --scale {side / typical:.2g}"
    )
    return True
