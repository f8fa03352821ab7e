import assert from 'node:assert/strict';
import { type Connection, Exchange, KombuError, Queue } from '@kombu/core';
import { declare, fetchOne, info, ready, send } from '../actions.js';
import { AWKWARD_NAMES } from '../awkward-names.js';
import { group, testCase } from '../case.js';
import { idOf } from '../collector.js';
import type { CaseContext } from '../context.js';
import { refuses } from '../expect.js';

/** A queue, the exchange it is bound to and what was published to it. */
interface Named {
  readonly name: string;
  readonly queue: Queue;
  readonly exchange: Exchange;
  readonly id: string;
}

const REFUSALS = ['PRECONDITION_FAILED', 'INVALID_OPTION'] as const;

/** Why a queue of that name is refused: an error that will be the same the next time. Undefined: it is declared now. */
async function refusalOf(connection: Connection, queue: Queue): Promise<KombuError | undefined> {
  // Somebody's queue is left alone.
  await refuses('a queue of that name', () => info(connection, queue), 'NOT_FOUND', ...REFUSALS);
  try {
    await queue.bind(connection).queueDeclare();
  } catch (error) {
    const isRefusal = KombuError.is(error) && REFUSALS.some((code) => error.code === `ERR_KOMBU_${code}`);
    if (isRefusal && !error.retryable) return error;
    throw error;
  }
  return undefined;
}

/** Does everything that a name is used for. */
async function use(t: CaseContext, connection: Connection, { queue, id }: Named): Promise<void> {
  await t.until('the message', async () => (await ready(connection, queue)) === 1);
  const message = await fetchOne(t, connection, queue);
  assert.equal(idOf(message), id);
  await message.requeue({ confirm: true });
  await (await fetchOne(t, connection, queue)).ack({ confirm: true });
  await t.until('no message', async () => (await ready(connection, queue)) === 0);
}

/** What queues, exchanges and routing keys can be called. */
export const names = group(
  'names',
  [
    testCase(
      'any name works and is told from all others, but for those that the transport says it refuses',
      async (t) => {
        const connection = await t.open();
        const wrong: string[] = [];
        const served: Named[] = [];
        const attempt = async (name: string, work: () => Promise<unknown>): Promise<void> => {
          try {
            await work();
          } catch (error) {
            wrong.push(`${JSON.stringify(name)}: ${String(error)}`);
          }
        };
        for (const name of AWKWARD_NAMES) {
          await attempt(name, async () => {
            const exchange = new Exchange(`${t.name('x')}${name}`, { type: 'direct' });
            const queue = new Queue(name, { exchange, routingKey: name });
            const refusal = await refusalOf(connection, queue);
            if (refusal === undefined) served.push({ name, queue, exchange, id: t.name('id') });
            assert.equal(refusal !== undefined, t.environment.refusesName(name), `is it refused? ${String(refusal)}`);
          });
        }
        for (const { name, queue, exchange, id } of served) {
          await attempt(name, async () => {
            await declare(connection, queue);
            await send(t, connection, { exchange, routingKey: name }, [id]);
          });
        }
        for (const one of served) await attempt(one.name, () => use(t, connection, one));
        for (const { name, queue } of served) await attempt(name, () => queue.bind(connection).delete());
        for (const { name, exchange } of served) await attempt(name, () => exchange.bind(connection).delete());
        for (const { name, queue } of served) {
          await attempt(name, () => refuses('a look at what is deleted', () => info(connection, queue), 'NOT_FOUND'));
        }
        assert.deepEqual(wrong, []);
      },
      { waits: 2 * AWKWARD_NAMES.length },
    ),
  ],
  { alone: true },
);
