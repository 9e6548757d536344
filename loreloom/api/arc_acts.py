"""Acts on an arc: an Update of its workflow, answered with where the arc stands."""

import asyncio

from temporalio.client import Client

from loreloom.api.gate import Gate
from loreloom.api.http.errors import ApiError, ErrorCode
from loreloom.api.metrics import Metrics, outcome_of
from loreloom.api.parts import ApiConfig
from loreloom.api.temporal import outages
from loreloom.api.updates import NotTaken, Update, send
from loreloom.domain.arc_walk import ArcState
from loreloom.domain.ids import ArcId, arc_workflow_id
from loreloom.domain.refusals import RefusalCode
from loreloom.state.arcs import ArcRecord, choice_of, find_arc
from loreloom.state.store import Store
from loreloom.workflows.signatures import (
    ArcStanding,
    CancelArc,
    ChooseAct,
    MigrateArc,
)

ArcAct = ChooseAct | CancelArc | MigrateArc
NAMES: dict[type[ArcAct], str] = {ChooseAct: "choose", CancelArc: "cancel", MigrateArc: "migrate"}


class ArcActs:
    """Hands acts to arcs, a few at once for each."""

    def __init__(self, store: Store, client: Client, config: ApiConfig, metrics: Metrics) -> None:
        self._store = store
        self._client = client
        self._seconds = config.act_seconds
        self._gate = Gate(config.act_gate, "arc")
        self._metrics = metrics

    async def take(self, arc: ArcRecord, act: ArcAct, update_id: str) -> ArcStanding:
        """Take an act and return where the arc stands. Raises ``ApiError`` if it is not taken."""
        name = NAMES[type(act)]
        update = Update(arc_workflow_id(arc.arc_id), name, update_id, ArcStanding, act, waits=20)
        try:
            with self._gate.hold(arc.arc_id):
                standing, outcome = await self._take(arc, act, update)
        except ApiError as error:
            self._metrics.arc_acts.labels(name, outcome_of(error)).inc()
            raise
        self._metrics.arc_acts.labels(name, outcome).inc()
        return standing

    async def _take(
        self, arc: ArcRecord, act: ArcAct, update: Update[ArcStanding]
    ) -> tuple[ArcStanding, str]:
        try:
            with outages():
                async with asyncio.timeout(self._seconds):
                    standing = await send(
                        self._client, update, lambda: self._should_run(arc.arc_id)
                    )
            return standing, "taken"
        except NotTaken as error:
            before = await self._taken_before(arc, act)
            if before is not None:
                return before, "repeated"
            raise error.refusal or await self._not_running(arc) from error

    async def _should_run(self, arc_id: ArcId) -> bool:
        now = await find_arc(self._store, arc_id)
        return now is not None and now.state is ArcState.RUNNING

    async def _taken_before(self, arc: ArcRecord, act: ArcAct) -> ArcStanding | None:
        """The first answer to a choice that was made under the same action id."""
        if not isinstance(act, ChooseAct):
            return None
        beat = await choice_of(self._store, arc.arc_id, act.action_id)
        if beat is None:
            return None
        return ArcStanding(
            state=ArcState.RUNNING,
            beat=beat.beat,
            seq=beat.seq,
            choice_id=beat.choice,
            digest=beat.digest,
        )

    async def _not_running(self, arc: ArcRecord) -> ApiError:
        now = await find_arc(self._store, arc.arc_id) or arc
        if now.state is ArcState.RUNNING:
            return ApiError(ErrorCode.NOT_RUNNING, "the arc runs, but its process has ended")
        return ApiError(RefusalCode.WRONG_STATE, f"the arc is {now.state}; it takes no acts")
