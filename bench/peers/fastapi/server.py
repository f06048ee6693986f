"""The handler that a careful team would write with FastAPI: verify, then one transaction per request over a pool."""

import json
import os
from contextlib import asynccontextmanager
from datetime import datetime, timezone
from urllib.parse import parse_qs, urlparse

import asyncpg
import uvicorn
from fastapi import FastAPI, Request, Response
from svix.webhooks import Webhook, WebhookVerificationError

SEEN = "insert into peer.deliveries (id) values ($1) on conflict do nothing"
UPSERT = """insert into peer.users (id, name, email, created_at, updated_at, raw_json)
    values ($1, $2, $3, $4, $5, $6)
    on conflict (id) do update set name = excluded.name, email = excluded.email,
        created_at = excluded.created_at, updated_at = excluded.updated_at, raw_json = excluded.raw_json
    where peer.users.updated_at is null or peer.users.updated_at <= excluded.updated_at"""
REMOVE = """insert into peer.users (id, deleted_at, raw_json) values ($1, now(), $2)
    on conflict (id) do update set deleted_at = coalesce(peer.users.deleted_at, excluded.deleted_at)"""

webhook = Webhook(os.environ["CLERK_WEBHOOK_SECRET"])


@asynccontextmanager
async def lifespan(app):
    url = urlparse(os.environ["DATABASE_URL"])
    query = parse_qs(url.query)
    async with asyncpg.create_pool(
        host=query["host"][0],
        port=int(query.get("port", ["5432"])[0]),
        user=url.username,
        database=url.path[1:],
        min_size=1,
        max_size=int(os.environ["POOL_SIZE"]),
    ) as pool:
        app.state.pool = pool
        yield


app = FastAPI(lifespan=lifespan)


def time(milliseconds):
    return datetime.fromtimestamp(milliseconds / 1000, timezone.utc)


def clerk(data):
    primary = data["primary_email_address_id"]
    emails = (a["email_address"] for a in data["email_addresses"] if a["id"] == primary)
    name = " ".join(filter(None, [data["first_name"], data["last_name"]])) or None
    return data["id"], name, next(emails, None), time(data["created_at"]), time(data["updated_at"]), json.dumps(data)


def stack(data):
    now = datetime.now(timezone.utc)
    created_at = time(data["signed_up_at_millis"])
    return data["id"], data["display_name"], data["primary_email"], created_at, now, json.dumps(data)


@app.post("/webhooks/{source}")
async def receive(source: str, request: Request):
    body = await request.body()
    try:
        webhook.verify(body, dict(request.headers))
    except WebhookVerificationError:
        return Response(status_code=401)
    event = json.loads(body)
    data = event["data"]
    async with app.state.pool.acquire() as connection, connection.transaction():
        status = await connection.execute(SEEN, request.headers["svix-id"])
        if status.endswith(" 0"):
            return {"ok": True}
        if event["type"] == "user.deleted":
            await connection.execute(REMOVE, data["id"], json.dumps({"id": data["id"]}))
        else:
            await connection.execute(UPSERT, *(clerk(data) if source == "clerk" else stack(data)))
    return {"ok": True}


if __name__ == "__main__":
    host, port = os.environ["LISTEN_ADDR"].split(":")
    workers = int(os.environ["PROCESSES"])
    uvicorn.run("server:app", host=host, port=int(port), workers=workers, access_log=False, log_level="warning")
