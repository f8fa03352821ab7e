import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import * as core from '@kombu/core';
import * as compat from '@kombu/core/compat';

const names = readFileSync(new URL('./python-names.txt', import.meta.url), 'utf8')
  .trim()
  .split('\n');
const page = readFileSync(new URL('../../migrating-from-python.md', import.meta.url), 'utf8');

/** The rows of the page: a name of Python (or the beginning of several), and what is said of it. */
const rows = new Map<string, string>();
for (const [, name, said] of page.matchAll(/^\| `(kombu[\w.*]*)` \| (.*) \|$/gm))
  rows.set(name as string, said as string);
const beginnings = [...rows.keys()].filter((name) => name.endsWith('*')).map((name) => name.slice(0, -1));

/** What is said of a name, or of the names that begin like it. */
function saidOf(name: string): string | undefined {
  const wide = beginnings.filter((beginning) => name.startsWith(beginning)).toSorted((a, b) => b.length - a.length)[0];
  return rows.get(name) ?? (wide === undefined ? undefined : rows.get(`${wide}*`));
}

class Worker extends core.ConsumerMixin {
  readonly connection = connection;
  getConsumers(): [] {
    return [];
  }
}

const connection = new core.Connection('memory://');
const mailbox = new core.Mailbox('page').bind(connection);
const queue = new core.Queue('page');
const exchange = new core.Exchange('page');
/** What the names on the page stand for. */
const objects: Record<string, object> = {
  connection,
  queue,
  exchange,
  boundQueue: queue.bind(connection),
  boundExchange: exchange.bind(connection),
  producer: connection.producer(),
  consumer: connection.consumer({}),
  message: core.Message.prototype,
  simpleQueue: connection.simpleQueue('page'),
  pool: connection.pool(1),
  producers: core.producers,
  worker: new Worker(),
  mailbox,
  node: mailbox.node('page'),
  clock: new core.LamportClock(),
  event: core.timetuple(1, 1, 'page'),
  semaphore: new core.LaxBoundedSemaphore(1),
  bucket: new core.TokenBucket(1),
  publisher: new compat.Publisher(connection),
  carrot: new compat.Consumer(connection),
  consumerSet: new compat.ConsumerSet(connection),
  Queue: core.Queue,
  KombuError: core.KombuError,
};

/** What is wrong with a piece of code on the page: it must begin with something that exists. */
function problemOf(code: string): string | undefined {
  const [, made, root, member] = code.match(/^(?:(new|class \w+ extends) )?([A-Za-z]\w*)(?:\.(\w+))?/) ?? [];
  if (root === undefined) return `'${code}' is no code`;
  if (made === undefined && member !== undefined) {
    const object = objects[root];
    if (object === undefined) return `nobody knows what '${root}' is`;
    return member in object ? undefined : `'${root}' has no '${member}'`;
  }
  return root in core || root in compat ? undefined : `'${root}' is not exported`;
}

describe('the page for those who come from Python', () => {
  it('has every name of the reference', () => {
    expect(names.length).toBeGreaterThan(1700);
    expect(names.filter((name) => saidOf(name) === undefined)).toEqual([]);
  });

  it('has no name that the reference has not', () => {
    const unknown = [...rows.keys()].filter((name) =>
      name.endsWith('*') ? !names.some((one) => one.startsWith(name.slice(0, -1))) : !names.includes(name),
    );
    expect(unknown).toEqual([]);
  });

  it('gives each name a counterpart that exists, or the reason why there is none', () => {
    const problems: string[] = [];
    for (const [name, said] of rows) {
      if (said.startsWith('— ')) {
        if (said.length < 5) problems.push(`${name}: no reason`);
        continue;
      }
      const code = said.match(/^`([^`]+)`/)?.[1];
      const problem = code === undefined ? 'neither code nor a reason' : problemOf(code);
      if (problem !== undefined) problems.push(`${name}: ${problem}`);
    }
    expect(problems).toEqual([]);
  });
});
