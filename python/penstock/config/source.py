"""`[source]`: one of several kinds, told apart by `type`."""

from typing import Annotated

from pydantic import BaseModel, Field

from penstock.config.file import FileSource
from penstock.config.kafka import KafkaSource
from penstock.config.memory import MemorySource

DEFAULT = "kafka"
KINDS: dict[str, type[BaseModel]] = {"kafka": KafkaSource, "file": FileSource, "memory": MemorySource}

Source = Annotated[KafkaSource | FileSource | MemorySource, Field(discriminator="type")]
