"""`kit compile`: from a recipe to a version of a data set, by stages that can be resumed.

gather -> first stage a shard -> deduplicate -> split -> second stage a shard -> link. Every stage
leaves files named by their input; the Delta commit comes last.
"""

import contextlib
import json
import time
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from filelock import FileLock, Timeout

from kit.compiler import lineage, link
from kit.compiler.dataset import Compiled
from kit.compiler.engine import Engine
from kit.compiler.inputs import gather
from kit.compiler.letters import PASSING, letter_table
from kit.compiler.recipe import output_folder, read_recipe
from kit.compiler.shards import assign, digest, on_disk, remove, sweep
from kit.compiler.work import augmentation, backend, first_stage, second_stage
from kit.errors import KitError
from kit.frontend import show_progress

_WORDS_A_SENTENCE = 16  # a sentence weighs as much as the clips it may become


@dataclass(frozen=True)
class Run:
    """What one call of `compile_recipe` did. data: Compiled, the version that is now the newest.

    changed: whether a version was made. shards, made: first and second shards of the version, and
    those that this run had to make. seconds: of every stage.
    """

    data: Compiled
    changed: bool
    shards: int
    made: int
    seconds: dict
    engine: str
    workers: int


def compile_recipe(path, output=None, engine="local", workers=None, replay=False, progress=None):
    """Build or bring up to date the data set of the recipe file `path`; returns a Run.

    output: folder of the data set, instead of the recipe's. engine: "local" or "ray". workers:
    processes at a time; default one for each core. replay: work again on shards with dead letters
    whose reason may have passed, such as a file that could not be read. progress: show a bar;
    default where a person looks on.

    Data that is no good becomes dead letters and never stops the run. Raises KitError: "recipe",
    "disk", "busy" (another run works on the folder), "worker", and whatever a source lacks.
    """
    recipe, home = read_recipe(path), Path(path).resolve().parent
    if recipe.augment.use:
        augmentation(recipe.augment.use)  # before an hour of work
    folder = Path(output).resolve() if output else output_folder(path, recipe)
    with _alone(folder), Engine(engine, workers) as pool:
        sweep(folder)
        return _Build(recipe, home, folder, pool, progress).run(replay)


@contextlib.contextmanager
def _alone(folder):
    lock = FileLock(folder / ".lock", timeout=0)
    with on_disk(folder):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire()
        except Timeout as cause:
            raise KitError(
                f"another run is at work on {folder}",
                remedy="wait for it, or choose another output",
                code="busy",
            ) from cause
    try:
        yield
    finally:
        lock.release()


class _Build:
    """One run: the recipe, the folder, and how long each stage took."""

    def __init__(self, recipe, home, folder, engine, progress):
        self.recipe, self.home, self.folder, self.engine = recipe, home, folder, engine
        self.progress = show_progress() if progress is None else progress
        self.text, self.seconds, self.made = recipe.model_dump_json(), {}, 0

    def run(self, replay):
        with self._timed("gather"):
            items, lost, ignored = gather(self.recipe, self.home, self.folder, self.progress)
            shards = self._shards(items)
        if replay:
            with self._timed("replay"):
                shards = self._replayed(shards)
        done = self._newest()
        plan = digest([sorted(shards), self._whole(), lost])
        if done and done.is_whole() and done.record["plan"] == plan:
            return self._finish(done, changed=False, shards=len(shards))
        with self._timed("first stage"):
            self._first_stage({k: v for k, v in shards.items() if not _is_made(self._shard(k))})
        table, letters, counts = self._first_results(shards, lost, items.height)
        with self._timed("deduplicate and split"):
            table, duplicates, counts["deduplicate"] = link.deduplicate(
                table, self._folders(shards), self.recipe, self._pairs(), self.engine
            )
            table, dead, counts["split"] = link.assign_splits(table, self.recipe)
        with self._timed("second stage"):
            table, more = self._second_stage(table)
        facts = {"plan": plan, "counts": _conserved(counts | more), "ignored": ignored}
        with self._timed("link"):
            version = self._link(table, letter_table(letters + dead), duplicates, facts)
        now = Compiled(self.folder, version)
        return self._finish(now, not done or done.version != version, len(shards))

    def _shards(self, items):
        """dict of key -> (about, items) of the first shards."""
        found = {}
        for (number,), part in items.group_by("number", maintain_order=True):
            aligned = getattr(self.recipe.source[number], "align", False)
            weight = _WORDS_A_SENTENCE if aligned else 1
            names = part["path"].to_list()
            about = lineage.about_first(self.recipe, number)
            rows = part.to_dicts()
            for places in assign(names, [weight] * len(names), self.recipe.shard_clips):
                mine = sorted((rows[p] for p in places), key=lambda row: row["path"])
                found[self._latest(digest([about, mine]))] = (about, mine)
        return found

    def _latest(self, key):
        """Name of the last replay of a shard, its own if there was none."""
        while _is_made(self._shard(_again(key))):
            key = _again(key)
        return key

    def _replayed(self, shards):
        """`shards`, with new ones for those whose dead letters have become fewer or others.

        The old ones stay, for the versions that name them.
        """
        old = [k for k in shards if _is_made(self._shard(k)) and self._may_pass(k)]
        self._first_stage({_again(key): shards[key] for key in old})
        for key in old:
            if self._letters(_again(key)).equals(self._letters(key)):
                remove(self._shard(_again(key)))
            else:
                shards[_again(key)] = shards.pop(key)
        return shards

    def _may_pass(self, key):
        return self._letters(key)["code"].is_in(PASSING).any()

    def _letters(self, key):
        return pl.read_parquet(self._shard(key) / "letters.parquet")

    def _first_stage(self, shards):
        tasks = [
            {"folder": str(self._shard(key)), "recipe": self.text, "items": items,
             "about": about | {"commit": lineage.commit_now()}}
            for key, (about, items) in shards.items()
        ]  # fmt: skip
        weights = {task["folder"]: len(task["items"]) for task in tasks}
        self._run(first_stage, tasks, weights, "first stage")

    def _first_results(self, shards, lost, read):
        folders = self._folders(shards)
        letters = [row for f in folders for row in _rows(f / "letters.parquet")]
        away = {"read": read + len(lost), "written": read, "rejected": len(lost)}
        table = link.gathered(folders)
        if table.is_empty():
            raise KitError(
                "no clip is left to make a data set of",
                found=f"{read} read, {len(lost + letters)} dead letters",
                remedy="look at the reasons: "
                + ", ".join(sorted({row["code"] for row in lost + letters})),
                code="empty",
            )
        return table, lost + letters, {"gather": away} | _added(folders)

    def _second_stage(self, table):
        """(table with features, counts): features of every clip, and copies of training clips."""
        copies = self.recipe.augment.copies
        rows = table.select("shard", "row", copies=(pl.col("split") == "train") * copies)
        device, tasks, keys = backend(self.recipe), [], []
        for (shard,), part in rows.group_by("shard", maintain_order=True):
            mine = part.select("row", "copies").sort("row").rows()
            about = lineage.about_second(self.recipe, shard, device)
            key = digest([about, mine])
            keys.append(key)
            if not _is_made(self._features(key)):
                about = about | {"commit": lineage.commit_now()}
                tasks.append({
                    "folder": str(self._features(key)), "recipe": self.text, "about": about,
                    "shard": str(self._shard(shard)), "rows": mine, "backend": device,
                })  # fmt: skip
        weights = {task["folder"]: len(task["rows"]) for task in tasks}
        self._run(second_stage, tasks, weights, "second stage", gpu=device == "gpu")
        folders = [self._features(key) for key in keys]
        return link.with_features(table, folders), _added(folders)

    def _link(self, table, letters, duplicates, facts):
        record = lineage.record(self.recipe, table, letters, duplicates, facts)
        name = digest(record)
        place = self.folder / "records" / name
        if not (place / "record.json").exists():
            lineage.write_record(place, record, letters, duplicates)
        return link.commit(table, self.folder, name, self.recipe.name)

    def _run(self, function, tasks, weights, name, gpu=False):
        from tqdm.auto import tqdm

        self.made += len(tasks)
        bar = tqdm(total=sum(weights.values()), unit="clip", desc=name, leave=False,
                   disable=not self.progress)  # fmt: skip
        with bar:
            for facts in self.engine.run(function, tasks, gpu):
                bar.update(weights[facts["folder"]])

    def _finish(self, data, changed, shards):
        second = data.clips["features"].n_unique()
        return Run(data, changed, shards + second, self.made, self.seconds, self.engine.name,
                   self.engine.count)  # fmt: skip

    def _newest(self):
        known = link.versions(self.folder)
        return Compiled(self.folder, known[-1]["version"]) if known else None

    def _whole(self):
        """What the stages after the first depend on."""
        second = lineage.about_second(self.recipe, "", backend(self.recipe))
        return [self.text, lineage.about_link(self.recipe), second]

    def _folders(self, shards):
        return sorted(self._shard(key) for key in shards)

    def _shard(self, key):
        return self.folder / "shards" / key

    def _features(self, key):
        return self.folder / "features" / key

    def _pairs(self):
        """File of the similarities that were found before."""
        name = digest(lineage.about_pairs(self.recipe))
        return self.folder / "cache" / f"pairs-{name}.parquet"

    @contextlib.contextmanager
    def _timed(self, stage):
        start = time.perf_counter()
        yield
        self.seconds[stage] = time.perf_counter() - start


def _is_made(folder):
    """True if a shard is whole; what is left of a broken one is removed."""
    whole = (folder / "made.json").exists()
    if not whole:
        remove(folder)
    return whole


def _again(key):
    """Name of the shard that is made when `key` is replayed."""
    return digest([key, "replay"])


def _rows(path):
    return pl.read_parquet(path).to_dicts()


def _added(folders):
    """dict of pass -> counts, summed over shards."""
    counts = {}
    for folder in folders:
        for name, part in json.loads((folder / "made.json").read_text())["counts"].items():
            before = counts.get(name, dict.fromkeys(part, 0))
            counts[name] = {k: before[k] + v for k, v in part.items()}
    return {name: counts[name] for name in lineage.CODE if name in counts}  # in their order


def _conserved(counts):
    """`counts` as a list of dict, if every pass gave away as much as it got, and got all there was.

    Raises KitError "lost" if not. align reads words where the pass before it wrote recordings.
    """
    before = None  # what the pass before wrote
    for name, part in counts.items():
        given = part["read"] + part.get("made", 0)
        out = part["written"] + part.get("duplicates", 0) + part.get("rejected", 0)
        if given != out or (name != "align" and before not in (None, part["read"])):
            raise KitError(
                f"the pass {name} lost clips",
                found=f"{before} from the pass before, {given} in, {out} out",
                remedy="report this with your recipe: it is a fault of the compiler",
                code="lost",
            )
        before = part["written"]
    return [{"pass": name} | part for name, part in counts.items()]
