"""Bytes in words."""

_UNITS = ("bytes", "KiB", "MiB", "GiB")


def size(number: int) -> str:
    """With one digit after the point, from a KiB on."""
    value, unit = float(number), 0
    while value >= 1024 and unit < len(_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    return f"{number:,} bytes" if unit == 0 else f"{value:,.1f} {_UNITS[unit]}"
