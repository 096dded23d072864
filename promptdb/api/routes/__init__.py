"""The routes, one subject a module. Each module has a `router`, and this list has each module."""

from promptdb.api.routes import changes, events, health, preload, resolve

ROUTERS = [module.router for module in (resolve, preload, changes, events, health)]
