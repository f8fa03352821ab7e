import { describe, expect, it } from '@jest/globals';
import type { Link } from '../../src/virtual/link.js';
import { putEntry } from '../../src/virtual/publisher.js';
import { queueSettings } from '../../src/virtual/queue-arguments.js';
import { message } from './support/level1.js';

describe('an entry to put', () => {
  const link = { capabilities: { priorities: 10 } } as unknown as Link;
  const route = { exchange: '', routingKey: 'q' };
  const copy = { payload: '{}', deliveryTag: 't', expiresAt: 1000 };
  const entryFor = (args: Record<string, unknown>) => {
    const destination = { queue: 'q', record: undefined, settings: queueSettings('q', args as never) };
    return putEntry(link, message('a'), route as never, destination, copy);
  };

  it('says whether what expires in its queue is dead-lettered', () => {
    expect(entryFor({ 'x-message-ttl': 10 }).deadLettersExpired).toBe(false);
    expect(entryFor({ 'x-dead-letter-exchange': 'graves' }).deadLettersExpired).toBe(true);
  });
});
