#!/usr/bin/env bash
# Run a command under a real systemd user manager of its own: `user_manager.sh COMMAND [ARGUMENT …]`.
#
# The manager lives in private mount and process namespaces: /run, ~/.config and the cgroups that it
# sees are its own, and everything is gone when the command ends. Needs root, or a kernel that gives
# unprivileged users namespaces, and dbus-user-session. Ends like the command, or with 125 when
# the manager does not come up.
set -euo pipefail

if [ -z "${MANAGER_GROUP:-}" ]; then
  export MANAGER_GROUP=manager-$$ # in the namespace our process id is no longer unique
  exec unshare --mount --pid --fork --mount-proc --kill-child -- "$0" "$@" || exit 125
fi
group=/sys/fs/cgroup/$MANAGER_GROUP
unset MANAGER_GROUP

prepare() {
  mount --make-rprivate /
  mount -t tmpfs tmpfs /run
  mkdir -p /run/systemd/system "/run/user/$(id -u)"
  chmod 700 "/run/user/$(id -u)"
  umount -R /sys/fs/cgroup 2>/dev/null || true
  mount -t cgroup2 none /sys/fs/cgroup
  mkdir -p "$group"
  echo $$ >"$group/cgroup.procs"
  mkdir -p "$HOME/.config"
  mount -t tmpfs tmpfs "$HOME/.config"
  mkdir -p "$HOME/.config/systemd/user"
  mkdir -p /etc/systemd/system
  mount -t tmpfs tmpfs /etc/systemd/system
}
prepare >&2 || exit 125

unset XDG_CONFIG_HOME XDG_DATA_HOME XDG_STATE_HOME XDG_CACHE_HOME
export XDG_RUNTIME_DIR="/run/user/$(id -u)"
export DBUS_SESSION_BUS_ADDRESS="unix:path=$XDG_RUNTIME_DIR/bus"

manager=/lib/systemd/systemd
[ -x "$manager" ] || manager=/usr/lib/systemd/systemd
"$manager" --user --log-target=console --log-level=warning >&2 &

finish() { # groups of processes are the kernel's, and would stay
  kill $!
  wait
  echo $$ >/sys/fs/cgroup/cgroup.procs
  find "$group" -depth -type d -exec rmdir {} +
}
trap '{ finish || true; } 2>/dev/null' EXIT

for _ in $(seq 100); do
  case "$(systemctl --user is-system-running 2>/dev/null || true)" in
  running | degraded)
    status=0
    "$@" || status=$?
    exit "$status"
    ;;
  esac
  sleep 0.1
done
echo "the user manager did not start" >&2
exit 125
