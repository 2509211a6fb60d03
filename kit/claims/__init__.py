"""Every number that the source chapter states: what it says, what its inputs give, the verdict."""

from kit.claims.record import HOLDS, WITH_CONDITION, WRONG, Claim, all_claims, claim, claims_table

__all__ = ["HOLDS", "WITH_CONDITION", "WRONG", "Claim", "all_claims", "claim", "claims_table"]
