import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { Connection, type ConnectionOptions, Exchange, KombuError, Queue, type Transport } from '@kombu/core';
import { idOf } from '../collector.js';
import type { Commands, Request } from './protocol.js';
import { say } from './say.js';

function isTransport(value: unknown): value is Transport {
  if (typeof value !== 'object' || value === null) return false;
  const { schemes, connect } = value as Partial<Transport>;
  return Array.isArray(schemes) && typeof connect === 'function';
}

/** The transport that a module exports: by default, or as its only one, or the one that knows the scheme. */
async function loadTransport(module: string, scheme: string): Promise<Transport> {
  const exported = (await import(module.startsWith('file:') ? module : pathToFileURL(module).href)) as object;
  const found = Object.values(exported).filter(isTransport);
  const chosen = found.find((t) => t.schemes.includes(scheme)) ?? found[0];
  if (chosen === undefined) throw new TypeError(`${module} exports no transport`);
  return chosen;
}

/** What a child process of the suite does: what it is told to, with one connection. */
class Agent {
  #connection: Connection | undefined;

  get #link(): Connection {
    if (this.#connection === undefined) throw new Error('not connected');
    return this.#connection;
  }

  async connect(o: Commands['connect']): Promise<void> {
    const scheme = o.url.slice(0, o.url.indexOf(':'));
    const transport = o.module === undefined ? {} : { transport: await loadTransport(o.module, scheme) };
    this.#connection = new Connection(o.url, { ...(o.options as ConnectionOptions), ...transport });
    this.#connection.on('error', (error: KombuError) => say({ say: 'trouble', message: String(error) }));
    await this.#connection.connect();
  }

  async declareQueue(o: Commands['declareQueue']): Promise<void> {
    await Queue.fromJSON(o.queue as never)
      .bind(this.#link)
      .declare();
  }

  async declareExchange(o: Commands['declareExchange']): Promise<void> {
    await Exchange.fromJSON(o.exchange as never)
      .bind(this.#link)
      .declare();
  }

  async publish(o: Commands['publish']): Promise<void> {
    const producer = this.#link.producer();
    await Promise.all(o.ids.map((id) => producer.publish({ id }, { exchange: o.exchange, routingKey: o.routingKey })));
  }

  stream(o: Commands['stream']): void {
    const producer = this.#link.producer();
    const run = async (): Promise<never> => {
      for (let i = 0; ; i++) {
        const id = `${o.prefix}${i}`;
        await producer.publish({ id }, { routingKey: o.routingKey });
        say({ say: 'confirmed', id });
      }
    };
    run().catch((error) => say({ say: 'trouble', message: String(error) }));
  }

  async consume(o: Commands['consume']): Promise<void> {
    const consumer = this.#link.consumer({
      queues: [Queue.fromJSON(o.queue as never)],
      prefetchCount: o.prefetchCount,
      onMessage: async (message) => {
        const id = idOf(message);
        say({ say: 'delivered', id, redelivered: message.deliveryInfo.redelivered });
        if (o.hold) return;
        if (o.handlerMs !== undefined && o.handlerMs > 0) await sleep(Math.random() * o.handlerMs);
        say({ say: 'settling', id });
        await message.ack({ confirm: true });
        say({ say: 'settled', id });
      },
    });
    await consumer.consume();
  }

  async close(): Promise<void> {
    await this.#connection?.close({ drainMs: 0 });
  }
}

async function answer(agent: Agent, request: Request): Promise<void> {
  try {
    await (agent[request.command] as (o: unknown) => unknown).call(agent, request.with);
    say({ say: 'done', n: request.n });
  } catch (error) {
    const code = KombuError.is(error) ? error.code : '';
    say({ say: 'failed', n: request.n, code, message: error instanceof Error ? String(error.stack) : String(error) });
  }
}

const agent = new Agent();
const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => void answer(agent, JSON.parse(line) as Request));
// The parent has gone, or wants no more: nothing may be left behind.
lines.on('close', () => process.exit(0));
