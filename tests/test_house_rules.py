"""The rules of the house, kept by the test run: what may import what, and what code never does."""

from __future__ import annotations

import ast
import importlib.metadata
import os
import re
import shutil
import socket
import subprocess
import sys
import tarfile
import time
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import changeaudit

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "changeaudit"
SOURCES = sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    """A source file as the tests are named after it."""
    return path.relative_to(PACKAGE).as_posix()


each_source = pytest.mark.parametrize("path", SOURCES, ids=name_of)


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


# What code never does -------------------------------------------------------------------------

AMBIENT = {
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
    "time": {"time", "time_ns", "localtime", "gmtime", "ctime"},
    "os": {"environ", "environb", "getenv", "getenvb"},
}


def ambient_reads(tree: ast.AST) -> list[str]:
    """Every place where the clock or the environment is read, as "line: name"."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = node.value.attr if isinstance(node.value, ast.Attribute) else None
            owner = node.value.id if isinstance(node.value, ast.Name) else owner
            if owner in AMBIENT and node.attr in AMBIENT[owner]:
                found.append(f"{node.lineno}: {owner}.{node.attr}")
        elif isinstance(node, ast.ImportFrom) and node.module in ("os", "time"):
            found += [
                f"{node.lineno}: from {node.module} import {alias.name}"
                for alias in node.names
                if alias.name in AMBIENT[node.module]
            ]
    return found


def broad_handlers(tree: ast.AST) -> list[str]:
    """Every handler that keeps what it cannot name to itself, as "line: what".

    One that tidies up and ends by raising the same again keeps nothing.
    """
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            caught = ast.unparse(node.type) if node.type else "everything"
            last = node.body[-1]
            raises_again = (
                isinstance(last, ast.Raise)
                and last.exc is None
                and not any(isinstance(inner, ast.Return) for inner in ast.walk(node))
            )
            if re.search(r"\b(everything|(Base)?Exception)\b", caught) and not raises_again:
                found.append(f"{node.lineno}: {caught}")
    return found


def suppressed_broadly(tree: ast.AST) -> list[str]:
    """Every `suppress(Exception)`, which is the same by another name."""
    return [
        f"{node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).endswith("suppress")
        and any(re.search(r"\b(Base)?Exception\b", ast.unparse(arg)) for arg in node.args)
    ]


def reexports(tree: ast.AST) -> list[str]:
    """Every import of the package's own modules, as "line: module"."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            if node.level or module.partition(".")[0] == "changeaudit":
                found.append(f"{node.lineno}: {module}")
        elif isinstance(node, ast.Import):
            found += [
                f"{node.lineno}: {alias.name}"
                for alias in node.names
                if alias.name.partition(".")[0] == "changeaudit"
            ]
    return found


@each_source
def test_the_clock_and_the_environment_are_read_by_the_command_line_alone(path: Path) -> None:
    if not path.is_relative_to(PACKAGE / "cli"):
        assert ambient_reads(parsed(path)) == []


@each_source
def test_nothing_catches_what_it_cannot_name(path: Path) -> None:
    tree = parsed(path)
    assert broad_handlers(tree) + suppressed_broadly(tree) == []


@each_source
def test_every_module_has_a_purpose_for_a_name(path: Path) -> None:
    assert path.stem not in {"utils", "util", "helpers", "helper", "misc", "common", "manager"}


@pytest.mark.parametrize(
    "path", [path for path in SOURCES if path.name == "__init__.py"], ids=name_of
)
def test_a_package_hands_on_nothing_from_its_modules(path: Path) -> None:
    assert reexports(parsed(path)) == []


@each_source
def test_no_line_is_excused_from_coverage(path: Path) -> None:
    assert not re.search(r"pragma:\s*no\s*(cover|branch)", path.read_text(encoding="utf-8"), re.I)


@pytest.mark.parametrize(
    ("finds", "code"),
    [
        (ambient_reads, "datetime.now(UTC)"),
        (ambient_reads, "datetime.datetime.utcnow()"),
        (ambient_reads, "import time\ntime.time()"),
        (ambient_reads, "os.environ['HOME']"),
        (ambient_reads, "os.getenv('HOME')"),
        (ambient_reads, "from os import environ as e"),
        (ambient_reads, "date.today()"),
        (broad_handlers, "try: f()\nexcept: pass"),
        (broad_handlers, "try: f()\nexcept Exception: pass"),
        (broad_handlers, "try: f()\nexcept (ValueError, BaseException) as e: pass"),
        (broad_handlers, "try: f()\nexcept Exception as e: raise ValueError from e"),
        (broad_handlers, "def g():\n try: f()\n except Exception:\n  if x: return\n  raise"),
        (suppressed_broadly, "with contextlib.suppress(Exception): f()"),
        (reexports, "from changeaudit.errors import UsageError"),
        (reexports, "import changeaudit.errors"),
        (reexports, "from .errors import UsageError"),
    ],
)
def test_a_breach_is_found(finds: Callable[[ast.AST], list[str]], code: str) -> None:
    assert len(finds(ast.parse(code))) == 1


@pytest.mark.parametrize(
    ("finds", "code"),
    [
        (ambient_reads, "'datetime.now() is not called'\ntime.monotonic()\nself.now()"),
        (broad_handlers, "try: f()\nexcept (ValueError, ChangeauditError): pass"),
        (broad_handlers, "try: f()\nexcept BaseException:\n close()\n raise"),
        (suppressed_broadly, "with contextlib.suppress(ValueError): f()"),
        (reexports, "from __future__ import annotations\nimport os"),
    ],
)
def test_what_is_allowed_is_not_called_a_breach(
    finds: Callable[[ast.AST], list[str]], code: str
) -> None:
    assert finds(ast.parse(code)) == []


# What may import what -------------------------------------------------------------------------


def lint_imports(tree: Path) -> subprocess.CompletedProcess[str]:
    """Holds the package under `tree`/src to the contracts of `tree`/pyproject.toml."""
    program = (
        "import sys; sys.path.insert(0, 'src')\n"
        "from importlinter.cli import lint_imports\n"
        "sys.exit(lint_imports(no_cache=True, no_logo=True))"
    )
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=tree,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=quiet_environment(),
        check=False,
    )


def quiet_environment() -> dict[str, str]:
    """The environment for tools that are not under test: measured by nobody, in plain UTF-8."""
    ours = {k: v for k, v in os.environ.items() if not k.startswith(("COV_", "COVERAGE_"))}
    return ours | {"PYTHONUTF8": "1", "NO_COLOR": "1", "COLUMNS": "200"}


@pytest.mark.slow
def test_imports_point_one_way() -> None:
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def source_copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package and its contracts that a test may spoil."""
    copy = tmp_path_factory.mktemp("contracts")
    shutil.copytree(
        PACKAGE, copy / "src" / "changeaudit", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copy(ROOT / "pyproject.toml", copy)
    return copy


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("errors.py", "import changeaudit.verdicts", "Imports point one way"),
        ("policy.py", "import changeaudit.rules", "Imports point one way"),
        ("rules/__init__.py", "import changeaudit.store", "Rules judge"),
        ("rules/__init__.py", "import changeaudit.collectors", "Rules judge"),
        ("reporters/__init__.py", "import changeaudit.policy", "Reporters present"),
        ("reporters/__init__.py", "import changeaudit.store", "Reporters present"),
        ("collectors/__init__.py", "import changeaudit.asof", "Collectors gather"),
        ("collectors/__init__.py", "import changeaudit.rules", "Collectors gather"),
        ("store.py", "import changeaudit.cli", "Imports point one way"),
    ],
)
def test_a_forbidden_import_breaks_its_contract(
    source_copy: Path, module: str, line: str, contract: str
) -> None:
    path = source_copy / "src" / "changeaudit" / module
    before = path.read_bytes()
    path.write_bytes(before + f"\n{line}\n".encode())
    try:
        done = lint_imports(source_copy)
    finally:
        path.write_bytes(before)
    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    assert re.search(rf"{contract}.* BROKEN", said), said


@pytest.mark.slow
def test_a_module_without_a_place_in_the_layers_is_named(source_copy: Path) -> None:
    """Whoever adds a module says what it may import, in pyproject.toml."""
    path = source_copy / "src" / "changeaudit" / "newcomer.py"
    path.touch()
    try:
        done = lint_imports(source_copy)
    finally:
        path.unlink()
    assert done.returncode == 1
    assert "newcomer" in done.stdout + done.stderr


# What is shipped ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Built:
    """The names in the wheel and in the source archive."""

    wheel: frozenset[str]
    sdist: frozenset[str]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The archives as they would be published, the wheel built from the unpacked source."""
    out = tmp_path_factory.mktemp("built")
    hatchling(ROOT, "sdist", out)
    (source,) = out.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        top = source.name.removesuffix(".tar.gz")
        inside = frozenset(name.removeprefix(f"{top}/") for name in archive.getnames())
        unpack(archive, out)
    hatchling(out / top, "wheel", out)
    (wheel,) = out.glob("*.whl")
    with zipfile.ZipFile(wheel) as package:
        return Built(frozenset(package.namelist()), inside)


def unpack(archive: tarfile.TarFile, out: Path) -> None:
    """Writes the archive's files; the filters of `extractall` are younger than Python 3.11.0."""
    for member in archive:
        content = archive.extractfile(member)
        if content is not None:
            path = out / member.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.read())


def hatchling(tree: Path, target: str, out: Path) -> None:
    """Builds with the builder of the locked environment, which needs no network."""
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(out)],
        cwd=tree,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=quiet_environment(),
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def files_under(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(folder).as_posix()


@pytest.mark.slow
def test_the_wheel_holds_every_file_of_the_package(built: Built) -> None:
    """Modules, and with them the queries, templates, styles, scripts and the typing marker."""
    expected = {f"changeaudit/{name}" for name in files_under(PACKAGE)}
    assert expected <= built.wheel
    assert {Path(name).suffix for name in expected} >= {".py", ".graphql", ".css", ".js", ".typed"}


@pytest.mark.slow
def test_the_wheel_holds_the_demonstration(built: Built) -> None:
    evidence = {f"changeaudit/demo_evidence/{n}" for n in files_under(ROOT / "fixtures" / "demo")}
    assert evidence, "fixtures/demo holds no evidence to demonstrate with"
    assert evidence <= built.wheel


@pytest.mark.slow
def test_the_wheel_holds_nothing_else(built: Built) -> None:
    """No tests, no caches: a module of a user's own named `tests` is never shadowed."""
    tops = {name.partition("/")[0] for name in built.wheel}
    assert tops == {"changeaudit", f"changeaudit-{changeaudit.__version__}.dist-info"}


@pytest.mark.slow
def test_the_source_archive_holds_what_its_tests_need(built: Built) -> None:
    needed = {"pyproject.toml", "uv.lock", "Makefile", "LICENSE", "README.md", "CHANGELOG.md"}
    assert needed <= built.sdist
    assert {f"tests/{name}" for name in files_under(ROOT / "tests")} <= built.sdist


# What is said about it ------------------------------------------------------------------------


def test_the_version_is_written_once() -> None:
    """In the package; the metadata of what is installed and the build take it from there."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["dynamic"] == ["version"]
    assert "version" not in project["project"]
    assert importlib.metadata.version("changeaudit") == changeaudit.__version__
    quoted = re.compile(rf"""["']{re.escape(changeaudit.__version__)}["']""")
    holders = [name_of(p) for p in SOURCES if quoted.search(p.read_text(encoding="utf-8"))]
    assert holders == ["__init__.py"]


def test_the_changelog_speaks_of_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    sections = re.findall(r"^## \[([^\]]+)\]", text, re.MULTILINE)
    assert sections, "CHANGELOG.md has no section"
    assert sections[0] in ("Unreleased", changeaudit.__version__)


def test_every_automatic_run_installs_the_same_uv() -> None:
    """The version stands in .ci/uv.txt, with the digests of its files, and nowhere else."""
    pinned = (ROOT / ".ci" / "uv.txt").read_text(encoding="utf-8")
    assert re.search(r"^uv==\d+\.\d+\.\d+ \\$", pinned, re.MULTILINE)
    assert "--hash=sha256:" in pinned
    for name in ("Makefile", ".github/workflows/ci.yml", ".ci/run"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert not re.search(r"\buv *==", text), f"{name} names a version of uv of its own"
        assert "setup-uv" not in text


# What the tests themselves stand on -----------------------------------------------------------


def test_no_test_reaches_the_network() -> None:
    with pytest.raises(RuntimeError, match="stay on this machine"):
        socket.create_connection(("192.0.2.1", 443), timeout=1)
    with pytest.raises(RuntimeError, match="stay on this machine"):
        socket.getaddrinfo("api.github.com", 443)
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
        pytest.raises(RuntimeError, match="stay on this machine"),
    ):
        datagrams.sendto(b"", ("192.0.2.1", 53))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine_may_be_reached(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection((host, server.getsockname()[1]), timeout=5).close()


def test_no_test_sees_a_token() -> None:
    """Whatever the developer's shell or a service puts into the environment."""
    program = (
        "import os, sys; sys.path.insert(0, 'tests'); import conftest\n"
        "print([n for n in ('GITHUB_TOKEN', 'jira_api_token', 'DB_PASSWORD', 'KEEP') "
        "if n in os.environ])"
    )
    secrets = {"GITHUB_TOKEN": "x", "jira_api_token": "x", "DB_PASSWORD": "x", "KEEP": "x"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=quiet_environment() | secrets,
        check=True,
    )
    assert done.stdout.strip() == "['KEEP']"


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="Windows sets its zone for the machine")
def test_the_local_zone_is_no_whole_hour_from_utc() -> None:
    """A local time mistaken for UTC is then wrong everywhere, not only on some laptops."""
    assert (time.timezone, time.altzone) == (12_600, 9_000)


SEEN_ZONES: set[int] = set()


def test_any_zone_changes_the_local_time(any_zone: str) -> None:
    """Each zone of the fixture is another one; a rule that is not understood would be UTC."""
    assert time.timezone not in SEEN_ZONES, any_zone
    SEEN_ZONES.add(time.timezone)
