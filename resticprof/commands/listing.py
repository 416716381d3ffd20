"""What there is in a configuration: the listing of `profiles`."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec

from resticprof.errors import Error

if TYPE_CHECKING:
    from resticprof.config.configuration import Configuration

log = logging.getLogger("resticprof")


class ProfileEntry(msgspec.Struct, frozen=True):
    """One line of the listing."""

    name: str
    sections: tuple[str, ...]
    description: str


class GroupEntry(msgspec.Struct, frozen=True):
    """One group of the listing."""

    name: str
    profiles: tuple[str, ...]
    description: str


class Listing(msgspec.Struct, frozen=True):
    """All profiles and groups by name."""

    profiles: tuple[ProfileEntry, ...]
    groups: tuple[GroupEntry, ...]


def listing(configuration: Configuration) -> Listing:
    """Profiles that cannot be read are told and left out."""
    entries = []
    for name in configuration.names():
        try:
            converter, profile = configuration.read_profile(name, reveal=False)
            converter.settle()
        except Error as error:
            log.error("%s", error)
            continue
        entries.append(ProfileEntry(name, tuple(sorted(profile.sections)), profile.description))
    groups = sorted(configuration.groups.values(), key=lambda group: group.name)
    return Listing(
        tuple(entries),
        tuple(GroupEntry(group.name, group.profiles, group.description) for group in groups),
    )
