"""The first part of a device profile: device, media, link, application, outstation, unsolicited responses."""

from protocols.dnp3.channels import MediumKind, MediumRole
from protocols.dnp3.outstation.config import Dnp3OutstationSettings
from protocols.dnp3.profile.items import Item, Items, explained, limits, setting, value

_LARGEST_FRAME = 292
_MOST_MS = 2_147_483_647
_LONGEST_S = 31_536_000
#: Whether some of the sources are whole networks, whether there are several of them → the schema's word.
_SOURCES = {
    (False, False): "basedOnIPAddress",
    (False, True): "basedOnListOfIPAddresses",
    (True, False): "basedOnWildcardIPAddress",
    (True, True): "basedOnListOfWildcardIPAddresses",
}
_UP_TO_A_YEAR = (("minimum", 0), ("maximum", _LONGEST_S))
_CONTROL_STATUSES = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 126, 127)


def configuration(name: str, settings: Dnp3OutstationSettings, master: Dnp3OutstationSettings) -> Items:
    """The sections in the order of the schema. ``master`` is the association that the document is for."""
    serial = settings.transport.kind is MediumKind.SERIAL
    return [
        ("deviceConfig", _device(name, settings)),
        ("serialConfig", _serial(settings)) if serial else ("networkConfig", _network(settings, master)),
        ("linkConfig", _link(settings, master)),
        ("applConfig", _application(master)),
        ("outstationConfig", _outstation(settings, master)),
        ("unsolicitedConfig", _unsolicited(master)),
        ("outstationPerformance", [_iin14(settings)]),
        ("broadcastConfig", [setting("broadcastFunctionalitySupported", ["enabled"])]),
    ]


def _device(name: str, settings: Dnp3OutstationSettings) -> Items:
    plate = settings.nameplate
    return [
        setting("deviceFunction", ["outstation"]),
        value("vendorName", plate.manufacturer),
        value("deviceName", plate.name or f"{plate.product} {name}"),
        value("hardwareVersion", plate.hardware or "not applicable (software)"),
        value("softwareVersion", plate.software),
        value("documentVersionNumber", 1),
        setting("dnpLevelSupported", [("outStation", ["level1", "level2", "level3"])], [("outStation", ["level3"])]),
        setting("configurationMethods", [explained("other", "A site file and point maps")]),
        setting("connectionsSupported", ["serial", "network"], [_medium_word(settings)]),
    ]


def _medium_word(settings: Dnp3OutstationSettings) -> str:
    return "serial" if settings.transport.kind is MediumKind.SERIAL else "network"


def _serial(settings: Dnp3OutstationSettings) -> Items:
    line = settings.transport.serial
    assert line is not None  # of a serial transport
    return [
        value("portName", line.device),
        setting("serialParameters", ["asynchronous"]),
        setting("baudRate", [limits(300, 4_000_000)], [("value", line.baud)]),
        setting("linkStatusInterval", [limits(0, _MOST_MS)], [("value", settings.keepalive_s)]),
        setting("supportsCollisionAvoidance", ["no"]),
    ]


def _sources_word(master: Dnp3OutstationSettings) -> str:
    if not master.sources:
        return "allowsAll"
    whole = any(network.num_addresses > 1 for network in master.sources)
    return _SOURCES[whole, len(master.sources) > 1]


def _network(settings: Dnp3OutstationSettings, master: Dnp3OutstationSettings) -> Items:
    kind, role = settings.transport.kind, settings.transport.role
    listens = role is MediumRole.SERVER
    endpoint = "udpDatagram" if kind is MediumKind.UDP else "tcpListening" if listens else "tcpInitiating"
    items: list[Item] = [
        value("portName", "TLS" if kind is MediumKind.TLS else kind.value.upper()),
        setting("typeOfEndPoint", ["tcpInitiating", "tcpListening", "udpDatagram"], [endpoint]),
    ]
    if listens:
        items.append(("ipAddress", [("currentValue", [("address", settings.host)])]))
    words = ["allowsAll", *_SOURCES.values()]
    items.append(setting("tcpConnectionEstablishment", words, [_sources_word(master)]))
    if master.sources:
        sources = [("address", str(network)) for network in master.sources]
        items.append(("ipAddressOfRemoteDevice", [("currentValue", sources)]))
    port = "localUDPPort" if kind is MediumKind.UDP else "tcpListenPort" if listens else "tcpPortOfRemoteDevice"
    items.append(setting(port, [limits(1, 65_535)], [("value", settings.port)]))
    several = explained(
        "basedOnIPAddress", "By link address and source address, each with its own events and selections"
    )
    items.append(
        setting(
            "multipleMasterConnections", ["notSupported", several], [several] if settings.masters else ["notSupported"]
        )
    )
    items.append(setting("timeSynchronization", ["dnpLANProcedure", "dnpWriteTimeProcedure"]))
    return items


def _link(settings: Dnp3OutstationSettings, master: Dnp3OutstationSettings) -> Items:
    link = settings.link
    confirmed = link.confirm == "always"
    timeout: Items = [("value", round(link.timeout_s * 1000))] if confirmed else ["none"]
    return [
        setting("dataLinkAddress", [limits(0, 65_519)], [("value", settings.local_address)]),
        setting("sourceAddressValidation", ["alwaysSingleAddress"]),
        setting("expectedSourceAddress", [limits(0, 65_519)], [("value", master.master_address)]),
        setting("selfAddressSupport", ["no", "yes"], ["yes" if settings.self_address else "no"]),
        setting("sendsConfirmedUserDataFrames", ["never", "always"], ["always" if confirmed else "never"]),
        setting("linkLayerConfirmTimeout", ["none", limits(0, _MOST_MS)], timeout),
        setting("maxDataLinkRetries", ["none", limits(0, 255)], [("value", link.retries)] if confirmed else ["none"]),
        setting("maxTransmittedFrameSize", [("fixed", _LARGEST_FRAME)], [("value", _LARGEST_FRAME)]),
        setting("maxReceivedFrameSize", [("fixed", _LARGEST_FRAME)], [("value", _LARGEST_FRAME)]),
    ]


def _application(master: Dnp3OutstationSettings) -> Items:
    controls = [("value", master.max_controls)]
    return [
        setting("maxTransmittedFragmentSize", [limits(249, 65_535)], [("value", master.max_fragment)]),
        setting("maxReceivedFragmentSize", [("fixed", 65_535)], [("value", 65_535)]),
        setting("fragmentTimeout", ["none"]),
        setting("maxObjectsInCROBControlRequest", [limits(1, 255)], controls),
        setting("maxObjectsInAnalogOutputControlRequest", [limits(1, 255)], controls),
        setting("supportsMixedObjectGroupsInControlRequest", ["yes"]),
        ("controlStatusCodesSupported", [("capabilities", [f"code{code}" for code in _CONTROL_STATUSES])]),
    ]


def _outstation(settings: Dnp3OutstationSettings, master: Dnp3OutstationSettings) -> Items:
    trouble = explained("reasonForSetting", "Events cannot be written to disk, or a binary input that the site names")
    timeout_ms = round(master.confirm_timeout_s * 1000)
    local = [f"class{number}Value" for number in (1, 2, 3)]
    sometimes = [explained("sometimes", "When it carries events, or ends a response of several fragments")]
    return [
        setting("applicationLayerConfirmTimeout", [limits(0, _MOST_MS)], [("value", timeout_ms)]),
        setting("timeSyncRequired", ["never", ("periodicallyRange", _UP_TO_A_YEAR)], _time_needed(settings)),
        setting("deviceTroubleBit", [trouble]),
        setting("fileHandleTimeout", ["notApplicable"]),
        setting("eventBufferOverflowBehavior", ["discardOldest"]),
        (
            "eventBufferOrganization",
            [("currentValue", [("perClass", [(word, master.max_events) for word in local])])],
        ),
        setting("sendsMultiFragmentResponses", ["yes"]),
        setting("requestsLastFragmentConfirmation", sometimes),
        setting("configurationSignatureSupported", ["notSupported"]),
        setting("requestsApplicationConfirmation", [("eventResponses", ["yes"]), ("nonFinalFragments", ["yes"])]),
    ]


def _unsolicited(master: Dnp3OutstationSettings) -> Items:
    retries: Items = ["infinite"] if master.unsolicited_retries < 0 else [("value", master.unsolicited_retries)]
    return [
        setting("supportsUnsolicitedReporting", ["configurable"], ["on" if master.unsolicited else "off"]),
        setting("masterDataLinkAddress", [limits(0, 65_519)], [("value", master.master_address)]),
        setting(
            "unsolicitedResponseConfirmationTimeout",
            [limits(0, _MOST_MS)],
            [("value", round(master.confirm_timeout_s * 1000))],
        ),
        setting("maxUnsolicitedRetries", [limits(0, _MOST_MS)], retries),
    ]


def _iin14(settings: Dnp3OutstationSettings) -> Item:
    again: Items = [("afterLastTimeSync", settings.need_time_s)] if settings.need_time_s > 0 else []
    now = ["never"] if settings.trust_local_clock else ["atStartup", *again]
    return setting("outstationSetsIIN14", ["never", "atStartup", ("afterLastTimeSyncRange", _UP_TO_A_YEAR)], now)


def _time_needed(settings: Dnp3OutstationSettings) -> Items:
    if settings.trust_local_clock:
        return ["never"]
    once: Item = ("note", "After each restart, and not again")
    return [("periodically", settings.need_time_s)] if settings.need_time_s > 0 else [once]
