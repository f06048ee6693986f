"""Does what sign.mjs does, with the libraries that providers have for Python."""

import json
import sys
from datetime import datetime, timezone

from standardwebhooks.webhooks import Webhook as StandardWebhook
from svix.webhooks import Webhook
from workos import WorkOSClient

workos = WorkOSClient(api_key="a key that is never used", client_id="none")


def signs(library, prefix):
    def sign(it):
        sent_at = datetime.fromtimestamp(it["time"] / 1000, tz=timezone.utc)
        signature = library(it["secret"]).sign(it["id"], sent_at, it["body"])
        named = {"id": it["id"], "timestamp": str(it["time"] // 1000), "signature": signature}
        return {"headers": {f"{prefix}-{name}": text for name, text in named.items()}, "body": it["body"]}

    return sign


def verifies_standard(it):
    # It knows only its own names.
    headers = {name.replace("svix", "webhook"): text for name, text in it["headers"].items()}
    StandardWebhook(it["secret"]).verify(it["body"], headers)


def verifies_workos(it):
    signature = it["headers"]["workos-signature"]
    workos.webhooks.verify_header(
        event_body=it["body"].encode(), event_signature=signature, secret=it["secret"]
    )


SIGN = {"svix": signs(Webhook, "svix"), "standardwebhooks": signs(StandardWebhook, "webhook")}
VERIFY = {
    "svix": lambda it: Webhook(it["secret"]).verify(it["body"], it["headers"]),
    "standardwebhooks": verifies_standard,
    "workos": verifies_workos,
}


def answer(question):
    if question["do"] == "sign":
        return SIGN[question["with"]](question)
    try:
        VERIFY[question["with"]](question)
        return {"right": True}
    except Exception as error:
        return {"right": False, "why": f"{type(error).__name__}: {error}"}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
