"""One decoder, several threads."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa

from penstock import Decoder

THREADS = 8


def test_a_decoder_is_shared_by_threads() -> None:
    """Each gets the rows of its own records."""
    decoder = Decoder({"n": "int64", "s": "string"})
    barrier = threading.Barrier(THREADS)

    def work(thread: int) -> None:
        data = b"\n".join(b'{"n":%d,"s":"thread %d with a text"}' % (n, thread) for n in range(500))
        barrier.wait()
        for _ in range(5):
            found = pa.record_batch(decoder.decode(data).batch)
            assert found.column("n").to_pylist() == list(range(500))
            assert set(found.column("s").to_pylist()) == {f"thread {thread} with a text"}

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(work, range(THREADS)))


def test_threads_agree_on_inferred_columns() -> None:
    """Whoever is first settles them; the others' records drift, and nothing of them is lost."""
    for _ in range(20):
        decoder = Decoder()
        barrier = threading.Barrier(THREADS)

        def work(thread: int, decoder: Decoder = decoder, barrier: threading.Barrier = barrier) -> pa.RecordBatch:
            barrier.wait()
            return pa.record_batch(decoder.decode([b'{"key_%d":1}' % thread]).batch)

        with ThreadPoolExecutor(THREADS) as pool:
            batches = list(pool.map(work, range(THREADS)))
        (name,) = decoder.columns
        assert {tuple(found.schema.names) for found in batches} == {(name, "_residue")}
        rows = {(found.column(0)[0].as_py(), found.column(1)[0].as_py()) for found in batches}
        others = {(None, f'{{"key_{n}":1}}') for n in range(THREADS) if f"key_{n}" != name}
        assert rows == others | {(1, None)}


def test_batches_may_be_dropped_by_any_thread() -> None:
    """Also by one that has never seen the decoder, after all that made them is gone."""
    batches = [
        pa.record_batch(Decoder({"s": "string"}).decode(bytes(bytearray(b'{"s":"a text that is long"}\n' * 10))).batch)
        for _ in range(50)
    ]
    thread = threading.Thread(target=batches.clear)
    thread.start()
    thread.join()
    assert batches == []
