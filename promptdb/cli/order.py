"""Whether the order of commits lets a sync happen, in words."""

from typing import TYPE_CHECKING

import click

from promptdb.cli.text import one_line
from promptdb.domain.order import Verdict
from promptdb.domain.plan import Plan

if TYPE_CHECKING:
    from promptdb.sync.view import Origin


def is_superseded(plan: Plan) -> bool:
    return plan.order is not None and plan.order.verdict is Verdict.SUPERSEDED


def order_line(plan: Plan, origin: "Origin") -> str:
    """Why a sync would change nothing; empty if nothing stands in its way."""
    from promptdb.sync.order import reason

    return one_line(reason(plan.order, origin)) if plan.order is not None else ""


def print_order(plan: Plan, origin: "Origin") -> None:
    """What a plan does not show: that it would not be performed."""
    if line := order_line(plan, origin):
        ending = "sync would write nothing" if is_superseded(plan) else "sync would refuse"
        click.echo(f"{line}: {ending}", err=True)
