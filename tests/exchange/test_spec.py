"""The table of exchanges: names, and properties that exclude each other."""

import pytest

from hyperspace.exchange.spec import EXCHANGES, has_workers


def test_the_table_has_every_exchange_under_its_name():
    assert list(EXCHANGES) == ["none", "round", "async", "files"]
    assert all(spec.name == name for name, spec in EXCHANGES.items())


@pytest.mark.parametrize("spec", EXCHANGES.values(), ids=str)
def test_properties_agree(spec):
    """Drives that ask with the same trials share them and repeat; workers that come and go do neither."""
    assert not spec.is_synchronous or (spec.is_shared and spec.is_repeatable)
    assert not spec.has_workers or (spec.is_shared and not spec.is_repeatable and not spec.adds_drives)


def test_an_argument_that_is_no_exchange_has_no_workers():
    assert [has_workers(value) for value in ("files", "async", None, "file", 3, ["files"])] == [True, *[False] * 5]
