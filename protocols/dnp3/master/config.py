"""Settings of a master's session: what a site file's ``[[session]]`` table turns into."""

from collections.abc import Mapping
from dataclasses import dataclass

from protocols.dnp3.channels import TCP_CLIENT, Medium, MediumKind, MediumRole, Transport, read_transport
from protocols.dnp3.link import MAX_LINK_ADDRESS
from protocols.dnp3.link_sending import UNCONFIRMED, LinkSettings, read_link
from protocols.dnp3.opendnp3_engine.limits import engine_faults
from protocols.dnp3.settings import SettingsReader

DEFAULT_PORT = 20000
#: So many of the largest command objects fit into a fragment, each with a header of its own.
MAX_COMMANDS_PER_REQUEST = 100


@dataclass(frozen=True, slots=True)
class Dnp3SessionSettings:
    """One association with an outstation. Periods of 0 mean never."""

    host: str
    port: int = DEFAULT_PORT
    local_address: int = 1  # ours, the master's
    remote_address: int = 10  # the outstation's
    connect_timeout_s: float = 5.0
    response_timeout_s: float = 3.0
    read_retries: int = 1
    step_retries: int = 1  # of what is written, enabled, disabled or assigned; commands and freezes have none
    integrity_period_s: float = 300.0
    class1_period_s: float = 0.0
    class2_period_s: float = 0.0
    class3_period_s: float = 0.0
    unsolicited: tuple[int, ...] = (1, 2, 3)  # classes that we let the outstation send by itself
    time_sync: str = "lan"  # lan | nonlan | none
    time_sync_period_s: float = 0.0  # also set when the outstation does not ask for it
    assign_classes: bool = False  # write the event classes of the map at start-up
    write_deadbands: bool = False  # write the deadbands of the map at start-up
    freeze_period_s: float = 0.0
    freeze_clear: bool = False  # counters begin at 0 again when frozen
    commands_per_request: int = 1  # at most so many that wait together share a request
    acknowledge_direct: bool = True  # False: direct operate without acknowledgement; its outcome stays unknown
    keepalive_s: float = 15.0  # silence after which the link is asked for its status
    transport: Transport = TCP_CLIENT
    link: LinkSettings = UNCONFIRMED
    backup: Medium | None = None  # a second path to the same outstation
    backup_check_s: float = 10.0  # between checks of the path that is not in use
    engine: str = "vppscada"  # vppscada | opendnp3

    @property
    def medium(self) -> Medium:
        """Where the outstation is found, or where it finds us."""
        return Medium(self.transport, self.host, self.port, self.connect_timeout_s)

    def class_period_s(self, event_class: int) -> float:
        """Poll period of an event class 1..3."""
        return (self.class1_period_s, self.class2_period_s, self.class3_period_s)[event_class - 1]


def read_session(table: Mapping[str, object]) -> Dnp3SessionSettings:
    """Turn a ``[[session]]`` table into settings.

    Raises:
        SettingFaults: every fault at once.
    """
    read = SettingsReader(table)
    day = 86400.0
    transport = read_transport(read, MediumRole.CLIENT)
    settings = Dnp3SessionSettings(
        transport=transport,
        link=read_link(read),
        backup=_read_backup(read),
        backup_check_s=read.seconds("backup_check_s", 10.0, 0.05, day),
        host=read.optional_text("host") if transport.kind is MediumKind.SERIAL else read.text("host", None),
        port=read.integer("port", DEFAULT_PORT, 1, 65535),
        local_address=read.integer("local_address", 1, 0, MAX_LINK_ADDRESS),
        remote_address=read.integer("remote_address", 10, 0, MAX_LINK_ADDRESS),
        connect_timeout_s=read.seconds("connect_timeout_s", 5.0, 0.1, 120.0),
        response_timeout_s=read.seconds("response_timeout_s", 3.0, 0.1, 120.0),
        read_retries=read.integer("read_retries", 1, 0, 10),
        step_retries=read.integer("step_retries", 1, 0, 10),
        integrity_period_s=read.seconds("integrity_period_s", 300.0, 0.0, day),
        class1_period_s=read.seconds("class1_period_s", 0.0, 0.0, day),
        class2_period_s=read.seconds("class2_period_s", 0.0, 0.0, day),
        class3_period_s=read.seconds("class3_period_s", 0.0, 0.0, day),
        unsolicited=read.classes("unsolicited", (1, 2, 3)),
        time_sync=read.choice("time_sync", "lan", ("lan", "nonlan", "none")),
        time_sync_period_s=read.seconds("time_sync_period_s", 0.0, 0.0, 31 * day),
        assign_classes=read.boolean("assign_classes", False),
        write_deadbands=read.boolean("write_deadbands", False),
        freeze_period_s=read.seconds("freeze_period_s", 0.0, 0.0, 31 * day),
        freeze_clear=read.boolean("freeze_clear", False),
        commands_per_request=read.integer("commands_per_request", 1, 1, MAX_COMMANDS_PER_REQUEST),
        acknowledge_direct=read.boolean("acknowledge_direct", True),
        keepalive_s=read.seconds("keepalive_s", 15.0, 0.0, day),
        engine=read.choice("engine", "vppscada", ("vppscada", "opendnp3")),
    )
    if settings.engine == "opendnp3":
        read.faults += engine_faults(settings)
    if settings.local_address == settings.remote_address:
        read.fault("remote_address", str(settings.remote_address), "another address than local_address")
    read.finish()
    return settings


def _read_backup(read: SettingsReader) -> Medium | None:
    """The table ``backup``: a medium of its own with ``host`` and ``port``."""
    table = read.table("backup")
    if table is None:
        return None
    inner = SettingsReader(table)
    transport = read_transport(inner, MediumRole.CLIENT)
    medium = Medium(
        transport,
        inner.optional_text("host") if transport.kind is MediumKind.SERIAL else inner.text("host", None),
        inner.integer("port", DEFAULT_PORT, 1, 65535),
        inner.seconds("connect_timeout_s", 5.0, 0.1, 120.0),
    )
    read.take_faults("backup", inner)
    return medium
