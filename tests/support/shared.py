"""Real data that lies beside the project where it is developed, and not in a user's clone."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
CHINOOK = SHARED / "data" / "chinook"

needs_chinook = pytest.mark.skipif(
    not CHINOOK.is_dir(), reason="the Chinook database lies in a folder 'shared' beside the project, which is not here"
)
