"""Publish, consume, decode and acknowledge through Python Kombu's memory transport."""

import json
import sys
import time

from kombu import Connection, Exchange, Queue

settings = json.loads(sys.argv[-1])
messages = settings["messages"]


def body(i):
    return {
        "task": "media.encode",
        "id": "0f3e5c1e-%08d" % i,
        "args": [i, "lolcat.avi", {"width": 1280, "height": 720}],
        "retries": 0,
        "eta": None,
        "tags": ["a", "b"],
    }


exchange = Exchange("bench", type="direct")
queue = Queue("bench", exchange, routing_key="bench")


def one_pass():
    seen = []
    with Connection("memory://") as connection:
        queue(connection.default_channel).declare()
        started = time.perf_counter()
        producer = connection.Producer(exchange=exchange, routing_key="bench", auto_declare=False)
        for i in range(messages):
            producer.publish(body(i))

        def on_message(payload, message):
            seen.append(payload["args"][0])
            message.ack()

        with connection.Consumer([queue], callbacks=[on_message], accept=["json"], prefetch_count=100):
            while len(seen) < messages:
                connection.drain_events(timeout=10)
        seconds = time.perf_counter() - started
        assert sorted(seen) == list(range(messages)), "a message is missing or doubled"
        assert queue(connection.default_channel).queue_declare(passive=True).message_count == 0
        return seconds


for _ in range(settings["passes"]):
    one_pass()
print(json.dumps({"messages": messages, "seconds": one_pass()}))
