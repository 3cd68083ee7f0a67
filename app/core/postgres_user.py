"""The user whom the embedded Postgres runs as: Postgres refuses to run as root."""

import contextlib
import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

# Under root the server is `nobody`, whom other services may be too, in a group that they do not have: the
# group opens its folders. (A free user id would not do: initdb wants a user with a name.) Debian and systemd
# hand out no ids from 60706 to 61183.
PRIVATE_GID = 61000
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"}


@dataclass(frozen=True)
class ServerUser:
    """Whom the server runs as; None: whom we run as. Only root runs it as somebody else."""

    uid: int | None = None
    gid: int | None = None
    extra_groups: tuple[int, ...] | None = None

    def run(self, *command: str | Path) -> "subprocess.CompletedProcess[str]":
        """Run a short command as this user, in the root folder, and collect what it says."""
        return subprocess.run(
            command,
            user=self.uid,
            group=self.gid,
            extra_groups=self.extra_groups,
            cwd="/",
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def can_enter(self, folder: Path) -> bool:
        """Whether this user may pass through the folder and all those above it; the kernel answers."""
        return self.uid is None or self.run("test", "-x", folder).returncode == 0

    def own(self, folder: Path) -> None:
        """Give the folder to this user alone; nothing to do when that is us."""
        if self.uid is not None and self.gid is not None:
            os.chown(folder, self.uid, self.gid)

    def open_to(self, folder: Path, *, writable: bool = False) -> None:
        """Let this user, and nobody else but root, into a folder of root's."""
        if self.gid == PRIVATE_GID:
            os.chown(folder, 0, PRIVATE_GID)
            folder.chmod(0o770 if writable else 0o710)
        else:
            self.own(folder)


def server_user(folder: Path) -> ServerUser:
    """As root: the folder's owner, or where that is root (or has no name) `nobody` in the private group."""
    if os.geteuid() != 0:
        return ServerUser()
    with contextlib.suppress(KeyError):
        owner = pwd.getpwuid(folder.stat().st_uid)
        if owner.pw_uid != 0:
            return ServerUser(owner.pw_uid, owner.pw_gid, ())
    return ServerUser(pwd.getpwnam("nobody").pw_uid, PRIVATE_GID, ())
