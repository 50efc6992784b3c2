"""The table of the Sobol sequence is what the construction needs: primitive polynomials in order, odd integers of the right size.

That the numbers are those of Joe and Kuo is tested with the sequence itself, against scipy's (see test_sampling.py).
"""

import itertools
from collections import Counter

from hyperspace.numerics.sobol_directions import DIRECTIONS

ROWS = [[int(number) for number in row.split()] for row in DIRECTIONS.split(";")]


def order(polynomial):
    """Return the least n for which the polynomial over GF(2), given as bits, divides x^n + 1."""
    degree, power = polynomial.bit_length() - 1, 1
    for n in itertools.count(1):
        power <<= 1
        if power >> degree:
            power ^= polynomial
        if power == 1 or n > 1 << degree:
            return n
    raise AssertionError


def test_there_is_a_row_for_each_of_the_dimensions_2_to_256():
    assert len(ROWS) == 255


def test_the_first_rows_are_those_of_the_published_file():
    """Dimensions 2 to 6 of new-joe-kuo-6.21201: degree s, coefficients a (the inner bits), and m_i."""
    published = [(1, 0, [1]), (2, 1, [1, 3]), (3, 1, [1, 3, 1]), (3, 2, [1, 1, 1]), (4, 1, [1, 1, 3, 3])]
    assert ROWS[:5] == [[1 << s | a << 1 | 1, *m] for s, a, m in published]


def test_every_polynomial_is_primitive_and_comes_once():
    polynomials = [row[0] for row in ROWS]
    assert all(order(polynomial) == 2 ** (polynomial.bit_length() - 1) - 1 for polynomial in polynomials)
    assert len(set(polynomials)) == len(polynomials)


def test_no_polynomial_of_a_lower_degree_is_left_out():
    """There are phi(2^s - 1) / s primitive polynomials of degree s; dimensions take them in order."""
    polynomials = [row[0] for row in ROWS]
    assert polynomials == sorted(polynomials)
    counts = Counter(polynomial.bit_length() - 1 for polynomial in polynomials)
    assert counts == {1: 1, 2: 1, 3: 2, 4: 2, 5: 6, 6: 6, 7: 18, 8: 16, 9: 48, 10: 60, 11: 95}


def test_a_row_has_as_many_integers_as_degrees_and_they_are_odd_and_small():
    for polynomial, *integers in ROWS:
        assert len(integers) == polynomial.bit_length() - 1
        assert all(m % 2 == 1 and m < 2**k for k, m in enumerate(integers, start=1))
