import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type Connection, Exchange, Queue } from '@kombu/core';
import { goldenEnvelope } from '@kombu/interop';
import { makeFolder } from './support/folder.js';

jest.setTimeout(30_000);

const folder = await makeFolder();
const media = new Exchange('media', { type: 'direct' });
const video = new Queue('video', { exchange: media, routingKey: 'video' });
const stock = new Queue('stock', { exchange: new Exchange('news', { type: 'topic' }), routingKey: '*.stock.#' });
const fan = new Queue('fan1', { exchange: new Exchange('bcast', { type: 'fanout' }) });

type Files = Record<string, string>;
const cases = (version: string): Record<string, Files> =>
  JSON.parse(readFileSync(new URL(`./golden/filesystem-${version}.json`, import.meta.url), 'utf8')).cases;

/** The messages of a folder, in the order of Python: that of their names as text. */
const messagesIn = (at: string): string[] =>
  readdirSync(at)
    .filter((name) => name.endsWith('.video.msg'))
    .sort();

describe('what is stored is what Python Kombu stores', () => {
  let connection: Connection;
  const [q, p, c] = ['q', 'p', 'c'].map((name) => path.join(folder.path, name)) as [string, string, string];

  beforeEach(async () => {
    const folders = { dataFolderIn: q, dataFolderOut: q, controlFolder: c, processedFolder: p, storeProcessed: true };
    connection = folder.connect({}, folders);
    for (const queue of [video, stock, fan]) await queue.bind(connection).declare();
  });
  afterEach(() => connection.close());
  afterAll(() => folder.remove());

  it('exchanges of 5.5.3, apart from the text of topic patterns', () => {
    for (const [name, text] of Object.entries(cases('5.5.3').declared ?? {})) {
      const withoutPattern = (json: string): unknown =>
        JSON.parse(json).map(([key, , queue]: string[]) => [key, queue]);
      expect(withoutPattern(readFileSync(path.join(c, path.basename(name)), 'utf8'))).toEqual(withoutPattern(text));
    }
  });

  it.each(['5.2.4', '5.5.3'])('messages of %s, and what was processed', async (version) => {
    const golden = Object.entries(cases(version).published ?? {}).filter(([name]) => name.endsWith('.msg'));
    const producer = connection.producer({ exchange: media, routingKey: 'video' });
    await producer.publish({ a: 1 }, { priority: 5 });
    await producer.publish('hi');
    const names = messagesIn(q);
    expect(names.map((name) => goldenEnvelope(readFileSync(path.join(q, name), 'utf8')))).toEqual(
      golden.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, text]) => goldenEnvelope(text)),
    );
    const form = /^\d+_[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\.video\.msg$/;
    for (const name of [...names, ...golden.map(([name]) => path.basename(name))]) expect(name).toMatch(form);
    const message = await video.bind(connection).get();
    expect(messagesIn(q)).toHaveLength(1);
    await message?.ack({ confirm: true });
    expect(messagesIn(p)).toContain(names[0]);
    await video.bind(connection).purge();
  });
});
