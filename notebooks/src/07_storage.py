# %% [markdown]
# # Storage
#
# Data lie somewhere, in some order, in some version. You choose once, and pay at every read. In this lesson you put the same clips into ten layouts and measure what each is good for. Then you price the places they may lie in, find out what feeds a device, catch a past that was changed, and build features that do not know the future.

# %%
import math
import tempfile
from datetime import timedelta

import numpy as np
import polars as pl

# %%
import kit
from kit import experiments, measure, storage
from kit.assumptions import value
from kit.bench import recorded_table
from kit.experiments.storing import codecs, layouts, leaking, nightly
from kit.storage import feeding, formats, lifecycle, pipelines, tiers
from kit.views import storage as views

kit.lesson("07")

# %% [markdown]
# ## A sense of distance
#
# Stretch time until an access to the nearest cache takes a second. The chapter calls a trip over the network of the same data centre a week, and an SSD behind it a month. On its own scale these are {{recomputed(24)['network']|.0f}} and {{recomputed(24)['remote']|.0f}} days. And the second is one of the cache: a cycle of a processor is shorter still.

# %%
kit.predict("human", "A second for your nearest cache: how long is a random read of your disk?", "h")

# %%
rungs = measure.ladder_measurements()
felt = storage.human_time(rungs, unit=rungs["L1 cache"].value * 1e-9)
disk = felt.row(by_predicate=pl.col("rung") == "local SSD", named=True)
book = storage.human_time().row(by_predicate=pl.col("rung") == "local SSD", named=True)
kit.compare("human", disk["human_s"] / 3600, unit="h", model=book["human_s"] / 3600,
            model_name="the chapter")  # fmt: skip

# %%
kit.after("human", kit.show(felt.drop("human_s"), "This machine, in human time"))

# %% [markdown]
# Each machine has its own second here, that of its nearest cache. The network of this table is a loopback: software, without a wire or a switch, so a lower bound.
#
# You walk to the shelf, or you book a journey. Nobody books a journey for one word. All of this lesson follows from that: go rarely, bring much, and bring what is needed next.
#
# ## One set of clips, ten layouts
#
# Our clips are a second long, {{assume(32, 'kB: 16 000 samples of two bytes')}} kB each. A WAV file adds a header of {{assume(44, 'bytes of a plain WAV file')}} bytes, and a disk gives room in whole blocks of {{assume(4096, 'bytes, usual on Linux')|,.0f}} bytes.

# %%
kit.predict("blocks", "WAV files: how much more room than the samples do they take?", "%")

# %%
people, notice = experiments.people()
measured = layouts.clips(people)
scratch = tempfile.TemporaryDirectory()
print(notice or f"{measured['records'][0]} clips, {measured['name'].n_unique()} layouts")

# %%
more = 100 * (layouts.room(measured, "wav") - 1)
blocks = -(-32_044 // 4096)  # rounded up
model = 100 * (blocks * 4096 / 32_000 - 1)
kit.compare("blocks", more, unit="%", model=model, model_name="whole blocks")

# %%
kit.after("blocks", views.layouts(measured))

# %% [markdown]
# The rest is the index and the folder itself. A label of ten bytes in a file of its own would take a block as well, four hundred times its size.
#
# "From memory" means that the page cache still holds the bytes; for "from the disk" it was emptied. Look at the middle panel. From the disk, one file beats many. From memory that need not be so: opening a file is cheap then, and conversion decides. FLAC pays twice, for it is a file a clip here, as WAV is, and has to be decoded. But it takes the least room. Which layout wins depends on what you have to spare.
#
# ## One clip out of many
#
# Training reads in random order, serving asks for one record. The right panel shows it: from memory, layouts that are alike in order differ a hundredfold at random. A Parquet file is written in **row groups**, and our reader takes a whole group to get at one row.

# %%
kit.predict("group", "One clip from groups of 512 clips, against groups of 8: how many times as long?", "x")

# %%
grouped = layouts.clips(people, 1024, 8, layouts.GROUPS)
large, small = (layouts.one(grouped, f"parquet none {n}", "single p50", "warm") for n in (512, 8))
times = large.over(small, "one clip, groups of 512 over groups of 8")
kit.compare("group", times, model=512 / 8, model_name="bytes that are read")

# %%
told = grouped.filter(pl.col("operation").is_in(["scan", "single p50"]), cache="warm")
told = told.select("name", "operation", "value", "unit", "low", "high")
kit.after("group", kit.show(told, "Groups of 8, 64 and 512 clips, from memory"))

# %% [markdown]
# Bytes explain the direction. But each group has a fixed price, so small groups gain less than their bytes promise. For a clip that price is small. For a table of a hundred columns it is paid for each column of each group, as the long record shows:

# %%
long = recorded_table("storage", "wide").filter(operation="scan", cache="warm", codec="zstd")
told = long.filter(~pl.col("name").str.contains("dictionary"), layout="parquet").sort("rows_a_group")
kit.after("group", kit.show(told.select("name", "value", "unit", "low", "high"), "Rows of a hundred columns, in order"))

# %% [markdown]
# Groups also carry the least and the greatest value of each column, and a reader skips those that cannot hold what it looks for. That helps where the data lie in order:

# %%
clips = layouts.sorted_clips(people, 1024)
mixed = clips.of(np.random.default_rng(0).permutation(1024))
for name, corpus in {"sorted by word": clips, "in random order": mixed}.items():
    kept = formats.write_store(corpus, f"{scratch.name}/groups", formats.Layout("parquet", "zstd", 64))
    with formats.open_store(kept) as store:
        read, of = store.groups("label", clips.labels[0])
    print(f"{name}: {read} of {of} groups are read for one word")

# %% [markdown]
# Groups are a compromise. That is why loaders shuffle whole groups and then a buffer of them, and why an online store is no Parquet file.

# %%
kit.explain("group", "You train in random order from an object store. How do you lay out the clips?")

# %% [markdown]
# <details><summary>One answer. Write yours first.</summary>
#
# In shards of some hundred megabytes, written in random order once. A reader takes shards in random order, each from beginning to end, and shuffles in a buffer. Each request then brings much, and the order is still random enough. What it costs: new clips need new shards, and one clip alone is far away.
#
# </details>

# %% [markdown]
# ## Twenty columns of a hundred
#
# A table has a hundred columns, and you need twenty. CSV has to read all of each row. Parquet keeps columns apart, so the chapter expects it to be {{stated(20)['factor']}} times as fast.

# %%
kit.predict("columns", "Twenty of a hundred columns: how many times as fast is Parquet as CSV?", "x")

# %%
wide = layouts.wide()
columns, rows = (layouts.one(wide, n, "columns", "warm") for n in ("parquet none 4096", "csv"))
kit.compare("columns", columns.over(rows, "Parquet over CSV"), model=5, model_name="the chapter")

# %%
every, some = (layouts.one(wide, "csv", part, "warm").value for part in ("scan", "columns"))
print(f"CSV: a fifth of the columns is read {some / every:.1f} times as quickly as all of them")
why = layouts.why_faster(wide, "csv", "parquet none 4096", share=0.2)
factors = pl.DataFrame({"because of": list(why), "times": list(why.values())})
kit.after("columns", kit.show(factors, "The factors multiply"))

# %% [markdown]
# The chapter counts the columns that are not read. A number as text is also longer than the number, so one would expect more. The third factor is what is left over, and it takes much of that back: a good CSV reader parses only what it is asked for and looks for commas in the rest, and Parquet pays for opening each column of each group. So there is no factor of Parquet. There is one of a reader, a table and a number of rows.
#
# ## Which codec?
#
# Packed bytes are read sooner and must be unpacked. One core unpacks `u` plain bytes a second, the disk brings `d` packed ones, and `D` plain bytes pack `r` to one:
#
# `T = D / (r d) + D / (u cores)`, or the larger of the two where both go on at once.
#
# The chapter takes {{value('gzip_rate')*1000|.0f}} MB/s for gzip and {{value('snappy_rate')*1000|.0f}} for Snappy, so that {{value('codec_data')|.0f}} GB take {{stated(21)['gzip']}} and {{stated(21)['snappy']}} minutes.

# %%
kit.predict("codec", "Here, on one core: how many times as quickly as gzip does Snappy unpack?", "x")

# %%
events = formats.events_table(50_000)
own = people.few(200).clips
parts = {"clips": own, "their middles": own[:, 5000:11_000], "prices": events["price"].to_numpy()}
packed = codecs.codecs(parts, budget_s=6)
rate = dict(packed.filter(part="clips").select("codec", "unpack_gbs").iter_rows())
model = value("snappy_rate") / value("gzip_rate")
kit.compare("codec", rate["snappy"] / rate["gzip"], unit="x", model=model, model_name="the chapter")

# %%
kit.after("codec", views.codecs(packed))

# %% [markdown]
# Compare the distance of Snappy from gzip with the chapter's: rates are those of a library and a processor. And its choice is older than Zstandard, which packs clips as tightly as gzip, prices less so, and unpacks several times as quickly.
#
# The middles of the clips hardly pack, except by FLAC. So the other codecs live on the zeros with which we fill a clip up to a second. FLAC knows that a sample resembles the one before. It also gains from these recordings having been made at half the rate: expect less of it on yours.
#
# So when does the tighter codec win? When the disk is slow enough:

# %%
ratio = dict(packed.filter(part="clips").select("codec", "ratio").iter_rows())
pairs = [("gzip", "snappy"), ("zstd", "lz4"), ("flac", "zstd")]
slower = [1e3 * feeding.break_even_read_gbs(ratio[a], rate[a], ratio[b], rate[b]) for a, b in pairs]
rows = {"tighter": [a for a, _ in pairs], "quicker": [b for _, b in pairs],
        "tighter wins below (MB/s)": slower}  # fmt: skip
kit.show(pl.DataFrame(rows), "Clips, one core, nothing overlapped")

# %% [markdown]
# Below that rate the tighter one is quicker. With eight cores that unpack, each rate is eight times as high; the lab has the other case, where reading goes on meanwhile. Divide the chapter's minutes by your cores before you choose a codec by them.
#
# ## Your own recommendation
#
# Nothing above says which layout is the best, for that depends on the work. Put your own measurements and a workload together: what the bytes cost a month, what the machine costs while it reads, and what limits there are.

# %%
kit.explore("formats", measured=measured)

# %% [markdown]
# Let the reads become rare: the smallest layout wins, whatever it takes to unpack. Make them frequent: the quick ones come up. Ask for single clips: all that is packed in groups falls out. Where two spreads overlap, the measurement does not decide between them. Nor should it make you move data.
#
# ## What keeps a device fed
#
# The need is `samples/s x bytes`. The chapter gives one device {{recomputed(5)['rate']|.1f}} GB/s in one section and twelve times as much in another, three times the images and four times the bytes. It also has eight of them, at {{value('imagenet_rate')|,.0f}} images/s, need "about {{stated(25)['rate']*1000|.0f}} MB/s" of decoded bytes, which is {{recomputed(25)['rate']|.0f}} GB/s.

# %%
kit.predict("fed", "Decoded images for the eight GPUs: how many disks like yours, at its best?", "disks")

# %%
need = feeding.chapter_consumers()["eight GPUs, decoded bytes"].need_gbs
have = layouts.gbs(measured)
best, book = max(have.values()), value("nvme")
kit.compare("fed", math.ceil(need / best), unit="disks", model=math.ceil(need / book),
            model_name="the chapter's NVMe disks")  # fmt: skip

# %%
some = dict(list(have.items())[:6])
kit.after("fed", kit.explore("bandwidth", measured=some))

# %% [markdown]
# Reading ahead hides the shorter of two stages, not the longer one. A disk that is half as fast as the device leaves it waiting half of the time, however deep the buffer is. And a keyword spotter on the same device asks for far more samples, because each takes so little work.
#
# ## A place and its price
#
# MSWC has {{value('mswc_clips')/1e6}} million clips, {{value('mswc_gb')|.0f}} GB. Hot places are quick and dear, cold ones slow and cheap. Here is a bill for a month in which all of it is read once, clip by clip, in any order.

# %%
kit.predict("archive", "To keep, an archive costs a 23rd of the object store. With one read of all: how many times its bill?", "x")

# %%
clips = storage.Demand(size_gb=736, reads=1, object_mb=0.032, random=True)
bills = storage.compare(clips)
usd = dict(bills.select("tier", "usd_month").iter_rows())
times = usd["archive"] / usd["object store"]
kit.compare("archive", times, unit="x", model=1 / 23, model_name="storage alone")

# %%
told = bills.drop("heat", "egress_usd", "lookup_s", "throughput_gbs", "cheapest")
kit.after("archive", kit.show(told, "MSWC, a file a clip, read once a month"))

# %% [markdown]
# Storage is paid by the byte, requests by the object, and an archive charges for both when you take data out. One connection that asks an object store for one clip after another spends two weeks on waiting for first bytes. Pack small objects first:

# %%
cheap = {t.name: t for t in tiers.chapter_tiers()}
sizes, ends = [0.032, 1.0, 64.0, 1000.0], (cheap["object store"], cheap["archive"])
days = [lifecycle.break_even_days(mb, *ends, reads=0) for mb in sizes]
kit.show(pl.DataFrame({"object_mb": sizes, "pays after (d)": days}), "To the archive, and never read")

# %% [markdown]
# An archive also bills {{value('archive_overhead')|.0f}} kB of its own for each object, which is not counted here. Features instead of the recordings take {{stated(34)['saving']}} times less room in the chapter's example, until the extractor changes.
#
# Data are read less as they age: the chapter keeps a week hot, a quarter warm, and years cold. Which place is the cheapest for each part, within a wait and a budget?

# %%
kit.explore("tiers")

# %% [markdown]
# Raise the reads of old data, and see the archive lose. The plan lets data lie where they are: what a move costs is not in it, and the lab asks you for that. Prices move, ratios less. Put in your own with `tiers.Tier(...)`; ours are the chapter's and list prices, with their sources in `kit.assumptions`.
#
# ## One bit
#
# Disks and networks flip bits, rarely. What does a layout do about it? Flip one bit at a time in each, anywhere, and read everything.

# %%
kit.predict("bit", "A NumPy array: how often does the reader notice the flipped bit?", "%")

# %%
some = layouts.sorted_clips(people, 40)
kinds = [formats.Layout(k) for k in ("wav", "flac", "npy", "sqlite")]
kinds += [formats.Layout("parquet", "zstd", 64), formats.Layout("delta", "zstd", 64)]
flipped = formats.flips(some, kinds, times=30)
array = flipped.row(by_predicate=pl.col("name") == "npy", named=True)
kit.compare("bit", 100 * array["noticed"] / array["flips"], unit="%", model=0, model_name="no checksum")

# %%
kit.after("bit", kit.show(flipped, "What one flipped bit did"))

# %% [markdown]
# A layout with checksums refuses; one without hands out another number and says nothing. In a clip that may be a click. In a price or a label nobody hears it. Our Parquet files have checksums on their pages, and our reader asks for them to be checked, which by default it does not. The same kind of file inside a Delta table has none, for that writer makes none. So keep the hash of a file in another place, as `kit data verify` does.
#
# ## The night that changed the past
#
# The chapter tells of a model that got three per cent worse with the same code, and of two weeks spent on finding out. Here it happens to a spotter. Every night a job adds new clips to the table it trains on. Version {{nightly.NIGHTS}} is worse than version {{nightly.NIGHTS-1}}. Nobody touched the code.

# %%
kit.predict("night", "Three trainings on one version: how far apart are the best and the worst?", "points")

# %%
place = f"{scratch.name}/clips"
ours, tests = nightly.pool(people)
nightly.keep(ours, place)
both = nightly.trained(ours, tests, place, [nightly.NIGHTS - 1, nightly.NIGHTS])
apart = both["all_high"][0] - both["all_low"][0]
kit.compare("night", apart, unit="points")

# %%
kit.after("night", kit.show(both.select("version", "clips", r"^all_.*$"), "All words, three trainings each"))

# %% [markdown]
# Look whether the ranges of the two versions overlap. Where trainings of one version lie so far apart, the mean over all words is a poor alarm. The log says this much:

# %%
log = storage.history(place).select("version", "operation", "rows", "added", "removed", "note")
kit.show(log.tail(4), "The last nights")

# %% [markdown]
# Every night all rows go and all come back, for the job writes the whole table. Row counts look right. But both versions are still there, so ask what differs:

# %%
kit.predict("find", "How long does it take to find out what changed?", "s")

# %%
found = storage.diff(place, nightly.NIGHTS - 1, key="clip")
runs = measure.time_runs(lambda: storage.diff(place, nightly.NIGHTS - 1, key="clip"))
took = measure.Measurement.of("diff of two versions", runs, "s")
kit.compare("find", took, model=14 * 86_400, model_name="two weeks")

# %%
kinds = found.changed.group_by("word.old", "word.new").agg(clips=pl.len())
told = f"{found.added.height} rows came, {found.removed.height} went, {found.changed.height} changed"
kit.after("find", kit.show(kinds, told))

# %% [markdown]
# A provider delivered old records anew, and its export calls a word by another name. The search took two weeks because nobody knew where to look, and nothing was kept to compare with. Now ask for the word alone:

# %%
word = next(iter(nightly.CHANGE))
kit.after("find", kit.show(both.select("version", f"^{word}_.*$"), f"Only the word {word}"))

# %%
kit.explain("find", "Which check, run each night, would have refused the last version?")

# %% [markdown]
# <details><summary>One answer. Write yours first.</summary>
#
# A diff against the night before, with a rule: old rows do not change. Whoever has to change them says so, in a version of its own. The share of the word among the labels would have moved too, as in lesson 05, but a share that moves is often the world, and a row that changes is always somebody.
#
# </details>
#
# Going back is a new version, so that the bad one stays to be looked at. And a model keeps a **link** to what it was made from, so that next time the question takes a second:

# %%
back = storage.restore(place, nightly.NIGHTS - 1, note="undo the export of a provider")
model_link = storage.link(place, back, code=nightly.CODE)
print(model_link)

# %%
try:
    storage.Link.of(str(model_link)).check(place, code="9d3e1f0")
except kit.KitError as error:
    print(error)

# %% [markdown]
# Not every change of a table changes its values. A column gets a smaller type, and the diff says so, apart from the rows:

# %%
smaller = storage.at(place).with_columns(pl.col("night").cast(pl.Int32))
storage.snapshot(smaller, place, note="a smaller type", code=nightly.CODE)
found = storage.diff(place, back, key="clip")
kit.show(found.schema, f"{found.changed.height} values changed")

# %% [markdown]
# Versions cost room. `storage.compact` puts small files together. `storage.vacuum` removes files that the newest version does not need, once they are a week old. Each of them may be all that an older version has, so it first says which versions would be lost:

# %%
dry = storage.vacuum(place, retention_h=0, keep=[nightly.NIGHTS - 1, back], alone=True)
print(f"{dry.size_mb:.2f} MB, and {len(dry.lost)} versions could no longer be read")

# %% [markdown]
# DVC versions whole files, with Git beside it: a hash for a name, and a small file that points to it. `storage.Content` is that in one module to read.

# %%
kit.show(storage.dvc_beside(), "The same deeds here, and with DVC")

# %% [markdown]
# In SQL, time travel is `SELECT * FROM clips VERSION AS OF` a number, or `TIMESTAMP AS OF` a date. The chapter's listing has a date where the number belongs.
#
# ## What was known then
#
# Devices wake for nothing, and people who are woken too often switch them off. The fleet is simulated, so that the truth is known: with each wake the chance rises. Each day we ask of each device: will it be off within a week? The feature is the number of false wakes of the last {{leaking.WINDOW_DAYS}} days. The quick way to training data takes the newest value of each device. The right way takes the value as of the day.
#
# A model is marked by its AUC: the chance that a device which will be off gets the higher score. A coin has a half.

# %%
joined = leaking.trials()
quick, right = joined.iter_rows(named=True)
print(f"With the newest values the past promises an AUC of {quick['promised']:.2f}.")

# %%
kit.predict("leak", "Then the model serves. Which AUC does it reach?", "")

# %%
kit.compare("leak", quick["served"], unit="", model=quick["promised"], model_name="promised")

# %%
kit.after("leak", kit.show(joined, "Promised on the past, and found in the weeks after"))

# %%
kit.explain("leak", "Where does the difference between promised and served come from?")

# %% [markdown]
# <details><summary>One answer. Write yours first.</summary>
#
# A device that was switched off is silent afterwards. So its newest count is low *because* it was switched off, and the model learns that low counts mean trouble. In service a low count means what it should, a content owner, and the order is turned round. The right join promises less, and keeps it.
#
# </details>
#
# `storage.as_of` is that join, and `storage.leaks` finds values in somebody else's table that the row could not have known.

# %%
events, owners = leaking.fleet()
table = leaking.asked(owners, [30])
days = [leaking.BEGIN + timedelta(days=d) for d in (28, 35)]
facts = leaking.counted(events, owners["device"], days)
newest = facts.sort("time").group_by("device").agg(pl.col("wakes").last())
wrong = table.join(newest, on="device")
kit.show(storage.leaks(wrong, facts, "device").head(3), "Proven to come from the future")

# %% [markdown]
# A **feature store** keeps training and serving from drifting apart, the skew of lesson 04: one function defines the feature, its history lies in a table for training, and its newest value lies where a model finds it at once.

# %%
@storage.feature("wakes", key="device", ttl=timedelta(days=2))
def wakes(events):
    since = events["time"].max() - timedelta(days=leaking.WINDOW_DAYS)
    recent = events.filter(pl.col("time") > since)
    return recent.group_by("device").agg(wakes=pl.len())

# %%
store = storage.FeatureStore(f"{scratch.name}/fleet", [wakes], events, online="")
for day in (28, 29, 30):
    now = leaking.BEGIN + timedelta(days=day)
    storage.materialise(store, now)
print(storage.parity(store, when=now).height, "values differ, offline against online")
known = store.history("wakes")["device"].unique()
silent = owners.filter(~pl.col("device").is_in(known.to_list()))["device"]
kit.show(storage.lookup(store, [known.min(), silent[0]], when=now), "Two devices, online")

# %%
kit.predict("lookup", "One device, all its features: the 99th percentile of a lookup?", "us")

# %%
took = storage.latency(store, range(600), n=2000)
kit.compare("lookup", took["p99_us"][0], unit="us", model=10_000, model_name="the chapter's whole answer")

# %%
kit.after("lookup", kit.show(took, "Lookups"))

# %% [markdown]
# The second device did not wake in any of these weeks, so nothing was ever computed for it: silence is no zero until you say so. The lookups are of SQLite in a file on this machine. Set `KIT_ONLINE_URL` to a Redis server, and the same store uses it: slower for one process beside its file, and the only one of the two that many machines can share. A value older than its `ttl` is not served, and neither is one that another definition made.
#
# Training and test follow time as well. `storage.temporal_split` cuts at dates, with a gap as long as the label looks ahead:

# %%
times = pl.Series([leaking.BEGIN + timedelta(days=d) for d in (7, 35, 49, 63)])
rows = leaking.asked(owners, range(7, 63))
cut = storage.temporal_split(rows, "time", times.to_list(), gap=timedelta(days=leaking.WINDOW_DAYS))
kit.show(cut.counts, "In the order of time")

# %% [markdown]
# ## Transform first, or when asked?
#
# **ETL** transforms and then stores little. **ELT** stores everything and transforms at each query. In the chapter's example ETL costs {{stated(17)['run']}} dollars a day to run and {{stated(17)['stored']}} a month to store, ELT {{stated(17)['raw']}} a month to store and {{stated(17)['queries']}} to query. It has ETL save {{stated(17)['saves']}} dollars a month. Put all terms in.

# %%
kit.predict("etl", "Storage, runs and queries: what does ETL save a month?", "USD")

# %%
terms = pipelines.compare_pipelines()
saved = terms["etl_saves_usd"][-1]
kit.compare("etl", saved, unit="USD", model=terms["etl_saves_usd"][0], model_name="storage alone")

# %%
kit.after("etl", kit.explore("etl-elt"))

# %% [markdown]
# For an ETL that keeps no raw data, the days that ELT keeps them decide; the hours of people hardly do. But such an ETL cannot change its mind about the past. Where both keep raw data, the number of changes decides.
#
# **Streaming** keeps cores running. A **batch** rents them for a while. In the chapter's example the stream costs {{recomputed(16)['ratio']|.0f}} times as much as the batch; its prose says ten times or more. What the money buys is a younger result:

# %%
kit.explore("batch-stream")

# %% [markdown]
# Run the batch more often, and each start costs its minutes. At some number of runs a day the stream is the cheaper one. Ask first how old the answer may be.
#
# ## What the chapter says

# %%
kit.show_claims("07")

# %% [markdown]
# ## Before the lab
#
# Three habits. Measure a layout on your own records, for the work they are for, before you believe a table. Never change the past without a version that says so. And let no row know what was not known at its time. In lab 07 you choose layouts that are then measured, write a join that does not leak, plan tiers under a budget, and find the version that lies.

# %% [markdown]
# ## Checkpoint
#
# Five questions, drawn from a pool. Four right answers pass.

# %%
kit.checkpoint("07")

# %%
kit.report()

# %% [markdown]
# Now do [lab 07](../labs/release/lab07_storage/lab07_storage.ipynb).
