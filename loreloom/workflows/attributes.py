"""Search attributes: what an inspector filters by in Temporal's own UI."""

from temporalio.common import SearchAttributeKey

WORLD = SearchAttributeKey.for_keyword("LoreloomWorld")
PLAYER = SearchAttributeKey.for_keyword("LoreloomPlayer")
KIND = SearchAttributeKey.for_keyword("LoreloomKind")
STATE = SearchAttributeKey.for_keyword("LoreloomState")
REGION = SearchAttributeKey.for_keyword("LoreloomRegion")

ALL = (WORLD, PLAYER, KIND, STATE, REGION)
"""Every search attribute; each is registered as ``Keyword``."""
