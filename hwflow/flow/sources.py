"""Which source files a stage reaches: the part of its key that changes with our own code.

Imports are followed statically, through every module of the package, including imports inside
functions. Files that are not Python (harness and cell sources) count where a reached module lies
in the same folder or above. Left out are the packages that carry data and messages but compute
nothing of an artifact: a reworded error must not train a network again.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

from hwflow.flow.digests import DigestCache

__all__ = ["SourceIndex", "imports_of"]

NOT_COUNTED = ("hwflow.errors", "hwflow.catalogue", "hwflow.config", "hwflow.flow", "hwflow.cli")
_NOT_DATA = (".py", ".pyc", ".pyi", ".md")
_ROOT = Path(__file__).resolve().parents[2]


class SourceIndex:
    """The import graph of a package, read once and remembered by file."""

    def __init__(
        self,
        cache: DigestCache,
        root: Path = _ROOT,
        package: str = "hwflow",
        not_counted: tuple[str, ...] = NOT_COUNTED,
    ) -> None:
        self._cache = cache
        self._root = root
        self._package = package
        self._not_counted = not_counted
        self._file_of = functools.cache(self._find_file)
        self._imports = functools.cache(self._find_imports)

    def digests(self, modules: Sequence[str]) -> dict[str, str]:
        """Digest of each file reached from modules, by its path below the package's parent."""
        return {
            path.relative_to(self._root).as_posix(): self._cache.digest(path)
            for path in self.files(modules)
        }

    def files(self, modules: Sequence[str]) -> tuple[Path, ...]:
        """The files of every module reached, and the data files beside them, sorted."""
        found: set[Path] = set()
        for name in self.reached(modules):
            path = self._file_of(name)
            assert path is not None
            found.add(path)
            found.update(_data_below(path.parent))
        return tuple(sorted(found))

    def reached(self, modules: Sequence[str]) -> frozenset[str]:
        """Every module of the package that the given ones import, themselves included."""
        seen: set[str] = set()
        waiting = list(modules)
        while waiting:
            name = waiting.pop()
            if name in seen or self._left_out(name) or self._file_of(name) is None:
                continue
            seen.add(name)
            waiting.extend(self._imports(name))
        return frozenset(seen)

    def _left_out(self, name: str) -> bool:
        return any(name == p or name.startswith(p + ".") for p in self._not_counted)

    def _find_file(self, name: str) -> Path | None:
        parts = name.split(".")
        if parts[0] != self._package:
            return None
        path = self._root.joinpath(*parts)
        source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        return source if source.is_file() else None

    def _find_imports(self, name: str) -> tuple[str, ...]:
        path = self._file_of(name)
        assert path is not None
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        # The fact depends on the package only through relative imports, fixed by the path.
        fact = self._cache.fact(path, "imports", lambda p: imports_of(p.read_bytes(), package))
        return (*cast("list[str]", fact), *_parents(name))


def imports_of(source: bytes, package: str) -> list[str]:
    """Names that may be modules imported by a source file lying in `package`, sorted."""
    nodes = _run_time_nodes(ast.parse(source))
    found = {target for node in nodes for target in _targets(node, package)}
    # Importing a.b.c runs the __init__ of a and of a.b as well.
    return sorted(found.union(*(_parents(target) for target in found)))


def _run_time_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes except those under `if TYPE_CHECKING`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and _is_type_checking(child.test):
            continue
        yield child
        if not isinstance(child, ast.expr):
            yield from _run_time_nodes(child)


def _is_type_checking(test: ast.expr) -> bool:
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", "")
    return name == "TYPE_CHECKING"


def _targets(node: ast.AST, package: str) -> tuple[str, ...]:
    if isinstance(node, ast.Import):
        return tuple(alias.name for alias in node.names)
    if not isinstance(node, ast.ImportFrom):
        return ()
    base = node.module or ""
    if node.level:
        parts = package.split(".")
        above = parts[: len(parts) - node.level + 1]
        base = ".".join([*above, *([base] if base else [])])
    return (base, *(f"{base}.{alias.name}" for alias in node.names))


def _parents(name: str) -> tuple[str, ...]:
    parts = name.split(".")
    return tuple(".".join(parts[:n]) for n in range(1, len(parts)))


@functools.cache
def _data_below(folder: Path) -> tuple[Path, ...]:
    """Data files of a folder and of its subfolders that are not packages themselves."""
    found: list[Path] = []
    for path in folder.iterdir():
        if path.name.startswith((".", "__pycache__")):
            continue
        if path.is_dir() and not (path / "__init__.py").exists():
            found.extend(_data_below(path))
        elif path.is_file() and path.suffix not in _NOT_DATA:
            found.append(path)
    return tuple(found)
