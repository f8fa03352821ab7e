import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, it } from '@jest/globals';

const docs = path.resolve(import.meta.dirname, '../..');

/** The code block that follows a marker in the document. */
function block(text: string, marker: string): string {
  const found = new RegExp(
    `<!-- ${marker.replaceAll('.', '\\.')} -->\\n\`\`\`(?:ts|js)\\n([\\s\\S]*?)\`\`\`\\n<!-- end -->`,
  ).exec(text);
  assert.ok(found?.[1] !== undefined, `there is a block for ${marker}`);
  return found[1];
}

describe('docs/writing-a-transport.md shows', () => {
  for (const file of ['examples/src/spool-transport/spool.ts', 'examples/test/spool.test.ts']) {
    it(`${path.basename(file)} as it is`, async () => {
      const text = await readFile(path.join(docs, 'writing-a-transport.md'), 'utf8');
      assert.equal(block(text, path.basename(file)), await readFile(path.join(docs, file), 'utf8'));
    });
  }
});
