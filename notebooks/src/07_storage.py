# %% [markdown]
# # Storage
#
# Data lie somewhere, in some order, in some version. You choose once, and pay at every read. In this lesson you put the same clips into ten layouts and measure what each is good for. Then you price the places they may lie in, find out what feeds a device, catch a past that was changed, and build features that do not know the future.

# %%
import tempfile
from datetime import timedelta

import polars as pl

import kit
from kit import experiments, measure, storage
from kit.experiments.storing import codecs, layouts, leaking, nightly
from kit.storage import feeding, formats, lifecycle, pipelines, tiers
from kit.views import storage as views

kit.lesson("07")

# %% [markdown]
# ## A sense of distance
#
# Stretch time until an access to the nearest cache takes a second. The chapter calls a trip over the network of the same data centre a week, and an SSD behind it a month. On its own scale these are {{recomputed(24)['network']|.0f}} and {{recomputed(24)['remote']|.0f}} days. And the second is one of the cache: a cycle of a processor is shorter still.

# %%
kit.predict("human", "At a second for the nearest cache: how long is a random read of this disk?", "h")

# %%
rungs = measure.ladder_measurements()
felt = storage.human_time(rungs)
disk = felt.row(by_predicate=pl.col("rung") == "local SSD", named=True)
book = storage.human_time().row(by_predicate=pl.col("rung") == "local SSD", named=True)
kit.compare("human", disk["human_s"] / 3600, unit="h", model=book["human_s"] / 3600,
            model_name="the chapter")  # fmt: skip

# %%
kit.after("human", kit.show(felt.drop("human_s"), "This machine, in human time"))

# %% [markdown]
# You walk to the shelf, or you book a journey. Nobody books a journey for one word. All of this lesson follows from that: go rarely, bring much, and bring what is needed next.
#
# ## One set of clips, ten layouts
#
# Our clips are a second long, {{assume(32, 'kB: 16 000 samples of two bytes')}} kB each. A WAV file adds a header of {{assume(44, 'bytes of a plain WAV file')}} bytes, and a disk gives space in blocks of {{assume(4096, 'bytes, usual on Linux')|,.0f}}: on average the last block is half empty.

# %%
kit.predict("blocks", "WAV files: how much more room than the samples do they take?", "%")

# %%
people, notice = experiments.people()
measured = layouts.clips(people)
print(notice or f"{measured['records'][0]} clips, {measured['name'].n_unique()} layouts")

# %%
more = 100 * (layouts.room(measured, "wav") - 1)
half_a_block = 100 * (44 + 4096 / 2) / 32_000
kit.compare("blocks", more, unit="%", model=half_a_block, model_name="half a block")

# %%
kit.after("blocks", views.layouts(measured))

# %% [markdown]
# Half a block is what files of any length leave empty. Ours all have one length, so the luck of that length decides. Small files lose more: a thumbnail or a label in a file of its own may take ten times its size.
#
# Look at the middle panel. One file that is read from begin to end beats many files, and a layout that is smaller needs less of the disk and more of the processor. FLAC is smallest and slowest: it knows sound, and that takes time. Which wins depends on which of the two you have to spare.
#
# ## One clip out of many
#
# Training reads in random order, serving asks for one record. The right panel shows it: layouts that are alike in order differ a thousandfold at random. A Parquet file is packed in **row groups**, and a reader unpacks a whole group to get at one row.

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
# Bytes explain the direction. Opening a group has a price of its own, so small groups gain less than their bytes promise, and a file of many small groups is read more slowly in order. Groups are a compromise. That is why loaders shuffle whole groups and then a buffer of them, and why an online store is no Parquet file.

# %%
kit.explain("group", "You train in random order from an object store. How do you lay out the clips?")

# %% [markdown]
# <details><summary>One answer. Write yours first.</summary>
#
# In shards of some hundred megabytes, written in random order once. A reader takes shards in random order, each from begin to end, and shuffles in a buffer. Each request then brings much, and the order is still random enough. What it costs: new clips need new shards, and one clip alone is far away.
#
# </details>

# %% [markdown]
# ## Twenty columns of a hundred
#
# A table has a hundred columns, and you need twenty. CSV has to read all of each row. Parquet keeps columns apart, so the chapter expects {{stated(20)['factor']}} times less time.

# %%
kit.predict("columns", "Twenty of a hundred columns: how many times as fast is Parquet as CSV?", "x")

# %%
wide = layouts.wide()
columns, rows = (layouts.one(wide, n, "columns", "warm") for n in ("parquet none 4096", "csv"))
kit.compare("columns", columns.over(rows, "Parquet over CSV"), model=5, model_name="the chapter")

# %%
why = layouts.why_faster(wide, "csv", "parquet none 4096", share=0.2)
factors = pl.DataFrame({"because of": list(why), "times": list(why.values())})
kit.after("columns", kit.show(factors, "The factors multiply"))

# %% [markdown]
# The chapter counts the columns that are not read. A number as text is also longer than the number, so one would expect more. The third factor takes much of it back: a good CSV reader parses only the columns that it is asked for, and looks for commas in the rest, and Parquet pays for opening each column of each group. With few rows that is most of its time; with many it thins out. So there is no factor of Parquet. There is one of a reader, a table and a number of rows.
#
# ## Which codec?
#
# Packed bytes are read sooner and must be unpacked. One core unpacks `u` plain bytes a second, the disk brings `d` packed ones, and the data pack `r` to one:
#
# `T = D / (r d) + D / (u cores)`, or the larger of the two where both go on at once.
#
# The chapter takes {{value('gzip_rate')*1000|.0f}} MB/s for gzip and {{value('snappy_rate')*1000|.0f}} for Snappy, so that {{value('codec_data')|.0f}} GB take {{stated(21)['gzip']}} and {{stated(21)['snappy']}} minutes.

# %%
kit.predict("codec", "Here, on one core: how many times as quickly as gzip does Zstandard unpack?", "x")

# %%
events = formats.events_table(50_000)
parts = {"clips": people.few(200).clips, "prices": events["price"].to_numpy()}
packed = codecs.codecs(parts, budget_s=6)
rate = dict(packed.filter(part="clips").select("codec", "unpack_gbs").iter_rows())
model = {"model": 500 / 120, "model_name": "Snappy over gzip, chapter"}
kit.compare("codec", rate["zstd"] / rate["gzip"], unit="x", **model)

# %%
kit.after("codec", views.codecs(packed))

# %% [markdown]
# Zstandard packs as tightly as gzip and unpacks several times as quickly, so the choice that the chapter describes is no longer there. LZ4 is quicker still and packs less. All of them gain on these clips mostly from the silence around a word. FLAC, which knows that a sample resembles the one before, packs twice as tightly as the rest.
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
# Below that rate the tighter one is quicker. With eight cores that unpack, each rate is eight times as high. Divide the chapter's minutes by your cores before you choose a codec by them.
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
kit.predict("fed", "The eight GPUs, decoded images: how many readers like your quickest layout?", "readers")

# %%
need = feeding.chapter_consumers()["eight GPUs, decoded bytes"].need_gbs
have = layouts.gbs(measured)
quickest = next(iter(have))
kit.compare("fed", need / have[quickest], unit="readers", model=need / 5, model_name="at 5 GB/s of an NVMe disk")

# %%
some = dict(list(have.items())[:6])
kit.after("fed", kit.explore("bandwidth", measured=some))

# %% [markdown]
# Reading ahead hides the shorter of two stages, not the longer one. A disk that is half as fast as the device leaves it waiting half of the time, however deep the buffer is. And a keyword spotter on the same device asks for far more samples, because each takes so little work.
#
# ## A place and its price
#
# MSWC has {{value('mswc_clips')/1e6}} million clips, {{value('mswc_gb')|.0f}} GB. Hot places are quick and dear, cold ones slow and cheap. Here is a bill for a month in which all of it is read once, clip by clip.

# %%
kit.predict("archive", "The archive costs a 23rd of the object store. And with one read of all clips?", "x")

# %%
clips = storage.Demand(size_gb=736, reads=1, object_mb=0.032)
bills = storage.compare(clips)
usd = dict(bills.select("tier", "usd_month").iter_rows())
times = usd["archive"] / usd["object store"]
kit.compare("archive", times, unit="x", model=1 / 23, model_name="storage alone")

# %%
told = bills.drop("heat", "egress_usd", "lookup_s", "throughput_gbs", "cheapest")
kit.after("archive", kit.show(told, "MSWC, a file a clip, read once a month"))

# %% [markdown]
# Storage is paid by the byte, requests by the object, and an archive asks for both when you want something back. Small objects are poison there. Pack them first:

# %%
cheap = {t.name: t for t in tiers.chapter_tiers()}
sizes, ends = [0.032, 1.0, 64.0, 1000.0], (cheap["object store"], cheap["archive"])
days = [lifecycle.break_even_days(mb, *ends, reads=0) for mb in sizes]
kit.show(pl.DataFrame({"object_mb": sizes, "pays after (d)": days}), "To the archive, and never read")

# %% [markdown]
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
# A layout with checksums refuses; one without hands out another number and says nothing. In a clip that is a click. In a price or a label nobody hears it. Our Parquet files have checksums on their pages. The same kind of file inside a Delta table has none, for that writer makes none. So keep the hash of a file in another place, as `kit data verify` does.
#
# ## The night that changed the past
#
# The chapter tells of a model that got three per cent worse with the same code, and of two weeks spent on finding out. Here it happens to a spotter. Every night a job adds new clips to the table it trains on. Version {{nightly.NIGHTS}} is worse than version {{nightly.NIGHTS-1}}. Nobody touched the code.

# %%
kit.predict("night", "Spotters of both versions: how many points apart, if nothing is wrong?", "points")

# %%
scratch = tempfile.TemporaryDirectory()
place = f"{scratch.name}/clips"
ours, tests = nightly.pool(people)
nightly.keep(ours, place)
both = nightly.trained(ours, tests, place, [nightly.NIGHTS - 1, nightly.NIGHTS])
apart = both["all_percent"][0] - both["all_percent"][1]
kit.compare("night", apart, unit="points", model=0, model_name="the same code")

# %%
kit.after("night", kit.show(both.select("version", "clips", r"^all_.*$"), "All words, three trainings each"))

# %% [markdown]
# Each version was trained three times, and the ranges overlap. From accuracy alone you could not even say that anything happened. The log says this much:

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
# A provider delivered old records anew, and its export calls a word by another name. The average over all words hides that. Ask for the word alone:

# %%
word = next(iter(nightly.CHANGE))
kit.after("find", kit.show(both.select("version", f"^{word}_.*$"), f"Only the word {word}"))

# %%
kit.explain("find", "Which check, run each night, would have refused version 47?")

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
storage.snapshot(storage.at(place).head(100), place, note="an experiment", code=nightly.CODE)
try:
    storage.Link.of(str(model_link)).check(place, code="9d3e1f0")
except kit.KitError as error:
    print(error)

# %% [markdown]
# `storage.compact` puts small files together, `storage.vacuum` removes what no version needs, after it has said which versions would be lost. DVC does the same for files, with Git beside it: a hash for a name, a small file that points to it. `storage.Content` is that in one module to read.

# %%
kit.show(storage.dvc_beside(), "The same deeds here, and with DVC")

# %% [markdown]
# In SQL, time travel is `SELECT * FROM clips VERSION AS OF` a number, or `TIMESTAMP AS OF` a date. The chapter's listing has a date where the number belongs.
#
# ## What was known then
#
# Devices wake for nothing, and people who are woken too often switch them off. Each day we ask of each device: will it be off within a week? The feature is the number of false wakes of the last {{leaking.WINDOW_DAYS}} days. The quick way to training data takes the newest value of each device. The right way takes the value as of the day.

# %%
kit.predict("leak", "AUC promised with the newest value. And in service?", "")

# %%
joined = leaking.trials()
quick, right = joined.iter_rows(named=True)
kit.compare("leak", quick["served"], unit="", model=quick["promised"], model_name="promised")

# %%
kit.after("leak", kit.show(joined, "Promised on the past, and found in the weeks after"))

# %%
kit.explain("leak", "Why does the model of the newest values do worse than a coin?")

# %% [markdown]
# A device that was switched off is silent afterwards. So its newest count is low, *because* it was switched off, and a model that learns this is worse than a coin once it serves. The right join promises less and keeps it. `storage.as_of` is that join, and `storage.leaks` finds values in somebody else's table that the row could not have known.

# %%
events, owners = leaking.fleet()
table = leaking.asked(owners, [30])
days = [leaking.BEGIN + timedelta(days=d) for d in (28, 35)]
facts = leaking.counted(events, owners["device"], days)
newest = facts.sort("time").group_by("device").agg(pl.col("wakes").last())
wrong = table.join(newest, on="device")
kit.show(storage.leaks(wrong, facts, "device").head(3), "Proven to come from the future")

# %% [markdown]
# A **feature store** makes both ends agree: one function defines the feature, its history lies in a table for training, and its newest value lies where a model finds it at once.

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
kit.show(storage.lookup(store, [440, 7], when=now), "Two devices, online")

# %%
kit.predict("lookup", "One device, all its features: the 99th percentile of a lookup?", "us")

# %%
took = storage.latency(store, range(600), n=2000)
kit.compare("lookup", took["p99_us"][0], unit="us", model=10_000, model_name="the chapter's 10 ms")

# %%
kit.after("lookup", kit.show(took, "Lookups"))

# %% [markdown]
# One of the two devices has not woken for a week, so no row was computed for it: silence is no zero until you say so. That is SQLite in a file on this machine. Set `KIT_ONLINE_URL` to a Redis server, and the same store uses it: slower for one process beside its file, and the only one of the two that many machines can share. A value older than its `ttl` is not served, and neither is one that another definition made.
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
# **ETL** transforms and then stores little. **ELT** stores everything and transforms at each query. The chapter has ETL save {{stated(17)['saves']}} dollars a month, and has a change of the schema take eight times as long. Put all terms in.

# %%
kit.predict("etl", "Storage, runs and queries: what does ETL save a month?", "USD")

# %%
terms = pipelines.compare_pipelines()
saved = terms["etl_saves_usd"][-1]
kit.compare("etl", saved, unit="USD", model=6762, model_name="storage alone")

# %%
kit.after("etl", kit.explore("etl-elt"))

# %% [markdown]
# Move the days that raw data are kept. That one number decides; the hours of people hardly do. An ETL that keeps no raw data cannot change its mind about the past.
#
# **Streaming** keeps cores running. A **batch** rents them for a while. The chapter's example costs {{recomputed(16)['ratio']|.0f}} times as much as a stream, and its prose says ten or more. What you buy is the age of the result:

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
