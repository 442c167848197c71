"""What the session on opendnp3 asks for, and when."""

from protocols.dnp3.application import Indication
from protocols.dnp3.master.config import Dnp3SessionSettings
from protocols.dnp3.opendnp3_engine.agenda import Agenda, Job

SETTINGS = Dnp3SessionSettings("h", integrity_period_s=100.0, class2_period_s=7.0, keepalive_s=15.0)


def jobs(agenda: Agenda, now: float, indications: Indication = Indication.NONE) -> list[Job]:
    """Every job that is handed out at once, each done with a response that carries the same indications."""
    done = []
    while (job := agenda.next_job(now)) is not None:
        done.append(job)
        agenda.succeeded(job)
        agenda.note(indications, now)
        assert len(done) < 20, "a loop"
    return done


def started(now: float = 0.0, settings: Dnp3SessionSettings = SETTINGS) -> Agenda:
    agenda = Agenda(settings, now)
    agenda.start(now)
    return agenda


def test_a_restart_is_cleared_before_everything_is_polled() -> None:
    agenda = Agenda(SETTINGS, 0.0)
    agenda.note(Indication.DEVICE_RESTART, 0.0)
    assert jobs(agenda, 0.0) == [Job.CLEAR_RESTART, Job.INTEGRITY, Job.ENABLE_UNSOLICITED]


def test_the_time_is_recorded_then_written() -> None:
    agenda = Agenda(SETTINGS, 0.0)
    agenda.note(Indication.NEED_TIME, 0.0)
    assert jobs(agenda, 0.0) == [Job.RECORD_TIME, Job.WRITE_TIME]


def test_time_that_was_not_recorded_is_not_written() -> None:
    agenda = Agenda(SETTINGS, 0.0)
    agenda.note(Indication.NEED_TIME, 0.0)
    assert agenda.next_job(0.0) is Job.RECORD_TIME
    assert agenda.next_job(0.0) is None


def test_bits_that_are_never_cleared_make_no_loop() -> None:
    stuck = Indication.DEVICE_RESTART | Indication.NEED_TIME | Indication.EVENT_BUFFER_OVERFLOW
    agenda = started()
    agenda.note(stuck, 0.0)
    first = jobs(agenda, 0.0, stuck)
    assert first == [
        Job.CLEAR_RESTART,
        Job.INTEGRITY,
        Job.ENABLE_UNSOLICITED,
        Job.RECORD_TIME,
        Job.WRITE_TIME,
        Job.INTEGRITY,
    ]
    assert jobs(agenda, 9.9, stuck) == [Job.EVENTS]  # class 2's period
    assert agenda.next_due() == 10.0
    assert Job.CLEAR_RESTART in jobs(agenda, 10.0, stuck)


def test_nobody_is_given_time_where_the_site_says_none() -> None:
    agenda = Agenda(Dnp3SessionSettings("h", time_sync="none"), 0.0)
    agenda.note(Indication.NEED_TIME, 0.0)
    assert jobs(agenda, 0.0) == []
    assert not agenda.clock_set


def test_polls_come_by_their_periods() -> None:
    agenda = started()
    assert agenda.next_job(6.9) is None
    assert agenda.next_job(7.0) is Job.EVENTS
    assert agenda.classes == (2,)
    assert agenda.next_job(7.0) is None
    agenda.note(Indication.NONE, 99.0)
    assert agenda.next_job(100.0) is Job.INTEGRITY
    assert agenda.next_job(100.0) is None


def test_events_that_the_outstation_keeps_are_asked_for() -> None:
    agenda = started()
    agenda.note(Indication.CLASS_1_EVENTS, 1.0)
    assert agenda.next_job(5.9) is None
    assert agenda.next_job(6.0) is Job.EVENTS
    assert agenda.classes == (1, 2, 3)


def test_silence_is_met_with_an_event_poll() -> None:
    agenda = started(settings=Dnp3SessionSettings("h", keepalive_s=15.0))
    assert agenda.next_due() == 15.0
    assert agenda.next_job(14.9) is None
    assert agenda.next_job(15.0) is Job.EVENTS
    agenda.note(Indication.NONE, 15.1)
    assert agenda.next_job(30.0) is None


def test_after_a_doubt_the_outstation_is_asked_at_once() -> None:
    agenda = started(settings=Dnp3SessionSettings("h", keepalive_s=15.0))
    agenda.doubt(1.0)
    assert agenda.next_job(1.0) is Job.EVENTS


def test_nothing_is_polled_before_the_start_up_order_is_done() -> None:
    agenda = Agenda(SETTINGS, 0.0)
    assert agenda.next_job(1000.0) is None
