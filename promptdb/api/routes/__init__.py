"""The routes, one subject a module. Each module has a `router`, and this list has each module."""

from promptdb.api.routes import aliases, changes, exports, health, preload, register, resolve

ROUTERS = [module.router for module in (resolve, register, aliases, exports, preload, changes, health)]
