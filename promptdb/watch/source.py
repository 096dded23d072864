"""Where hints come from: the system's events, begun again when they stop, or nothing but the clock."""

from promptdb.files.mounts import remote_file_system
from promptdb.watch.events import Warned
from promptdb.watch.ground import Ground, identity
from promptdb.watch.hints import Hints, Observation, WatchedFolder, kind_of_events

POLLING = "polling"


class EventSource:
    """Not for several threads. `reason` says why it polls; None while there are events.

    Args:
        ground: what to observe.
        hints: where to note that something happened.
        polling: use no events at all.
    """

    def __init__(self, ground: Ground, hints: Hints, *, polling: bool = False) -> None:
        self._ground = ground
        self._hints = hints
        self._observation: Observation | None = None
        self._places: tuple[WatchedFolder, ...] = ()
        self._identity: tuple[int, int] | None = None
        self.reason = "as asked" if polling else _reason_to_poll(ground)

    @property
    def mode(self) -> str:
        """`polling`, or the system's kind of events, such as `inotify`."""
        return POLLING if self.reason is not None else kind_of_events()

    def is_good(self) -> bool:
        """Whether it observes what it should, or has no events to give."""
        return self.reason is not None or (self._is_alive() and self._is_in_place())

    def renew(self) -> Warned | None:
        """Observe from here on what there is now; what is to be told, if anything."""
        if self.is_good():
            return None
        has_died = self._observation is not None and not self._is_alive() and self._is_in_place()
        has_died = not self._hints.take_loss() and has_died
        self.stop()
        self._places, self._identity = self._ground.places(), identity(self._ground.root)
        try:
            self._observation = Observation(self._places, self._ground.skipped(), self._hints)
        except (FileNotFoundError, NotADirectoryError):  # the root went meanwhile: it is tried again
            return None
        except OSError as error:
            self.reason = str(error.strerror or error)
            return Warned(f"polling from here on: {self.reason}", "raise fs.inotify.max_user_watches, see sysctl(8)")
        return Warned("events of the file system had stopped; they come again") if has_died else None

    def stop(self) -> None:
        if self._observation is not None:
            self._observation.stop()
            self._observation = None

    def _is_alive(self) -> bool:
        return self._observation is not None and self._observation.is_alive

    def _is_in_place(self) -> bool:
        """A folder that took the place of another is observed by nobody."""
        return self._identity == identity(self._ground.root) and self._places == self._ground.places()


def _reason_to_poll(ground: Ground) -> str | None:
    remote = remote_file_system(ground.root)
    return f"a file system of type {remote} does not tell of every change" if remote else None
