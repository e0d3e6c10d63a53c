"""The worlds that Hypothesis makes up: several owners, crashes at any step, lies, late puts, changed plans."""

from __future__ import annotations

from typing import ClassVar, Literal

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from penstock.batch import Lost
from penstock.commit.protocol import Assignment, Phase
from tests.commit.model import Violation, Worker, World

index = st.sampled_from([0, 0, 0, 1, 1, 2])
kinds = st.text(st.sampled_from("-rrddfttxxyyzzw"), min_size=3, max_size=8)
plans = st.sampled_from("AABBC")
sizes = st.integers(1, 6)
rarely = st.integers(0, 3).map(lambda drawn: drawn == 3)


class Machine(RuleBasedStateMachine):
    """One plan for ever. Every worker may believe at any time that it owns the partition."""

    assignment: ClassVar[type[Assignment]] = Assignment
    one_verdict: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.plan = "A"
        self.workers: list[Worker] = []

    def new_worker(self, name: str, start: Literal["earliest", "latest"] = "earliest") -> Worker:
        return Worker(self.world, name, plan=self.plan, start=start, assignment=self.assignment)

    @initialize(log=kinds, start=st.sampled_from(["earliest", "latest"]))
    def begin(self, log: str, start: Literal["earliest", "latest"]) -> None:
        self.world.log = log
        self.workers = [self.new_worker(name, start) for name in ("one", "two", "three")]
        self.workers[0].boot()

    # The workers.

    def ready(self, i: int) -> Worker:
        worker = self.workers[i]
        if not worker.alive or worker.assignment.phase is Phase.ENDED:
            worker.crash()
            worker.boot()
        return worker

    @rule(i=index, size=sizes)
    def send(self, i: int, size: int) -> None:
        """As far as the next put, which is then under way."""
        worker = self.ready(i)
        worker.settle()
        worker.read(size)
        worker.cut()
        worker.settle()

    @rule(i=index, size=sizes, final=rarely)
    def commit(self, i: int, size: int, final: bool) -> None:
        worker = self.ready(i)
        worker.commit()
        worker.read(size)
        worker.cut(final=final)
        worker.commit()

    @rule(i=index, steps=st.integers(1, 4), main_first=st.booleans(), size=sizes)
    def step(self, i: int, steps: int, main_first: bool, size: int) -> None:
        worker = self.workers[i]
        for _ in range(steps):
            if worker.alive and not worker.work(main_first=main_first):
                worker.read(size)

    @rule(i=index, size=sizes, ingested=st.booleans())
    def fetch_more(self, i: int, size: int, ingested: bool) -> None:
        worker = self.workers[i]
        if worker.alive:
            worker.fetch(size)
            if ingested:
                worker.ingest()

    @rule(i=index)
    def crash(self, i: int) -> None:
        self.workers[i].crash()

    @rule(i=index, cut=st.booleans(), in_time=st.booleans())
    def revoke(self, i: int, cut: bool, in_time: bool) -> None:
        worker = self.workers[i]
        if worker.alive and not worker.effects:
            worker.assignment.drain()
            if cut:
                worker.cut(final=True)
            if in_time:
                worker.commit()
            worker.tell(worker.assignment.leave())

    # The network.

    @rule(k=st.integers(0, 4))
    def land(self, k: int) -> None:
        """Also a request that landed before, or whose sender is gone."""
        if k < len(self.world.requests):
            self.world.land(self.world.requests[-1 - k])

    @rule(i=index, lost=rarely, settling=st.booleans())
    def misinform(self, i: int, lost: bool, settling: bool) -> None:
        """No answer, or a loss, true or not: a client library that retries loses against itself."""
        worker = self.workers[i]
        if worker.request is not None:
            if lost:
                worker.answer(Lost())
            else:
                worker.time_out()
            if settling:
                worker.settle()

    # Time passes.

    @rule(more=kinds)
    def append(self, more: str) -> None:
        self.world.log += more

    @rule(i=index, what=st.sampled_from(["rewind", "wait", "retention"]), count=st.integers(1, 3))
    def disturb(self, i: int, what: str, count: int) -> None:
        worker, world = self.workers[i], self.world
        if what == "wait":
            world.clock += 400.0
        elif what == "retention":
            world.low = max(world.low, min(world.next_main + count - 1, world.high))
        elif worker.alive and not worker.effects:
            worker.tell(worker.assignment.rewind())

    @invariant()
    def holds(self) -> None:
        self.world.check(one_verdict=self.one_verdict)
        for worker in self.workers:
            if worker.faults:
                raise Violation(f"false alarm: {worker.faults}")

    def teardown(self) -> None:
        for worker in self.workers:
            worker.crash()
        for request in self.world.requests:
            self.world.land(request)
        self.new_worker("last").boot().run_to_end()
        self.world.check(one_verdict=self.one_verdict)


class UpgradeMachine(Machine):
    """The plan changes when no worker of another plan lives, and no main put of theirs or put of a third is left."""

    @rule(plan=plans, landing=st.booleans())
    def upgrade(self, plan: str, landing: bool) -> None:
        for worker in self.workers:
            worker.crash()
            worker.plan = plan
        mains = [request for request in self.world.requests if request.table == "main"]
        for request in mains if landing else ():
            self.world.land(request)
        newest = self.world.tables["main"].newest()
        kept = {plan, newest.plan if newest else plan}
        self.world.requests = [
            request
            for request in self.world.requests
            if request.file.plan == plan or (request.table == "dead_letter" and request.file.plan in kept)
        ]
        self.plan = plan


class MixedMachine(Machine):
    """Workers of any plan at once: a record may have two verdicts, but none is lost and none is twice in a table."""

    one_verdict = False

    @rule(i=index, plan=plans)
    def upgrade_one(self, i: int, plan: str) -> None:
        self.workers[i].crash()
        self.workers[i].plan = plan
