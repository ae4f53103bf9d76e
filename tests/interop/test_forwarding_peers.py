"""What is forwarded is read by others' code: the CloudEvents SDK, and that of Standard Webhooks."""

from __future__ import annotations

import base64
import json
import time

import pytest

from biotrail.forwarding import Signed, cloud_event
from tests.unit.forwarding._views import full_event, view_of

SECRET = bytes(range(32))


@pytest.mark.component("cloudevents")
@pytest.mark.parametrize("opened", [True, False])
def test_the_sdk_of_cloudevents_reads_our_events(opened: bool) -> None:
    """CNCF's SDK takes each as a valid event of version 1.0, and finds every attribute in it."""
    from cloudevents.core.formats.json import JSONFormat
    from cloudevents.core.v1.event import CloudEvent

    view = view_of(full_event(), opened=opened)
    ours = cloud_event(view)
    read = JSONFormat().read(CloudEvent, json.dumps(ours))
    assert isinstance(read, CloudEvent)
    assert (read.get_specversion(), read.get_id()) == ("1.0", ours["id"])
    assert (read.get_source(), read.get_type()) == (ours["source"], ours["type"])
    assert read.get_subject() == ours["subject"]
    assert read.get_time() == view.occurred
    assert read.get_datacontenttype() == "application/json"
    for extension in ("sequence", "recordedtime", "origin", "leafhash", "checkpointsize"):
        assert read.get_extension(extension) == ours[extension]
    assert read.get_data() == ours["data"]


@pytest.mark.component("standardwebhooks")
def test_the_library_of_standard_webhooks_verifies_our_signature() -> None:
    """It takes what we sign, and refuses another body, id or secret, and one that is too old."""
    from standardwebhooks.webhooks import Webhook, WebhookVerificationError

    body = json.dumps([{"id": "1", "text": "Zoë ✓"}]).encode()
    headers = dict(Signed(SECRET).headers("biotrail_0123", body))
    theirs = Webhook("whsec_" + base64.b64encode(SECRET).decode())
    assert theirs.verify(body, headers) == json.loads(body)
    old = Signed(SECRET, clock=lambda: time.time() - 3_600).headers("biotrail_0123", body)
    other = Webhook(base64.b64encode(bytes(32)).decode())
    for peer, sent, given in (
        (theirs, body + b" ", headers),
        (theirs, body, {**headers, "webhook-id": "biotrail_0124"}),
        (theirs, body, dict(old)),
        (other, body, headers),
    ):
        with pytest.raises(WebhookVerificationError):
            peer.verify(sent, given)
