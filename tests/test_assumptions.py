import pytest

from kit import assumptions
from kit.assumptions import Assumption
from kit.errors import KitError
from kit.paths import root

GOOD = {"name": "egress", "value": 0.09, "unit": "USD/GB", "source": "a price list", "year": 2024}


@pytest.mark.parametrize(
    "change",
    [
        {"unit": ""}, {"unit": "  "}, {"source": ""}, {"source": None}, {"name": ""},
        {"year": None}, {"year": 1750}, {"year": 3000}, {"year": 2024.5}, {"year": True},
        {"value": float("nan")}, {"value": float("inf")}, {"value": "0.09"}, {"value": True},
    ],
)  # fmt: skip
def test_without_unit_source_and_year_it_cannot_exist(change):
    with pytest.raises(KitError):
        Assumption(**GOOD | change)


def test_a_field_cannot_be_left_out():
    for field in GOOD:
        with pytest.raises(TypeError):
            Assumption(**{k: v for k, v in GOOD.items() if k != field})


def test_printing_shows_the_source():
    text = str(Assumption(**GOOD))
    assert "a price list" in text
    assert "USD/GB" in text
    assert "2024" in text


def test_it_can_be_used_as_a_number():
    assert float(Assumption(**GOOD)) * 2 == 0.18


def test_all_of_the_file_load_and_show_up_in_the_table():
    table = assumptions.table()
    assert table.height == len(assumptions.load()) > 40
    assert table["source"].str.len_chars().min() >= 3


def test_every_assumption_is_used():
    folders = (root() / name for name in ("kit", "notebooks", "labs"))
    files = [p for f in folders for p in f.rglob("*") if p.suffix in (".py", ".toml")]
    text = "".join(p.read_text() for p in files if p.name != "assumptions.toml")
    used = [f'"{name}"' in text or f"'{name}'" in text for name in assumptions.load()]
    assert all(used), [n for n, u in zip(assumptions.load(), used, strict=True) if not u]


def test_an_unknown_name_suggests_near_ones():
    with pytest.raises(KitError, match="egress"):
        assumptions.get("egres")


# the golden table of the source chapter: name, value, unit
GOLDEN = [
    ("egress", 0.09, "USD/GB"), ("tpu_v4_hour", 4.0, "USD/h"), ("ethernet_slow", 10, "Gbit/s"),
    ("ethernet_fast", 100, "Gbit/s"), ("mac_fp32", 3.7, "pJ"), ("mac_int8", 0.2, "pJ"),
    ("add_int32", 0.1, "pJ"), ("add_fp32", 0.9, "pJ"), ("dram_word", 640, "pJ"),
    ("ssd_bit", 10_000, "pJ/bit"), ("network_bit", 50_000, "pJ/bit"),
    ("a100_fp16", 312, "TFLOP/s"), ("resnet50_forward", 4.1, "GFLOP/image"),
    ("jpeg", 150, "kB"), ("latency_l1", 0.5, "ns"), ("latency_l2", 7, "ns"),
    ("latency_dram", 100, "ns"), ("latency_nvme", 1e5, "ns"), ("latency_datacentre", 5e5, "ns"),
    ("latency_remote_ssd", 2e6, "ns"), ("latency_object_store", 2e7, "ns"),
    ("latency_wan", 1e8, "ns"), ("sata", 0.5, "GB/s"), ("nvme", 5.0, "GB/s"),
    ("kws_accuracy", 98, "%"), ("kws_latency", 200, "ms"), ("kws_memory", 64, "kB"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "unit"), GOLDEN)
def test_golden_values(name, value, unit):
    found = assumptions.get(name)
    assert (found.value, found.unit) == (value, unit)
