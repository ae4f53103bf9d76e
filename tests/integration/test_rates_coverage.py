"""Stated bounds hold for people who were not measured, in populations whose rates are known."""

from __future__ import annotations

import pytest

from tests.integration.rates_population import POPULATIONS, Population, try_bounds

pytestmark = pytest.mark.component("numpy")

REPETITIONS = 150


@pytest.mark.parametrize("population", POPULATIONS[:3], ids=lambda one: one.name)
def test_the_bound_covers_the_population(population: Population) -> None:
    """At least as often as stated, the FMR of the whole population lies under the bound."""
    held = try_bounds(population, people=40, others=40, repetitions=REPETITIONS, seed=11, samples=2)
    assert held.bound >= 0.95 * REPETITIONS
    assert held.others >= 0.85 * REPETITIONS


@pytest.mark.parametrize("population", POPULATIONS[1:], ids=lambda one: one.name)
def test_by_default_the_bound_covers_small_groups(population: Population) -> None:
    """Of ten other people it holds about as often as stated; of the population nearly always."""
    held = try_bounds(population, people=40, repetitions=REPETITIONS, seed=14, samples=2)
    assert held.others >= 0.88 * REPETITIONS
    assert held.bound >= 0.95 * REPETITIONS


def test_rare_people_can_break_a_bound_and_it_still_holds_mostly() -> None:
    """With one easily mistaken person in twenty, a bound for 40 people holds nine times in ten."""
    held = try_bounds(
        POPULATIONS[3], people=40, others=40, repetitions=REPETITIONS, seed=12, samples=2
    )
    assert held.bound >= 0.88 * REPETITIONS


def test_bounds_over_comparisons_do_not_cover() -> None:
    """The binomial bound over comparisons, stated at 95 %, fails in a quarter of cases or more."""
    held = try_bounds(
        POPULATIONS[2], people=40, repetitions=40, seed=13, samples=4, resamples=100, rivals=True
    )
    assert held.comparisons <= 0.75 * held.tried
    assert held.placed >= 0.9 * held.placed_tried > 0
