"""The routes, one subject a module. Each module has a `router`, and this list has each module."""

from promptdb.api.routes import (
    aliases,
    assets,
    changes,
    diff,
    events,
    exports,
    health,
    history,
    preload,
    prompts,
    register,
    render,
    resolve,
    snapshots,
    versions,
)

# Lookups come first, because the routers are searched in this order.
LOOKUPS = (resolve, changes, events, preload)
MODULES = (*LOOKUPS, prompts, register, versions, aliases, render, diff, history, assets, exports, snapshots, health)
ROUTERS = [module.router for module in MODULES]
