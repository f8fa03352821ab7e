import { describe, expect, it } from '@jest/globals';
import { TopologyRecorder } from '../../src/connection/topology.js';
import { bindingSpec, exchangeSpec, queueSpec } from './support/lab.js';

const names = (topology: TopologyRecorder) => ({
  exchanges: topology.exchanges.map(({ name }) => name),
  queues: topology.queues.map(({ spec }) => spec.name),
  bindings: topology.bindings.map((b) => `${b.exchange} -> ${b.queue}`),
});

describe('the topology recorder', () => {
  it('remembers what was declared, once, in its first order, and not what was only looked for', () => {
    const topology = new TopologyRecorder(() => 0);
    topology.exchangeDeclared(exchangeSpec('b'));
    topology.exchangeDeclared(exchangeSpec('a'));
    topology.exchangeDeclared(exchangeSpec('b', { durable: false }));
    topology.exchangeDeclared(exchangeSpec('c', { passive: true }));
    topology.queueDeclared(queueSpec('q'), 'q');
    topology.queueDeclared(queueSpec('p', { passive: true }), 'p');
    topology.queueBound({ ...bindingSpec('a', 'q', 'k'), arguments: { x: 1, y: 2n } });
    topology.queueBound({ ...bindingSpec('a', 'q', 'k'), arguments: { y: 2n, x: 1 } });
    expect(names(topology)).toEqual({ exchanges: ['b', 'a'], queues: ['q'], bindings: ['a -> q'] });
    expect(topology.exchanges[0]?.durable).toBe(false);
  });

  it('keeps its own copy', () => {
    const topology = new TopologyRecorder(() => 0);
    const spec = queueSpec('q', { arguments: { 'x-max-length': 1 } });
    topology.queueDeclared(spec, 'q');
    (spec.arguments as Record<string, unknown>)['x-max-length'] = 2;
    expect(topology.queues[0]?.spec.arguments).toEqual({ 'x-max-length': 1 });
  });

  it('forgets what was deleted, with its bindings', () => {
    const topology = new TopologyRecorder(() => 0);
    for (const name of ['a', 'b']) topology.exchangeDeclared(exchangeSpec(name));
    for (const name of ['p', 'q']) topology.queueDeclared(queueSpec(name), name);
    for (const exchange of ['a', 'b'])
      for (const queue of ['p', 'q']) topology.queueBound(bindingSpec(exchange, queue, 'k'));
    topology.exchangeBound({ source: 'a', destination: 'b', routingKey: 'k', arguments: {} });
    topology.queueDeleted('p');
    expect(names(topology)).toEqual({ exchanges: ['a', 'b'], queues: ['q'], bindings: ['a -> q', 'b -> q'] });
    topology.exchangeDeleted('b');
    expect(names(topology)).toEqual({ exchanges: ['a'], queues: ['q'], bindings: ['a -> q'] });
    expect(topology.exchangeBindings).toEqual([]);
    topology.queueUnbound(bindingSpec('a', 'q', 'k'));
    expect(names(topology).bindings).toEqual([]);
    topology.clear();
    expect(topology.size).toBe(0);
  });

  it('forgets an auto-delete exchange with its last binding, and what hangs on it', () => {
    const topology = new TopologyRecorder(() => 0);
    topology.exchangeDeclared(exchangeSpec('source', { autoDelete: true }));
    topology.exchangeDeclared(exchangeSpec('x', { autoDelete: true }));
    topology.exchangeBound({ source: 'source', destination: 'x', routingKey: '', arguments: {} });
    topology.queueDeclared(queueSpec('q'), 'q');
    topology.queueBound(bindingSpec('x', 'q', '1'));
    topology.queueBound(bindingSpec('x', 'q', '2'));
    topology.queueUnbound(bindingSpec('x', 'q', '1'));
    expect(names(topology).exchanges).toEqual(['source', 'x']);
    topology.queueDeleted('q');
    expect(topology.size).toBe(0);
  });

  it('forgets an auto-delete queue when its last consumer is gone, and no other', () => {
    const topology = new TopologyRecorder(() => 0);
    topology.queueDeclared(queueSpec('auto', { autoDelete: true }), 'auto');
    topology.queueDeclared(queueSpec('plain'), 'plain');
    for (const name of ['auto', 'plain', 'unknown']) topology.consumersGone(name);
    expect(names(topology).queues).toEqual(['plain']);
  });

  it('forgets an expiring queue when the broker does: nobody consumed, declared or got for so long', () => {
    let now = 0;
    const topology = new TopologyRecorder(() => now);
    const spec = queueSpec('q', { arguments: { 'x-expires': 1000 } });
    const isThere = () => topology.queues.length === 1;
    topology.queueDeclared(spec, 'q');
    topology.consumerStarted('q');
    topology.queueDeclared(spec, 'q');
    now = 5000;
    expect(isThere()).toBe(true);
    topology.consumersGone('q');
    now = 6000;
    topology.queueUsed('q');
    now = 7000;
    topology.queueDeclared(spec, 'q');
    now = 8000;
    expect(isThere()).toBe(true);
    now = 8001;
    expect(isThere()).toBe(false);
  });

  it('does not grow with the expiring queues of a long life', () => {
    let now = 0;
    const topology = new TopologyRecorder(() => now);
    topology.queueDeclared(queueSpec('plain'), 'plain');
    for (let i = 0; i < 100_000; i++) {
      now += 10;
      topology.queueDeclared(queueSpec(`reply-${i}`, { arguments: { 'x-expires': 1000 } }), `reply-${i}`);
    }
    expect(topology.size).toBeLessThan(300);
    expect(names(topology).queues[0]).toBe('plain');
  });

  it('follows a server-named queue through every name it gets', () => {
    const topology = new TopologyRecorder(() => 0);
    topology.queueDeclared(queueSpec(''), 'gen-1');
    topology.queueBound(bindingSpec('x', 'gen-1', 'k'));
    topology.queueRenamed('gen-1', 'gen-2');
    topology.queueRenamed('gen-2', 'gen-3');
    expect(topology.currentName('gen-1')).toBe('gen-3');
    expect(topology.currentName('gen-2')).toBe('gen-3');
    expect(topology.currentName('other')).toBe('other');
    expect(topology.queues).toMatchObject([{ spec: { name: 'gen-3' }, serverNamed: true }]);
    expect(names(topology).bindings).toEqual(['x -> gen-3']);
    topology.queueRenamed('unknown', 'y');
    expect(topology.currentName('unknown')).toBe('unknown');
  });
});

it('the topology recorder knows which queues were deleted here, a thousand at most', () => {
  const topology = new TopologyRecorder(() => 0);
  const undo = topology.queueDeleting('q');
  expect(topology.wasDeletedHere('q')).toBe(true);
  undo();
  expect(topology.wasDeletedHere('q')).toBe(false);
  topology.queueDeleting('q');
  topology.queueDeclared(queueSpec('q'), 'q');
  expect(topology.wasDeletedHere('q')).toBe(false);
  for (let i = 0; i <= 1000; i++) topology.queueDeleting(`q-${i}`);
  expect([topology.wasDeletedHere('q-0'), topology.wasDeletedHere('q-1')]).toEqual([false, true]);
});
