"""The structure of a device profile, as published documents of the same version of the schema have it.

The schema's file belongs to the DNP Users Group and may not be copied, so this is not it, and says less: in which order
the elements that we write stand, and which of them must be there. The order was read off the profile of opendnp3, a
published document of version 2.10.00; what that one has not (``UNSEEN``) stands where we think that it does.
"""

from collections.abc import Iterator
from xml.etree import ElementTree

from protocols.dnp3.profile.items import NAMESPACE

_OF_GROUPS = {
    "binaryInputGroup": "defaultStaticVariation defaultEventVariation eventReportingMode class0ResponseMode",
    "doubleBitInputGroup": "defaultStaticVariation defaultEventVariation eventReportingMode class0ResponseMode",
    "binaryOutputGroup": "class0ResponseMode defaultStaticVariation changeEventReportingMode "
    "maxTimeBetweenSelectAndOperate",
    "counterGroup": "defaultCounterStaticVariation defaultCounterEventVariation counterClass0ResponseMode "
    "counterEventReportingMode counterRollOver countersFrozen",
    "analogInputGroup": "defaultStaticVariation defaultEventVariation analogEventReportingMode "
    "analogInputClass0ResponseMode analogDeadbandAssignments analogDeadbandAlgorithm",
    "analogOutputGroup": "defaultStaticVariation class0ResponseMode changeEventReportingMode "
    "maxTimeBetweenSelectAndOperate",
    "octetStringGroup": "eventReportingMode class0ResponseMode objectGroupSelection",
}
_KINDS = ("binaryInput", "doubleBitInput", "binaryOutput", "counter", "analogInput", "analogOutput", "octetString")
_INPUT = "index name description changeEventClass includedInClass0Response defaultStaticVariation defaultEventVariation"
_OUTPUT = (
    "index name description changeEventClass commandEventClass includedInClass0Response defaultStaticVariation "
    "defaultChangeEventVariation supportedControlOperations"
)
_STATES = "nameState0 nameState1 nameState2 nameState3"
UNSEEN = "scaleOffset scaleFactor units"
#: Parent → its children in their order.
ORDER = {
    "DNP3DeviceProfileDocument": "documentHeader referenceDevice",
    "documentHeader": "documentName revisionHistory",
    "revisionHistory": "date author reason",
    "referenceDevice": "configuration database implementationTable dataPointsList",
    "configuration": "deviceConfig serialConfig networkConfig linkConfig applConfig outstationConfig unsolicitedConfig "
    "outstationPerformance broadcastConfig",
    "deviceConfig": "deviceFunction vendorName deviceName hardwareVersion softwareVersion documentVersionNumber "
    "dnpLevelSupported configurationMethods connectionsSupported",
    "serialConfig": "portName serialParameters baudRate linkStatusInterval supportsCollisionAvoidance",
    "networkConfig": "portName typeOfEndPoint ipAddress tcpConnectionEstablishment ipAddressOfRemoteDevice "
    "tcpListenPort tcpPortOfRemoteDevice localUDPPort multipleMasterConnections timeSynchronization",
    "linkConfig": "dataLinkAddress sourceAddressValidation expectedSourceAddress selfAddressSupport "
    "sendsConfirmedUserDataFrames linkLayerConfirmTimeout maxDataLinkRetries maxTransmittedFrameSize "
    "maxReceivedFrameSize",
    "applConfig": "maxTransmittedFragmentSize maxReceivedFragmentSize fragmentTimeout maxObjectsInCROBControlRequest "
    "maxObjectsInAnalogOutputControlRequest supportsMixedObjectGroupsInControlRequest controlStatusCodesSupported",
    "outstationConfig": "applicationLayerConfirmTimeout timeSyncRequired deviceTroubleBit fileHandleTimeout "
    "eventBufferOverflowBehavior eventBufferOrganization sendsMultiFragmentResponses requestsLastFragmentConfirmation "
    "configurationSignatureSupported requestsApplicationConfirmation",
    "unsolicitedConfig": "supportsUnsolicitedReporting masterDataLinkAddress unsolicitedResponseConfirmationTimeout "
    "maxUnsolicitedRetries",
    "outstationPerformance": "outstationSetsIIN14",
    "broadcastConfig": "broadcastFunctionalitySupported",
    "database": " ".join(f"{kind}Group" for kind in _KINDS),
    "dataPointsList": " ".join(f"{kind}Points" for kind in _KINDS),
    **{f"{kind}Group": "configuration" for kind in _KINDS},
    **{f"{kind}Points": "configuration dataPoints" for kind in _KINDS},
    **{f"{kind}Points/configuration": "pointListDefinition" for kind in _KINDS},
    **{f"{group}/configuration": children for group, children in _OF_GROUPS.items()},
    "implementationTable": "table",
    "table": "supportedVariation supportedFunctionCode",
    "supportedVariation": "objectGroup variation description request response",
    "supportedFunctionCode": "request",
    "request": "functionCode qualifierCode",
    "response": "functionCode qualifierCode",
    "binaryInput": f"{_INPUT} {_STATES}",
    "doubleBitInput": f"{_INPUT} {_STATES}",
    "octetString": _INPUT,
    "analogInput": f"{_INPUT} {UNSEEN}",
    "binaryOutput": f"{_OUTPUT} {_STATES}",
    "analogOutput": f"{_OUTPUT} {UNSEEN}",
    "counter": "index name description defaultCounterStaticVariation defaultCounterEventVariation "
    "countersIncludedInClass0 counterEventClass frozenCounterExists defaultFrozenCounterStaticVariation "
    "defaultFrozenCounterEventVariation frozenCountersIncludedInClass0 frozenCounterEventClass counterRollOver "
    f"{UNSEEN}",
}
#: Children that may stand several times, and those that may be absent; all others stand once.
REPEATED = {"supportedVariation", "supportedFunctionCode", "qualifierCode"}
OPTIONAL = {
    *("serialConfig", "networkConfig", "ipAddress", "ipAddressOfRemoteDevice", "tcpConnectionEstablishment"),
    *("tcpListenPort", "tcpPortOfRemoteDevice", "localUDPPort", "request", "response", "qualifierCode", "units"),
    *_STATES.split(),
    *(f"{kind}{part}" for kind in _KINDS for part in ("Group", "Points")),
}
_SECTIONS = {name for name in ORDER if name.endswith("Config") or name in ("outstationPerformance",)}
_ONLY_VALUES = {"range", "fixed", "periodicallyRange", "afterLastTimeSyncRange", "configurable"}


def local(element: ElementTree.Element) -> str:
    return element.tag.removeprefix(f"{{{NAMESPACE}}}")


def structure_faults(root: ElementTree.Element) -> list[str]:
    """What is out of place in a document, by its path; empty if nothing is."""
    return list(_faults(root, "", ""))


def _faults(element: ElementTree.Element, parent: str, path: str) -> Iterator[str]:
    name = local(element)
    path = f"{path}/{name}"
    if not element.tag.startswith(f"{{{NAMESPACE}}}"):
        yield f"{path}: of another namespace"
    key = f"{parent}/{name}" if f"{parent}/{name}" in ORDER else name
    if key in ORDER:
        yield from _sequence_faults([local(child) for child in element], ORDER[key].split(), path)
    elif parent in _SECTIONS or parent.endswith("Group/configuration"):
        yield from _parameter_faults(element, path)
    for child in element:
        yield from _faults(child, key if key.endswith("/configuration") else name, path)


def _sequence_faults(found: list[str], order: list[str], path: str) -> Iterator[str]:
    yield from (f"{path}: no place for {name}" for name in found if name not in order)
    known = [name for name in found if name in order]
    if known != sorted(known, key=order.index):
        yield f"{path}: {' '.join(found)} is not in order"
    yield from (f"{path}: no {name}" for name in order if name not in found and name not in OPTIONAL)
    yield from (f"{path}: {name} twice" for name in set(known) if known.count(name) > 1 and name not in REPEATED)


def _parameter_faults(element: ElementTree.Element, path: str) -> Iterator[str]:
    """A parameter says what can be, and then what is; what is, is one of the things that can be."""
    parts = [local(child) for child in element]
    if parts not in (["capabilities", "currentValue"], ["currentValue"], ["capabilities"]):
        yield f"{path}: {' '.join(parts) or 'nothing'} instead of capabilities and currentValue"
        return
    if any(len(part) == 0 for part in element):
        yield f"{path}: an empty part"
    if len(parts) == 2:
        can, now = ([local(child) for child in part] for part in element)
        plain = set(now) - {"value", "note", "periodically", "afterLastTimeSync"}
        if not set(can) & _ONLY_VALUES and not plain <= set(can):
            yield f"{path}: {' '.join(sorted(plain - set(can)))} cannot be"
        if "value" in now and not set(can) & {"range", "fixed"}:
            yield f"{path}: a value without a range"
        yield from _range_faults(element, path)


def _range_faults(element: ElementTree.Element, path: str) -> Iterator[str]:
    ns = f"{{{NAMESPACE}}}"
    low, high = (element.findtext(f"{ns}capabilities/{ns}range/{ns}{end}") for end in ("minimum", "maximum"))
    value = element.findtext(f"{ns}currentValue/{ns}value")
    if low and high and value and not float(low) <= float(value) <= float(high):
        yield f"{path}: {value} is not from {low} to {high}"
