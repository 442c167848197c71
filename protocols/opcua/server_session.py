"""A client's session at our server: of the user that was let in, and with subscriptions of its own only.

asyncua lets any session end, change or acknowledge the subscriptions of any other: they are numbered one after another.
"""

from collections.abc import Iterable

from asyncua import ua
from asyncua.common.utils import ServiceError
from asyncua.crypto.permission_rules import User
from asyncua.server.internal_session import InternalSession
from asyncua.ua.status_codes import StatusCodes

#: No subscription has this number.
_NONE = 0


class Session(InternalSession):
    """A session whose user was decided on before it is activated. The services are those of `InternalSession`."""

    admitted: User | None = None

    def activate_session(
        self, params: ua.ActivateSessionParameters, peer_certificate: bytes | None
    ) -> ua.ActivateSessionResult:
        """Activate for the user that was let in; raises ServiceError where none was."""
        user, self.admitted = self.admitted, None
        if user is None:
            raise ServiceError(StatusCodes.BadUserAccessDenied)
        result = super().activate_session(params, peer_certificate)
        self.user = user
        return result

    def _own(self, number: int) -> ua.IntegerId:
        """A subscription's number if it is this session's, else one that asyncua finds none for."""
        found = self.subscription_service.subscriptions.get(number)
        return ua.IntegerId(number if found is not None and found.session_id == self.session_id else _NONE)

    async def delete_subscriptions(self, ids: list[int]) -> list[ua.StatusCode]:
        """End subscriptions of this session."""
        return await super().delete_subscriptions([self._own(number) for number in ids])

    def modify_subscription(self, params: ua.ModifySubscriptionParameters) -> ua.ModifySubscriptionResult:
        """Change a subscription of this session."""
        params.SubscriptionId = self._own(params.SubscriptionId)
        return super().modify_subscription(params)

    async def set_publishing_mode(self, params: ua.SetPublishingModeParameters) -> list[ua.StatusCode]:
        """Let subscriptions of this session publish, or not."""
        params.SubscriptionIds = [self._own(number) for number in params.SubscriptionIds]
        return await super().set_publishing_mode(params)

    async def create_monitored_items(
        self, params: ua.CreateMonitoredItemsParameters
    ) -> list[ua.MonitoredItemCreateResult]:
        """Monitor nodes in a subscription of this session."""
        params.SubscriptionId = self._own(params.SubscriptionId)
        return await super().create_monitored_items(params)

    async def modify_monitored_items(
        self, params: ua.ModifyMonitoredItemsParameters
    ) -> list[ua.MonitoredItemModifyResult]:
        """Change items of a subscription of this session."""
        params.SubscriptionId = self._own(params.SubscriptionId)
        return await super().modify_monitored_items(params)

    async def delete_monitored_items(self, params: ua.DeleteMonitoredItemsParameters) -> list[ua.StatusCode]:
        """End items of a subscription of this session."""
        params.SubscriptionId = self._own(params.SubscriptionId)
        return await super().delete_monitored_items(params)

    async def set_monitoring_mode(self, params: ua.SetMonitoringModeParameters) -> list[ua.StatusCode]:
        """Change the mode of items of a subscription of this session."""
        params.SubscriptionId = self._own(params.SubscriptionId)
        return await super().set_monitoring_mode(params)

    def republish(self, params: ua.RepublishParameters) -> ua.NotificationMessage:
        """Tell again what a subscription of this session told."""
        params.SubscriptionId = self._own(params.SubscriptionId)
        return super().republish(params)

    def publish(self, acks: Iterable[ua.SubscriptionAcknowledgement] | None = None) -> tuple[int, list[ua.StatusCode]]:
        """Take acknowledgements for subscriptions of this session."""
        own = [ua.SubscriptionAcknowledgement(self._own(one.SubscriptionId), one.SequenceNumber) for one in acks or ()]
        return super().publish(own)
