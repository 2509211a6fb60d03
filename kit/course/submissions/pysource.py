"""Source text of one cell: what it defines, where, and what is wrong with it."""

import ast
import functools
import re
import warnings

_PYTHON_MAGICS = ("%%time", "%%timeit", "%%capture", "%%prun")
_LINE_MAGIC = re.compile(r"(?m)^([ \t]*)(?:[%!].*|\??[\w.]+\?{1,2}[ \t]*)$")
_DEFINES = re.compile(r"(?:async +)?(?:def|class)\b")
_ASSIGNED_MAGIC = re.compile(r"(?m)(=[ \t]*)[!%][ \t]*[a-zA-Z].*$")


def unix(text):
    """The text with line ends `\\n`."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def bare(text):
    """The text as it is compared: no spaces at line ends, no blank lines around it."""
    return "\n".join(line.rstrip() for line in unix(text).split("\n")).strip("\n")


def tree(source):
    """The parsed cell with its line numbers kept, or None if it is not Python."""
    for text in (source, _without_magics(source)):
        try:
            return _compiled(text, ast.PyCF_ONLY_AST)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    return None


def syntax_error(source):
    """(line, message) of the first syntax error, or None; cells in another language have none."""
    if _foreign(source):
        return None
    try:
        _compiled(source if _plain(source) else _without_magics(source), 0)
    except SyntaxError as error:
        return error.lineno or 1, error.msg
    except (ValueError, RecursionError, MemoryError) as error:
        return 1, str(error) or "the cell is too deeply nested"
    return None


def magics(source):
    """Lines that call a shell or install something: list of str."""
    if _foreign(source):
        return [source.strip().split("\n", 1)[0]]
    if _plain(source):
        return []
    return re.findall(r"(?m)^[ \t]*(![^\n]+|%(?:pip|conda|mamba|sx|system|cd)\b[^\n]*)$", source)


def asks(source):
    """Whether the cell calls input() or getpass()."""
    calls = [n for n in ast.walk(tree(source) or ast.Pass()) if isinstance(n, ast.Call)]
    names = {getattr(c.func, "id", None) or getattr(c.func, "attr", None) for c in calls}
    return bool(names & {"input", "getpass"})


@functools.lru_cache(2048)
def spans(source):
    """dict of name -> (first, last) line from 0 of its last top-level definition or assignment.

    Of a cell that is not Python as a whole, the definitions that are.
    """
    found = tree(source)
    if found is None:
        return {} if _foreign(source) else _islands(source)
    return _spans(found.body, 0)


def functions(source):
    """Names of the functions and classes that the cell defines at the top: set of str."""
    lines = source.split("\n")
    return {name for name, (first, last) in spans(source).items()
            if any(_DEFINES.match(line) for line in lines[first:last])}  # fmt: skip


def cut(source, names):
    """(text that defines `names` with the comments above, text that remains)."""
    lines, taken = source.split("\n"), set()
    for name, (first, last) in spans(source).items():
        if name in names:
            while first and lines[first - 1].startswith("#"):
                first -= 1
            while last < len(lines) and re.match(r"[ \t]+#", lines[last]):
                last += 1
            taken |= set(range(first, last))
    rest = [line for i, line in enumerate(lines) if i not in taken]
    return _paragraphs(lines, taken), "\n".join(rest).strip("\n")


def without_block(source, block):
    """`source` without the first run of lines that is `block`; None if it is not there."""
    lines, wanted = source.split("\n"), bare(block).split("\n")
    ends = [line.rstrip() for line in lines]
    for i in range(len(lines) - len(wanted) + 1):
        if ends[i : i + len(wanted)] == wanted:
            return "\n".join(lines[:i] + lines[i + len(wanted) :]).strip("\n")
    return None


def _spans(nodes, offset):
    found = {}
    for node in nodes:
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
        for name in _bound(node):
            found[name] = (first - 1 + offset, node.end_lineno + offset)
    return found


def _islands(source):
    """`spans` of the definitions that parse by themselves, among text that does not."""
    lines, found = source.split("\n"), {}
    edges = [i for i, line in enumerate(lines) if line[:1].strip()] + [len(lines)]
    for k, first in enumerate(edges[:-1]):
        if not _DEFINES.match(lines[first]):
            continue
        for last in edges[k + 1 : k + 6]:  # a string or bracket may reach the margin
            body = getattr(tree("\n".join(lines[first:last])), "body", None)
            if body:
                found |= _spans(body[:1], first)
                break
    return found


def _paragraphs(lines, taken):
    """The taken lines; two blank lines where others lay between."""
    out, before = [], None
    for i in sorted(taken):
        if before is not None and i != before + 1:
            out += ["", ""]
        out.append(lines[i])
        before = i
    return "\n".join(out)


def _bound(node):
    if hasattr(node, "name"):
        return [node.name]
    targets = getattr(node, "targets", [getattr(node, "target", None)])
    return [t.id for t in targets if isinstance(t, ast.Name)]


def _foreign(source):
    return source.lstrip().startswith("%%") and not source.lstrip().startswith(_PYTHON_MAGICS)


def _plain(source):
    """Whether it is Python without magics; a line of a sum may begin with %."""
    try:
        return bool(_compiled(source, ast.PyCF_ONLY_AST))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def _without_magics(source):
    if _foreign(source):
        return "%"  # no Python: it must not parse
    return _ASSIGNED_MAGIC.sub(r"\g<1>0", _LINE_MAGIC.sub(r"\1pass", source))


def _compiled(source, flags):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return compile(source, "cell", "exec", flags | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, True)
