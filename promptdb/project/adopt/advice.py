"""The steps for a person that follow from what was read in a place."""

from collections.abc import Sequence

from promptdb.project.adopt.reading import BAD_NAME, Reading

_FORMATS = {"{name}": "f-string", "{{name}}": "mustache"}
_IN_IGNORE_FILE = "and remove the line of the file from .promptdbignore"


def advice(reading: Reading) -> list[str]:
    """Write a line for each kind of files that a person can make more of."""
    lines = [
        f"{shape} is literal text in {len(files)} {form} {_shown(files)}: to make it a variable, set template_format:"
        f" {_FORMATS[shape]} in front matter, or text_format for a folder"
        for (shape, form), files in reading.literal.items()
    ]
    if reading.broken and reading.settings.get("text_format") != "plain":
        lines.append(
            f"texts left out for their braces: {reading.broken}. To read one as it is, set template_format: plain in front"
            f" matter, {_IN_IGNORE_FILE}"
        )
    if unnamed := [path for path, reason in reading.left_out.items() if reason == BAD_NAME]:
        lines.append(
            f"no name follows from {len(unnamed)} {_shown(unnamed)}: give it one in [names], {_IN_IGNORE_FILE}"
        )
    if reading.unknown:
        files = list(reading.unknown)
        names = ", ".join(sorted({name for found in reading.unknown.values() for name in found}))
        lines.append(
            f"front matter of {len(files)} {_shown(files)} has unknown fields ({names}): put them below 'metadata', or drop"
            f" them with the setting ignored_fields, {_IN_IGNORE_FILE}"
        )
    return lines


def _shown(files: Sequence[str]) -> str:
    noun = "file" if len(files) == 1 else "files"
    return f"{noun} ({', '.join(files[:3])}{', ...' if len(files) > 3 else ''})"
