"""The exit code of each error: the nearest class in the error tree decides."""

from promptdb import errors

EXIT_CODES: dict[type[errors.PromptDBError], int] = {
    errors.PromptDBError: 1,
    errors.InvalidPrompts: 4,
    errors.Conflict: 5,
    errors.LockTimeout: 6,
    errors.IntegrityFailure: 7,
}


def exit_code(error: errors.PromptDBError) -> int:
    return next(EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES)
