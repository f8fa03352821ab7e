import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { freePort, until } from '@kombu/brokers';

const LIBRARY = path.join(import.meta.dirname, '..', 'src', 'index.js');
const EACH = 300;

/** Takes ports in a process of its own, which goes on until its input ends. */
function takeElsewhere() {
  const program = `
import { freePort } from ${JSON.stringify(LIBRARY)};
const ports = [];
for (let i = 0; i < ${EACH}; i++) ports.push(await freePort());
console.log(JSON.stringify(ports));
await new Promise((resolve) => process.stdin.on('end', resolve).resume());
`;
  const done = promisify(execFile)(process.execPath, ['--input-type=module', '-e', program]);
  return { done, end: () => done.child.stdin?.end() };
}

const held = (port: number) => existsSync(path.join(tmpdir(), `kombu-ports-${process.getuid?.() ?? ''}`, String(port)));

describe('a free port', () => {
  it('is promised to one process at a time, before anybody listens on it', async () => {
    const others = [takeElsewhere(), takeElsewhere(), takeElsewhere()];
    const texts = await Promise.all(
      others.map(async ({ done }) => {
        let text = '';
        done.child.stdout?.on('data', (chunk) => {
          text += chunk;
        });
        return await until(() => text.endsWith('\n') && text, { what: 'the ports of another process' });
      }),
    );
    const ports = texts.flatMap((text) => JSON.parse(text) as number[]);
    for (let i = 0; i < EACH; i++) ports.push(await freePort());
    for (const { end } of others) end();
    await Promise.all(others.map(({ done }) => done));

    expect(new Set(ports).size).toBe(4 * EACH);
    expect(ports.every(held)).toBe(true);
  }, 60_000);
});
