"""Takes the network away from this process, for good, before foreign code is loaded into it.

Two locks, since each alone has a gap:

1. *A system call filter* (seccomp, Linux 3.5, unprivileged): ``socket`` and ``io_uring_setup`` fail
   with ENETUNREACH, in every thread and child, irrevocably. Without a socket nothing is sent. This
   lock is required.
2. *A user and network namespace of its own* (``unshare``): no interface but a loopback that is
   down. Added wherever the kernel lets an unprivileged process do so; many containers do not. Alone
   it would not do: a name can be looked up through a Unix socket of the host's resolver (nscd,
   systemd-resolved), which then asks the network for us.

Must run while the process has one thread, so before NumPy is imported. Standard library only.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import socket
import struct
import sys
from contextlib import suppress
from typing import NamedTuple

__all__ = ["Seal", "seal_network"]

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2
_ALLOW, _DENY = 0x7FFF0000, 0x00050000 | errno.ENETUNREACH
_LOAD_WORD, _IF_EQUAL, _IF_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_AT_CALL, _AT_ARCHITECTURE = 0, 4  # offsets in struct seccomp_data
_X32_CALLS = 0x40000000
_IO_URING_SETUP = 425
_MACHINES = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}
"""AUDIT_ARCH of each machine, and the number of its ``socket`` call."""

_DOCUMENTATION_ADDRESSES = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))
"""Addresses that belong to nobody (RFC 5737, RFC 3849)."""
_UNREACHABLE = {errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}


class Seal(NamedTuple):
    """What keeps this process from the network.

    Attributes:
        namespace: Whether it has a network namespace of its own, proven empty.
        filter: Whether it can make no socket at all, proven by trying.
        detail: Why a lock is missing, in a sentence; empty where none is.
    """

    namespace: bool
    filter: bool
    detail: str

    @property
    def holds(self) -> bool:
        """Whether nothing can leave: the filter is enough, the namespace alone is not."""
        return self.filter


def seal_network() -> Seal:
    """Apply both locks as far as this machine allows, and prove each that is claimed."""
    if sys.platform != "linux":
        return Seal(False, False, f"{sys.platform} offers no way that biotrail knows")
    library = ctypes.CDLL(None, use_errno=True)
    problems = []
    namespace = filtered = False
    try:
        _enter_namespace(library)
        namespace = _namespace_is_empty()
    except OSError as error:
        problems.append(f"no namespace: {error}")
    try:
        _install_filter(library)
        filtered = _no_socket_can_be_made()
    except OSError as error:
        problems.append(f"no system call filter: {error}")
    return Seal(namespace, filtered, "; ".join(problems))


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _enter_namespace(library: ctypes.CDLL) -> None:
    user, group = os.getuid(), os.getgid()
    _check(library.unshare(_CLONE_NEWUSER | _CLONE_NEWNET), "unshare")
    # Only names: without the maps this process would be called nobody, with the same rights.
    maps = {"setgroups": "deny", "uid_map": f"{user} {user} 1", "gid_map": f"{group} {group} 1"}
    for name, text in maps.items():
        with suppress(OSError), open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def _namespace_is_empty() -> bool:
    """Whether loopback is the only interface, and other addresses are out of reach."""
    if [name for _, name in socket.if_nameindex()] not in ([], ["lo"]):
        return False
    return all(_is_unreachable(*address) for address in _DOCUMENTATION_ADDRESSES)


def _is_unreachable(family: socket.AddressFamily, address: str) -> bool:
    """Whether not even a datagram socket, which sends nothing on connecting, finds a way there."""
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address, 9))
    except OSError as error:
        return error.errno in _UNREACHABLE
    return False


def _filter_program(architecture: int, socket_call: int) -> bytes:
    """The filter as struct sock_filter[]: (code, jump if true, jump if false, operand)."""
    steps = (
        (_LOAD_WORD, 0, 0, _AT_ARCHITECTURE),
        (_IF_EQUAL, 0, 5, architecture),  # a call by another ABI: deny
        (_LOAD_WORD, 0, 0, _AT_CALL),
        (_IF_AT_LEAST, 3, 0, _X32_CALLS),
        (_IF_EQUAL, 2, 0, socket_call),
        (_IF_EQUAL, 1, 0, _IO_URING_SETUP),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _DENY),
    )
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


class _Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_char_p))


def _install_filter(library: ctypes.CDLL) -> None:
    known = _MACHINES.get(platform.machine())
    if known is None or sys.maxsize < 2**32:
        raise OSError(errno.ENOSYS, f"none is known for {platform.machine()}")
    steps = _filter_program(*known)
    program = _Program(len(steps) // 8, steps)
    zero = ctypes.c_ulong(0)
    _check(library.prctl(_PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), zero, zero, zero), "prctl")
    mode = ctypes.c_ulong(_SECCOMP_MODE_FILTER)
    _check(library.prctl(_PR_SET_SECCOMP, mode, ctypes.byref(program), zero, zero), "seccomp")


def _no_socket_can_be_made() -> bool:
    names = ("AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK", "AF_PACKET")
    return not any(_can_make_socket(getattr(socket, name)) for name in names)


def _can_make_socket(family: socket.AddressFamily) -> bool:
    try:
        socket.socket(family, socket.SOCK_DGRAM).close()
    except OSError:
        return False
    return True
