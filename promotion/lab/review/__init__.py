"""The review: what a person's decision document claims, checked against the runs."""

from promotion.lab.review.checks import Remark, Review, check_claims
from promotion.lab.review.reading import read_decision
from promotion.lab.review.records import Records, read_records

__all__ = ["Records", "Remark", "Review", "check_claims", "read_decision", "read_records"]
