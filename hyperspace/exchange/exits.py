"""Notices that a library ends this process by C's exit() in the middle of a study.

No Python code runs then: no `finally`, no exception. MPI's own library may wait within exit() for the other ranks, which wait
for this one. So a function is left with the C library that is called in this case, and taken back when the study ends.
"""

from __future__ import annotations

import atexit
import ctypes
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def at_exit_of_c(action: Callable[[], object]) -> Iterator[None]:
    """Call `action` if C's exit() is called within the block, in this process and not in a forked child.

    Does nothing where the C library is not glibc, which alone takes such a function back.
    """
    try:
        library = ctypes.CDLL("libc.so.6")
        register, take_back = library.__cxa_atexit, library.__cxa_finalize
    except (OSError, AttributeError):
        yield
        return
    process = os.getpid()
    active = True

    def at_exit(_: int | None) -> None:
        if active and os.getpid() == process:
            action()

    called = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(at_exit)
    key = ctypes.create_string_buffer(1)  # its address tells this function from all others
    register.argtypes = [ctypes.c_void_p] * 3
    take_back.argtypes = [ctypes.c_void_p]
    take_back.restype = None

    def forget() -> None:
        nonlocal active
        active = False
        take_back(ctypes.addressof(key))

    register(ctypes.cast(called, ctypes.c_void_p), None, ctypes.addressof(key))
    atexit.register(forget)  # Python must be there when the function is called
    try:
        yield
    finally:
        forget()
        atexit.unregister(forget)
