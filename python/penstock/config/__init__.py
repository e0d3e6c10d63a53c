"""The pipeline file: TOML in, one frozen `Config` out, every mistake at once."""

from penstock.config.column_type import ColumnType
from penstock.config.decode import Column, Decode
from penstock.config.kafka import KafkaSource, Sasl, Tls
from penstock.config.load import load
from penstock.config.model import Config, Cut, DeadLetter, Limit, Pipeline, Sink, Telemetry
from penstock.config.transform import Filter, Pattern, Redact, Select

__all__ = [
    "Column",
    "ColumnType",
    "Config",
    "Cut",
    "DeadLetter",
    "Decode",
    "Filter",
    "KafkaSource",
    "Limit",
    "Pattern",
    "Pipeline",
    "Redact",
    "Sasl",
    "Select",
    "Sink",
    "Telemetry",
    "Tls",
    "load",
]
