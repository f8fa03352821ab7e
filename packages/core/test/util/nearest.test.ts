import { describe, expect, it } from '@jest/globals';
import { didYouMean, nearest } from '../../src/util/nearest.js';

const KNOWN = ['amqp', 'ttl', 'tls', 'sqs', 'userid', 'heartbeat', 'prefetchCount', 'expiresMs', 'messagesCollection'];

describe('the name that is meant', () => {
  it.each([
    ['ampq', 'amqp'],
    ['ttls', 'ttl'],
    ['user', 'userid'],
    ['hartbeat', 'heartbeat'],
    ['prefetch', 'prefetchCount'],
    ['expires', 'expiresMs'],
    ['mesageCollections', 'messagesCollection'],
    ['TTL', 'ttl'],
  ])('of %s is %s', (name, meant) => {
    expect(nearest(name, KNOWN)).toBe(meant);
    expect(didYouMean(name, KNOWN)).toBe(`; did you mean '${meant}'?`);
  });

  it.each(['nats', 'kafka', 'foo', 'ssl', 'x', '', 'port', 'hearth', 'consumer'])('of %j nobody can tell', (name) => {
    expect(nearest(name, KNOWN)).toBeUndefined();
    expect(didYouMean(name, KNOWN)).toBe('');
  });
});
