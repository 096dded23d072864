"""Many threads and processes through many promotions. `tests/soak` has more of them."""

from pathlib import Path

import pytest
from followers import Following, promote_before
from sampling import sampled


@sampled(("postgresql",))
@pytest.mark.slow
def test_sixty_four_threads_in_eight_processes_see_whole_prompts_in_order(database_url: str, tmp_path: Path) -> None:
    promote_before(Following(database_url, tmp_path, processes=8, threads=8, promotions=30, pause=0.002))
