import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { docBlocks, overMemory } from '../lib/doc-blocks.js';

describe('the blocks of a page', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'kombu-docs-'));
  });

  afterEach(() => rm(folder, { recursive: true }));

  async function blocksOf(text: string) {
    const file = path.join(folder, 'page.md');
    await writeFile(file, text);
    return docBlocks(file);
  }

  it('are those fenced as ts, with their line', async () => {
    expect(await blocksOf('a\n```ts\none();\n```\n```js\nno();\n```\n~~~typescript\ntwo();\n\n~~~\n')).toEqual([
      { line: 3, code: 'one();', noRun: undefined },
      { line: 9, code: 'two();\n', noRun: undefined },
    ]);
  });

  it('are taken out of lists and longer fences', async () => {
    const blocks = await blocksOf('- a\n  ```ts\n  if (a) {\n    b();\n  }\n  ```\n````ts\n```\nx\n````\n');
    expect(blocks.map(({ code }: { code: string }) => code)).toEqual(['if (a) {\n  b();\n}', '```\nx']);
  });

  it('say why they are not run, and go on where one before ended', async () => {
    const [first, second] = await blocksOf(
      '```ts\n// @no-run: needs a broker\na();\n```\n```ts continued\nb();\n```\n',
    );
    expect(first).toMatchObject({ noRun: 'needs a broker' });
    expect(second).toEqual({ line: 6, code: '// @no-run: needs a broker\na();\nb();', noRun: 'needs a broker' });
  });

  it('run over memory whatever broker they name', () => {
    const code = `c('redis://localhost:6379/0'); d("amqp://a:b@c//"); e('https://example.org'); f('memory://x')`;
    expect(overMemory(code)).toBe(`c('memory://'); d('memory://'); e('https://example.org'); f('memory://x')`);
  });
});
