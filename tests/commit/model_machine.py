"""The worlds that Hypothesis makes up: several owners, crashes at any step, lies, late puts, changed plans."""

from __future__ import annotations

from typing import ClassVar, Literal

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from penstock.batch import Lost
from penstock.commit.protocol import Assignment
from tests.commit.model import KINDS, Violation, Worker, World

index = st.integers(0, 2)
kinds = st.text("-" + "".join(KINDS), min_size=1, max_size=6)
plans = st.sampled_from("ABC")


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

    # The source.

    @rule(more=kinds)
    def append(self, more: str) -> None:
        self.world.log += more

    @rule(count=st.integers(1, 3))
    def retain_less(self, count: int) -> None:
        self.world.low = min(self.world.low + count, self.world.high)

    @rule()
    def wait(self) -> None:
        self.world.clock += 400.0

    # The workers.

    @rule(i=index)
    def boot(self, i: int) -> None:
        if not self.workers[i].alive:
            self.workers[i].boot()

    @rule(i=index)
    def crash(self, i: int) -> None:
        self.workers[i].crash()

    @rule(i=index, steps=st.integers(1, 5), main_first=st.booleans())
    def work(self, i: int, steps: int, main_first: bool) -> None:
        for _ in range(steps):
            if self.workers[i].alive:
                self.workers[i].work(main_first=main_first)

    @rule(i=index, size=st.integers(1, 5))
    def fetch(self, i: int, size: int) -> None:
        if self.workers[i].alive:
            self.workers[i].fetch(size)

    @rule(i=index, size=st.integers(1, 5))
    def read(self, i: int, size: int) -> None:
        if self.workers[i].alive:
            self.workers[i].settle()
            self.workers[i].read(size)

    @rule(i=index, final=st.booleans())
    def cut(self, i: int, final: bool) -> None:
        if self.workers[i].alive:
            self.workers[i].cut(final=final)

    @rule(i=index)
    def commit(self, i: int) -> None:
        if self.workers[i].alive:
            self.workers[i].commit()

    @rule(i=index)
    def rewind(self, i: int) -> None:
        if self.workers[i].alive and not self.workers[i].effects:
            self.workers[i].tell(self.workers[i].assignment.rewind())

    @rule(i=index, in_time=st.booleans())
    def revoke(self, i: int, in_time: bool) -> None:
        worker = self.workers[i]
        if worker.alive and not worker.effects:
            worker.assignment.drain()
            worker.cut(final=True)
            if in_time:
                worker.commit()
            worker.tell(worker.assignment.leave())
            worker.crash()

    # The network.

    @rule(k=st.integers(0, 5))
    def land(self, k: int) -> None:
        """Also a request that landed before, or whose sender is gone."""
        if k < len(self.world.requests):
            self.world.land(self.world.requests[-1 - k])

    @rule(i=index)
    def time_out(self, i: int) -> None:
        self.workers[i].time_out()

    @rule(i=index)
    def answer_lost(self, i: int) -> None:
        """True or not: a client library that retries loses against itself."""
        self.workers[i].answer(Lost())

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
    """The plan changes when no worker of another plan lives, no main put of theirs is under way, and no third plan's."""

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
