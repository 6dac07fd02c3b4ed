"""Execute notebooks in place and store them in one normal form.

    python .github/scripts/execute.py ch01/01_perceptron.ipynb ...
    python .github/scripts/execute.py --check ch01/01_perceptron.ipynb ...

Each notebook runs from top to bottom in a fresh kernel of this interpreter, in the
notebook's own folder and in the environment that the tests use. A notebook in which
a cell raises stays as it was. ``--check`` runs nothing; it reports notebooks whose
file is not in the normal form.
"""

from __future__ import annotations

import asyncio
import base64
import io
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import ipykernel.kernelspec
import nbformat
import psutil
from _book import parser, relative, use_utf8, write
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from PIL import Image

from helpers.tests.plugin import NOTEBOOK_ENVIRONMENT

CELL_TIMEOUT = 300  # seconds
KERNELSPEC = {
    "display_name": "Python 3 (ipykernel)",
    "language": "python",
    "name": "python3",
}
CELL_METADATA = ("mystnb", "tags")  # what is kept of a cell's metadata
WIDGET = "application/vnd.jupyter.widget-view+json"
ANSI = re.compile(r"\x1b\[[0-9;]*m")
FRAME = re.compile(r"Cell In\[(\d+)\], line (\d+)")


class ThisInterpreter(KernelSpecManager):
    """Find one kernel: the running interpreter's, whatever else is installed."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Return the kernel of ``sys.executable``."""
        return self.kernel_spec_class(
            resource_dir=ipykernel.kernelspec.RESOURCES,
            **ipykernel.kernelspec.get_kernel_dict(),
        )


class Manager(AsyncKernelManager):
    """Start the kernel of `ThisInterpreter`."""

    def _kernel_spec_manager_default(self) -> ThisInterpreter:
        return ThisInterpreter()


class Client(NotebookClient):
    """Run cells as nbval does: what a widget prints or draws lands in the cell."""

    def handle_comm_msg(self, *args: object, **kwargs: object) -> None:
        """Ignore widgets' messages, so that no output moves into their state."""


@dataclass
class Run:
    """What one execution cost.

    Attributes
    ----------
    cells : int
        Number of code cells that ran.
    seconds : float
        Wall time, with the start of the kernel.
    peak : int
        Largest memory of the kernel in bytes (on macOS: seen after a cell).
    """

    cells: int
    seconds: float
    peak: int


class CellFailedError(Exception):
    """A cell raised, ran out of time or lost its kernel; the text says where."""


def peak_memory(pid: int) -> int:
    """Return the largest resident memory of a process so far, in bytes."""
    status = Path(f"/proc/{pid}/status")
    try:
        if status.exists():  # Linux
            line = re.search(r"VmHWM:\s+(\d+) kB", status.read_text(encoding="utf-8"))
            if line:
                return int(line[1]) * 1024
        info = psutil.Process(pid).memory_info()
    except (psutil.Error, OSError):
        return 0
    return getattr(info, "peak_wset", info.rss)  # Windows knows its peak


def normalize(nb: NotebookNode) -> str:
    """Bring a notebook into the one form in which the book stores it.

    No execution times, no widget state, no traces of editors or of a Python version;
    stream outputs that follow each other are one; every cell has an id. The notebook
    is changed in place. Doing it twice changes nothing.

    Parameters
    ----------
    nb : NotebookNode
        The notebook.

    Returns
    -------
    str
        The text of its file.
    """
    nb.nbformat, nb.nbformat_minor = 4, 5
    nb.metadata = NotebookNode(
        kernelspec=NotebookNode(KERNELSPEC), language_info=NotebookNode(name="python")
    )
    taken: set[str] = set()
    for number, cell in enumerate(nb.cells, start=1):
        if not cell.get("id") or cell.id in taken:
            cell.id = f"cell-{number}"
            while cell.id in taken:
                cell.id += "x"
        taken.add(cell.id)
        cell.metadata = NotebookNode(
            {key: cell.metadata[key] for key in CELL_METADATA if key in cell.metadata}
        )
        if cell.cell_type == "code":
            cell.outputs = normalize_outputs(cell.outputs)
    nbformat.validate(nb)
    return nbformat.writes(nb).rstrip("\n") + "\n"


def normalize_outputs(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Merge neighboring streams, keep the static part of widgets, lighten figures.

    Parameters
    ----------
    outputs : list of NotebookNode
        Outputs of one cell.

    Returns
    -------
    list of NotebookNode
        The outputs to store.
    """
    kept: list[NotebookNode] = []
    for output in outputs:
        last = kept[-1] if kept else None
        if output.output_type == "stream":
            if last is not None and last.get("name") == output.name:
                last.text += output.text
                continue
        elif WIDGET in output.get("data", {}):
            del output.data[WIDGET]
            output.metadata.pop(WIDGET, None)
            if not output.data:
                continue
        if "image/png" in output.get("data", {}):
            output.data["image/png"] = lighter(output.data["image/png"])
        kept.append(output)
    return kept


def lighter(figure: str) -> str:
    """Store a PNG figure with a palette of at most 256 colors.

    That halves its weight and cannot be seen in a plot. Doing it twice changes
    nothing, and a figure that would grow stays as it is.

    Parameters
    ----------
    figure : str
        A PNG file, base64-encoded.

    Returns
    -------
    str
        The same picture, base64-encoded, with a final newline as Jupyter stores it.
    """
    data = base64.b64decode(figure)
    with Image.open(io.BytesIO(data)) as image:
        if image.mode != "P":
            small = io.BytesIO()
            flat = Image.new("RGB", image.size, "white")
            flat.paste(image, mask=image if image.mode == "RGBA" else None)
            palette = flat.quantize(256, dither=Image.Dither.NONE)
            palette.save(small, "PNG", optimize=True)
            data = min(data, small.getvalue(), key=len)
    return base64.b64encode(data).decode("ascii") + "\n"


def where_it_failed(nb: NotebookNode, index: int, traceback: str) -> str:
    """Name the cell and the source line of a failure.

    Parameters
    ----------
    nb : NotebookNode
        The notebook.
    index : int
        Position of the cell that ran.
    traceback : str
        The kernel's traceback, without colors.

    Returns
    -------
    str
        ``cell [7], line 2: the source line``; cells are counted from 0.
    """
    sources = {cell.get("execution_count"): cell.source for cell in nb.cells}
    text = f"cell [{index}]"
    frames = FRAME.findall(traceback)
    if frames:
        count, line = map(int, frames[-1])
        source = sources.get(count, nb.cells[index].source).splitlines()
        if line <= len(source):
            text += f", line {line}: {source[line - 1].strip()}"
    return text


def execute(nb: NotebookNode, folder: Path) -> Run:
    """Run all cells of a notebook in a fresh kernel.

    Parameters
    ----------
    nb : NotebookNode
        The notebook; outputs and execution counts are replaced.
    folder : Path
        The kernel's working folder.

    Returns
    -------
    Run
        Cells, seconds and memory.

    Raises
    ------
    CellFailedError
        If a cell raises, takes longer than `CELL_TIMEOUT` or kills the kernel.
    """
    client = Client(
        nb,
        kernel_name="python3",
        kernel_manager_class=Manager,
        timeout=CELL_TIMEOUT,
        record_timing=False,
        store_widget_state=False,
        resources={"metadata": {"path": str(folder)}},
    )
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    start, cells, peak = time.perf_counter(), 0, 0
    environment = {**os.environ, **NOTEBOOK_ENVIRONMENT}
    # What the kernel's own machinery logs is not a cell's output.
    with client.setup_kernel(env=environment, stderr=subprocess.DEVNULL):
        for index, cell in enumerate(nb.cells):
            try:
                client.execute_cell(cell, index)
            except CellExecutionError as error:
                trace = ANSI.sub("", error.traceback)
                place = where_it_failed(nb, index, trace)
                raise CellFailedError(f"{place}\n{trace}") from None
            except (CellTimeoutError, DeadKernelError) as error:
                raise CellFailedError(f"cell [{index}]\n{error}") from None
            if cell.cell_type == "code" and cell.source.strip():
                cells += 1
                peak = max(peak, peak_memory(client.km.provisioner.pid))
    return Run(cells, time.perf_counter() - start, peak)


def run_file(path: Path, name: str) -> bool:
    """Execute one file in place and print one line about it.

    Parameters
    ----------
    path : Path
        The notebook.
    name : str
        Its name in messages.

    Returns
    -------
    bool
        Whether all cells ran; if not, the file is as it was.
    """
    nb = nbformat.read(path, as_version=4)
    try:
        run = execute(nb, path.resolve().parent)
    except CellFailedError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return False
    text = normalize(nb)
    write(path, text)
    memory = f"{run.peak / 2**20:.0f} MB" if run.peak else "n/a"
    print(
        f"{name}: {run.cells} cells, {run.seconds:.1f} s, peak {memory}, "
        f"{len(text.encode()) / 1024:.0f} KB stored",
        flush=True,
    )
    return True


def check_file(path: Path, name: str) -> bool:
    """Tell whether a file is in the normal form; print what to do if it is not."""
    stored = path.read_text(encoding="utf-8")
    nb = nbformat.reads(stored, as_version=4)
    counts = [
        cell.execution_count
        for cell in nb.cells
        if cell.cell_type == "code" and cell.source.strip()
    ]
    in_order = counts == list(range(1, len(counts) + 1))
    if in_order and normalize(nb) == stored:
        return True
    reason = "is not in the stored form" if in_order else "was not run from the top"
    print(f"{name}: {reason}: make run NB={name}", file=sys.stderr)
    return False


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    use_utf8()
    options = parser(__doc__, "run nothing; report files not in the stored form")
    options.add_argument("notebooks", nargs="+", type=Path, metavar="NB")
    chosen = options.parse_args(arguments)
    if sys.platform == "win32":  # pyzmq needs a selector loop
        asyncio.set_event_loop_policy(asyncio.WindowsSelectorEventLoopPolicy())
    treat = check_file if chosen.check else run_file
    passed = True
    for path in chosen.notebooks:
        name = relative(path, chosen.root)
        if not path.is_file():
            print(f"{name}: there is no such notebook", file=sys.stderr)
            passed = False
        else:
            passed = treat(path, name) and passed
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
