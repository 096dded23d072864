"""The source of hints: the events of the system, restarted when they stop, or only the clock."""

from promptdb.files.mounts import remote_file_system
from promptdb.watch.events import Warned
from promptdb.watch.ground import Ground, identity
from promptdb.watch.hints import Hints, Observation, WatchedFolder, kind_of_events

POLLING = "polling"


class EventSource:
    """A source of hints for one thread. `reason` explains polling, and is None while there are events."""

    def __init__(self, ground: Ground, hints: Hints, *, polling: bool = False) -> None:
        self._ground = ground
        self._hints = hints
        self._observation: Observation | None = None
        self._places: tuple[WatchedFolder, ...] = ()
        self._identity: tuple[int, int] | None = None
        self.reason: str | None = "as asked" if polling else None
        if not polling and (remote := remote_file_system(ground.root)) is not None:
            self.reason = f"a file system of type {remote} does not report every change"

    @property
    def mode(self) -> str:
        """`polling`, or the kind of events of the system, such as `inotify`."""
        return POLLING if self.reason is not None else kind_of_events()

    def is_good(self) -> bool:
        """Check that the right folders are observed, or that the source polls."""
        return self.reason is not None or (self._is_alive() and self._is_in_place())

    def renew(self) -> Warned | None:
        """Observe the folders that exist now. Return a warning for the user, if there is one."""
        if self.is_good():
            return None
        has_died = self._observation is not None and not self._is_alive() and self._is_in_place()
        has_died = not self._hints.take_loss() and has_died
        self.stop()
        self._places, self._identity = self._ground.places(), identity(self._ground.root)
        try:
            self._observation = Observation(self._places, self._ground.skipped(), self._hints)
        except (FileNotFoundError, NotADirectoryError):
            # The root was removed meanwhile. The next look tries again.
            return None
        except OSError as error:
            self.reason = str(error.strerror or error)
            return Warned(f"polling from here on: {self.reason}", "raise fs.inotify.max_user_watches, see sysctl(8)")
        return Warned("events of the file system stopped, and were started again") if has_died else None

    def stop(self) -> None:
        if self._observation is not None:
            self._observation.stop()
            self._observation = None

    def _is_alive(self) -> bool:
        return self._observation is not None and self._observation.is_alive

    def _is_in_place(self) -> bool:
        # A folder that replaced another one under the same path is not observed.
        return self._identity == identity(self._ground.root) and self._places == self._ground.places()
