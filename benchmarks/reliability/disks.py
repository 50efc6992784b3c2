"""Small disks on which studies stand, and what goes wrong with them. All but a plain folder need root."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from pathlib import Path

from benchmarks.reliability.schedule import EXT4, TMPFS


class Disk:
    """A folder on a file system of its own, or a plain folder.

    Args:
        kind: one of `benchmarks.reliability.schedule`: PLAIN, TMPFS or EXT4.
        folder: where it is made; nothing else may be in there.

    Attributes:
        study: the folder of the study, which the program makes.
        failed: whether it was made read-only for good, as after an I/O error.
    """

    def __init__(self, kind: str, folder: Path) -> None:
        self._kind = kind
        self._folder = folder
        self._root = folder / "disk"
        self._image = folder / "image"
        self._bound = False
        self.study = self._root / "study"
        self.failed = False

    def mount(self) -> None:
        """Make it."""
        self._root.mkdir(parents=True)
        if self._kind == EXT4:
            with open(self._image, "wb") as file:
                file.truncate(8 << 20)
            _run("mkfs.ext4", "-q", "-F", "-N", "2000", self._image)
        self._mount()

    def unmount(self) -> None:
        """Give it up, with all that is on it."""
        if self._bound:
            self.unprotect()
        if self._root.is_mount():
            _run("umount", "--lazy", self._root)

    def _mount(self) -> None:
        if self._kind == TMPFS:
            _run("mount", "-t", "tmpfs", "-o", "size=4m,nr_inodes=600", "none", self._root)
        elif self._kind == EXT4:
            _run("mount", "-o", "loop,errors=remount-ro", self._image, self._root)

    def fill(self) -> None:
        """Use up its space."""
        with contextlib.suppress(OSError), open(self._root / "ballast", "wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))

    def unfill(self) -> None:
        """Free the space."""
        (self._root / "ballast").unlink(missing_ok=True)

    def exhaust(self) -> None:
        """Use up its inodes, so that no file can be created."""
        many = self._root / "many"
        with contextlib.suppress(OSError):
            many.mkdir(exist_ok=True)
            for number in range(10_000):
                (many / str(number)).touch()

    def unexhaust(self) -> None:
        """Free the inodes."""
        shutil.rmtree(self._root / "many", ignore_errors=True)

    def protect(self) -> None:
        """Make it read-only; where files are open for writing, only what is opened from now on."""
        if _run("mount", "-o", "remount,ro", self._root, check=False) and self.study.exists():
            _run("mount", "--bind", self.study, self.study)
            while _run("mount", "-o", "remount,ro,bind", self.study, check=False):
                time.sleep(0.01)  # it is busy while somebody opens a file for writing
            self._bound = True

    def unprotect(self) -> None:
        """Make it writable again."""
        if self._bound:
            _run("umount", "--lazy", self.study)
            self._bound = False
        else:
            _run("mount", "-o", "remount,rw", self._root, check=False)

    def fail(self) -> None:
        """Make it read-only at once, open files included, as the kernel does after an I/O error."""
        device = Path(_output("findmnt", "--noheadings", "--output", "SOURCE", self._root)).name
        Path(f"/sys/fs/ext4/{device}/trigger_fs_error").write_text("a schedule")
        self.failed = True

    def repair(self) -> None:
        """Check a disk that failed, as an administrator does, and mount it again; nothing may be open on it."""
        if self.failed:
            _run("umount", self._root)
            _run("fsck.ext4", "-y", self._image, check=False)  # 1: errors were corrected
            self._mount()
            self.failed = False

    def remove(self) -> None:
        """Remove the study's folder, as a user may do."""
        for _ in range(5):  # a run at work may put files into what is being removed
            shutil.rmtree(self.study, ignore_errors=True)

    def rename(self) -> None:
        """Rename the study's folder."""
        with contextlib.suppress(FileNotFoundError):
            self.study.rename(self._renamed)
            os.sync()  # a disk that fails next forgets nothing of what the user did

    def rename_back(self) -> None:
        """Give the study's folder its name back; what a run has made in its place meanwhile is set aside."""
        if self._renamed.exists():
            if self.study.exists():
                self.study.rename(self._root / "made meanwhile")
            self._renamed.rename(self.study)
            os.sync()

    @property
    def _renamed(self) -> Path:
        return self._root / "renamed"


def missing(kind: str) -> str | None:
    """Return what a disk of this kind needs and is not here; None if all is."""
    programs = {TMPFS: ["mount", "umount"], EXT4: ["mkfs.ext4", "fsck.ext4", "findmnt", "mount", "umount"]}.get(kind, [])
    absent = [name for name in programs if shutil.which(name, path=_PATH) is None]
    if absent:
        return f"no {', '.join(absent)}"
    if kind == EXT4 and not Path("/dev/loop-control").exists():
        return "no loop devices"
    return None


_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def _run(*words: str | Path, check: bool = True) -> int:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, env={"PATH": _PATH}, timeout=30)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(map(str, words))} ended with {done.returncode}: {done.stderr.strip()}")
    return done.returncode


def _output(*words: str | Path) -> str:
    command = [str(word) for word in words]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={"PATH": _PATH}, timeout=30)
    return done.stdout.strip()
