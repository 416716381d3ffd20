"""What tests of children share."""

import pytest

from resticprof.system import child


@pytest.fixture
def fast(monkeypatch):
    monkeypatch.setattr(child, "GRACE", 0.3)
    monkeypatch.setattr(child, "LINGER", 0.3)
