"""The seal holds in a process that applied it, in its threads and in its children."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from biotrail.matchers._detector import Refusal
from biotrail.matchers._landmark_worker import check_version, parse_version
from biotrail.matchers._seal import Seal

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sealing is Linux's")

SEALED = Seal(True, True, "")
UNSEALED = Seal(False, False, "forbidden here")


def run(program: str) -> dict[str, object]:
    """Run a program in a process of its own; it prints JSON."""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    answer: dict[str, object] = json.loads(ran.stdout)
    return answer


def test_no_socket_can_be_made() -> None:
    """After sealing, sockets of every family fail: in threads, and in children too."""
    answer = run(
        "import json, socket, subprocess, sys, threading\n"
        "from biotrail.matchers._seal import seal_network\n"
        "seal = seal_network()\n"
        "numbers = []\n"
        "def attempt():\n"
        "    for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX):\n"
        "        try: socket.socket(family)\n"
        "        except OSError as error: numbers.append(error.errno)\n"
        "attempt()\n"
        "thread = threading.Thread(target=attempt); thread.start(); thread.join()\n"
        "child = subprocess.run([sys.executable, '-c', 'import socket; socket.socket()'],\n"
        "                       capture_output=True).returncode\n"
        "print(json.dumps({'holds': seal.holds, 'numbers': numbers, 'child': child}))\n"
    )
    assert answer == {"holds": True, "numbers": [101] * 6, "child": 1}


def test_names_are_not_looked_up() -> None:
    """Looking up a name fails at once, since the resolver cannot be reached either."""
    answer = run(
        "import json, socket\n"
        "from biotrail.matchers._seal import seal_network\n"
        "seal_network()\n"
        "try: socket.getaddrinfo('biotrail.example', 443); found = True\n"
        "except OSError: found = False\n"
        "print(json.dumps({'found': found}))\n"
    )
    assert answer == {"found": False}


def test_the_filter_is_enough_without_a_namespace() -> None:
    """Where a container forbids namespaces, the filter alone holds, and the seal says so."""
    answer = run(
        "import json\n"
        "from biotrail.matchers import _seal\n"
        "def forbidden(library): raise PermissionError(1, 'unshare: forbidden')\n"
        "_seal._enter_namespace = forbidden\n"
        "print(json.dumps({**_seal.seal_network()._asdict()}))\n"
    )
    assert answer["filter"] is True
    assert answer["namespace"] is False
    assert "unshare: forbidden" in str(answer["detail"])


def test_a_namespace_without_the_filter_is_not_enough() -> None:
    """A Unix socket of the host's resolver would still be a way out."""
    assert not Seal(True, False, "").holds
    assert Seal(False, True, "").holds


@pytest.mark.parametrize("version", ["0.10.35", "1.0.0", "1.2.2", "2.0"])
def test_a_reporting_mediapipe_needs_the_seal(version: str) -> None:
    """A MediaPipe that sends usage figures is refused unsealed, and accepted sealed."""
    check_version(version, SEALED)
    with pytest.raises(Refusal, match=r"forbidden here.*<0\.10\.35") as caught:
        check_version(version, UNSEALED)
    assert caught.value.reason == "seal"


@pytest.mark.parametrize("version", ["0.10.30", "0.10.31", "0.10.33"])
def test_a_clean_mediapipe_is_accepted_either_way(version: str) -> None:
    """The versions that were seen to open no connection run unsealed as well."""
    check_version(version, SEALED)
    check_version(version, UNSEALED)


def test_an_old_mediapipe_is_refused() -> None:
    """Versions before those that were examined are refused, sealed or not."""
    with pytest.raises(Refusal, match="too old"):
        check_version("0.10.21", SEALED)


def test_versions_are_read_by_their_numbers() -> None:
    """Ten is more than nine, and a suffix does not count."""
    assert parse_version("0.10.33") > parse_version("0.9.4")
    assert parse_version("1.3.0rc1")[:2] == (1, 3)
