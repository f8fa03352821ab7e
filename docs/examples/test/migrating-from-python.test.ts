import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import * as core from '@kombu/core';
import * as compat from '@kombu/core/compat';

const names = readFileSync(new URL('./python-names.txt', import.meta.url), 'utf8')
  .trim()
  .split('\n');
const page = readFileSync(new URL('../../migrating-from-python.md', import.meta.url), 'utf8');

const [tables, lists] = page.split('\n## What has no counterpart\n') as [string, string];

/** The rows of the tables: a name of Python, and what is said of it. */
const rows = [...tables.matchAll(/^\| `(kombu[\w.]*)` \| (.*) \|$/gm)].map(([, name, said]) => ({
  name: name as string,
  said: said as string,
}));

/** The names of the lists behind the tables: each line has a module or class and what is in it, each list one reason. */
const unanswered = lists
  .split(/^### /m)
  .slice(1)
  .map((section) => {
    const [heading, reason, list] = section.split('\n\n') as [string, string, string];
    const names = list
      .split(/^- /m)
      .slice(1)
      .flatMap((line) => {
        const [owner, ...members] = [...line.matchAll(/`([\w.]+)`/g)].map(([, name]) => name as string);
        return members.map((member) => `${owner}.${member}`);
      });
    return { heading, reason, names };
  });

/** Every name that the page has, as often as it has it. */
const answered = [...rows.map(({ name }) => name), ...unanswered.flatMap(({ names }) => names)];

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
    expect(names.length).toBeGreaterThan(1850);
    const known = new Set(answered);
    expect(names.filter((name) => !known.has(name))).toEqual([]);
  });

  it('has no name twice, and none that the reference has not', () => {
    const known = new Set(names);
    expect(answered.filter((name) => !known.has(name))).toEqual([]);
    expect(answered.filter((name, i) => answered.indexOf(name) !== i)).toEqual([]);
  });

  it('gives a reason for each list of names without a counterpart', () => {
    expect(unanswered.length).toBeGreaterThan(15);
    for (const { heading, reason, names } of unanswered) {
      expect(reason).toMatch(/^[A-Z`].{10,}\.$/);
      expect(names.filter((name) => !name.startsWith(`${heading}.`))).toEqual([]);
      expect(names).not.toEqual([]);
    }
  });

  it('gives each name a counterpart that exists, or the reason why there is none', () => {
    const problems: string[] = [];
    for (const { name, said } of rows) {
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
