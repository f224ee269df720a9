"""One command per task: `nox -s demo`, `quick`, `tests`, `lint`, `types`, `docs`, `bench`; CI runs the same commands.

Each session creates its own virtual environment and installs its dependencies, so you need nox only. The dependencies
are in `pyproject.toml`, in groups with the sessions' names. Arguments after `--` are passed to the tool:
`nox -s tests -- tests/routing -k mount`, `nox -s demo -- --port 9000`.
"""

from __future__ import annotations

import json
import os
import re
import socket
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
# In CI every environment is new, so that it has the newest release of everything.
nox.options.reuse_existing_virtualenvs = not os.environ.get("CI")
nox.options.sessions = ["tests", "lint", "types", "docs"]

PYPROJECT = nox.project.load_toml("pyproject.toml")
# The groups of packages that share an environment, in the order of the table.
ENVIRONMENTS = {
    table["environment"]: table.get("python")
    for table in nox.project.load_toml("tests/ecosystem/packages.toml")["packages"].values()
}
EXTRAS = ",".join(PYPROJECT["project"]["optional-dependencies"])
# An installed sanic-ext extends each application at its start.
EXTRAS_BUT_EXT = ",".join(extra for extra in EXTRAS.split(",") if extra != "ext")

# Tests over sockets wait most of the time, so there are more workers than cores; more than four slow each other down.
PARALLEL = ("-n", "4", "--dist", "worksteal")
# Hundreds of tests start servers and processes, some of them Sanic's, on a machine that other programs use too. A test
# that fails runs again, and the summary names it as RERUN: fix it anyway. `.ci/run` allows three.
ONCE_MORE = ("--reruns=1", "-raR")


# The whole suite runs on the default Python with the newest dependencies. Other Pythons skip the tests that start many
# servers, which test the servers and Sanic and take more than half of the time, and the tests of the repository.
WITHOUT_SERVERS = (
    "--ignore=tests/project",
    "--deselect=tests/parity/test_parity.py::test_same_answers_over_a_socket",
    *(
        f"--ignore=tests/{module}.py"
        for module in (
            "compat/test_extensions_served",
            "compat/test_growth",
            "compat/test_hostile_exceptions",
            "compat/test_inspector",
            "compat/test_mounts_over_sockets",
            "compat/test_threads_served",
            "compat/test_websocket_bad_input",
            "compat/test_websocket_leaving",
            "engine/test_after_errors",
            "engine/test_connections",
            "engine/test_event_streams_served",
            "engine/test_hanging",
            "engine/test_matrix",
            "engine/test_proxies",
            "engine/test_streams_on_servers",
            "engine/test_supervisor",
            "fuzz/test_tables",
            "fuzz/test_wire",
            "hub/test_hub_served",
            "parity/test_talks_served",
        )
    ),
)

# `nox -s quick` also skips these modules, whose tests take more than 0.1 s each, or seconds together.
SLOW = tuple(
    f"--ignore=tests/{module}.py"
    for module in (
        "compat/test_async_server",
        "compat/test_async_server_order",
        "compat/test_background",
        "compat/test_bad_input",
        "compat/test_error_snapshot",
        "compat/test_event_stream",
        "compat/test_exception_handlers",
        "compat/test_ext",
        "compat/test_field_size",
        "compat/test_files_root",
        "compat/test_garbage",
        "compat/test_handshakes",
        "compat/test_log",
        "compat/test_main_process",
        "compat/test_manager",
        "compat/test_monitoring",
        "compat/test_names",
        "compat/test_parsers_both",
        "compat/test_path_guards",
        "compat/test_response_fuzz",
        "compat/test_root_path",
        "compat/test_server_names",
        "compat/test_starlette_exceptions",
        "compat/test_tls",
        "compat/test_websocket_ends",
        "compat/test_websocket_frames",
        "engine/test_body_limit_served",
        "engine/test_boundary",
        "engine/test_floods",
        "engine/test_fork",
        "engine/test_heads",
        "engine/test_idle",
        "engine/test_lifespan_context",
        "engine/test_listening",
        "engine/test_malformed_bodies",
        "engine/test_malformed_requests",
        "engine/test_os_signals",
        "engine/test_routes_in_threads",
        "engine/test_servers",
        "engine/test_shared_receive",
        "engine/test_steps",
        "engine/test_streams",
        "engine/test_timeouts",
        "engine/test_workers",
        "testing/test_as_httpx",
        "testing/test_life",
        "testing/test_plugin",
        "testing/test_sanic",
        "testing/test_sockets",
        "testing/test_traces",
    )
)

# `nox -s acceptance` runs the tests of these source archives; `acceptance/page.py` names the same two.
ACCEPTANCE_SUITES = {"sanic": "25.12.0", "starlette": "1.10.0"}


def group(name: str) -> tuple[str, ...]:
    """Return the requirements of a dependency group, included groups among them."""
    return nox.project.dependency_groups(PYPROJECT, name)


def install_for_tests(session: nox.Session, *constraints: str) -> None:
    """Install the package with every extra, and the dependencies of the tests.

    The package is editable, so that coverage measures the checkout. Existing environments get the newest releases too.
    """
    session.install("--upgrade", "--upgrade-strategy=eager", "-e", f".[{EXTRAS}]", *group("tests"), *constraints)


def install_newest_multidict(session: nox.Session, *options: str) -> None:
    """Install a newer multidict than Sanic allows: users without Sanic get that one."""
    # pip warns that Sanic does not allow it, and installs it.
    session.install("--upgrade", *options, "multidict")


def run_pytest(session: nox.Session, *options: str) -> None:
    """Run the whole suite in parallel, or the tests named after `--` in one process."""
    chosen = session.posargs or [*PARALLEL, *ONCE_MORE, *options]
    session.run("python", "-m", "pytest", *chosen)


def address_problem(host: str, port: str) -> str | None:
    """Return why this address cannot be served and how to solve it, or None; uvicorn would accept port 99999."""
    if not port.isdecimal() or int(port) > 65535:
        return f"PORT must be a number up to 65535, not {port!r}, as in PORT=8001 .venv/bin/nox -s demo"
    try:
        family, kind, *_, address = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        return f"Port {port} of {host}: {error.strerror}. Choose another, as in PORT=8001 .venv/bin/nox -s demo"
    return None


@nox.session
def demo(session: nox.Session) -> None:
    """Serve the task board of `examples/` until Ctrl-C; HOST, PORT or uvicorn's own options move it."""
    # An empty value counts as not set: an empty HOST would open the demo to the network.
    host, port = os.environ.get("HOST") or "127.0.0.1", os.environ.get("PORT") or "8000"
    if not session.posargs and (problem := address_problem(host, port)):
        session.error(problem)
    session.install("-e", ".", *group("demo"))
    if not session.posargs:
        shown = f"[{host}]" if ":" in host else host
        session.log(f"The task board: http://{shown}:{port}/  (Ctrl-C ends it)")
    python = str(Path(session.bin, "python"))
    server = (python, "-m", "uvicorn", "examples.taskboard.server:app", "--host", host, "--port", port)
    # nox does not pass SIGTERM on, and would leave the server running; so this process becomes the server.
    sys.stdout.flush()
    os.execv(python, (*server, *session.posargs))


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests on this Python with the newest dependencies, and check the floor of the branch coverage."""
    install_for_tests(session)
    install_newest_multidict(session)
    run_pytest(session, "--cov", "--cov-report=term")


@nox.session
def quick(session: nox.Session) -> None:
    """Check the format, the code and the layers, and run the tests that need no server: a minute on two cores."""
    # Without `--upgrade`: a check before each commit does not look for newer releases.
    session.install("-e", f".[{EXTRAS}]", *group("tests"), *group("lint"))
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")
    session.run("lint-imports")
    # One worker per core: each collects all tests, which takes as long as a third of them. No second run of a test that
    # fails: with it, each test reports to a server of the plugin, which takes 40 ms.
    folders = ("tests/compat", "tests/engine", "tests/testing")
    chosen = session.posargs or ["-n", "auto", "--dist", "worksteal", *WITHOUT_SERVERS, *SLOW, *folders]
    session.run("python", "-m", "pytest", *chosen)


@nox.session(name="tests-on", python=["3.11", "3.12", "3.13"])
def tests_on(session: nox.Session) -> None:
    """Run the tests on a given Python, for example `nox -s tests-on-3.13`, without servers and the repository."""
    install_for_tests(session)
    install_newest_multidict(session)
    run_pytest(session, *WITHOUT_SERVERS)


@nox.session(name="tests-min")
def tests_min(session: nox.Session) -> None:
    """Run the tests with the oldest release of each dependency that `pyproject.toml` allows, without servers."""
    # Not in the session's folder for temporary files: the tests would use that too, and the paths of unix sockets must
    # be short.
    floors = Path(session.virtualenv.location, "floors.txt")
    # Direct dependencies only: indirect ones stay new, as a user's installer would choose them.
    project = nox.project.load_toml("pyproject.toml")["project"]
    declared = [
        *project["dependencies"],
        *(requirement for extra in project["optional-dependencies"].values() for requirement in extra),
    ]
    # `name[extra]>=1.2,<2` becomes `name==1.2`: constraints name no extras.
    bounds = (re.match(r"([\w.-]+)(?:\[.*?\])?>=([\d.]+)", requirement) for requirement in declared)
    floors.write_text("".join(f"{bound[1]}=={bound[2]}\n" for bound in bounds if bound))
    install_for_tests(session, "-c", str(floors))
    run_pytest(session, *WITHOUT_SERVERS)


@nox.session(name="tests-pre")
def tests_pre(session: nox.Session) -> None:
    """Run the tests with pre-releases of every dependency, to find changes early; not part of the gate."""
    # sanic-testing, the reference for our test clients, does not work with the pre-releases of httpx 1.0.
    install_for_tests(session, "--pre", "httpx<1")
    install_newest_multidict(session, "--pre")
    run_pytest(session)


@nox.session
def acceptance(session: nox.Session) -> None:
    """Run the suites of Sanic and Starlette on this package, and fail below the floor; `-- --write` raises it."""
    session.install("-e", f".[{EXTRAS_BUT_EXT}]", *group("acceptance"))
    archives = Path(session.virtualenv.location, "archives")
    for name, release in ACCEPTANCE_SUITES.items():
        if not Path(archives, f"{name}-{release}.tar.gz").exists():
            session.run(
                "python", "-m", "pip", "download", "-q", "--no-deps", "--no-binary", name, "--dest", str(archives),
                f"{name}=={release}",
            )  # fmt: skip
    session.run("python", "-m", "acceptance", "--archives", str(archives), *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check the format, the code and the layers; `nox -s lint -- --fix` fixes what can be fixed."""
    session.install("-e", ".", *group("lint"))
    if "--fix" in session.posargs:
        session.run("ruff", "check", "--fix", ".")
        session.run("ruff", "format", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")
    session.run("lint-imports")


@nox.session
def types(session: nox.Session) -> None:
    """Check the types of the package and of the tests strictly, and those of the package on Windows."""
    session.install("-e", f".[{EXTRAS}]", *group("types"))
    session.run("mypy", *session.posargs)
    if not session.posargs:
        # Finds names of the standard library that Windows lacks.
        session.run("mypy", "--platform", "win32", "sanic_star")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation into `site/`, warnings as errors, and check it; `-- serve` shows it while you write."""
    session.install("-e", ".", *group("docs"))
    # Without the theme's long notice about its successor.
    session.run("mkdocs", *(session.posargs or ["build", "--strict"]), env={"NO_MKDOCS_2_WARNING": "1"})
    if not session.posargs:
        session.run("python", "-m", "tests.site")


@nox.session
def fuzz(session: nox.Session) -> None:
    """Compare with Sanic's router on random tables; `nox -s fuzz -- --wire` sends malformed requests to each server."""
    install_for_tests(session)
    session.run("python", "-m", "tests.fuzz", *session.posargs)


@nox.session
def soak(session: nox.Session) -> None:
    """Send 300,000 mixed requests to a server, whose memory must stay flat; `nox -s soak -- --server granian`."""
    install_for_tests(session)
    session.run("python", "-m", "tests.fuzz.soak", *session.posargs)


@nox.session
@nox.parametrize("environment,python", [nox.param(*pair, id=pair[0]) for pair in ENVIRONMENTS.items()])
def ecosystem(session: nox.Session, environment: str) -> None:
    """Run packages here and on Sanic or Starlette, and write `docs/ecosystem.md`; `-- Sanic-Cors` chooses packages."""
    session.install("--upgrade", "-e", f".[{EXTRAS_BUT_EXT}]", *group("ecosystem"))
    session.run("python", "-m", "tests.ecosystem", environment, *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure against the peers and write the tables of the documentation (needs `wrk` for the part over a socket)."""
    session.install(".", *group("bench"))
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session
def audit(session: nox.Session) -> None:
    """Look up the newest and the oldest allowed dependencies in databases of vulnerabilities; needs the network."""
    session.install(*group("audit"))
    audit_one(session, "newest", f".[{EXTRAS}]")
    audit_one(session, "oldest", f".[{EXTRAS}]", *(f"{name}=={version}" for name, version in floors()))


def floors() -> list[tuple[str, str]]:
    """Return name and lowest version of each dependency that `pyproject.toml` has a floor for."""
    project = PYPROJECT["project"]
    extras = project["optional-dependencies"].values()
    declared = [*project["dependencies"], *(requirement for extra in extras for requirement in extra)]
    bounds = (re.match(r"([\w.-]+)(?:\[.*?\])?>=([\d.]+)", requirement) for requirement in declared)
    return [(bound[1], bound[2]) for bound in bounds if bound]


def audit_one(session: nox.Session, name: str, *requirements: str) -> None:
    """Install requirements in a new environment, and audit its packages."""
    environment = Path(session.create_tmp(), name)
    session.run("python", "-m", "venv", "--clear", str(environment), silent=True)
    python = next(environment.glob("bin/python*"), environment / "Scripts/python.exe")
    session.run(str(python), "-m", "pip", "install", "-q", *requirements, external=True)
    frozen = session.run(
        str(python), "-m", "pip", "list", "--format=freeze", "--exclude", "sanic-star", "--exclude", "pip",
        "--exclude", "setuptools", external=True, silent=True,
    )  # fmt: skip
    listed = environment / "requirements.txt"
    listed.write_text("".join(f"{line}\n" for line in str(frozen).splitlines() if re.match(r"[\w.-]+==", line)))
    report = session.run(
        "pip-audit", "--requirement", str(listed), "--no-deps", "--disable-pip", "--progress-spinner=off",
        "--format=json", *session.posargs, success_codes=[0, 1], silent=True, stderr=None,
    )  # fmt: skip
    start = str(report).find("{")
    dependencies = json.loads(str(report)[start:])["dependencies"] if start >= 0 else []
    # An index without advisory data answers as if it did not know the package, which does not mean that it is safe.
    unknown = [entry["name"] for entry in dependencies if "skip_reason" in entry]
    if not dependencies or unknown:
        session.error(
            f"{len(unknown) or 'All'} of the packages could not be looked up: no advisory data can be reached. "
            "Run this where the package index has it, or where this answers: "
            "nox -s audit -- --vulnerability-service osv"
        )
    vulnerable = [entry for entry in dependencies if entry["vulns"]]
    for entry in vulnerable:
        for vulnerability in entry["vulns"]:
            fixed = ", ".join(vulnerability["fix_versions"]) or "no release"
            session.warn(f"{entry['name']} {entry['version']}: {vulnerability['id']}, fixed in {fixed}")
    if vulnerable:
        session.error(f"{len(vulnerable)} of the {name} allowed releases have known vulnerabilities")
    session.log(f"{len(dependencies)} packages, the {name} that pyproject.toml allows: no known vulnerabilities")


@nox.session
def sbom(session: nox.Session) -> None:
    """Write a CycloneDX bill of materials of the package and its dependencies to `dist/sanic-star.cdx.json`."""
    session.install(*group("sbom"))
    environment = Path(session.create_tmp(), "installed")
    session.run("python", "-m", "venv", "--clear", "--without-pip", str(environment), silent=True)
    python = next(environment.glob("bin/python*"), environment / "Scripts/python.exe")
    # Without pip, which is not part of the package.
    session.run("python", "-m", "pip", "--python", str(python), "install", "-q", f".[{EXTRAS}]")
    written = Path(session.posargs[0] if session.posargs else "dist/sanic-star.cdx.json")
    written.parent.mkdir(parents=True, exist_ok=True)
    # Reproducible: the same releases make the same file; `SOURCE_DATE_EPOCH` sets its time.
    session.run(
        "cyclonedx-py", "environment", str(python), "--pyproject", "pyproject.toml", "--mc-type", "library",
        "--output-reproducible", "--output-file", str(written),
    )  # fmt: skip
    bill = json.loads(written.read_text())
    # The version is not in `pyproject.toml`, which reads it from a file of the package.
    bill["metadata"]["component"]["version"] = re.search(r'"(.+)"', Path("sanic_star/_version.py").read_text())[1]
    written.write_text(json.dumps(bill, indent=2) + "\n")
    listed = {component["name"].lower() for component in bill["components"] if component.get("version")}
    missing = [name for name, _ in floors() if name.lower() not in listed]
    if missing:
        session.error(f"The bill of materials lacks {', '.join(missing)}")
    session.log(f"{len(listed)} components are written to {written}")
