"""What the true value of a metric may be, as five numbers that answer every question about it.

Sources: Xie and Singh, *Confidence distribution*, Int. Statistical Review 2013; Benavoli et al.,
*Time for a change*, JMLR 2017 (worse, equivalent, better). A probability here is a one-sided
confidence under a flat reference, not a posterior.
"""

from __future__ import annotations

from scipy import special

from promotion.facts import Fact

# With so many degrees of freedom Student's t is the normal law.
WELL_KNOWN = 1e6


class ConfidenceDistribution(Fact):
    """What the true value may be: Student's law about `centre`, within `low` and `high`.

    In the metric's own unit; all finite, so that JSON holds it. A scale of 0 is a point mass.
    """

    centre: float
    scale: float
    freedom: float
    low: float
    high: float

    def probability_above(self, value: float) -> float:
        """The probability that the true value exceeds this one."""
        if value >= self.high:
            return 0.0
        if value < self.low:
            return 1.0
        if self.scale == 0:
            return float(self.centre > value)
        return float(special.stdtr(self.freedom, (self.centre - value) / self.scale))

    def probability_at_least(self, value: float) -> float:
        """The same with equality, which matters for a point mass: a tie is kept."""
        return 1.0 if self.scale == 0 and self.centre == value else self.probability_above(value)

    def exceeded(self, probability: float) -> float:
        """The largest value that is exceeded with this probability."""
        value = self.centre - self.scale * float(special.stdtrit(self.freedom, probability))
        return min(max(value, self.low), self.high)

    def interval(self, confidence: float) -> tuple[float, float]:
        """The central interval at this confidence."""
        return self.exceeded((1 + confidence) / 2), self.exceeded((1 - confidence) / 2)

    def worse_equivalent_better(self, gain: float) -> tuple[float, float, float]:
        """Probabilities below −gain, within ±gain and above gain (Benavoli et al., JMLR 2017)."""
        better = self.probability_above(gain)
        worse = 1 - self.probability_at_least(-gain)
        return worse, max(0.0, 1 - better - worse), better


def nothing_known(low: float, high: float) -> ConfidenceDistribution:
    """The law of a value of which nothing is known but its range."""
    return ConfidenceDistribution(
        centre=(low + high) / 2, scale=WELL_KNOWN, freedom=WELL_KNOWN, low=low, high=high
    )
