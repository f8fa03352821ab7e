"""Carries out codec jobs with Python Kombu: a JSON list of jobs on stdin, a JSON list of results on stdout."""

import base64
import json
import pickle
import sys
from datetime import date, datetime, time, timedelta, timezone  # noqa: F401 (for the expressions of jobs)
from decimal import Decimal  # noqa: F401
from uuid import UUID  # noqa: F401

import kombu
from kombu import compression
from kombu.serialization import dumps, enable_insecure_serializers, loads

enable_insecure_serializers(["pickle", "yaml", "msgpack"])


def written(serializer, value):
    if serializer.startswith("pickle-"):
        return pickle.dumps(value, protocol=int(serializer[7:]))
    data = dumps(value, serializer=serializer)[2]
    return data.encode() if isinstance(data, str) else data


def carry_out(job):
    op = job["op"]
    if op == "version":
        return {"kombu": kombu.__version__, "compressions": compression.encoders()}
    if op == "write":
        return base64.b64encode(written(job["serializer"], eval(job["expression"]))).decode()
    if op == "equals":
        value = loads(base64.b64decode(job["body"]), job["type"], job["encoding"])
        expected = eval(job["expression"])
        return True if value == expected and type(value) is type(expected) else repr(value)
    if op == "again":
        value = loads(base64.b64decode(job["body"]), job["type"], job["encoding"])
        return base64.b64encode(written(job["serializer"], value)).decode()
    if op == "recompress":
        body = compression.decompress(base64.b64decode(job["body"]), job["type"])
        return base64.b64encode(compression.compress(body, job["type"])[0]).decode()
    raise ValueError(op)


def safely(job):
    try:
        return {"result": carry_out(job)}
    except Exception as exc:
        return {"error": f"{type(exc).__name__}: {exc}"}


json.dump([safely(job) for job in json.load(sys.stdin)], sys.stdout)
