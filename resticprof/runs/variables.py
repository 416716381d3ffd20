"""The variables of restic and of hooks: those of the profile, results so far, what failed."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

from resticprof.errors import Error
from resticprof.model import masking
from resticprof.model import report as reports
from resticprof.model.types import Text, reveal
from resticprof.runs import hooks
from resticprof.system import environment

if TYPE_CHECKING:
    from resticprof.model.run import Event
    from resticprof.runs.plan import Plan
    from resticprof.runs.session import Session
    from resticprof.runs.story import Story

log = logging.getLogger("resticprof")

RESULTS = frozenset(
    {
        "STATE",
        "RUN_ID",
        "SUMMARY",
        "DURATION",
        "DURATION_SECONDS",
        "SNAPSHOT_ID",
        "FILES_NEW",
        "FILES_CHANGED",
        "FILES_UNMODIFIED",
        "FILES_PROCESSED",
        "DATA_ADDED",
        "DATA_ADDED_PACKED",
        "BYTES_PROCESSED",
        "WARNING_COUNT",
    }
)
"""Results that hooks find in their environment, unless the profile or the system sets the name."""

ORIGIN = frozenset({"HOSTNAME", "CONFIG_FILE", "REPOSITORY"})
"""What `on-error` finds there, too. In older hooks these names may mean something else."""

ALWAYS = frozenset({"STATE", "RUN_ID", "SUMMARY"})
"""Those that every hook finds: who has them all is started by a hook."""


class Variables:
    """The variables of one run, as they are at each moment."""

    def __init__(self, plan: Plan, session: Session, story: Story) -> None:
        self._plan = plan
        self._session = session
        self._story = story
        self._missing: set[str] = set()  # those whose secret has no value

    def of_restic(self) -> dict[str, Text]:
        """The environment of the profile; its files are read again each time.

        What is secret in it is hidden in the log from now on.
        """
        profile = self._plan.profile
        found = environment.of_profile(files=profile.env_file, variables=self._configured())
        known = masking.environment(found)
        self._session.logs.scrubber.learn(masking.secrets_in((profile, known)))
        return {**known, **self._plan.names}

    def _configured(self) -> dict[str, str]:
        """`env`. Raises `SecretError` for a reference that leads to no value.

        It is asked once: in the failure path, each hook would wait for it again.
        """
        found = {}
        for name, value in self._plan.profile.env.items():
            try:
                if name not in self._missing:
                    found[name] = reveal(value)
            except Error as error:
                self._missing.add(name)
                if not self._story.decided:
                    raise
                log.warning("env: `%s` is missing: %s", name, error)
        return found

    def of_texts(self) -> dict[str, str]:
        """The same as plain text, without what is told of a run whose hook we are."""
        told = RESULTS | reports.ERROR_NAMES if os.environ.keys() >= ALWAYS else frozenset()
        return {
            name: reveal(value)
            for name, value in self.of_restic().items()
            if not (name in told and os.environ.get(name) == reveal(value))
        }

    def of_hooks(self, event: Event, names: frozenset[str]) -> dict[str, str]:
        """The same with the results so far that have these names, and the error context."""
        results = reports.variables(event)
        return {
            **{name: results[name] for name in names & results.keys()},
            **event.environment,
            **hooks.failure_variables(self._story.failure),
        }
