"""A process that does with Python Kombu what the lines on its standard input say.

Each line is {"id", "op", "options"}; each answer {"id", "ok"} or {"id", "error"}. The first answer has id 0 and says
the versions. It ends in good order when its input ends. The other half is src/peer.js.
"""

import base64
import datetime
import decimal
import json
import math
import os
import socket
import sys
import time
import uuid

import kombu
from kombu import Connection, Consumer, Exchange, Producer, Queue
from kombu.compression import compress, decompress
from kombu.pidbox import Mailbox
from kombu.serialization import dumps, enable_insecure_serializers, loads

ALL = ["json", "pickle", "yaml", "msgpack", "text/plain", "application/data", "application/octet-stream"]
SAFE = 2**53

# Answers go to the real standard output; whatever else prints goes to the error output.
ANSWERS = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)


def to_wire(value):
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return int(value) if -SAFE < value < SAFE else {"$int": str(value)}
    if isinstance(value, float):
        return value if math.isfinite(value) else {"$float": str(value)}
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {"$bytes": base64.b64encode(bytes(value)).decode()}
    if isinstance(value, datetime.datetime):
        return {"$datetime": value.isoformat()}
    if isinstance(value, decimal.Decimal):
        return {"$decimal": str(value)}
    if isinstance(value, uuid.UUID):
        return {"$uuid": str(value)}
    if isinstance(value, tuple):
        return {"$tuple": [to_wire(v) for v in value]}
    if isinstance(value, (set, frozenset)):
        return {"$set": [to_wire(v) for v in value]}
    if isinstance(value, list):
        return [to_wire(v) for v in value]
    if isinstance(value, dict):
        if all(isinstance(k, str) and not k.startswith("$") for k in value):
            return {k: to_wire(v) for k, v in value.items()}
        return {"$dict": [[to_wire(k), to_wire(v)] for k, v in value.items()]}
    return {"$repr": repr(value)}


TAGS = {
    "$int": int,
    "$float": float,
    "$bytes": base64.b64decode,
    "$datetime": lambda text: datetime.datetime.fromisoformat(text.replace("Z", "+00:00")),
    "$decimal": decimal.Decimal,
    "$uuid": uuid.UUID,
    "$tuple": lambda items: tuple(from_wire(items)),
    "$set": lambda items: set(from_wire(items)),
    "$dict": lambda items: {from_wire(k): from_wire(v) for k, v in items},
}


def from_wire(value):
    if isinstance(value, list):
        return [from_wire(v) for v in value]
    if isinstance(value, dict):
        if len(value) == 1:
            ((name, inner),) = value.items()
            if name in TAGS:
                return TAGS[name](inner)
        return {k: from_wire(v) for k, v in value.items()}
    return value


def exchange_of(given):
    return Exchange(**given) if isinstance(given, dict) else given


def queue_of(given):
    if isinstance(given, str):
        return Queue(given, no_declare=True)
    given = dict(given)
    if "exchange" in given:
        given["exchange"] = Exchange(**given["exchange"]) if isinstance(given["exchange"], dict) else Exchange(given["exchange"])
    if "bindings" in given:
        from kombu import binding

        given["bindings"] = [binding(**{**b, "exchange": exchange_of(b["exchange"])}) for b in given["bindings"]]
    return Queue(**given)


def message_of(message):
    out = {
        "body": message.body,
        "content_type": message.content_type,
        "content_encoding": message.content_encoding,
        "headers": message.headers or {},
        "properties": message.properties or {},
        "delivery_info": {k: v for k, v in (message.delivery_info or {}).items()},
        "delivery_tag": message.delivery_tag,
    }
    try:
        out["payload"] = message.decode()
    except Exception as error:  # whatever the codec raises is what the caller asked to see
        out["error"] = f"{type(error).__name__}: {error}"
    return out


class Peer:
    def __init__(self):
        self.connection = None
        self.channel = None
        self.held = {}

    def open(self, url, options):
        self.end()
        self.connection = Connection(url, **options)
        self.connection.connect()
        self.channel = self.connection.channel()

    def end(self):
        connection, self.connection, self.channel, self.held = self.connection, None, None, {}
        if connection is not None:
            connection.release()

    def declare(self, exchange=None, queue=None):
        if exchange is not None:
            exchange_of(exchange)(self.channel).declare()
        if queue is None:
            return {}
        bound = queue_of(queue)(self.channel)
        bound.declare()
        return {"queue": bound.name, "message_count": self.size(bound.name)}

    def publish(self, bodies, options):
        options = dict(options)
        if "exchange" in options:
            options["exchange"] = exchange_of(options["exchange"])
        if "declare" in options:
            options["declare"] = [queue_of(q) for q in options["declare"]]
        if "reply_to" in options and isinstance(options["reply_to"], dict):
            options["reply_to"] = queue_of(options["reply_to"])
        producer = Producer(self.channel)
        for body in bodies:
            producer.publish(body, **options)

    def get(self, queue, settle="ack", accept=ALL, no_ack=False):
        message = queue_of(queue)(self.channel).get(no_ack=no_ack, accept=accept)
        if message is None:
            return None
        result = message_of(message)
        self.settle_message(message, "none" if no_ack else settle)
        return result

    def consume(self, queues, n, timeout=10, settle="ack", prefetch_count=None, accept=ALL, no_ack=False, delay=0):
        taken = []
        # A channel of its own, so that what it was sent beyond n goes back when it is closed.
        channel = self.channel if settle == "none" else self.connection.channel()

        def on_message(message):
            if len(taken) >= n:
                if not no_ack:
                    message.requeue()
                return
            taken.append(message_of(message))
            if delay:
                time.sleep(delay)
            self.settle_message(message, "none" if no_ack else settle)

        consumer = Consumer(
            channel,
            [queue_of(q) for q in queues],
            on_message=on_message,
            accept=accept,
            no_ack=no_ack,
            prefetch_count=prefetch_count or n,
        )
        deadline = time.monotonic() + timeout
        consumer.consume()
        try:
            while len(taken) < n:
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                try:
                    self.connection.drain_events(timeout=min(left, 1))
                except socket.timeout:
                    pass
        finally:
            consumer.cancel()
            if channel is not self.channel:
                channel.close()
        return taken

    def settle_message(self, message, outcome):
        if outcome == "none":
            self.held[message.delivery_tag] = message
        elif outcome == "ack":
            message.ack()
        elif outcome == "reject":
            message.reject()
        elif outcome == "requeue":
            message.requeue()
        else:
            raise ValueError(outcome)

    def settle(self, tag, outcome):
        self.settle_message(self.held.pop(tag), outcome)

    def purge(self, queue):
        return self.channel.queue_purge(queue)

    def delete_queue(self, queue, if_unused=False, if_empty=False):
        self.channel.queue_delete(queue, if_unused=if_unused, if_empty=if_empty)

    def delete_exchange(self, exchange):
        self.channel.exchange_delete(exchange)

    def size(self, queue):
        # On the virtual transports a passive declare of an empty queue may fail; their channels know the size.
        if hasattr(self.channel, "_size"):
            return self.channel._size(queue)
        return self.channel.queue_declare(queue, passive=True).message_count

    def dumps(self, value, serializer):
        content_type, content_encoding, data = dumps(value, serializer=serializer)
        return {"content_type": content_type, "content_encoding": content_encoding, "data": data}

    def loads(self, data, content_type, content_encoding):
        return loads(data, content_type, content_encoding, force=True)

    def compress(self, data, method):
        body, content_type = compress(data, method)
        return {"data": body, "content_type": content_type}

    def decompress(self, data, content_type):
        return decompress(data, content_type)

    def inspect(self, namespace, method, arguments=None, destination=None, timeout=1, limit=None, type="direct"):
        mailbox = Mailbox(namespace, type=type, accept=["json"])(self.connection)
        return mailbox.multi_call(method, arguments or {}, timeout=timeout, limit=limit) if destination is None else (
            mailbox._broadcast(method, arguments or {}, destination=destination, reply=True, timeout=timeout, limit=limit) or []
        )

    def serve_mailbox(self, namespace, hostname, n, timeout, type="direct"):
        served = []
        channel = self.connection.channel()
        node = Mailbox(namespace, type=type, accept=["json"])(self.connection).Node(hostname, state=None, channel=channel)

        def answer(name):
            def handler(state, **arguments):
                served.append(name)
                return {"ok": [name, arguments]}

            return handler

        for name in ("ping", "echo"):
            node.handlers[name] = answer(name)
        consumer = node.listen(callback=lambda body, message: node.handle_message(body, message))
        deadline = time.monotonic() + timeout
        try:
            while len(served) < n and time.monotonic() < deadline:
                try:
                    self.connection.drain_events(timeout=0.2)
                except socket.timeout:
                    pass
        finally:
            consumer.cancel()
            channel.close()
        return len(served)


def answer(message):
    ANSWERS.write(json.dumps(message) + "\n")
    ANSWERS.flush()


def main():
    enable_insecure_serializers()
    peer = Peer()
    answer({"id": 0, "ok": {"kombu": kombu.__version__, "python": sys.version.split()[0]}})
    for line in sys.stdin:
        call = json.loads(line)
        try:
            result = getattr(peer, call["op"])(**from_wire(call["options"]))
            answer({"id": call["id"], "ok": to_wire(result)})
        except Exception as error:  # goes back to the caller as it is
            answer({"id": call["id"], "error": f"{type(error).__name__}: {error}"})
    peer.end()


main()
