"""Who asks for a schedule: the account we run as, and the one behind sudo."""

from __future__ import annotations

import os
import pwd

import msgspec


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A user of this machine."""

    uid: int
    gid: int
    name: str
    home: str


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """`invoker` is the person: the caller of sudo, or the account itself."""

    account: Account
    invoker: Account
    root_home: str = "/root"

    @property
    def root(self) -> bool:
        """Whether we may change what belongs to the system."""
        return self.account.uid == 0

    @property
    def sudo(self) -> bool:
        """Whether somebody else asks through sudo."""
        return self.root and self.invoker.uid != 0


def find() -> Caller:
    """The caller of this process. `$HOME` counts, except for the one behind sudo."""
    uid = os.geteuid()
    account = _account(uid)
    if home := os.environ.get("HOME"):
        account = msgspec.structs.replace(account, home=home)
    invoker = account
    sudo = os.environ.get("SUDO_UID", "")
    if uid == 0 and sudo.isdecimal() and int(sudo) != 0:
        invoker = _account(int(sudo))
    return Caller(account=account, invoker=invoker, root_home=_account(0).home)


def _account(uid: int) -> Account:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:  # a container may run us as a number without a name
        return Account(uid=uid, gid=os.getegid(), name=str(uid), home="/")
    return Account(uid=uid, gid=entry.pw_gid, name=entry.pw_name, home=entry.pw_dir)


def by_name(name: str) -> Account | None:
    """An account of this machine; None when there is none."""
    try:
        return _account(pwd.getpwnam(name).pw_uid)
    except KeyError:
        return None


def exists(name: str) -> bool:
    """Whether this machine has such an account."""
    return by_name(name) is not None
