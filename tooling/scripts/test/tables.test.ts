import { describe, expect, it } from '@jest/globals';
import { capabilitiesTable, optionsTable, replaceSection, unknownCapabilities } from '../lib/tables.js';

const transport = {
  name: 'own',
  options: {
    leaseMs: { kind: 'duration', default: 60000, doc: 'How long | a lease is.' },
    order: { kind: 'string', oneOf: ['a', 'b'], default: 'a', doc: 'Which.' },
    client: { kind: ['object', 'function'], doc: 'A client.' },
  },
  capabilities: {
    exchangeTypes: ['direct', 'topic'],
    priorities: 0,
    maxBodyBytes: undefined,
    lease: 'message',
    odd: 1,
  },
};

describe('the tables of a README', () => {
  it('have a line for each option, with its unit and default', () => {
    expect(optionsTable(transport).split('\n')).toEqual([
      '| option | value | default | what it does |',
      '| --- | --- | --- | --- |',
      '| `leaseMs` | ms | `60000` | How long \\| a lease is. |',
      "| `order` | `'a'` or `'b'` | `'a'` | Which. |",
      '| `client` | object or function | - | A client. |',
    ]);
  });

  it('say in words what a transport can do, and which capability they have no words for', () => {
    const text = capabilitiesTable(transport);
    expect(text).toContain('| exchange types | direct, topic |');
    expect(text).toContain('| largest body | no limit of its own |');
    expect(text).toContain('| priorities | none |');
    expect(unknownCapabilities(transport)).toEqual(['odd']);
  });

  it('go between their marks and touch nothing else', () => {
    expect(replaceSection('a\n<!-- options -->\nold\n<!-- /options -->\nb', 'options', 'new')).toBe(
      'a\n<!-- options -->\n\nnew\n\n<!-- /options -->\nb',
    );
    expect(replaceSection('a', 'options', 'new')).toBeUndefined();
  });
});
