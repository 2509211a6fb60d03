"""Fixtures of the course tests."""

import lab_checks
import pytest


@pytest.fixture
def checks(request):
    """(visible, hidden) checks of the lab that the test module names in LAB."""
    return lab_checks.load(request.module.LAB)
