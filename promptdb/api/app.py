"""Puts the parts of the app together."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from promptdb.api import openapi
from promptdb.api.cors import Cors
from promptdb.api.foreign import langfuse, ofrep
from promptdb.api.front import Front
from promptdb.api.gate import Gate
from promptdb.api.logs import Exchange, flush_log, log_exchange
from promptdb.api.problems import HANDLERS
from promptdb.api.routes import ROUTERS, health, resolve
from promptdb.api.routes import metrics as metrics_route
from promptdb.api.served import Served
from promptdb.api.shortcut import Shortcut
from promptdb.api.shutdown import before_shutdown
from promptdb.settings import AppSettings

if TYPE_CHECKING:
    from promptdb.api.metrics import Metrics


def app_for(settings: AppSettings) -> FastAPI:
    """Make the app for some settings."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.served = served = Served(settings)
        served.start()
        served.doorkeeper.start()
        looking = asyncio.create_task(metrics.look_often(served)) if metrics is not None else None
        try:
            with before_shutdown(served.begin_close):
                yield
        finally:
            if looking is not None:
                looking.cancel()
            served.begin_close()
            await served.doorkeeper.close()
            await run_in_threadpool(served.close)
            # The signal that ends a worker ends it before Python's own end, which would write them.
            flush_log()

    metrics = _metrics(settings)
    app = FastAPI(
        lifespan=lifespan,
        exception_handlers=HANDLERS,
        openapi_url=f"{settings.api_prefix}/openapi.json",
        # These pages load scripts from other servers.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
        # Its logs would hand over the messages of errors. It also asks its providers at each request.
        telemetry={
            "tracing": settings.enable_otel,
            "metrics": settings.enable_otel,
            "logs": False,
            "operation_spans": False,
        },
        **openapi.DESCRIPTION,
    )
    public = frozenset(f"{prefix}/{name}" for prefix in ("", settings.api_prefix) for name in ("healthz", "readyz"))
    if not settings.enable_otel:
        # Only the router names the route in spans.
        app.add_middleware(Shortcut, prefix=settings.api_prefix, route=resolve.router.routes[0])
    basic = f"{langfuse.PREFIX}/" if settings.langfuse_api else None
    app.add_middleware(Gate, public=public | {f"{settings.api_prefix}/openapi.json"}, basic=basic)
    app.add_middleware(Front, prefix=settings.api_prefix, report=_reporting(metrics))
    if settings.cors_origins:
        app.add_middleware(Cors, origins=settings.cors_origins)
    _add_routes(app, settings, metrics)
    return app


def _add_routes(app: FastAPI, settings: AppSettings, metrics: "Metrics | None") -> None:
    # One level of routers, because the match of each level takes time.
    for router in ROUTERS:
        app.include_router(router, prefix=settings.api_prefix)
    if metrics is not None:
        app.state.metrics = metrics
        app.include_router(metrics_route.router)
    if settings.ofrep:
        app.include_router(ofrep.router)
    if settings.langfuse_api:
        app.include_router(langfuse.router)
    # Probes of orchestrators ask for them at the top.
    app.include_router(health.router, include_in_schema=False)
    app.state.methods_at = partial(_methods_at, settings.api_prefix)
    app.openapi = openapi.document_of(app)  # type: ignore[method-assign]


def _metrics(settings: AppSettings) -> "Metrics | None":
    if not settings.enable_metrics:
        return None
    # Here, because it is not cheap to import.
    from promptdb.api.metrics import Metrics

    return Metrics()


def _reporting(metrics: "Metrics | None") -> Callable[[Exchange], None]:
    if metrics is None:
        return log_exchange

    def report(exchange: Exchange) -> None:
        log_exchange(exchange)
        metrics.count(exchange)

    return report


def _operation_id(route: APIRoute) -> str:
    return route.name


def _methods_at(prefix: str, path: str) -> set[str]:
    """Find the methods of a path."""
    below = path.removeprefix(prefix)
    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    found = {method for route in routes if route.path_regex.match(below) for method in route.methods or ()}
    return found | ({"HEAD"} if "GET" in found else set())
