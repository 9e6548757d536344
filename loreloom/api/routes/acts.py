"""A player's acts on a quest."""

import secrets
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from loreloom.api.acts import Act
from loreloom.api.context import context_of
from loreloom.api.http.answers import answer, problems
from loreloom.api.http.auth import GameCaller
from loreloom.api.http.bodies import JsonBody, takes
from loreloom.api.http.idempotency import Answer, Attempt, IdempotencyKey, once
from loreloom.api.schemas.fields import QuestIdPath
from loreloom.api.schemas.quests import ActAnswer, ActObjective, ChooseBody, ProgressBody
from loreloom.domain.ids import QuestId
from loreloom.domain.standing import QuestStanding
from loreloom.state.keys import KeyIdentity
from loreloom.workflows.signatures import ChooseAct, ProgressAct

router = APIRouter(tags=["acts"])


@router.post(
    "/v1/quests/{quest_id}/accept",
    operation_id="accept_quest",
    response_model=ActAnswer,
    responses=problems(404, 409, 422, 429),
)
async def accept(
    request: Request,
    caller: GameCaller,
    quest_id: QuestIdPath,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """The player takes the offer. Send an ``Idempotency-Key`` to repeat it safely."""
    return await _plain(request, caller, quest_id, "accept", idempotency_key)


@router.post(
    "/v1/quests/{quest_id}/abandon",
    operation_id="abandon_quest",
    response_model=ActAnswer,
    responses=problems(404, 409, 422, 429),
)
async def abandon(
    request: Request,
    caller: GameCaller,
    quest_id: QuestIdPath,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """The player refuses the offer or gives up. Send an ``Idempotency-Key`` to repeat it safely."""
    return await _plain(request, caller, quest_id, "abandon", idempotency_key)


@router.post(
    "/v1/quests/{quest_id}/progress",
    operation_id="progress_quest",
    response_model=ActAnswer,
    responses=problems(404, 409, 413, 415, 422, 429),
    openapi_extra=takes(ProgressBody),
)
async def progress(
    request: Request,
    caller: GameCaller,
    quest_id: QuestIdPath,
    body: Annotated[ProgressBody, Depends(JsonBody(ProgressBody))],
) -> Response:
    """The player worked on an objective. A repeat of ``action_id`` gets the first answer."""
    argument = ProgressAct(
        action_id=body.action_id, objective_id=body.objective_id, amount=body.amount
    )
    act = Act(name="progress", update_id=_fresh_id(body.action_id), argument=argument)
    return answer(_answer(quest_id, await context_of(request).acts.take(quest_id, act)))


@router.post(
    "/v1/quests/{quest_id}/choose",
    operation_id="choose_in_quest",
    response_model=ActAnswer,
    responses=problems(404, 409, 413, 415, 422, 429),
    openapi_extra=takes(ChooseBody),
)
async def choose(
    request: Request,
    caller: GameCaller,
    quest_id: QuestIdPath,
    body: Annotated[ChooseBody, Depends(JsonBody(ChooseBody))],
) -> Response:
    """The player took a way. A repeat of ``action_id`` gets the first answer."""
    argument = ChooseAct(action_id=body.action_id, choice_id=body.choice_id)
    act = Act(name="choose", update_id=_fresh_id(body.action_id), argument=argument)
    return answer(_answer(quest_id, await context_of(request).acts.take(quest_id, act)))


async def _plain(
    request: Request, caller: KeyIdentity, quest_id: QuestId, name: str, key: str | None
) -> Response:
    """An act without an action id: a second one is refused, unless it carries the first's key."""
    context = context_of(request)

    async def take(attempt: Attempt) -> Answer:
        # The space keeps it apart from every id that a caller can send.
        act = Act(name=name, update_id=f"{name} {attempt.seed or secrets.token_hex(12)}")
        return Answer(200, _answer(quest_id, await context.acts.take(quest_id, act)))

    return await once(context.parts.store, caller, key, request, b"", take)


def _answer(quest_id: QuestId, standing: QuestStanding) -> ActAnswer:
    # Built without checks: the workflow's answer was checked when it was read.
    return ActAnswer.model_construct(
        quest_id=quest_id,
        state=standing.state,
        revision=standing.revision,
        chosen=standing.chosen,
        objectives=tuple(
            ActObjective.model_construct(**dict(objective)) for objective in standing.objectives
        ),
    )


def _fresh_id(action_id: str) -> str:
    """An Update of its own for each request: the action id makes the act count once, and what was
    refused for the hour or the weather may be sent again when these have changed."""
    return f"act/{action_id}/{secrets.token_hex(4)}"
