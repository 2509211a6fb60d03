"""Claims of the lesson on data gravity."""

from kit import gravity
from kit.assumptions import value
from kit.claims.record import HOLDS, WITH_CONDITION, WRONG, Claim
from kit.storage.feeding import image_bytes, inference_rate, training_rate

_HOUR_S, _DAY_S = 3600.0, 86400.0


def _slow_ethernet():
    return {"time": gravity.transfer_time_s(value("petabyte"), value("ethernet_slow")) / _DAY_S}


def _fast_ethernet():
    seconds = gravity.transfer_time_s(value("petabyte"), value("ethernet_fast"))
    return {"time": seconds, "hours": seconds / _HOUR_S}


def _egress():
    cost = gravity.egress_cost_usd(value("petabyte"), value("egress"))
    return {"cost": cost, "tpu_hours": cost / value("tpu_v4_hour")}


def inference_need_gbs():
    """GB/s of decoded FP32 images for `inference_rate`."""
    return gravity.required_rate_gbs(inference_rate(), image_bytes(value("fp32")))


def training_need_gbs():
    """GB/s of JPEG files for `training_rate`."""
    return gravity.required_rate_gbs(training_rate(), value("jpeg") * 1e3)


def _cloud_disk_tax():
    need = inference_need_gbs()
    return {
        "idle": 100 * gravity.feeding_tax(need, value("cloud_disk")),
        "factor": need / training_need_gbs(),
    }


def _training():
    need = training_need_gbs()
    return {
        "rate": need,
        "factor": inference_need_gbs() / need,
        "work": value("training_factor"),
        "mass": image_bytes(value("fp32")) / (value("jpeg") * 1e3),
    }


def _sata_share():
    busy = 1 - gravity.feeding_tax(training_need_gbs(), value("sata"))
    real = value("loader_gpu")
    real_gbs = gravity.required_rate_gbs(real, value("jpeg") * 1e3)
    need = training_need_gbs()
    return {
        "busy": 100 * busy,
        "sata": value("sata"),
        "need": need,
        "real": real,
        "real_gbs": real_gbs,
    }


def _object_store_streams():
    need, stream = training_need_gbs(), value("object_store_stream")
    return {"streams": need / stream, "whole": gravity.streams_needed(need, stream)}


def _energy_ratios():
    ladder = gravity.energy_ladder()
    ratio = dict(zip(ladder["level"], ladder["ratio"], strict=True))
    return {
        "dram": ratio["DRAM"],
        "ssd": ratio["local SSD"],
        "network": ratio["data-centre network"],
        "bits": gravity.WORD_BITS,
    }


def _coordination():
    volume, nodes, network = 1000.0, 100, value("cluster_network")
    rams = value("ram_slow"), value("ram_fast")
    slow, fast = (gravity.reduce_time_s(volume, nodes, ram) for ram in rams)
    least, factor = (gravity.coordination_tax(volume, nodes, network, ram) for ram in rams)
    return {
        "factor": factor,
        "least": least,
        "sum_slow": volume / rams[0],
        "sum_fast": volume / rams[1],
        "slow": slow,
        "fast": fast,
        "ram_slow": value("ram_slow"),
        "ram_fast": value("ram_fast"),
    }


def _amdahl():
    serial = gravity.serial_share(10.0, 64)
    return {
        "perfect": gravity.amdahl_speedup(0.0, 64),
        "serial": 100 * serial,
        "limited": gravity.amdahl_speedup(serial, 64),
    }


def _human_scale():
    day = value("latency_l1") * _DAY_S  # ns that stand for a day when an L1 access takes a second
    return {
        "ssd": value("latency_nvme") / day,
        "network": value("latency_datacentre") / day,
        "remote": value("latency_remote_ssd") / day,
    }


def _eight_gpus():
    image = image_bytes(1)
    rate = gravity.required_rate_gbs(value("imagenet_rate"), image)
    return {"rate": rate, "image": image, "factor": rate / 0.5, "implied": 0.5e6 / 40_000}


def _model_growth():
    return {
        "growth": value("gpt3") * 1e9 / (value("alexnet") * 1e6),
        "fp32": value("gpt3") * value("fp32"),
        "fp16": value("gpt3") * value("fp16"),
    }


def _feature_vectors():
    return {"saving": value("jpeg") / value("feature_vector")}


CLAIMS = [
    Claim(1, "01", "A petabyte takes {time} s, about {hours} h, over 100 Gbit/s.",
          {"time": 80_000, "hours": 22}, _fast_ethernet, HOLDS,
          "Volume over rate, at the full line rate; protocols take a part of it.",
          units={"time": "s", "hours": "h"}),
    Claim(2, "01", "A petabyte takes about {time} days over 10 Gbit/s.",
          {"time": 9}, _slow_ethernet, HOLDS, "{time} days, rounded down.",
          tolerance=0.05, units={"time": "d"}),
    Claim(3, "01", "Letting a petabyte out costs USD {cost}, as much as {tpu_hours} TPU hours.",
          {"cost": 90_000, "tpu_hours": 22_500}, _egress, HOLDS,
          "At the chapter's two prices. Both have tiers and discounts, so that a real bill is "
          "lower: compute with your own contract.",
          units={"cost": "USD", "tpu_hours": "h"}),
    Claim(4, "01", "A cloud disk of 250 MB/s leaves an A100 idle more than {idle} % of the time.",
          {"idle": 80}, _cloud_disk_tax, WITH_CONDITION,
          "True as a bound and far understated: decoded FP32 images at the peak rate leave it idle "
          "{idle} %. Claim 5 asks the same GPU for a {factor:.0f}th of that rate.",
          tolerance=0.25, units={"idle": "%"}),
    Claim(5, "01", "Training ResNet-50 on an A100 needs {rate} GB/s.",
          {"rate": 3.8}, _training, WITH_CONDITION,
          "Holds for training on JPEG files at the peak rate, which no real training reaches: the "
          "peak counts a multiply-add as two operations, the chapter's work as one. Inference on "
          "decoded FP32 images needs "
          "{factor:.0f} times as much: {work:.0f} times the images, {mass:.0f} times the bytes.",
          units={"rate": "GB/s"}),
    Claim(6, "01", "A SATA disk keeps that A100 busy {busy} % of the time.",
          {"busy": 13}, _sata_share, WITH_CONDITION,
          "{sata} GB/s of the {need} GB/s in claim 5, so at the peak rate only. A GPU that takes "
          "{real} images/s, as in the chapter's figure of a data loader, needs {real_gbs} GB/s and "
          "is busy all the time.",
          units={"busy": "%"}),
    Claim(7, "01", "Feeding it from an object store takes {streams} threads of 100 MB/s.",
          {"streams": 38}, _object_store_streams, WITH_CONDITION,
          "The rate is {streams:.2f} threads' worth: {whole} whole ones, if none is ever late.",
          units={"streams": "threads"}),
    Claim(8, "01", "DRAM costs {dram} times a multiply-add, SSD {ssd} times, network {network} "
          "times.",
          {"dram": 173, "ssd": 86_486, "network": 432_432}, _energy_ratios, WITH_CONDITION,
          "The ratios are right per bit, the chapter's table is not: its DRAM figure is for a "
          "word of {bits} bits, its SSD and network figures are for one bit and have no source. "
          "Its prose speaks of a hundred to a thousand times, which the table contradicts.",
          units=dict.fromkeys(("dram", "ssd", "network"), "x")),
    Claim(18, "01", "Local means beat gathering a terabyte from 100 nodes by {factor} times.",
          {"factor": 10_000}, _coordination, WRONG,
          "A node's share takes {fast} to {slow} s at {ram_slow} to {ram_fast} GB/s, and summing "
          "all of it on one node {sum_fast} to {sum_slow} s, not one: the factor is {least:.0f} to "
          "{factor:,.0f}.",
          tolerance=0.5, units={"factor": "x"}),
    Claim(19, "01", "Sixty-four cores give {perfect} times without a serial part, or {limited} "
          "times with one.",
          {"perfect": 64, "limited": 10}, _amdahl, WITH_CONDITION,
          "Amdahl's law gives {limited} when {serial} % of the work is serial; the chapter names "
          "no share.",
          units={"perfect": "x", "limited": "x"}),
    Claim(24, "07", "If an L1 access took a second, an SSD would take {ssd} days, the network of a "
          "data centre {network} days, a remote SSD {remote} days.",
          {"ssd": 2, "network": 7, "remote": 30}, _human_scale, WRONG,
          "They would take {ssd}, {network} and {remote} days: rounded hard. The scale is an L1 "
          "access, not a processor cycle as the caption has it.",
          tolerance=0.2, units=dict.fromkeys(("ssd", "network", "remote"), "d")),
    Claim(25, "01", "Forty thousand decoded images a second are about {rate} GB/s.",
          {"rate": 0.5}, _eight_gpus, WRONG,
          "A decoded image has {image:,.0f} bytes: {rate} GB/s, {factor:.0f} times as much. The "
          "chapter's figure would be {implied} kB an image, a small JPEG.",
          units={"rate": "GB/s"}),
    Claim(27, "01", "Models grew about {growth} times from AlexNet to GPT-3, which takes {fp32} GB "
          "in FP32 and {fp16} GB in FP16.",
          {"growth": 2_900, "fp32": 700, "fp16": 350}, _model_growth, HOLDS,
          "Parameters times bytes; activations and optimiser state come on top.",
          units={"growth": "x", "fp32": "GB", "fp16": "GB"}),
    Claim(34, "07", "Feature vectors of 5 kB instead of images of 150 kB save {saving} times the "
          "storage.",
          {"saving": 30}, _feature_vectors, WITH_CONDITION,
          "True of the bytes. A vector is bound to one extractor: change it, and the images are "
          "needed again.",
          units={"saving": "x"}),
]  # fmt: skip
