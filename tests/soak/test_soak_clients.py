"""The long forms of the traps of clients."""

from pathlib import Path

from followers import Following, promote_before


def test_sixty_four_threads_in_each_of_eight_processes_through_a_hundred_promotions(
    database_url: str, tmp_path: Path
) -> None:
    promote_before(Following(database_url, tmp_path, processes=8, threads=64, promotions=100, pause=0.02))
