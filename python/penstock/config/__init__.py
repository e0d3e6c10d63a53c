"""The pipeline file: TOML in, one frozen `Config` out, every mistake at once."""

from penstock.config.column_type import ColumnType
from penstock.config.decode import Column, Decode
from penstock.config.file import FileSource
from penstock.config.kafka import KafkaSource, Sasl, Tls
from penstock.config.load import load, load_test
from penstock.config.memory import MemorySource
from penstock.config.model import Config, Cut, DeadLetter, Limit, Pipeline, Sink, Telemetry
from penstock.config.transform import Filter, Pattern, Redact, Select

__all__ = [
    "Column",
    "ColumnType",
    "Config",
    "Cut",
    "DeadLetter",
    "Decode",
    "FileSource",
    "Filter",
    "KafkaSource",
    "Limit",
    "MemorySource",
    "Pattern",
    "Pipeline",
    "Redact",
    "Sasl",
    "Select",
    "Sink",
    "Telemetry",
    "Tls",
    "load",
    "load_test",
]
