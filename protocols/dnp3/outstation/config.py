"""Settings of an outstation and of its associations; `settings_reading` reads them from a site file."""

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from protocols.dnp3.channels import TCP_SERVER, Medium, Transport
from protocols.dnp3.link_sending import UNCONFIRMED, LinkSettings
from protocols.dnp3.outstation.nameplate import BLANK, Nameplate

#: Static groups that class 0 can mean. Frozen values (21, 31) are among them only where a site says so.
CLASS_0_GROUPS = (1, 3, 30, 31, 20, 21, 10, 40, 110)

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Dnp3OutstationSettings:
    """One outstation: where it listens, who it is and which masters it obeys.

    With ``masters``, each of them is an association of its own, told apart by its link address and by where it
    comes from (``sources``; none = from anywhere), and the settings here are what they start from. Without, there
    is one association, with ``master_address``. ``master`` names the association in statistics and event stores.
    ``overflow``: what happens when a class holds ``max_events``. Always the newest are kept and IIN2.3 is set;
    with "back_pressure", whoever produces events is asked to wait before that (see `Dnp3Outstation.settled`), for at
    most ``back_pressure_s`` each time. ``restart``: what a master's restart request does. "refuse" answers IIN2.0;
    "outstation" begins its association anew (IIN1.7; events stay, and the point values, the other masters and the
    plant are not touched); "station" ends the station in order, for whoever supervises it to start it again.
    A binary input of this outstation can say that its outputs are under local control (``local_control_input``,
    IIN1.5; commands are refused with LOCAL) or that there is trouble (``device_trouble_input``, IIN1.6): -1 = none.

    ``unsolicited`` permits unsolicited responses (the master still has to enable them).
    ``max_events`` bounds the buffer of each event class. With ``trust_local_clock`` our clock is never
    corrected by the master and IIN1.4 (need time) never set; otherwise it is set at start and again
    ``need_time_s`` after each time write (0 = never again). ``unsolicited_hold_s`` and
    ``unsolicited_hold_events``: a class waits so long, or for so many events, before it is reported.
    ``keepalive_s``: silence after which the master's link layer is asked for its status (0 = never);
    with ``self_address`` frames to 0xFFFC are taken as well and answered from our own address.
    ``class_0``: static groups that a read of class 0 tells. ``restart_time_s``: how long we say that a
    restart takes (to the ms up to 65 s, to the second beyond). With ``freeze_events_on_change`` a freeze
    makes events only of values that differ from those of the freeze before it.
    """

    host: str = "127.0.0.1"
    port: int = 20000
    local_address: int = 10
    master_address: int = 1
    unsolicited: bool = True
    confirm_timeout_s: float = 5.0
    select_timeout_s: float = 10.0
    command_timeout_s: float = 5.0
    max_controls: int = 16
    max_events: int = 10_000
    need_time_s: float = 1800.0
    trust_local_clock: bool = False
    max_fragment: int = 2048
    unsolicited_retries: int = 3
    unsolicited_hold_s: tuple[float, float, float] = (0.0, 0.0, 0.0)
    unsolicited_hold_events: tuple[int, int, int] = (1, 1, 1)
    class_0: tuple[int, ...] = tuple(group for group in CLASS_0_GROUPS if group not in (21, 31))
    restart_time_s: float = 5.0
    freeze_events_on_change: bool = False
    transport: Transport = TCP_SERVER
    link: LinkSettings = UNCONFIRMED
    keepalive_s: float = 0.0
    self_address: bool = False
    nameplate: Nameplate = BLANK
    master: str = ""
    sources: tuple[Network, ...] = ()
    overflow: str = "newest"
    back_pressure_s: float = 2.0
    restart: str = "outstation"
    local_control_input: int = -1
    device_trouble_input: int = -1
    masters: tuple["Dnp3OutstationSettings", ...] = ()

    @property
    def associations(self) -> tuple["Dnp3OutstationSettings", ...]:
        """The settings of each association."""
        return self.masters or (self,)

    @property
    def identity(self) -> str:
        """What the association is called: its master's name or address."""
        return self.master or str(self.master_address)

    @property
    def medium(self) -> Medium:
        """Where its masters come from, or where it dials."""
        return Medium(self.transport, self.host, self.port)
