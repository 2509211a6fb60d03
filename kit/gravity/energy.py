"""Energy of computing and of moving, on one unit: pJ a bit, and pJ a 32-bit word."""

from kit import assumptions
from kit.errors import KitError
from kit.quantities import quantity, vectorised

WORD_BITS = 32

# level -> (assumption, bits that its value pays for, moves data rather than computes)
_LEVELS = {
    "INT8 multiply": ("mac_int8", 8, False),
    "INT32 add": ("add_int32", WORD_BITS, False),
    "FP32 add": ("add_fp32", WORD_BITS, False),
    "FP32 multiply": ("mac_fp32", WORD_BITS, False),
    "DRAM": ("dram_word", WORD_BITS, True),
    "local SSD": ("ssd_bit", 1, True),
    "data-centre network": ("network_bit", 1, True),
}


def energy_ladder(reference="FP32 multiply"):
    """polars table, one row a level: what a bit and a word cost there.

    Columns: level, pj_per_bit, pj_per_word (32 bit), ratio (to `reference`, per bit), moves
    (True for data movement), sourced (False where the chapter names no source), as_stated (value
    and unit of the source), source.
    """
    import polars as pl

    _check_level(reference)
    base = _pj_per_bit(reference)
    rows = []
    for level, (name, bits, moves) in _LEVELS.items():
        stated = assumptions.get(name)
        per_bit = stated.value / bits
        rows.append(
            {
                "level": level,
                "pj_per_bit": per_bit,
                "pj_per_word": per_bit * WORD_BITS,
                "ratio": per_bit / base,
                "moves": moves,
                "sourced": not stated.source.startswith("chapter"),
                "as_stated": f"{stated.value:g} {stated.unit} for {bits} bit",
                "source": f"{stated.source}, {stated.year}",
            }
        )
    return pl.DataFrame(rows)


def movement_energy_j(volume_gb, level):
    """Joule to read or send `volume_gb` (GB, number or column) once at `level` of the ladder."""
    _check_level(level)
    return _movement_energy_j(volume_gb, _pj_per_bit(level))


@vectorised(volume_gb="nonnegative", pj_per_bit="nonnegative")
def _movement_energy_j(volume_gb, pj_per_bit):
    return volume_gb * 1e9 * 8 * pj_per_bit * 1e-12


def _pj_per_bit(level):
    name, bits, _ = _LEVELS[level]
    return quantity(name, assumptions.value(name), "positive").item() / bits


def _check_level(level):
    if level not in list(_LEVELS):
        raise KitError("no such energy level", found=level, allowed=", ".join(_LEVELS))
