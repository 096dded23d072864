"""The routes, one subject a module. Each module has a `router`, and this list has each module."""

from promptdb.api.routes import (
    assets,
    changes,
    diff,
    events,
    health,
    history,
    preload,
    prompts,
    render,
    resolve,
    snapshots,
    versions,
    webhooks,
)

# Lookups come first, because the routers are searched in this order.
MODULES = (
    resolve,
    changes,
    events,
    preload,
    prompts,
    versions,
    render,
    diff,
    history,
    assets,
    snapshots,
    webhooks,
    health,
)
ROUTERS = [module.router for module in MODULES]
