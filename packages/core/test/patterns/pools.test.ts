import { describe, expect, it } from '@jest/globals';
import {
  type Connection,
  Connections,
  connections,
  getLimit,
  insured,
  KombuError,
  PoolGroup,
  PoolSet,
  Producers,
  producers,
  Resource,
  registerGroup,
  resetPools,
  setLimit,
  useDefaultLimit,
} from '../../src/index.js';
import { openMemory, settle, until } from '../support/memory.js';

interface Thing {
  id: number;
  state: 'open' | 'broken' | 'ended';
}

/** A pool of things that are made asynchronously, and everything that it made. */
function things(limit: number) {
  const made: Thing[] = [];
  const pool = new Resource<Thing>(
    {
      name: 'the pool of things',
      create: async () => {
        await settle(1);
        const thing: Thing = { id: made.length, state: 'open' };
        made.push(thing);
        return thing;
      },
      dispose: (thing) => {
        thing.state = 'ended';
      },
      isUsable: ({ state }) => state === 'open',
    },
    limit,
  );
  const alive = () => made.filter(({ state }) => state !== 'ended').length;
  return { pool, made, alive };
}

describe('Resource', () => {
  it('gives out what came back last', async () => {
    const { pool } = things(3);
    const [a, b] = [await pool.acquire(), await pool.acquire()];
    await pool.release(a);
    await pool.release(b);
    expect(await pool.acquire()).toBe(b);
    expect(await pool.acquire()).toBe(a);
  });

  it('serves those who wait in order', async () => {
    const { pool } = things(1);
    const first = await pool.acquire();
    const order: number[] = [];
    const waits = [1, 2, 3].map(async (n) => {
      const thing = await pool.acquire();
      order.push(n);
      await pool.release(thing);
    });
    await settle();
    expect(pool.waiting).toBe(3);
    await pool.release(first);
    await Promise.all(waits);
    expect(order).toEqual([1, 2, 3]);
  });

  it('lets nobody overtake those who wait', async () => {
    const { pool } = things(1);
    const first = await pool.acquire();
    const waiting = pool.acquire();
    const releasing = pool.release(first);
    await expect(pool.acquire({ block: false })).rejects.toMatchObject({ code: 'ERR_KOMBU_CONNECTION_LIMIT' });
    await releasing;
    expect(await waiting).toBe(first);
  });

  it('ends the wait at the deadline and on abort, and nothing is lost', async () => {
    const { pool, alive } = things(1);
    const thing = await pool.acquire();
    await expect(pool.acquire({ timeoutMs: 5 })).rejects.toMatchObject({ code: 'ERR_KOMBU_TIMEOUT' });
    const abort = new AbortController();
    const aborted = pool.acquire({ signal: abort.signal });
    abort.abort();
    await expect(aborted).rejects.toMatchObject({ code: 'ERR_KOMBU_ABORTED' });
    expect(pool.waiting).toBe(0);
    await pool.release(thing);
    expect([pool.inUse, pool.idle, alive()]).toEqual([0, 1, 1]);
  });

  it('keeps what was made for somebody who gave up meanwhile', async () => {
    const { pool } = things(1);
    const abort = new AbortController();
    const acquiring = pool.acquire({ signal: abort.signal });
    abort.abort();
    await expect(acquiring).rejects.toMatchObject({ code: 'ERR_KOMBU_ABORTED' });
    await until(() => pool.inUse === 0);
    expect(pool.idle).toBe(1);
  });

  it('frees the place when making fails', async () => {
    let tries = 0;
    const pool = new Resource<Thing>(
      {
        name: 'the pool',
        create: () => {
          if (tries++ === 0) throw new Error('no');
          return { id: 1, state: 'open' };
        },
        dispose: () => {},
      },
      1,
    );
    await expect(pool.acquire()).rejects.toThrow('no');
    expect((await pool.acquire()).id).toBe(1);
  });

  it('does not give out what is broken, and replaces what its user says is', async () => {
    const { pool, alive } = things(2);
    const a = await pool.acquire();
    await pool.release(a);
    a.state = 'broken';
    const b = await pool.acquire();
    expect(b).not.toBe(a);
    expect(a.state).toBe('ended');
    await pool.replace(b);
    expect(b.state).toBe('ended');
    expect((await pool.acquire()).id).toBe(2);
    expect(alive()).toBe(1);
  });

  it('ends what comes back broken', async () => {
    const { pool } = things(2);
    const a = await pool.acquire();
    a.state = 'broken';
    await pool.release(a);
    expect([pool.idle, pool.inUse, a.state]).toEqual([0, 0, 'ended']);
  });

  it('grows while somebody waits', async () => {
    const { pool } = things(1);
    await pool.acquire();
    const waiting = pool.acquire();
    await settle();
    await pool.resize(2);
    expect((await waiting).id).toBe(1);
  });

  it('does not shrink below what is in use unless it is forced to', async () => {
    const { pool, alive } = things(3);
    const [a, b] = [await pool.acquire(), await pool.acquire()];
    await expect(pool.resize(1)).rejects.toMatchObject({ code: 'ERR_KOMBU_INVALID_OPTION' });
    expect(pool.limit).toBe(3);
    await pool.resize(1, { force: true });
    await pool.release(a);
    expect([a.state, pool.idle]).toEqual(['ended', 0]);
    await pool.release(b);
    expect([b.state, pool.idle, alive()]).toEqual(['open', 1, 1]);
  });

  it('ends the surplus that lies in it when it shrinks, and all of it with reset', async () => {
    const { pool, alive } = things(3);
    const all = await Promise.all([pool.acquire(), pool.acquire(), pool.acquire()]);
    for (const thing of all) await pool.release(thing);
    await pool.resize(2);
    expect(alive()).toBe(2);
    await pool.resize(2, { reset: true });
    expect(alive()).toBe(0);
  });

  it('says ClosedError when it is closed, to those who wait too', async () => {
    const { pool, alive } = things(1);
    const a = await pool.acquire();
    const waiting = pool.acquire();
    await settle();
    await pool.close();
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_KOMBU_CLOSED' });
    await expect(pool.acquire()).rejects.toMatchObject({ code: 'ERR_KOMBU_CLOSED' });
    expect(a.state).toBe('open');
    await pool.release(a);
    expect(alive()).toBe(0);
  });

  it('ends what is in use with forceCloseAll', async () => {
    const { pool, alive } = things(2);
    const a = await pool.acquire();
    await pool.forceCloseAll({ closePool: false });
    expect([a.state, pool.inUse]).toEqual(['ended', 0]);
    await pool.acquire();
    await pool.forceCloseAll();
    expect(alive()).toBe(0);
    expect(pool.closed).toBe(true);
  });

  it('ignores a second release', async () => {
    const { pool } = things(2);
    const a = await pool.acquire();
    await pool.release(a);
    await pool.release(a);
    expect([pool.idle, pool.inUse]).toEqual([1, 0]);
  });

  it('has no limit with 0, and refuses a limit that is no number', async () => {
    const { pool } = things(0);
    await Promise.all(Array.from({ length: 20 }, () => pool.acquire()));
    expect(pool.limit).toBe(Number.POSITIVE_INFINITY);
    await expect(pool.resize(-1)).rejects.toThrow("'limit' must be a whole number");
  });

  it('calls a function with one and puts it back when that throws', async () => {
    const { pool } = things(1);
    expect(await pool.use(({ id }) => id)).toBe(0);
    await expect(
      pool.use(() => {
        throw new Error('mine');
      }),
    ).rejects.toThrow('mine');
    expect([pool.idle, pool.inUse]).toEqual([1, 0]);
  });
});

describe('pools of a connection', () => {
  it('gives out clones, which go back by release and by dispose', async () => {
    const { connection } = openMemory();
    const pool = connection.pool(2);
    const a = await pool.acquire();
    expect(a).not.toBe(connection);
    await a.connect();
    await a.release();
    await a.release();
    expect([pool.idle, a.state]).toEqual([1, 'connected']);
    {
      await using again = await pool.acquire();
      expect(again).toBe(a);
    }
    expect(pool.idle).toBe(1);
    await pool.acquire();
    await pool.acquire();
    const refused = await pool.acquire({ block: false }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ name: 'ConnectionLimitExceeded', retryable: true });
    await pool.forceCloseAll();
    expect(a.state).toBe('closed');
    await connection.close();
  });

  it('gets its place back when a connection is closed instead', async () => {
    const { connection } = openMemory();
    await using pool = connection.pool(1);
    const a = await pool.acquire();
    const waiting = pool.acquire();
    await a.close();
    const b = await waiting;
    expect(b.state).not.toBe('closed');
    await a.release();
    expect(pool.inUse).toBe(1);
    await connection.close();
  });

  it('gives out channels', async () => {
    const { connection } = openMemory();
    await using pool = connection.channelPool(1);
    const channel = await pool.acquire();
    await channel.open();
    await expect(pool.acquire({ block: false })).rejects.toMatchObject({ name: 'ChannelLimitExceeded' });
    await channel.release();
    expect(await pool.acquire()).toBe(channel);
    await channel.close();
    await until(() => pool.inUse === 0);
    expect(await pool.acquire()).not.toBe(channel);
    await connection.close();
  });

  it('stands 1,000 acquirers that abort at random while links fail', async () => {
    const { connection, transport } = openMemory({ reconnect: { intervalStartMs: 1, intervalMaxMs: 5 } });
    const pool = connection.pool(8);
    let seed = 42;
    const random = (): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return seed / 2_147_483_648;
    };
    const using = new Set<Connection>();
    let worked = 0;
    let aborted = 0;
    const work = async (): Promise<void> => {
      const abort = new AbortController();
      const signal = random() < 0.4 ? abort.signal : undefined;
      if (signal !== undefined) setTimeout(() => abort.abort(), random() * 60);
      let one: Connection;
      try {
        one = await pool.acquire({ signal, timeoutMs: 30_000 });
      } catch (error) {
        if (!KombuError.is(error, 'ERR_KOMBU_ABORTED')) throw error;
        aborted++;
        return;
      }
      expect(using.has(one)).toBe(false);
      using.add(one);
      expect(using.size).toBeLessThanOrEqual(8);
      try {
        if (random() < 0.3) await one.connect({ timeoutMs: 10_000 });
        else await settle(1);
        worked++;
      } finally {
        using.delete(one);
        const dice = random();
        if (dice < 0.1) await pool.replace(one);
        else if (dice < 0.2) await one.close();
        else await one.release();
      }
    };
    const failing = setInterval(() => transport.failLinks(), 5);
    await Promise.all(Array.from({ length: 1000 }, work));
    clearInterval(failing);
    expect(worked + aborted).toBe(1000);
    expect(aborted).toBeGreaterThan(0);
    await until(() => pool.inUse === 0);
    expect(pool.waiting).toBe(0);
    expect(pool.idle).toBeLessThanOrEqual(8);
    await pool.forceCloseAll();
    await connection.close();
  });
});

describe('pool groups', () => {
  it('have one pool for connections with the same parameters', async () => {
    const { connection, transport } = openMemory();
    const group = new Connections({ limit: 3 });
    const same = connection.clone();
    const other = connection.clone({ transportOptions: { pollingIntervalMs: 7 } });
    expect(group.get(same)).toBe(group.get(connection));
    expect(group.get(other)).not.toBe(group.get(connection));
    expect(group.get(connection).limit).toBe(3);
    const mine = await group.get(connection).acquire();
    await mine.connect();
    await group.reset();
    expect(mine.state).toBe('closed');
    expect(group.get(connection).closed).toBe(false);
    expect(transport).toBeDefined();
    await Promise.all([connection.close(), same.close(), other.close()]);
  });

  it('have producers that take their connections from the connection pool', async () => {
    const { connection } = openMemory();
    const group = new Connections({ limit: 1 });
    const pool = new Producers({ connections: group, limit: 5 }).get(connection);
    const producer = await pool.acquire();
    await producer.publish('hello', { routingKey: 'pooled' });
    expect(group.get(connection).inUse).toBe(1);
    await producer.release();
    expect(group.get(connection).inUse).toBe(0);
    const again = await pool.acquire();
    expect(again).toBe(producer);
    await expect(pool.acquire({ timeoutMs: 5 })).rejects.toMatchObject({ code: 'ERR_KOMBU_TIMEOUT' });
    await again.release();
    await until(() => group.get(connection).inUse === 0);
    await pool.forceCloseAll();
    await group.reset();
    await connection.close();
  });

  it('have a common limit, but for groups with their own', async () => {
    const { connection } = openMemory();
    const set = new PoolSet();
    class Mine extends PoolGroup<Thing> {
      protected override create(_connection: Connection, limit: number): Resource<Thing> {
        return new Resource<Thing>({ name: 'mine', create: () => ({ id: limit, state: 'open' }), dispose() {} }, limit);
      }
    }
    const mine = set.register(new Mine({ limit: useDefaultLimit }));
    const own = set.register(new Mine({ limit: 2 }));
    expect(mine.get(connection).limit).toBe(200);
    await set.setLimit(10);
    expect(mine.get(connection).limit).toBe(10);
    expect(own.get(connection).limit).toBe(2);
    await mine.get(connection).acquire();
    await mine.get(connection).acquire();
    await expect(set.setLimit(1)).rejects.toThrow('cannot be made smaller');
    expect(set.limit).toBe(10);
    await set.setLimit(1, { force: true });
    expect(mine.get(connection).limit).toBe(1);
    await set.reset();
    await connection.close();
  });

  it('exist once for the process', async () => {
    const { connection } = openMemory();
    expect(getLimit()).toBe(200);
    expect(registerGroup(new Connections()).get(connection).limit).toBe(200);
    await setLimit(100);
    expect(connections.get(connection).limit).toBe(100);
    await using producer = await producers.get(connection).acquire();
    expect(producer.channel.connection).not.toBe(connection);
    await resetPools();
    await setLimit(200);
    await connection.close();
  });
});

describe('insured', () => {
  it('calls a function again when the link is lost, and puts the connection back', async () => {
    const { connection, transport } = openMemory({ reconnect: { intervalStartMs: 1, intervalMaxMs: 5 } });
    await using pool = connection.pool(1);
    const attempts: number[] = [];
    const result = await insured(
      pool,
      async ({ channel, attempt, connection: lent }, name: string) => {
        attempts.push(attempt);
        if (attempt === 0) {
          transport.failLinks();
          await lent.channel().declareQueue({
            name: 'x',
            durable: true,
            exclusive: false,
            autoDelete: false,
            arguments: {},
          });
          throw new KombuError('CONNECTION_LOST', 'lost', { retryable: true });
        }
        return `${name} ${channel.connection === lent}`;
      },
      ['done'],
      { intervalStartMs: 1, intervalMaxMs: 1, timeoutMs: 5000 },
    );
    expect(result).toBe('done true');
    expect(attempts).toEqual([0, 1]);
    expect(pool.idle).toBe(1);
    await connection.close();
  });
});
