"""The recorded cases of README.md, one test for each family; `replay` plays them."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit import namespaces
from tests.kit.project import CHECKOUT

HERE = Path(__file__).parent

NOT_YET: set[str] = set()
"""Families that are not built yet; empty is the goal. A family that passes must leave the set."""

PLACES = [Path(folder, "restic") for folder in ("/usr/bin", "/usr/local/bin", "/opt/local/bin")]
HIDE = """
for place in {}; do
  if [ -e "$place" ]; then mount --bind /dev/null "$place" || exit; fi
done
exec "$@"
""".format(" ".join(map(str, PLACES)))
WITHOUT_RESTIC = "cli/no-restic"
"""A case about a machine without restic: this one has none in a mount namespace of its own."""

FAMILIES = sorted(folder.name for folder in (HERE / "cases").iterdir())


@pytest.fixture(scope="session")
def results(request: pytest.FixtureRequest) -> dict[str, dict[str, str]]:
    """Verdict and details of every case of the families that were asked for, played in one go."""
    calls = [getattr(item, "callspec", None) for item in request.session.items]
    wanted = {call.params["family"] for call in calls if call and "family" in call.params}
    families = "|".join(re.escape(family) for family in sorted(wanted))
    hide = [] if namespaces.refused() else [*namespaces.UNSHARE, "sh", "-c", HIDE, "sh"]
    visible = not hide and any(place.exists() for place in PLACES)
    left_out = f"(?!{WITHOUT_RESTIC}$)" if visible else ""
    tool = shlex.join([sys.executable, "-m", "resticprof"])
    pattern = f"^{left_out}({families})/"
    words = ["--tool", tool, "--pass-env", "PYTHONPATH", "-k", pattern, "-v", "--json"]
    done = subprocess.run(
        [*hide, sys.executable, HERE / "replay", *words],
        check=False,
        stdout=subprocess.PIPE,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "PYTHONPATH": str(CHECKOUT)},
        encoding="utf-8",
    )
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {row["case"]: row for row in rows}


@pytest.mark.needs("openssl", "bash")
@pytest.mark.parametrize("family", FAMILIES)
def test_family(family: str, results: dict[str, dict[str, str]]) -> None:
    rows = [row for case, row in results.items() if case.startswith(f"{family}/")]
    cases = {str(file.parent.relative_to(HERE / "cases")) for file in HERE.rglob("case.json")}
    missing = {case for case in cases if case.startswith(f"{family}/")} - results.keys()
    assert missing <= {WITHOUT_RESTIC}, "not every case was played"
    failed = [row for row in rows if row["result"] != "ok"]
    if family in NOT_YET:
        assert failed, f"`{family}` passes: take it out of NOT_YET"
        pytest.xfail(f"{len(failed)} of {len(rows)} cases: not built yet")
    details = "\n".join(f"{row['case']}\n{row['details']}" for row in failed)
    assert not failed, f"{len(failed)} of {len(rows)} cases\n{details}"
    if missing:
        pytest.skip(f"all but `{WITHOUT_RESTIC}` passed; restic cannot be hidden here")
