"""The one error type of the package."""


class KitError(ValueError):
    """What went wrong, the value found, what is allowed, what to do next.

    Parameters
    ----------
    what: the fault, with the name of the argument or file.
    found: the offending value, shown as given; omitted when there is none.
    allowed: what would have been accepted.
    remedy: what to do next.
    code: short reason code for tables, such as "not-positive".
    """

    def __init__(self, what, *, found=..., allowed="", remedy="", code="invalid"):
        self.what, self.found, self.allowed = what, found, allowed
        self.remedy, self.code = remedy, code
        parts = [what.rstrip(".")]
        if found is not ...:
            parts[0] += f": found {_short(found)}"
        if allowed:
            parts.append(f"Allowed: {allowed.rstrip('.')}")
        if remedy:
            plain = remedy.split()[0].rstrip(",").isalpha()  # a word, not a call such as np.stack
            parts.append((remedy[0].upper() + remedy[1:] if plain else remedy).rstrip("."))
        super().__init__(". ".join(parts) + ".")


def _short(value, limit=160):
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."
