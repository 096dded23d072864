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
    me,
    preload,
    prompts,
    register,
    render,
    resolve,
    snapshots,
    versions,
    webhooks,
)

# Lookups come first, because the routers are searched in this order.
LOOKUPS = (resolve, changes, events, preload)
OF_PROMPTS = (prompts, register, versions, aliases, render, diff, history, assets, exports)
MODULES = (*LOOKUPS, *OF_PROMPTS, snapshots, webhooks, me, health)
ROUTERS = [module.router for module in MODULES]
